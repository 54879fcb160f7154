//! The folder of the devices: which there are, and which come.

use std::collections::BTreeMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::inotify;

use crate::wire::{MAX_DEVICES, MAX_NUMBER};

/// How long a device that has come is tried, nanoseconds: its node is there before its permission is.
const TRIED_FOR_NS: i64 = 2_000_000_000;

/// Follows the folder.
pub struct Follow {
    path: PathBuf,
    news: Option<OwnedFd>,
    /// Those that came and could not be opened yet, and until when they are tried.
    coming: BTreeMap<u32, i64>,
}

/// What became of those that came.
pub struct Arrived<T> {
    /// Those that were opened.
    pub opened: Vec<(u32, T)>,
    /// Those that are given up, and why.
    pub given_up: Vec<(u32, io::Error)>,
}

/// Returns the number of a device by the name of its node.
pub fn number(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("event")?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    digits.parse().ok().filter(|number| is_number && *number <= MAX_NUMBER)
}

/// Returns the name of the node of a device.
pub fn name(number: u32) -> String {
    format!("event{number}")
}

impl Follow {
    /// Begins to follow a folder; with why those that come are not noticed, when they are not.
    pub fn open(path: &Path) -> (Self, Option<io::Error>) {
        let news = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK).and_then(|news| {
            // The node is made first, and may be read later.
            inotify::add_watch(&news, path, inotify::WatchFlags::CREATE | inotify::WatchFlags::ATTRIB)?;
            Ok(news)
        });
        let (news, fault) = match news {
            Ok(news) => (Some(news), None),
            Err(error) => (None, Some(error.into())),
        };
        (Self { path: path.to_path_buf(), news, coming: BTreeMap::new() }, fault)
    }

    /// Returns the numbers of those that are there, each once and in order, no more of them than there can be.
    pub fn numbers(&self) -> Vec<u32> {
        let entries = std::fs::read_dir(&self.path).into_iter().flatten().flatten();
        let mut found: Vec<u32> = entries.filter_map(|entry| number(entry.file_name().to_str()?)).collect();
        found.sort_unstable();
        found
    }

    /// Returns the path of a device.
    pub fn path_of(&self, number: u32) -> PathBuf {
        self.path.join(name(number))
    }

    /// Takes in which came, and opens those that can be opened by now, for which there is room.
    pub fn arrivals<T>(
        &mut self,
        now_ns: i64,
        room: usize,
        is_open: impl Fn(u32) -> bool,
        mut try_open: impl FnMut(u32) -> io::Result<Option<T>>,
    ) -> Arrived<T> {
        self.read_news(now_ns, is_open);
        let mut arrived = Arrived { opened: Vec::new(), given_up: Vec::new() };
        for (number, until) in std::mem::take(&mut self.coming) {
            if arrived.opened.len() >= room {
                break;
            }
            match try_open(number) {
                Ok(device) => arrived.opened.extend(device.map(|device| (number, device))),
                Err(_) if now_ns < until => drop(self.coming.insert(number, until)),
                Err(error) => arrived.given_up.push((number, error)),
            }
        }
        arrived
    }

    fn read_news(&mut self, now_ns: i64, is_open: impl Fn(u32) -> bool) {
        let Some(news) = &self.news else { return };
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(news, &mut buffer);
        while let Ok(event) = reader.next() {
            let Some(number) = event.file_name().and_then(|name| number(name.to_str().ok()?)) else { continue };
            if !is_open(number) && self.coming.len() < MAX_DEVICES {
                self.coming.entry(number).or_insert(now_ns.saturating_add(TRIED_FOR_NS));
            }
        }
    }

    /// Forgets those that came: they are found by [`Self::numbers`].
    pub fn forget(&mut self) {
        self.read_news(0, |_| false);
        self.coming.clear();
    }

    /// Becomes readable when one comes.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.news.as_ref().map(|news| news.as_fd())
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests put files where they want them")]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_one_name() {
        for (name, found) in [
            ("event0", Some(0)),
            ("event17", Some(17)),
            ("event4095", Some(4095)),
            ("event4096", None),
            ("event", None),
            ("event01", None),
            ("event+1", None),
            ("event-1", None),
            ("event1/../../etc/shadow", None),
            ("event99999999999999999999", None),
            ("mouse0", None),
            ("by-path", None),
        ] {
            assert_eq!(number(name), found, "{name}");
        }
        assert_eq!(number(&name(12)), Some(12));
    }

    #[test]
    fn those_that_come_are_tried_for_a_while_and_given_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let plug = |name: &str| std::fs::write(folder.path().join(name), "").expect("a file");
        plug("event10");
        plug("event2");
        plug("other");
        let (mut follow, fault) = Follow::open(folder.path());
        assert!(fault.is_none());
        assert_eq!(follow.numbers(), [2, 10]);
        plug("event3");
        plug("event4");
        plug("event5");
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        let told = follow.arrivals(
            0,
            64,
            |number| number == 5,
            |number| if number == 3 { Ok(Some(())) } else { Err(denied()) },
        );
        assert_eq!((told.opened, told.given_up.len()), (vec![(3, ())], 0));
        let told = follow.arrivals(TRIED_FOR_NS - 1, 64, |_| false, |_| Err::<Option<()>, _>(denied()));
        assert!(told.opened.is_empty() && told.given_up.is_empty());
        let told = follow.arrivals(TRIED_FOR_NS, 64, |_| false, |_| Err::<Option<()>, _>(denied()));
        assert_eq!(told.given_up.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [4]);
        let told =
            follow.arrivals(TRIED_FOR_NS, 64, |_| false, |_| -> io::Result<Option<()>> { panic!("nothing is left") });
        assert!(told.opened.is_empty());
        // No more than there is room for, and no more than there can be.
        (100..300).for_each(|number| plug(&name(number)));
        let told = follow.arrivals(0, 8, |_| false, |_| Ok(Some(())));
        assert_eq!(told.opened.len(), 8);
        plug("event400");
        follow.forget();
        assert!(follow.arrivals(0, 8, |_| false, |_| Ok(Some(()))).opened.is_empty());
    }
}
