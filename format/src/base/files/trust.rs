//! Whether a folder is one in which names can be relied on: nobody but its owner, who is this user or root, can put something else in
//! their place.
//!
//! Whoever owns a folder, or may write to it, can rename and exchange what is in it, unless it has the sticky bit, as `/tmp` has. In such
//! a folder nothing is written, replaced or deleted, unless the person says that those others are meant to be there
//! ([`allow_shared_folders`]). The check is made of the open folder, so that it cannot be another one afterwards.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::folder::Folder;

/// What allows folders of others, on the command line.
pub const ALLOW_FLAG: &str = "--allow-shared-folder";

/// Whether folders that others can change are used all the same.
static ALLOWED: AtomicBool = AtomicBool::new(false);

/// Has this process use folders that others can change. Called once, before anything is written.
pub fn allow_shared_folders() {
    ALLOWED.store(true, Ordering::Relaxed);
}

/// Whether such folders are used.
pub fn is_allowed() -> bool {
    ALLOWED.load(Ordering::Relaxed)
}

/// Why names in a folder cannot be relied on.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Doubt {
    /// It is somebody else's.
    #[error("it belongs to {owner}, who can exchange what is in it")]
    Foreign {
        /// Who, for people.
        owner: String,
    },
    /// Everybody may write to it.
    #[error("everybody can write to it, and exchange what is in it")]
    Everybody,
    /// A group of several people may write to it.
    #[error("the group {group} can write to it, and exchange what is in it")]
    Group {
        /// Which, for people.
        group: String,
    },
    /// Somebody may whom its access control list names.
    #[error("its access control list lets {who} write to it, and exchange what is in it")]
    Listed {
        /// Who, for people.
        who: String,
    },
}

impl Doubt {
    /// What the person can do about it.
    pub fn hint(&self) -> String {
        let own = match self {
            Self::Foreign { .. } => "work in a folder of your own",
            Self::Everybody => "take that right away (chmod o-w, or chmod +t as /tmp has it)",
            Self::Group { .. } => "take that right away (chmod g-w, or chmod +t as /tmp has it)",
            Self::Listed { .. } => "take that right away (setfacl -x)",
        };
        format!("{own}; where you trust them, allow it with {ALLOW_FLAG}")
    }
}

/// What speaks against writing to a folder, or to one that is going to be made there; nothing when it can be relied on, or cannot be
/// looked at.
pub fn doubt(path: &Path) -> Option<Doubt> {
    let there = path.ancestors().find_map(|part| {
        let part = if part.as_os_str().is_empty() { Path::new(".") } else { part };
        Folder::open(part).ok()
    })?;
    judge(&there).ok().flatten()
}

/// What speaks against running a program by itself, in words: somebody else can write to it, or exchange it or a folder above it; nothing when it can
/// be relied on.
pub fn doubt_of_program(path: &Path) -> Option<String> {
    match File::open(path).and_then(|file| judge_file(&file)) {
        Ok(None) => {}
        Ok(Some(doubt)) => return Some(doubt.to_string()),
        Err(error) => return Some(error.to_string()),
    }
    path.ancestors().skip(1).find_map(|above| Some(format!("{}: {}", above.display(), doubt(above)?)))
}

/// Refuses a folder in which names cannot be relied on, unless such are allowed.
///
/// # Errors
/// The doubt, with what allows it; and when the system does not tell.
pub(super) fn check(folder: &Folder, path: &Path) -> io::Result<()> {
    if is_allowed() {
        return Ok(());
    }
    match judge(folder)? {
        None => Ok(()),
        Some(doubt) => Err(io::Error::other(Refused { path: path.to_path_buf(), doubt })),
    }
}

