//! Rights to files on Windows, where they are lists of who may do what: what is made is its owner's alone from its first byte.
//!
//! The calls of the system are here, behind functions that are safe to call. A folder hands its rights down to what others make in it (the
//! database of a log), a file has them of its own.

#![expect(unsafe_code, reason = "the system's calls take pointers, and what they give has to be given back")]

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::windows::ffi::OsStrExt as _;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _};
use std::path::Path;
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::{
    CloseHandle, ERROR_INVALID_FUNCTION, ERROR_NOT_SUPPORTED, ERROR_SUCCESS, GENERIC_READ, GENERIC_WRITE,
    INVALID_HANDLE_VALUE, LocalFree,
};
use windows_sys::Win32::Security::Authorization::{
    ConvertSecurityDescriptorToStringSecurityDescriptorW, ConvertSidToStringSidW,
    ConvertStringSecurityDescriptorToSecurityDescriptorW, GetNamedSecurityInfoW, SDDL_REVISION_1, SE_FILE_OBJECT,
};
use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, GetTokenInformation, OBJECT_SECURITY_INFORMATION, OWNER_SECURITY_INFORMATION,
    PROTECTED_DACL_SECURITY_INFORMATION, SECURITY_ATTRIBUTES, SetKernelObjectSecurity, TOKEN_QUERY, TOKEN_USER,
    TokenUser,
};
use windows_sys::Win32::Storage::FileSystem::{
    CREATE_NEW, CreateDirectoryW, CreateFileW, FILE_ATTRIBUTE_NORMAL, FILE_FLAG_BACKUP_SEMANTICS,
    FILE_FLAG_OPEN_REPARSE_POINT, FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, GetVolumeInformationByHandleW,
    OPEN_EXISTING, READ_CONTROL, ReOpenFile, WRITE_DAC,
};
use windows_sys::Win32::System::Diagnostics::Debug::{
    GetErrorMode, SEM_FAILCRITICALERRORS, SEM_NOGPFAULTERRORBOX, SetErrorMode,
};
use windows_sys::Win32::System::ErrorReporting::{WER_FAULT_REPORTING_FLAG_NOHEAP, WerSetFlags};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use super::sddl;

/// Longest path that is taken as it is; longer ones want a prefix.
const PLAIN_PATH: usize = 240;
/// A file system that keeps rights says so by this flag (`FILE_PERSISTENT_ACLS`).
const KEEPS_RIGHTS: u32 = 8;
/// Everybody else may open what is opened here.
const SHARED: u32 = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

/// Something that the system allocated and wants back.
struct Given(*mut c_void);

impl Drop for Given {
    fn drop(&mut self) {
        // SAFETY: it was allocated by the call that wrote it, and is not used again.
        unsafe { LocalFree(self.0) };
    }
}

