//! The sessions that a catalog names, or what somebody chose of one: any Parquet file that has its column `path`.
//!
//! Does not look at the sessions. Paths are taken only when they lead to somewhere below the folder of the file.

use std::path::{Component, Path, PathBuf};

use crate::base::arrow::array::AsArray as _;

use super::columns::{COLUMNS, Col, MAX_BYTES, MAX_SESSIONS};
use crate::inspect::catalog::run::CatalogError;
use crate::session::table::read::{each_batch, open_footer};

/// Returns the folders of the sessions that a catalog names, in its order; paths in it are relative to its own folder.
///
/// # Errors
/// [`CatalogError::Chosen`] when it cannot be read, has no such column, or names something outside of its folder.
pub fn sessions(catalog: &Path) -> Result<Vec<PathBuf>, CatalogError> {
    let failed = |why: String| CatalogError::Chosen { path: catalog.to_path_buf(), why };
    let (file, footer) = open_footer(catalog).map_err(|error| failed(error.to_string()))?;
    if file.size() > MAX_BYTES {
        return Err(failed(format!("it is larger than {MAX_BYTES} bytes")));
    }
    let name = COLUMNS[Col::Path as usize].0;
    let leaves = footer.parquet_schema().columns();
    let leaf = leaves.iter().position(|leaf| leaf.path().parts() == [name]);
    let leaf = leaf.ok_or_else(|| failed(format!("it has no column {name}")))?;
    let mut paths: Vec<String> = Vec::new();
    each_batch(&file, &footer, leaf..leaf + 1, &mut |batch| {
        let texts = batch.columns().first().and_then(|column| column.as_string_opt::<i32>());
        for text in texts.ok_or_else(|| format!("its column {name} is no text"))? {
            if paths.len() >= MAX_SESSIONS {
                return Err(format!("it names more than {MAX_SESSIONS} sessions"));
            }
            paths.push(text.ok_or_else(|| format!("a {name} in it is null"))?.to_owned());
        }
        Ok(())
    })
    .map_err(failed)?;
    let dir = catalog.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let inside = |path: &String| {
        let parts: Option<Vec<_>> = Path::new(path)
            .components()
            .map(|part| if let Component::Normal(part) = part { Some(part) } else { None })
            .collect();
        parts
            .filter(|parts| !parts.is_empty())
            .map(|parts| parts.iter().fold(dir.to_path_buf(), |path, part| path.join(part)))
            .ok_or_else(|| failed(format!("{path:?} in it does not lie below its folder")))
    };
    paths.iter().map(inside).collect()
}

#[cfg(test)]
mod tests {
    use super::super::columns::{Entry, write};
    use super::*;

    fn catalog(dir: &Path, paths: &[&str]) -> PathBuf {
        let entries: Vec<Entry> = paths
            .iter()
            .map(|path| {
                let mut entry = Entry::default();
                entry.set(Col::Path, *path);
                entry.set(Col::State, "sealed");
                entry
            })
            .collect();
        let path = dir.join("chosen.parquet");
        write(std::fs::File::create(&path).expect("a file"), &entries).expect("a catalog");
        path
    }

    #[test]
    fn paths_are_those_below_the_folder_of_the_file() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = catalog(dir.path(), &["b/s1", "a"]);
        assert_eq!(sessions(&file).expect("paths"), [dir.path().join("b/s1"), dir.path().join("a")]);
        for bad in ["../s", "/etc", "a/../../b", ""] {
            let why = sessions(&catalog(dir.path(), &["a", bad])).expect_err(bad).to_string();
            assert!(why.contains("does not lie below"), "{why}");
        }
    }

    #[test]
    fn what_is_no_table_with_paths_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("c.parquet");
        assert!(sessions(&file).is_err());
        std::fs::write(&file, "PAR1 and no table PAR1").expect("a file");
        assert!(sessions(&file).expect_err("no table").hint().is_some());
    }
}
