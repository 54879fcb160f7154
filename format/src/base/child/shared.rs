//! A child that is handed large things through memory that both see, and talks over a socket: its standard input is the memory, its standard
//! output the socket. So nothing is inherited that other children would inherit too, and nothing has a name that others could open.
//!
//! On Linux alone, which has such memory without a name.

use std::ffi::{OsStr, OsString};
use std::io;
use std::time::Duration;

use super::Helper;
use crate::base::time::{Clock as _, MonoNs, SystemClock};

/// Memory that a child sees.
pub struct Shared {
    #[cfg(target_os = "linux")]
    memory: std::fs::File,
}

/// The socket to a child.
pub struct Line {
    #[cfg(target_os = "linux")]
    socket: std::os::unix::net::UnixStream,
}

impl Helper {
    /// Starts a program with `bytes` of shared memory.
    ///
    /// # Errors
    /// When it is not there or cannot be started, and where the system has no such memory.
    #[cfg(target_os = "linux")]
    pub fn start_shared(program: &OsStr, args: &[OsString], bytes: u64) -> io::Result<(Self, Shared, Line)> {
        use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let memory = std::fs::File::from(memfd_create("watchcap pictures", flags)?);
        memory.set_len(bytes)?;
        // Sealed, so that the child cannot cut it.
        fcntl_add_seals(&memory, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        let (socket, theirs) = std::os::unix::net::UnixStream::pair()?;
        let input = std::process::Stdio::from(memory.try_clone()?);
        let output = std::process::Stdio::from(std::os::fd::OwnedFd::from(theirs));
        let helper = Self::spawn(program, args, input, output)?;
        Ok((helper, Shared { memory }, Line { socket }))
    }

    /// As there.
    ///
    /// # Errors
    /// In any case.
    #[cfg(not(target_os = "linux"))]
    pub fn start_shared(_program: &OsStr, _args: &[OsString], _bytes: u64) -> io::Result<(Self, Shared, Line)> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no memory that is shared without a name"))
    }
}

#[cfg(target_os = "linux")]
impl Helper {
    /// Starts a program whose standard input is one end of a socket of packets; returns the other one. It stays in the terminal's foreground, as this
    /// process is, so that it can ask the person there: Ctrl-C reaches it, unless it sees to that.
    ///
    /// # Errors
    /// When it is not there or cannot be started.
    pub fn start_asking(program: &OsStr, args: &[OsString]) -> io::Result<(Self, std::os::fd::OwnedFd)> {
        use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
        use std::process::{Command, Stdio};
        let (socket, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::from(theirs)).stdout(Stdio::null());
        // The command holds the other end until it is dropped, which is before anybody waits for its end.
        Ok((Self::listened_to(command)?, socket))
    }
}

impl Shared {
    /// Writes bytes at an offset.
    ///
    /// # Errors
    /// What the system said.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        return std::os::unix::fs::FileExt::write_all_at(&self.memory, bytes, offset);
        #[cfg(not(target_os = "linux"))]
        {
            let _ = (bytes, offset);
            Err(io::ErrorKind::Unsupported.into())
        }
    }
}

#[cfg(target_os = "linux")]
impl Shared {
    /// Reads bytes at an offset.
    ///
    /// # Errors
    /// What the system said.
    pub fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.memory, into, offset)
    }
}

#[cfg(target_os = "linux")]
impl Line {
    /// Hands over an open file, a socket or the like, with one byte.
    ///
    /// # Errors
    /// What the system said; when the child takes nothing for this long.
    pub fn hand_over(&mut self, open: std::os::fd::BorrowedFd<'_>, within: Duration) -> io::Result<()> {
        use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
        self.socket.set_write_timeout(Some(within))?;
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut with = SendAncillaryBuffer::new(&mut space);
        let handed = [open];
        if !with.push(SendAncillaryMessage::ScmRights(&handed)) {
            return Err(io::Error::other("no room for a descriptor"));
        }
        // A child that has ended is told by an error, and not by a signal.
        let sent = sendmsg(&self.socket, &[io::IoSlice::new(&[0])], &mut with, SendFlags::NOSIGNAL)?;
        if sent == 1 { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
    }
}

impl Line {
    /// Sends bytes.
    ///
    /// # Errors
    /// What the system said; when the child takes nothing for this long.
    pub fn send(&mut self, bytes: &[u8], within: Duration) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        {
            self.socket.set_write_timeout(Some(within))?;
            io::Write::write_all(&mut self.socket, bytes)
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = (bytes, within);
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    /// Begins an answer, of which all parts must be there within this time.
    pub fn answer(&mut self, within: Duration) -> Answer<'_> {
        Answer { line: self, until: SystemClock.now().plus(within) }
    }
}

/// An answer of a child.
pub struct Answer<'a> {
    line: &'a mut Line,
    until: MonoNs,
}