fn last_error<T>() -> io::Result<T> {
    Err(io::Error::last_os_error())
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// A path as the calls take it, also a long one.
fn wide_path(path: &Path) -> io::Result<Vec<u16>> {
    let full = std::path::absolute(path)?;
    let mut units: Vec<u16> = full.as_os_str().encode_wide().collect();
    if units.contains(&0) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path has a zero in it"));
    }
    if units.len() > PLAIN_PATH {
        let (verbatim, share) = ([r"\\?\", r"\\.\"], r"\\");
        let starts = |with: &str| units.starts_with(&with.encode_utf16().collect::<Vec<_>>());
        if starts(share) && !verbatim.iter().any(|prefix| starts(prefix)) {
            units.splice(..2, r"\\?\UNC\".encode_utf16());
        } else if !starts(share) {
            units.splice(..0, verbatim[0].encode_utf16());
        }
    }
    units.push(0);
    Ok(units)
}

/// # Safety
/// It must point to UTF-16 that ends with a zero.
unsafe fn text(mut at: *const u16) -> String {
    let mut units = Vec::new();
    // SAFETY: as the caller says; nothing behind the zero is read.
    unsafe {
        while *at != 0 {
            units.push(*at);
            at = at.add(1);
        }
    }
    String::from_utf16_lossy(&units)
}

/// The user of this process, as the system numbers accounts.
fn own_sid() -> io::Result<&'static str> {
    static OWN: OnceLock<Result<String, i32>> = OnceLock::new();
    let asked = OWN.get_or_init(|| ask_own_sid().map_err(|error| error.raw_os_error().unwrap_or_default()));
    asked.as_deref().map_err(|code| io::Error::from_raw_os_error(*code))
}

fn ask_own_sid() -> io::Result<String> {
    // Room for the structure and the longest number of an account behind it, aligned for both.
    let (mut room, mut token, mut written) = ([0_u64; 32], null_mut(), 0);
    // SAFETY: the handle of the process needs no closing; the token's is closed. The call is told the size of the room, and what it wrote there
    // points into it; the text is given back.
    unsafe {
        if OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) == 0 {
            return last_error();
        }
        let (place, size) = (room.as_mut_ptr().cast::<c_void>(), size_of_val(&room) as u32);
        let known = GetTokenInformation(token, TokenUser, place, size, &raw mut written);
        let asked = if known == 0 { last_error() } else { Ok(()) };
        CloseHandle(token);
        asked?;
        let user = &*room.as_ptr().cast::<TOKEN_USER>();
        let mut sid = null_mut();
        if ConvertSidToStringSidW(user.User.Sid, &raw mut sid) == 0 {
            return last_error();
        }
        let _given = Given(sid.cast());
        Ok(text(sid))
    }
}

/// Rights of this user alone, in the system's own form.
pub struct OwnerOnly(Given);

impl OwnerOnly {
    /// For something that nothing is made in: a file, a pipe.
    ///
    /// # Errors
    /// When the system does not say who this user is.
    pub fn of_one() -> io::Result<Self> {
        Self::read(&sddl::of_owner(own_sid()?, ""))
    }

    /// For a folder, and for all that is made in it.
    ///
    /// # Errors
    /// As [`Self::of_one`].
    pub fn of_folder() -> io::Result<Self> {
        Self::read(&sddl::of_owner(own_sid()?, "OICI"))
    }

    fn read(written: &str) -> io::Result<Self> {
        let (written, mut made) = (wide(written), null_mut());
        // SAFETY: the text ends with a zero and lives; what is made is given back.
        let done = unsafe {
            let made = &raw mut made;
            ConvertStringSecurityDescriptorToSecurityDescriptorW(written.as_ptr(), SDDL_REVISION_1, made, null_mut())
        };
        if done == 0 { last_error() } else { Ok(Self(Given(made))) }
    }

    /// What calls of the system take, for as long as this lives.
    pub fn as_ptr(&self) -> *mut c_void {
        self.0.0
    }

    fn attributes(&self) -> SECURITY_ATTRIBUTES {
        SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: self.0.0,
            bInheritHandle: 0,
        }
    }
}

/// Makes a file of this user alone, open for reading and writing; nothing may have its name, a link neither.
///
/// # Errors
/// What the system says.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    let (name, rights) = (wide_path(path)?, OwnerOnly::of_one()?);
    let attributes = rights.attributes();
    let flags = FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT;
    let access = GENERIC_READ | GENERIC_WRITE;
    // SAFETY: the name ends with a zero; name and attributes live until the call is back.
    let handle =
        unsafe { CreateFileW(name.as_ptr(), access, SHARED, &raw const attributes, CREATE_NEW, flags, null_mut()) };
    if handle == INVALID_HANDLE_VALUE {
        return last_error();
    }
    // SAFETY: the handle is open, and nobody else's.
    Ok(unsafe { File::from_raw_handle(handle) })
}

