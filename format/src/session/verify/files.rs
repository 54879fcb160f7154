//! The files of a session against its seal.

use std::collections::BTreeMap;
use std::path::Path;

use super::options::VerifyOptions;
use super::report::{Kind, Report};
use crate::base::files;
use crate::base::progress::Step;
use crate::session::layout;
use crate::session::seal::{self, FileHash};

pub(super) fn check_files(dir: &Path, options: VerifyOptions, report: &mut Report, progress: &mut dyn FnMut(Step)) {
    if layout::log_dir(dir).is_dir() {
        report.notes.push("the log is still there; it is not part of the sealed session".to_owned());
    }
    let listing = match seal::list_files(dir) {
        Ok(listing) => listing,
        Err(error) => return report.add(Kind::Seal, layout::INTEGRITY_FILE, None, None, || error.to_string()),
    };
    for path in &listing.foreign {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        report.add(Kind::ForeignFile, &name, None, None, || "it is no regular file with a plain name".to_owned());
    }
    for name in &listing.empty {
        report.add(Kind::ExtraFile, name, None, None, || "it is a folder with nothing in it".to_owned());
    }
    let mut private = listing.files.clone();
    let beside = [layout::REVIEW_FILE, layout::ANNOTATIONS_FILE].into_iter().filter(|name| dir.join(name).is_file());
    private.extend(beside.map(str::to_owned));
    note_rights(dir, &private, report);
    note_hard_links(dir, &listing.files, report);
    if !report.sealed {
        return;
    }
    let entries = match seal::read_integrity(dir) {
        Ok(entries) => entries,
        Err(error) => return report.add(Kind::Seal, layout::INTEGRITY_FILE, None, None, || error.to_string()),
    };
    for name in &listing.files {
        if entries.binary_search_by(|entry| entry.name.as_str().cmp(name)).is_err() {
            report.add(Kind::ExtraFile, name, None, None, || "it is not in the seal".to_owned());
        }
    }
    let size = |name: &str| std::fs::symlink_metadata(dir.join(name)).map_or(0, |metadata| metadata.len());
    let total = if options.hash_files { entries.iter().map(|entry| size(&entry.name)).sum() } else { 0 };
    let mut done = 0;
    let mut hashes: Vec<(&str, FileHash)> = Vec::new();
    for entry in &entries {
        // What is in the listing is a regular file that is reached through no link.
        if listing.files.binary_search(&entry.name).is_err() {
            report.add(Kind::MissingFile, &entry.name, None, None, || "it is in the seal and not there".to_owned());
        } else if options.hash_files {
            let hashed = seal::hash_file(&dir.join(&entry.name), &mut |bytes| {
                done += bytes;
                progress(Step { what: "files", done, of: total });
            });
            report.files_hashed += 1;
            match hashed {
                Ok(hash) if hash == entry.hash => {}
                Ok(hash) => hashes.push((&entry.name, hash)),
                Err(error) => report.add(Kind::ChangedFile, &entry.name, None, None, || error.to_string()),
            }
        }
    }
    let sealed: BTreeMap<[u8; 32], &str> = entries.iter().map(|entry| (entry.hash.0, entry.name.as_str())).collect();
    for (name, hash) in hashes {
        match sealed.get(&hash.0) {
            Some(other) => {
                report.add(Kind::SwappedFile, name, None, None, || format!("it holds the bytes of {other}"));
            }
            None => report.add(Kind::ChangedFile, name, None, None, || "its SHA-256 is not the sealed one".to_owned()),
        }
    }
}

fn note_rights(dir: &Path, files: &[String], report: &mut Report) {
    // What the system does not say is no note: it is asked of every sealed file, some of which may be missing, which is told above.
    let open = |path: &Path| files::is_open_to_others(path).ok() == Some(true);
    let mut others = files.iter().filter(|name| open(&dir.join(name)));
    match files::is_open_to_others(dir) {
        Ok(true) => return report.notes.push("the directory is open to other users of this machine".to_owned()),
        Err(error) => report.notes.push(format!("whether the directory is open to other users is not known: {error}")),
        Ok(false) => {}
    }
    if let Some(name) = others.next() {
        let more = others.count();
        report.notes.push(format!("{name} and {more} more files are open to other users of this machine"));
    }
}

/// A hard link is no fault, since backups are made of them; but who has the other name can change the file behind the seal's back.
fn note_hard_links(dir: &Path, files: &[String], report: &mut Report) {
    let linked = |name: &&String| files::look(&dir.join(name)).is_ok_and(|found| found.links > 1);
    let mut linked = files.iter().filter(linked);
    if let Some(name) = linked.next() {
        let more = match linked.count() {
            0 => String::new(),
            more => format!(" and {more} more files"),
        };
        report
            .notes
            .push(format!("{name}{more} have another name somewhere (hard link): it can be changed through that one"));
    }
}