impl Answer<'_> {
    /// Receives exactly so many bytes.
    ///
    /// # Errors
    /// What the system said; `UnexpectedEof` when the child has ended, `WouldBlock` when they are not there in time, whatever came of them.
    pub fn receive(&mut self, into: &mut [u8]) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        {
            let mut rest = into;
            while !rest.is_empty() {
                let left_ns = self.until.0.saturating_sub(SystemClock.now().0);
                let left = u64::try_from(left_ns).ok().filter(|left_ns| *left_ns > 0);
                let left = left.ok_or(io::ErrorKind::WouldBlock)?;
                self.line.socket.set_read_timeout(Some(Duration::from_nanos(left)))?;
                match io::Read::read(&mut self.line.socket, rest) {
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(read) => rest = &mut rest[read..],
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = (into, &self.line, self.until);
            Err(io::ErrorKind::Unsupported.into())
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_child_reads_the_memory_and_answers_and_its_silence_has_an_end() {
        let script = "head -c 4 >&1; head -c 2 <&1 >/dev/null; exec sleep 60";
        let (mut child, memory, mut line) =
            Helper::start_shared(OsStr::new("sh"), &["-c".into(), script.into()], 4096).expect("a shell");
        memory.write_at(b"seen", 0).expect("room");
        let (mut four, second) = ([0; 4], Duration::from_secs(10));
        line.answer(second).receive(&mut four).expect("an answer");
        // The shell may have read before it was written.
        assert!(&four == b"seen" || four == [0; 4], "{four:?}");
        line.send(b"go", second).expect("it takes it");
        let silent = line.answer(Duration::from_millis(50)).receive(&mut four).expect_err("nothing comes");
        assert_eq!(silent.kind(), io::ErrorKind::WouldBlock);
        child.end();
        assert!(line.answer(second).receive(&mut four).is_err());
    }

    #[test]
    fn what_is_open_is_handed_over_and_what_the_child_writes_is_read() {
        use std::io::Write as _;
        let python = "import array, os, socket\n\
            s = socket.socket(fileno=1)\n\
            _, with_it, _, _ = s.recvmsg(1, socket.CMSG_SPACE(4))\n\
            fd = array.array('i', with_it[0][2])[0]\n\
            os.pwrite(0, os.read(fd, 4), 2)\n\
            try:\n    os.ftruncate(0, 1)\n    s.send(b'?')\n\
            except OSError:\n    s.send(b'!')\n";
        let (mut child, memory, mut line) =
            Helper::start_shared(OsStr::new("python3"), &["-c".into(), python.into()], 64).expect("python");
        let (theirs, mut mine) = std::os::unix::net::UnixStream::pair().expect("a pair");
        mine.write_all(b"told").expect("room");
        line.hand_over(std::os::fd::AsFd::as_fd(&theirs), Duration::from_secs(10)).expect("it is handed over");
        let mut said = [0];
        line.answer(Duration::from_secs(20)).receive(&mut said).expect("an answer");
        assert_eq!(&said, b"!", "it cut the memory");
        let mut read = [0; 8];
        memory.read_at(&mut read, 0).expect("so many bytes");
        assert_eq!(&read, b"\0\0told\0\0", "{}", child.end());
    }

    #[test]
    fn an_answer_that_comes_byte_by_byte_has_an_end_too() {
        let script =
            "for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do printf x; sleep 0.1; done; exec sleep 60";
        let (mut child, _memory, mut line) =
            Helper::start_shared(OsStr::new("sh"), &["-c".into(), script.into()], 16).expect("a shell");
        let mut answer = line.answer(Duration::from_millis(500));
        let began = std::time::Instant::now();
        let late = answer.receive(&mut [0; 20]).expect_err("not all of it comes in time");
        assert_eq!(late.kind(), io::ErrorKind::WouldBlock);
        assert!(began.elapsed() < Duration::from_millis(1500), "{:?}", began.elapsed());
        // Nor does the next part of it have a time of its own.
        assert!(answer.receive(&mut [0; 1]).is_err());
        child.end();
    }
}
