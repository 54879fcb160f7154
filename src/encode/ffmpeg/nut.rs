//! Reads NUT, in which ffmpeg hands packets on: each with its length before it, so that none waits for the next one to end it.
//!
//! Only what ffmpeg writes for one track: main header, stream header, frames; everything else is passed over by its length. The child is
//! not trusted: every length has a bound. Layout: the NUT Open Container Format 20080313, chapters "Main header" to "Frame".

use std::io;
use std::io::{ErrorKind, Read};

/// What a file begins with.
const MAGIC: &[u8; 25] = b"nut/multimedia container\0";
/// First bytes of the packets that are no frames: main header, stream header.
const MAIN: [u8; 8] = [b'N', b'M', 0x7a, 0x56, 0x1f, 0x5f, 0x04, 0xad];
const STREAM: [u8; 8] = [b'N', b'S', 0x11, 0x40, 0x5b, 0xf2, 0xf9, 0xdb];
/// Longest header that is read.
const MAX_HEADER: u64 = 1 << 20;
/// Longest packet that is read: that of a recording.
const MAX_PACKET: u64 = crate::media::mp4::index::MAX_ACCESS_UNIT as u64;

const FLAG_CODED_PTS: u64 = 1 << 3;
const FLAG_STREAM_ID: u64 = 1 << 4;
const FLAG_SIZE_MSB: u64 = 1 << 5;
const FLAG_CHECKSUM: u64 = 1 << 6;
const FLAG_RESERVED: u64 = 1 << 7;
const FLAG_SIDE_DATA: u64 = 1 << 8;
const FLAG_HEADER_IDX: u64 = 1 << 10;
const FLAG_MATCH_TIME: u64 = 1 << 11;
const FLAG_CODED: u64 = 1 << 12;
const FLAG_INVALID: u64 = 1 << 13;

/// What a frame's first byte stands for.
#[derive(Clone, Copy, Default)]
struct Code {
    flags: u64,
    multiplier: u64,
    lowest: u64,
    reserved: u64,
    header: usize,
}

/// Reads packets.
pub(super) struct NutReader<R> {
    from: R,
    codes: Vec<Code>,
    /// Beginnings that are left out of packets.
    headers: Vec<Vec<u8>>,
}

/// What was read.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Item {
    /// What a decoder needs first, as the encoder said it; may be empty.
    Private(Vec<u8>),
    /// A packet.
    Packet(Vec<u8>),
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("what ffmpeg writes is no NUT: {what}"))
}

fn byte(from: &mut impl Read) -> io::Result<u8> {
    let mut byte = [0];
    from.read_exact(&mut byte)?;
    Ok(byte[0])
}