/// Refuses an open file that somebody else owns, or may write to, and one whose folder can be exchanged, unless such are allowed: for files that
/// say what is recorded and what is kept out.
///
/// # Errors
/// As [`check`].
pub(super) fn check_file(file: &File, path: &Path) -> io::Result<()> {
    if is_allowed() {
        return Ok(());
    }
    if let Some(doubt) = judge_file(file)? {
        return Err(io::Error::other(format!("{doubt} ({ALLOW_FLAG} allows it)")));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    check(&Folder::open(folder)?, folder)
}

/// A folder that is not used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the folder {} is not used: {doubt} ({ALLOW_FLAG} allows it)", path.display())]
struct Refused {
    path: PathBuf,
    doubt: Doubt,
}

#[cfg(unix)]
use unix::{judge, judge_file};

/// Folders have no owner that is looked at here.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "where folders have owners, the question can fail")]
fn judge(_: &Folder) -> io::Result<Option<Doubt>> {
    Ok(None)
}

/// Nor have files.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "where files have owners, the question can fail")]
fn judge_file(_: &File) -> io::Result<Option<Doubt>> {
    Ok(None)
}

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    use rustix::fs::{Stat, fgetxattr, fstat};

    use crate::base::files::contents::{read_open, text};
    use crate::base::files::folder::Folder;
    use crate::base::files::trust::Doubt;

    /// The user that may do everything anyhow.
    const ROOT: u32 = 0;
    /// Whoever has no number on this system: users of other machines and from outside of a container.
    const OVERFLOW: u32 = 65_534;
    /// The largest list of accounts or groups that is read, bytes.
    const MAX_ACCOUNTS: u64 = 8 << 20;
    /// The largest access control list that is read, bytes: more than any file system keeps.
    const MAX_LIST: usize = 64 << 10;

    /// Reads a file of the system (below `/proc` or `/etc`): nobody but root puts anything else there.
    fn system_text(path: &Path, most: u64) -> io::Result<String> {
        text(read_open(File::open(path)?, most)?)
    }

    /// What speaks against a folder; nothing when it can be relied on.
    ///
    /// # Errors
    /// When the system does not tell.
    pub(in crate::base::files) fn judge(folder: &Folder) -> io::Result<Option<Doubt>> {
        let stat = folder.stat()?;
        if crate::base::files::look::mode_of(&stat) & 0o1000 != 0 && is_own(&stat) {
            return Ok(None);
        }
        judge_handle(&stat, || folder.reopen())
    }

    /// What speaks against an open file; nothing when only its owner can write to it.
    ///
    /// # Errors
    /// When the system does not tell.
    pub(in crate::base::files) fn judge_file(file: &File) -> io::Result<Option<Doubt>> {
        judge_handle(&fstat(file)?, || file.try_clone())
    }

    fn is_own(stat: &Stat) -> bool {
        stat.st_uid == rustix::process::geteuid().as_raw() || stat.st_uid == ROOT
    }

    fn judge_handle(stat: &Stat, open: impl FnOnce() -> io::Result<File>) -> io::Result<Option<Doubt>> {
        let mode = crate::base::files::look::mode_of(stat);
        let me = rustix::process::geteuid().as_raw();
        if !is_own(stat) {
            return Ok(Some(Doubt::Foreign { owner: named(stat.st_uid, "user", "/etc/passwd") }));
        }
        if mode & 0o022 == 0 {
            return Ok(None);
        }
        // The bits say what the one who mounted the disk decided for all of it, and nobody can take a right away from one folder of it.
        // `record` says that such a disk keeps nobody out.
        if mount_decides(stat.st_dev) {
            return Ok(None);
        }
        if mode & 0o002 != 0 {
            return Ok(Some(Doubt::Everybody));
        }
        // With a list the group's bits are the most that anybody in the list can do.
        let entries = list_of(&open()?);
        let Some(entries) = entries else { return Ok(group_doubt(stat.st_gid, me)) };
        Ok(entries.into_iter().find_map(|entry| match entry {
            Entry::User(user) if user != me && user != ROOT => {
                Some(Doubt::Listed { who: named(user, "user", "/etc/passwd") })
            }
            Entry::User(_) => None,
            Entry::OwningGroup => group_doubt(stat.st_gid, me),
            Entry::Group(group) => {
                group_doubt(group, me).map(|_| Doubt::Listed { who: named(group, "group", "/etc/group") })
            }
        }))
    }

    /// Largest list of mounts that is read, bytes.
    #[cfg(target_os = "linux")]
    const MAX_MOUNTS: u64 = 8 << 20;
    /// File systems that keep no permission bits: of all their folders the mount says who may write.
    #[cfg(any(target_os = "linux", test))]
    const WITHOUT_BITS: [&str; 9] = ["cifs", "exfat", "fuseblk", "msdos", "ntfs", "ntfs3", "smb3", "vboxsf", "vfat"];

    /// Whether a disk keeps no permission bits. False where that is not known.
    #[cfg(target_os = "linux")]
    fn mount_decides(device: u64) -> bool {
        let mounts = system_text(Path::new("/proc/self/mountinfo"), MAX_MOUNTS).unwrap_or_default();
        is_without_bits(&mounts, (rustix::fs::major(device), rustix::fs::minor(device)))
    }

    #[cfg(not(target_os = "linux"))]
    fn mount_decides<T>(_: T) -> bool {
        false
    }

    /// Whether the disk with this number is of a file system without bits, by the text of `/proc/self/mountinfo`.
    #[cfg(any(target_os = "linux", test))]
    fn is_without_bits(mounts: &str, (major, minor): (u32, u32)) -> bool {
        let number = format!("{major}:{minor}");
        mounts.lines().any(|line| {
            let is_it = line.split(' ').nth(2) == Some(number.as_str());
            let kind = line.split_once(" - ").and_then(|(_, behind)| behind.split(' ').next());
            is_it && kind.is_some_and(|kind| WITHOUT_BITS.contains(&kind))
        })
    }

    fn group_doubt(group: u32, me: u32) -> Option<Doubt> {
        let read = |path| system_text(Path::new(path), MAX_ACCOUNTS).unwrap_or_default();
        let primary = rustix::process::getegid().as_raw();
        (!is_private_group(group, me, primary, &read("/etc/passwd"), &read("/etc/group")))
            .then(|| Doubt::Group { group: named(group, "group", "/etc/group") })
    }

    /// Whether only this user is in a group: the one that Debian and others make for each user, with umask 002 beside it.
    fn is_private_group(group: u32, me: u32, primary: u32, accounts: &str, groups: &str) -> bool {
        let number = |field: Option<&str>| field.and_then(|field| field.parse::<u32>().ok());
        let mut own_name = None;
        let mut is_primary = primary == group;
        for line in accounts.lines() {
            let mut fields = line.split(':');
            let (name, user, theirs) = (fields.next(), number(fields.nth(1)), number(fields.next()));
            if user == Some(me) {
                own_name = name;
                is_primary |= theirs == Some(group);
            } else if theirs == Some(group) && user != Some(ROOT) {
                return false;
            }
        }
        let found = groups.lines().find_map(|line| {
            let mut fields = line.split(':');
            let (name, is) = (fields.next()?, number(fields.nth(1)));
            (is == Some(group)).then(|| (name, fields.next().unwrap_or_default()))
        });
        match found {
            // A directory service has it: by custom a user's own group has the user's number.
            None => is_primary && group == me,
            Some((_, members)) => {
                let others = members.split(',').filter(|member| !member.is_empty() && *member != "root");
                is_primary && others.into_iter().all(|member| own_name == Some(member))
            }
        }
    }

    /// A number with the name that a list has for it.
    fn named(number: u32, what: &str, list: &str) -> String {
        let text = system_text(Path::new(list), MAX_ACCOUNTS).unwrap_or_default();
        let name = text.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)?.parse() == Ok(number)).then(|| name.to_owned())
        });
        match name {
            _ if number == OVERFLOW => {
                format!("a {what} that is not known here ({number}, as in containers and on network disks)")
            }
            Some(name) => format!("{what} {name} ({number})"),
            None => format!("{what} {number}"),
        }
    }

    /// An entry of an access control list that lets somebody write.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    enum Entry {
        User(u32),
        OwningGroup,
        Group(u32),
    }

    fn list_of(file: &File) -> Option<Vec<Entry>> {
        let mut bytes = vec![0; MAX_LIST];
        match fgetxattr(file, "system.posix_acl_access", bytes.as_mut_slice()) {
            Ok(len) => Some(writers(bytes.get(..len).unwrap_or_default())),
            // None there, or a file system (or a system) without such lists.
            Err(_) => None,
        }
    }

    /// Those who may write by a list as the kernel keeps it: a version, and entries of tag, permissions and number, 8 bytes each.
    fn writers(list: &[u8]) -> Vec<Entry> {
        let Some((_, rest)) = list.split_at_checked(4) else { return Vec::new() };
        let (entries, _) = rest.as_chunks::<8>();
        let writes = entries.iter().filter(|entry| entry[2] & 2 != 0);
        writes
            .filter_map(|entry| {
                let number = u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]]);
                match u16::from_le_bytes([entry[0], entry[1]]) {
                    0x02 => Some(Entry::User(number)),
                    0x04 => Some(Entry::OwningGroup),
                    0x08 => Some(Entry::Group(number)),
                    _ => None,
                }
            })
            .collect()
    }

    #[cfg(test)]
    mod tests {
        use std::fs::Permissions;
        use std::os::unix::fs::PermissionsExt as _;

        use super::*;

        #[test]
        fn a_folder_of_which_others_can_change_the_names_is_doubted() {
            let dir = tempfile::tempdir().expect("a folder");
            for (mode, doubted) in
                [(0o700, false), (0o755, false), (0o777, true), (0o1777, false), (0o702, true), (0o1720, false)]
            {
                std::fs::set_permissions(dir.path(), Permissions::from_mode(mode)).expect("a mode");
                let folder = Folder::open(dir.path()).expect("a folder");
                let doubt = judge(&folder).expect("a judgement");
                assert_eq!(doubt.is_some(), doubted, "{mode:o}: {doubt:?}");
                assert!(doubt.is_none_or(|doubt| doubt.hint().contains(super::super::ALLOW_FLAG)));
            }
        }

        #[test]
        fn a_disk_without_permission_bits_is_known_by_its_mount() {
            let mounts = "22 1 254:0 / / rw - ext4 /dev/vda rw\n90 22 7:0 / /mnt/a\\040b rw,noatime shared:1 - fuseblk /dev/loop0 rw\n\
                          91 22 0:50 / /mnt/s rw - fuse.sshfs host: rw\n92 22 8:1 / /mnt/c rw - vfat /dev/sda1 rw";
            let of = |device| is_without_bits(mounts, device);
            assert!(of((7, 0)) && of((8, 1)) && !of((254, 0)) && !of((0, 50)) && !of((9, 9)));
            assert!(WITHOUT_BITS.is_sorted());
        }

        #[test]
        fn a_group_is_private_when_only_its_user_is_in_it() {
            let accounts =
                "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/:\nbob:x:1001:1001::/:\ncarol:x:1002:100::/:\n";
            let groups =
                "root:x:0:\nalice:x:1000:\nbob:x:1001:alice\nusers:x:100:\nlab:x:50:alice,bob\nown:x:60:alice\n";
            let private = |group, me, primary| is_private_group(group, me, primary, accounts, groups);
            assert!(private(1000, 1000, 1000), "her own group");
            assert!(private(1000, 1000, 50), "her own group, after newgrp");
            assert!(!private(1001, 1001, 1001), "somebody else was put into it");
            let two = format!("{accounts}dave:x:1003:100::/:\n");
            assert!(!is_private_group(100, 1002, 100, &two, groups), "it is the first group of two");
            assert!(!private(50, 1000, 50), "it has two members");
            assert!(!private(1001, 1000, 1000), "it is another's");
            assert!(private(0, 0, 0));
            assert!(private(7000, 7000, 7000), "of a directory service, by custom");
            assert!(!private(7001, 7000, 7001), "of a directory service, and of whoever");
        }

        #[test]
        fn an_access_control_list_says_who_may_write() {
            let entry = |tag: u16, rights: u16, number: u32| {
                [&tag.to_le_bytes()[..], &rights.to_le_bytes(), &number.to_le_bytes()].concat()
            };
            let list = [
                2_u32.to_le_bytes().to_vec(),
                entry(1, 7, u32::MAX),
                entry(2, 5, 1001),
                entry(2, 7, 1002),
                entry(4, 2, u32::MAX),
                entry(8, 2, 50),
                entry(16, 7, u32::MAX),
                entry(32, 0, u32::MAX),
            ]
            .concat();
            assert_eq!(writers(&list), [Entry::User(1002), Entry::OwningGroup, Entry::Group(50)]);
            assert_eq!(writers(&list[..3]), []);
            assert_eq!(writers(&[0xff; 21]).len(), 0);
        }
    }
}
