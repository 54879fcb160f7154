//! The socket between the recorder and the helper: packets, and a descriptor with some of them. Neither side waits for the other.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

use crate::wire::PACKET;

/// Bytes that are received of a packet: one more than it may have, so that a longer one is told from it.
const ROOM: usize = PACKET + 1;

/// A packet as it came.
pub struct Packet {
    bytes: [u8; ROOM],
    len: usize,
    /// The descriptors that came with it. They are closed with the packet.
    pub descriptors: Vec<OwnedFd>,
}

impl Packet {
    /// Returns its bytes, as far as they were received.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// What a look at the socket brings.
pub enum Brought {
    /// Nothing has come.
    Nothing,
    /// A packet.
    Packet(Packet),
    /// The other side has closed it, or is gone, or has sent more descriptors than are taken.
    HungUp,
}

/// Makes a socket with two ends.
///
/// # Errors
/// What the system said.
pub fn pair() -> std::io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// Sends a packet, and a descriptor with it.
///
/// # Errors
/// What the system said; when the other side reads so little that there is no room.
pub fn send(socket: BorrowedFd<'_>, packet: &[u8; PACKET], with: Option<BorrowedFd<'_>>) -> std::io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let handed = with.map(|with| [with]);
    if let Some(handed) = &handed
        && !control.push(SendAncillaryMessage::ScmRights(handed))
    {
        return Err(std::io::Error::other("no room for a descriptor"));
    }
    let sent = sendmsg(socket, &[IoSlice::new(packet)], &mut control, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?;
    if sent == PACKET { Ok(()) } else { Err(std::io::ErrorKind::WriteZero.into()) }
}

/// Looks for a packet. Two descriptors are taken, so that more than one is noticed; of many more the kernel closes the rest, and that counts as the end.
pub fn receive(socket: BorrowedFd<'_>) -> Brought {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [0; ROOM];
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let received = match recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags) {
        Ok(received) => received,
        Err(Errno::AGAIN | Errno::INTR) => return Brought::Nothing,
        Err(_) => return Brought::HungUp,
    };
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(fds) = message {
            descriptors.extend(fds);
        }
    }
    // A packet without bytes cannot be told from the end.
    if received.bytes == 0 || received.flags.contains(ReturnFlags::CTRUNC) {
        return Brought::HungUp;
    }
    Brought::Packet(Packet { bytes, len: received.bytes.min(ROOM), descriptors })
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::fd::AsFd as _;
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::wire::{Heard, Why, WireError, Word};

    fn packet(socket: &OwnedFd) -> Packet {
        let Brought::Packet(packet) = receive(socket.as_fd()) else { panic!("no packet") };
        packet
    }

    #[test]
    fn a_descriptor_arrives_with_its_packet_and_is_the_one_that_was_sent() {
        let (ours, theirs) = pair().expect("a pair");
        let (mut near, far) = UnixStream::pair().expect("a pair");
        send(ours.as_fd(), &Word::Greeting.bytes(), None).expect("room");
        send(ours.as_fd(), &Word::Device(7).bytes(), Some(far.as_fd())).expect("room");
        let mut heard = Heard::default();
        for expected in [Word::Greeting, Word::Device(7)] {
            let packet = packet(&theirs);
            assert_eq!(heard.take(packet.bytes(), packet.descriptors.len()), Ok(expected));
            for fd in packet.descriptors {
                let flags = rustix::io::fcntl_getfd(&fd).expect("flags");
                assert!(flags.contains(rustix::io::FdFlags::CLOEXEC), "children would inherit it");
                near.write_all(b"x").expect("it is open");
                let mut byte = [0];
                UnixStream::from(fd).read_exact(&mut byte).expect("what was written");
            }
        }
        assert!(matches!(receive(theirs.as_fd()), Brought::Nothing));
        drop(ours);
        assert!(matches!(receive(theirs.as_fd()), Brought::HungUp));
    }

    #[test]
    fn packets_that_are_cut_long_or_carry_too_much_are_refused_and_nothing_stays_open() {
        let (ours, theirs) = pair().expect("a pair");
        let raw = |bytes: &[u8], count: usize| {
            // A pipe, whose other end tells when all descriptors of this one are closed.
            let (near, far) = UnixStream::pair().expect("a pair");
            let handed = vec![far.as_fd(); count];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(253))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            assert!(count == 0 || control.push(SendAncillaryMessage::ScmRights(&handed)));
            sendmsg(ours.as_fd(), &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL).expect("room");
            near
        };
        let device = Word::Device(1).bytes();
        let is_closed = |mut near: UnixStream| matches!(near.read(&mut [0]), Ok(0));
        for count in [2, 3, 4, 16, 253] {
            let near = raw(&device, count);
            // The kernel puts as many as there is room for.
            if let Brought::Packet(told) = receive(theirs.as_fd()) {
                let refused = Err(WireError::Descriptors { expected: 1, found: count });
                assert_eq!(Word::read(told.bytes(), told.descriptors.len()), refused);
            } else {
                assert!(count > 2, "{count} descriptors are told");
            }
            assert!(is_closed(near), "{count} descriptors");
        }
        for bytes in [&device[..3], &[0; 9], &[0; 4096]] {
            raw(bytes, 0);
            let told = packet(&theirs);
            assert!(matches!(Word::read(told.bytes(), 0), Err(WireError::Length(_))), "{} bytes", bytes.len());
        }
        // The next one is read as if nothing had been.
        raw(&Word::Closed(Why::Locked).bytes(), 0);
        assert_eq!(Word::read(packet(&theirs).bytes(), 0), Ok(Word::Closed(Why::Locked)));
        raw(b"", 0);
        assert!(matches!(receive(theirs.as_fd()), Brought::HungUp), "a packet of nothing");
    }

    #[test]
    fn nobody_waits_for_one_who_does_not_read() {
        let (ours, _theirs) = pair().expect("a pair");
        let full = (0..100_000).find(|_| send(ours.as_fd(), &Word::Open.bytes(), None).is_err());
        assert!(full.is_some_and(|sent| sent > 64), "there is room for all devices, and an end to it: {full:?}");
    }
}