/// Makes a folder of this user alone, and so all that is made in it; nothing may have its name.
///
/// # Errors
/// What the system says.
pub(super) fn make_dir(path: &Path) -> io::Result<()> {
    let (name, rights) = (wide_path(path)?, OwnerOnly::of_folder()?);
    let attributes = rights.attributes();
    // SAFETY: the name ends with a zero; name and attributes live until the call is back.
    if unsafe { CreateDirectoryW(name.as_ptr(), &raw const attributes) } == 0 { last_error() } else { Ok(()) }
}

/// Takes all rights to an open file or folder from everybody but this user. Where the disk keeps none it does nothing.
///
/// # Errors
/// What the system says.
pub(super) fn restrict(file: &File) -> io::Result<()> {
    let is_folder = file.metadata()?.is_dir();
    let rights = if is_folder { OwnerOnly::of_folder()? } else { OwnerOnly::of_one()? };
    let flags = if is_folder { FILE_FLAG_BACKUP_SEMANTICS } else { 0 };
    // SAFETY: the handle is open; the new one is closed when the file is dropped.
    let opened = unsafe {
        let handle = ReOpenFile(file.as_raw_handle(), WRITE_DAC | READ_CONTROL, SHARED, flags);
        if handle == INVALID_HANDLE_VALUE {
            return last_error();
        }
        File::from_raw_handle(handle)
    };
    set_rights(&opened, &rights)
}

/// As [`restrict`], of what has a path, which is not followed.
///
/// # Errors
/// As there.
pub(super) fn restrict_path(path: &Path) -> io::Result<()> {
    let rights = if std::fs::symlink_metadata(path)?.is_dir() { OwnerOnly::of_folder()? } else { OwnerOnly::of_one()? };
    set_rights(&open(path, WRITE_DAC | READ_CONTROL)?, &rights)
}

/// Opens what has a path for this.
fn open(path: &Path, access: u32) -> io::Result<File> {
    let name = wide_path(path)?;
    let flags = FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT;
    // SAFETY: the name ends with a zero and lives; the handle is closed when the file is dropped.
    unsafe {
        let handle = CreateFileW(name.as_ptr(), access, SHARED, null(), OPEN_EXISTING, flags, null_mut());
        if handle == INVALID_HANDLE_VALUE { last_error() } else { Ok(File::from_raw_handle(handle)) }
    }
}

fn set_rights(file: &File, rights: &OwnerOnly) -> io::Result<()> {
    let what: OBJECT_SECURITY_INFORMATION = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    // SAFETY: the handle is open, and the rights live.
    if unsafe { SetKernelObjectSecurity(file.as_raw_handle(), what, rights.as_ptr()) } != 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error().map(i32::cast_unsigned) {
        Some(ERROR_INVALID_FUNCTION | ERROR_NOT_SUPPORTED) => Ok(()),
        _ => Err(error),
    }
}

/// Whether others than this user, the system and administrators have a right to what has a path.
///
/// # Errors
/// When the system does not say.
pub(super) fn is_open_to_others(path: &Path) -> io::Result<bool> {
    let (name, mut descriptor) = (wide_path(path)?, null_mut());
    let what = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    // SAFETY: the name ends with a zero and lives; what is written is given back.
    let asked = unsafe {
        let into = &raw mut descriptor;
        let none = null_mut();
        GetNamedSecurityInfoW(name.as_ptr(), SE_FILE_OBJECT, what, none, null_mut(), null_mut(), null_mut(), into)
    };
    if asked != ERROR_SUCCESS {
        return Err(io::Error::from_raw_os_error(asked as i32));
    }
    let found = written(&Given(descriptor))?;
    // The same conversion, so that an account with a short name has it in both.
    let own = written(&OwnerOnly::of_one()?.0)?;
    let own = own.strip_prefix("O:").and_then(|own| own.split("D:").next()).unwrap_or_default();
    Ok(!sddl::is_private(&found, own))
}

