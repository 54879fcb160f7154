//! The database under the log: sled 0.34, with the work-arounds that it needs.
//!
//! Owns every call into sled, so that another ordered store could take its place. Only writes: logs are read by a scan of the
//! file's bytes ([`super::salvage`] says why). What it must do beside sled: remove the
//! half-written snapshots that make sled refuse to open, sync the file itself (sled's `flush` does not reach the disk on Linux),
//! keep sled from waiting for the disk, and turn sled's panics into errors.
//!
//! **Not waiting.** sled's `flush` writes and then waits with `sync_file_range` until the disk has it, 45 to 110 ms on a busy one; a
//! process killed meanwhile loses what arrived since. For a database that it calls temporary it only writes. The price: it deletes the
//! folder of such a database when the last handle on its settings is dropped. So one of them is leaked before the database is opened.
//!
//! **Ends.** A database whose every write succeeded is closed ([`Store::close`]): it has nothing left to write, and its file, which sled
//! locks, must be closed before the log can be read or deleted on Windows. One that failed, or whose end nobody asked for, is leaked instead:
//! sled would write what it still has, and panics when that fails. Its memory is the system's again when the process ends.

use std::fs::File;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::LogError;
use crate::base::id::Seq;
use crate::base::io_error::IoError;

/// The file of the database, inside its folder, that holds all data.
pub const DATABASE_FILE: &str = "db";
/// Page cache, bytes: sled uses several times its setting; at 32 MiB all recordings tried stayed below 130 MiB resident.
const CACHE_BYTES: u64 = 32 << 20;

/// An open database.
pub struct Store {
    /// None once it was closed or given up.
    open: Option<ManuallyDrop<Open>>,
    path: PathBuf,
}

/// What an open database holds on to. Dropped by [`Store::close`] alone.
struct Open {
    db: sled::Db,
    /// The folder, by whose path sled opens files later, too.
    _reached: crate::base::files::Reached,
}

/// sled names a snapshot that it is still writing `snap.*.generating` and at the next start takes it for the newest one.
fn remove_half_snapshots(path: &Path) -> Result<(), LogError> {
    let Ok(names) = crate::base::files::list(path) else { return Ok(()) };
    for (name, _) in names {
        let text = name.to_string_lossy();
        if text.starts_with("snap.") && text.ends_with(".generating") {
            let file = path.join(&name);
            crate::base::files::remove_file(&file).map_err(IoError::at("remove", &file))?;
        }
    }
    Ok(())
}

