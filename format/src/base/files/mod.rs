//! Files that hold keystrokes: made private from their first byte, in folders in which names can be relied on.
//!
//! Everything that is written, renamed or removed goes through here, and a test holds that. The rules: what is made is new (what had its
//! temporary name is removed, never emptied); a verb pins the folders that it works in ([`pin`]), and everything below is then reached by
//! handles and follows nothing; names are changed only in folders in which nobody else can ([`trust`]).
//!
//! The modes are set on the open file or folder, so they hold whatever the umask is. On Windows what is made gets a list of rights with its owner alone
//! on it.

#![expect(clippy::disallowed_methods, reason = "this is where files are made, changed and removed")]

pub mod blocks;
mod contents;
mod folder;
mod holding;
pub mod holes;
mod keeping;
mod look;
mod making;
mod modes;
mod moving;
pub mod names;
pub mod opened;
mod pins;
mod reading;
mod removing;
#[cfg(any(windows, test))]
mod sddl;
mod syncing;
pub mod trust;
#[cfg(windows)]
mod windows;

pub use self::holding::{hold_dir, is_held, is_kept_written, is_locked_elsewhere, keep_written};
pub use self::keeping::keeps_modes;
pub use self::look::{Identity, Kind, Look, is_open_to_others};
pub use self::making::{
    create_new_file, create_private_dir, create_private_dirs, create_private_file, make_pinned_dir, open_own,
    open_to_append, own, write_new,
};
#[cfg(target_os = "linux")]
pub use self::modes::looked_at;
#[cfg(unix)]
pub use self::modes::restrict_socket;
pub use self::modes::{DIR_MODE, FILE_MODE, max_file_bytes, no_core_dumps, private_umask, restrict};
pub use self::moving::{exchange, link, publish, rename_dir};
pub use self::pins::{Pin, pin, pin_to_read};
pub use self::reading::{
    LOCKS_KEEP_READERS_OUT, Reached, is_free, is_there, list, look, open_regular, path_of_bytes, reach, read_at_most,
    read_own_text, read_text_at_most,
};
pub use self::removing::{
    remove_empty_dir, remove_empty_dirs, remove_file, remove_tree, remove_tree_last, remove_what_can_be, restrict_tree,
};
pub use self::syncing::{open_to_sync, sync_dir, sync_file};
#[cfg(windows)]
pub use self::windows::OwnerOnly;
