//! The names of a process, as `/proc` has them.
//!
//! Only `comm` and `exe` are read: neither waits for the process (its command line would, while the process is in a page fault).

/// The longest name of a program that is kept, bytes: a file name's.
const MAX_NAME: usize = 255;

/// The name of a process (15 bytes of it) and that of its file. The file of a program with more rights than its user's cannot be read.
pub(super) fn names_of(pid: u32) -> Vec<String> {
    let folder = std::path::PathBuf::from(format!("/proc/{pid}"));
    let comm = std::fs::read(folder.join("comm")).ok().map(|name| String::from_utf8_lossy(&name).trim_end().to_owned());
    let exe = std::fs::read_link(folder.join("exe")).ok();
    let file = exe.as_deref().and_then(std::path::Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let file = file.map(|name| name.trim_end_matches(" (deleted)").to_owned());
    let mut names: Vec<String> = comm.into_iter().chain(file).filter(|name| !name.is_empty()).collect();
    for name in &mut names {
        name.truncate(name.floor_char_boundary(MAX_NAME));
    }
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_the_name_of_its_file() {
        let names = names_of(std::process::id());
        let file = std::env::current_exe().expect("a file");
        let file = file.file_name().expect("a name").to_string_lossy();
        assert!(names.iter().any(|name| *name == file), "{names:?}");
        assert_eq!(names_of(u32::MAX), Vec::<String>::new());
    }
}