/// A descriptor as text.
fn written(descriptor: &Given) -> io::Result<String> {
    let (mut at, mut length) = (null_mut(), 0);
    let what = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    // SAFETY: the descriptor lives; the text is given back.
    unsafe {
        let (into, length) = (&raw mut at, &raw mut length);
        if ConvertSecurityDescriptorToStringSecurityDescriptorW(descriptor.0, SDDL_REVISION_1, what, into, length) == 0
        {
            return last_error();
        }
        let _given = Given(at.cast());
        Ok(text(at))
    }
}

/// Whether the disk of a folder keeps rights.
///
/// # Errors
/// When the folder cannot be opened.
pub(super) fn keeps_rights(dir: &Path) -> io::Result<bool> {
    let folder = open(dir, READ_CONTROL)?;
    let mut flags = 0;
    // SAFETY: the handle is open; what is not wanted is not asked for, and the flags go to a live local.
    let done = unsafe {
        let handle = folder.as_raw_handle();
        GetVolumeInformationByHandleW(handle, null_mut(), 0, null_mut(), null_mut(), &raw mut flags, null_mut(), 0)
    };
    if done == 0 { last_error() } else { Ok(flags & KEEPS_RIGHTS != 0) }
}

/// Has a crash of this process leave no picture of its memory: no report is made of a fault, and one that is made all the same has no heap in it.
pub(super) fn no_crash_reports() {
    // SAFETY: takes flags, and changes what the system does when this process fails.
    let refused = unsafe {
        SetErrorMode(GetErrorMode() | SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
        WerSetFlags(WER_FAULT_REPORTING_FLAG_NOHEAP)
    };
    if refused < 0 {
        tracing::debug!(code = refused, "a report of a crash may have pictures and keys in it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_and_what_is_restricted_is_its_owners_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        let is_open = |path: &Path| is_open_to_others(path).expect("its rights");
        make_dir(&at("folder")).expect("a folder");
        assert!(!is_open(&at("folder")));
        create_new(&at("file")).expect("a file");
        assert!(!is_open(&at("file")));
        assert_eq!(create_new(&at("file")).expect_err("it is there").kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(make_dir(&at("folder")).expect_err("it is there").kind(), io::ErrorKind::AlreadyExists);

        // As a library makes it.
        std::fs::write(at("theirs"), "x").expect("a file");
        let everybody = OwnerOnly::read(&format!("O:{}D:P(A;;FA;;;WD)", own_sid().expect("a user"))).expect("rights");
        set_rights(&open(&at("theirs"), WRITE_DAC | READ_CONTROL).expect("a file"), &everybody).expect("rights");
        assert!(is_open(&at("theirs")));
        restrict(&File::open(at("theirs")).expect("a file")).expect("it is restricted");
        assert!(!is_open(&at("theirs")) && std::fs::read(at("theirs")).expect("a file") == b"x");
        set_rights(&open(&at("theirs"), WRITE_DAC | READ_CONTROL).expect("a file"), &everybody).expect("rights");
        restrict_path(&at("theirs")).expect("it is restricted");
        assert!(!is_open(&at("theirs")));
        assert!(keeps_rights(dir.path()).expect("a disk"));
    }

    #[test]
    fn long_paths_get_the_prefix_that_they_want() {
        let long = "a".repeat(300);
        let of = |path: &str| String::from_utf16(&wide_path(Path::new(path)).expect("a path")).expect("text");
        assert_eq!(of(r"C:\b"), "C:\\b\0");
        assert_eq!(of(&format!(r"C:\{long}")), format!("\\\\?\\C:\\{long}\0"));
        assert_eq!(of(&format!(r"\\server\share\{long}")), format!("\\\\?\\UNC\\server\\share\\{long}\0"));
        assert_eq!(of(&format!(r"\\?\C:\{long}")), format!("\\\\?\\C:\\{long}\0"));
        wide_path(Path::new("a\0b")).expect_err("a zero");
    }
}