impl Store {
    /// Opens the database, creating it where there is none.
    ///
    /// # Errors
    /// [`LogError::Database`] when sled refuses it or panics over it; its bytes can still be scanned ([`super::salvage`]).
    pub fn open(path: &Path) -> Result<Self, LogError> {
        if crate::base::files::is_free(path) {
            crate::base::files::create_private_dir(path).map_err(IoError::at("create", path))?;
        }
        remove_half_snapshots(path)?;
        let (way, reached) = crate::base::files::reach(path).map_err(IoError::at("open", path))?;
        let config = sled::Config::new()
            .path(way)
            .mode(sled::Mode::HighThroughput)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None)
            .print_profile_on_drop(false)
            .temporary(true);
        // The files are deleted with the last handle on these settings: this one is never dropped, whatever becomes of the others.
        std::mem::forget(config.clone());
        let db = Self::guarded(path, "open", || config.open())?;
        Ok(Self { open: Some(ManuallyDrop::new(Open { db, _reached: reached })), path: path.to_path_buf() })
    }

    fn guarded<T>(path: &Path, action: &'static str, call: impl FnOnce() -> sled::Result<T>) -> Result<T, LogError> {
        let failed = |detail: String, kind| LogError::Database { action, path: path.to_path_buf(), detail, kind };
        match catch_unwind(AssertUnwindSafe(call)) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(sled::Error::Io(error))) => Err(failed(error.to_string(), Some(error.kind()))),
            Ok(Err(error)) => Err(failed(error.to_string(), None)),
            Err(_) => Err(failed("the database panicked".into(), None)),
        }
    }

    fn on_db<T>(&self, action: &'static str, call: impl FnOnce(&sled::Db) -> sled::Result<T>) -> Result<T, LogError> {
        let ended = || sled::Error::Unsupported("the database was closed, or given up after a failure".into());
        Self::guarded(&self.path, action, || call(&self.open.as_ref().ok_or_else(ended)?.db))
    }

    /// Leaves the database as it is on the disk after a failed write or sync: nothing more is written.
    pub fn give_up(&mut self) {
        self.open = None;
    }

    /// Closes the database's files and lets go of their lock. For a database of which everything was flushed: nothing is written then.
    pub fn close(&mut self) {
        let Some(open) = self.open.take().map(ManuallyDrop::into_inner) else { return };
        if catch_unwind(AssertUnwindSafe(|| drop(open))).is_err() {
            tracing::warn!(path = %self.path.display(), "the database panicked when it was closed; all of it had been written");
        }
    }

    /// Puts a chunk under the number of its first record.
    ///
    /// # Errors
    /// [`LogError::Database`]; sled then answers every later call with the same error.
    pub fn insert(&self, first: Seq, chunk: &[u8]) -> Result<(), LogError> {
        self.on_db("write", |db| db.insert(first.to_key(), chunk)).map(drop)
    }

    /// Hands everything inserted to the system: a killed process loses none of it. Does not wait for the disk.
    ///
    /// # Errors
    /// [`LogError::Database`].
    pub fn flush(&self) -> Result<(), LogError> {
        self.on_db("flush", |db| db.flush()).map(drop)
    }

    /// A handle on the database's file with which another thread can sync it.
    ///
    /// # Errors
    /// [`LogError::Io`] when it cannot be opened.
    pub fn sync_handle(&self) -> Result<(File, PathBuf), LogError> {
        let path = self.path.join(DATABASE_FILE);
        let file = crate::base::files::open_to_sync(&path).map_err(IoError::at("open", &path))?;
        Ok((file, path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(path: &Path) -> Store {
        let store = Store::open(path).expect("a new database");
        for n in 0..100u64 {
            store.insert(Seq(n), &n.to_le_bytes().repeat(20)).expect("a write");
        }
        store.flush().expect("a flush");
        store
    }

    #[test]
    fn a_half_written_snapshot_does_not_brick_the_database() {
        let dir = tempfile::tempdir().expect("a folder");
        let (first, path) = (dir.path().join("first"), dir.path().join("events"));
        drop(fill(&first));
        // In another place: the database that was filled is never closed, and holds its lock.
        std::fs::create_dir(&path).expect("a folder");
        for name in ["conf", DATABASE_FILE] {
            std::fs::copy(first.join(name), path.join(name)).expect("a copy");
        }
        std::fs::write(path.join("snap.00000000FFFFFFFF.generating"), b"half").expect("a stale file");
        let store = Store::open(&path).expect("a database with a stale snapshot");
        let keys: Vec<u64> = store
            .open
            .as_ref()
            .expect("a database")
            .db
            .iter()
            .map(|entry| entry.expect("a chunk").0.as_ref().try_into().map(u64::from_be_bytes).expect("a key"))
            .collect();
        assert_eq!(keys, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn however_it_ends_the_files_stay() {
        type End = fn(Store);
        let ends: [(&str, End); 5] = [
            ("dropped", drop),
            ("closed", |mut store| {
                store.close();
                assert!(store.insert(Seq(100), b"late").is_err() && store.flush().is_err(), "it was closed");
            }),
            ("given up", |mut store| {
                store.give_up();
                assert!(store.insert(Seq(100), b"late").is_err() && store.flush().is_err(), "it was given up");
            }),
            ("a panic of this thread", |store| {
                let result = catch_unwind(AssertUnwindSafe(move || {
                    let store = store;
                    store.flush().expect("a flush");
                    panic!("on purpose");
                }));
                assert!(result.is_err());
            }),
            ("a panic of another thread", |store| {
                let thread = std::thread::spawn(move || {
                    let store = store;
                    store.flush().expect("a flush");
                    panic!("on purpose");
                });
                assert!(thread.join().is_err());
            }),
        ];
        for (what, end) in ends {
            let dir = tempfile::tempdir().expect("a folder");
            let path = dir.path().join("events");
            let store = fill(&path);
            let before = std::fs::read(path.join(DATABASE_FILE)).expect("a database");
            end(store);
            assert!(std::fs::read(path.join(DATABASE_FILE)).expect("a database") == before, "{what}");
            let found = memchr::memmem::find_iter(&before, &99u64.to_le_bytes().repeat(20)).count();
            assert!(found >= 1, "{what}: the last value is not in the file");
        }
    }

    #[test]
    fn a_closed_database_holds_no_file_and_can_be_opened_again() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("events");
        let mut store = fill(&path);
        let lock =
            || File::options().read(true).write(true).open(path.join(DATABASE_FILE)).expect("the file").try_lock();
        assert!(lock().is_err(), "sled locks what it has open");
        store.close();
        store.close();
        // A process that another test starts has a copy of the handle until it becomes its program.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while let Err(error) = lock() {
            assert!(std::time::Instant::now() < deadline, "a lock that was let go: {error}");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let mut again = Store::open(&path).expect("a database that was closed");
        again.insert(Seq(100), b"more").expect("a write");
        again.flush().expect("a flush");
        again.close();
        std::fs::remove_dir_all(&path).expect("a folder in which nothing is open");
    }

    #[test]
    fn its_file_can_be_synced_by_a_handle_of_its_own() {
        let dir = tempfile::tempdir().expect("a folder");
        let (file, _) = fill(&dir.path().join("events")).sync_handle().expect("a handle");
        file.sync_all().expect("a sync, which Windows refuses to a handle for reading");
    }

    #[test]
    fn garbage_is_an_error_and_no_panic() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("events");
        std::fs::create_dir(&path).expect("a folder");
        std::fs::write(path.join("conf"), [0x5a; 300]).expect("garbage");
        std::fs::write(path.join("db"), [0x5a; 3000]).expect("garbage");
        assert!(matches!(Store::open(&path), Err(LogError::Database { .. })), "sled accepted garbage");
        assert_eq!(
            std::fs::read(path.join("db")).expect("the file"),
            [0x5a; 3000],
            "what cannot be opened is left as it is"
        );
    }
}