/// A number: seven bits in each byte, the highest first.
fn number(from: &mut impl Read) -> io::Result<u64> {
    let mut value = 0_u64;
    for _ in 0..9 {
        let byte = byte(from)?;
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(malformed("a number is too long"))
}

/// Bytes behind their number, at most `most`.
fn bytes(from: &mut impl Read, most: u64) -> io::Result<Vec<u8>> {
    let len = number(from)?;
    if len > most {
        return Err(malformed("a part is too long"));
    }
    let mut bytes = vec![0; len as usize];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

impl<R: Read> NutReader<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from, codes: Vec::new(), headers: vec![Vec::new()] }
    }

    /// Returns the next packet, or what a decoder needs before the first; `None` at the end.
    ///
    /// # Errors
    /// When the pipe fails, or what comes is no NUT.
    pub(super) fn next(&mut self) -> io::Result<Option<Item>> {
        loop {
            let first = match byte(&mut self.from) {
                Ok(first) => first,
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
                Err(error) => return Err(error),
            };
            match first {
                b'n' if self.codes.is_empty() => {
                    let mut rest = [0; MAGIC.len() - 1];
                    self.from.read_exact(&mut rest)?;
                    if rest[..] != MAGIC[1..] {
                        return Err(malformed("it begins otherwise"));
                    }
                }
                b'N' => {
                    if let Some(private) = self.header()? {
                        return Ok(Some(Item::Private(private)));
                    }
                }
                code => return Ok(Some(Item::Packet(self.frame(code)?))),
            }
        }
    }

    /// Reads a packet that is no frame; returns what a stream header holds for decoders.
    fn header(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut start = [b'N'; 8];
        self.from.read_exact(&mut start[1..])?;
        let len = number(&mut self.from)?;
        if len > MAX_HEADER {
            return Err(malformed("a header is too long"));
        }
        if len > 4096 {
            self.from.read_exact(&mut [0; 4])?; // checksum of the lengths
        }
        let mut body = vec![0; len as usize];
        self.from.read_exact(&mut body)?;
        let mut body = body.as_slice();
        match start {
            MAIN => self.main_header(&mut body).map(|()| None),
            STREAM => {
                number(&mut body)?; // stream_id
                number(&mut body)?; // stream_class
                bytes(&mut body, 16)?; // fourcc
                for _ in 0..5 {
                    // time_base_id, msb_pts_shift, max_pts_distance, decode_delay, stream_flags
                    number(&mut body)?;
                }
                bytes(&mut body, MAX_HEADER).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn main_header(&mut self, body: &mut &[u8]) -> io::Result<()> {
        if number(body)? > 3 {
            number(body)?; // minor_version
        }
        if number(body)? != 1 {
            return Err(malformed("it has more than one track"));
        }
        number(body)?; // max_distance
        for _ in 0..number(body)?.min(256) * 2 {
            number(body)?; // time bases
        }
        let mut codes: Vec<Code> = Vec::with_capacity(256);
        let (mut multiplier, mut header) = (1, 0);
        while codes.len() < 256 {
            let flags = number(body)?;
            let fields = number(body)?;
            let mut field = |at: u64, or: u64| if fields > at { number(body) } else { Ok(or) };
            field(0, 0)?; // time
            multiplier = field(1, multiplier)?;
            field(2, 0)?; // stream
            let lowest = field(3, 0)?;
            let reserved = field(4, 0)?;
            let count = field(5, multiplier.saturating_sub(lowest))?;
            field(6, 0)?; // match time
            header = field(7, header)?;
            for at in 8..fields.min(64) {
                field(at, 0)?;
            }
            let mut at = 0;
            while at < count && codes.len() < 256 {
                if codes.len() == usize::from(b'N') {
                    codes.push(Code { flags: FLAG_INVALID, ..Code::default() });
                    continue;
                }
                let lowest = lowest.saturating_add(at);
                codes.push(Code { flags, multiplier, lowest, reserved, header: header as usize });
                at += 1;
            }
            if count == 0 {
                return Err(malformed("a run of codes is empty"));
            }
        }
        self.codes = codes;
        for _ in 0..number(body)?.min(127) {
            self.headers.push(bytes(body, 256)?);
        }
        Ok(())
    }

    fn frame(&mut self, code: u8) -> io::Result<Vec<u8>> {
        let Code { mut flags, multiplier, lowest, reserved, mut header } =
            *self.codes.get(usize::from(code)).ok_or_else(|| malformed("a packet before the header"))?;
        if flags & FLAG_INVALID != 0 {
            return Err(malformed("a packet of an impossible kind"));
        }
        let from = &mut self.from;
        if flags & FLAG_CODED != 0 {
            flags ^= number(from)?;
        }
        if flags & FLAG_STREAM_ID != 0 {
            number(from)?;
        }
        if flags & FLAG_CODED_PTS != 0 {
            number(from)?;
        }
        let high = if flags & FLAG_SIZE_MSB != 0 { number(from)? } else { 0 };
        if flags & FLAG_MATCH_TIME != 0 {
            number(from)?;
        }
        if flags & FLAG_HEADER_IDX != 0 {
            header = number(from)? as usize;
        }
        let reserved = if flags & FLAG_RESERVED != 0 { number(from)? } else { reserved };
        for _ in 0..reserved.min(256) {
            number(from)?;
        }
        if flags & FLAG_CHECKSUM != 0 {
            from.read_exact(&mut [0; 4])?;
        }
        if flags & FLAG_SIDE_DATA != 0 {
            return Err(malformed("a packet with side data"));
        }
        let size = high.checked_mul(multiplier).and_then(|size| size.checked_add(lowest));
        let size = size.filter(|size| *size <= MAX_PACKET).ok_or_else(|| malformed("a packet is too long"))? as usize;
        // No beginning is left out of a long packet.
        let head = if size > 4096 { &[] } else { self.headers.get(header).map_or(&[][..], Vec::as_slice) };
        let mut packet = vec![0; size.max(head.len())];
        packet[..head.len()].copy_from_slice(head);
        from.read_exact(&mut packet[head.len()..])?;
        Ok(packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(windows, ignore = "needs ffmpeg, ffprobe and PyAV, which the scripts install on Linux alone")]
    fn what_ffmpeg_writes_is_read_packet_by_packet() {
        let dir = tempfile::tempdir().expect("a folder");
        let (nut, raw) = (dir.path().join("v.nut"), dir.path().join("v.h264"));
        let status = std::process::Command::new("ffmpeg")
            .args("-v error -f lavfi -i testsrc2=s=320x180 -frames:v 40 -pix_fmt yuv420p -c:v libx264 -tune zerolatency -bf 0".split(' '))
            .arg(&nut)
            .args("-frames:v 40 -pix_fmt yuv420p -c:v libx264 -tune zerolatency -bf 0 -flags +global_header -f h264".split(' '))
            .arg(&raw)
            .status()
            .expect("ffmpeg is missing: run scripts/setup.sh test");
        assert!(status.success());
        let written = std::fs::read(&nut).expect("a file");
        let mut reader = NutReader::new(written.as_slice());
        let Some(Item::Private(private)) = reader.next().expect("a header") else { panic!("no stream header") };
        assert!(private.starts_with(&[0, 0, 0, 1, 0x67]), "{private:?}");
        let mut packets = Vec::new();
        while let Some(item) = reader.next().expect("a packet") {
            let Item::Packet(packet) = item else { panic!("a second stream header") };
            packets.push(packet);
        }
        assert_eq!(packets.len(), 40);
        let raw = std::fs::read(&raw).expect("a file");
        let begin = raw.len() - packets.concat().len();
        assert!(packets.concat() == raw[begin..], "the packets are not those of the stream");
        // Cut anywhere it ends with an error or early, and never in another packet.
        for len in (0..written.len()).step_by(97) {
            let mut reader = NutReader::new(&written[..len]);
            let mut at = 0;
            while let Ok(Some(item)) = reader.next() {
                if let Item::Packet(packet) = item {
                    assert!(packet == packets[at]);
                    at += 1;
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_answered() {
        let mut state = 1_u64;
        for _ in 0..5_000 {
            let random = (0..400).map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 58) as u8
            });
            let mut bytes = MAGIC.to_vec();
            bytes.extend(MAIN);
            bytes.extend([0x82, 0]);
            bytes.extend(random);
            let mut reader = NutReader::new(bytes.as_slice());
            while let Ok(Some(_)) = reader.next() {}
        }
    }
}
