//! One child with libx264 in it: it is given a picture through shared memory, and answers with its coded form.

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use crate::base::child::Helper;
use crate::base::child::shared::{Line, Shared};
use crate::encode::masked::Masked;
use crate::encode::settings::{EncodeSettings, Quality};
use crate::media::avc::nal::{NAL_IDR, NAL_SLICE, annex_b_nals, nal_type};
use crate::media::picture::Sampling;

/// Version of the protocol, which is described in `x264/src/main.rs`.
const VERSION: u16 = 1;
/// Begins the greeting.
const MAGIC: &[u8; 6] = b"WX264\0";
/// Bytes of the greeting before the parameter sets.
const GREETING: usize = 16;
/// Most bytes of the parameter sets.
const MAX_SETS: usize = 4096;
/// Most bytes of a coded picture: more than one of 5120x1440 takes that is stored as it is.
const MAX_CODED: usize = 64 << 20;
/// How long the child may take to open the library: a loaded machine starts a process.
const FIRST: Duration = Duration::from_secs(20);
/// How long it may take for a picture: the queue before the encoder is full long before.
const STALL: Duration = Duration::from_secs(5);
/// How long a child whose socket was closed may take to end by itself.
const END: Duration = Duration::from_secs(2);

/// Why the child does not go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Gone {
    /// It has ended, or what it says cannot be understood.
    Ended,
    /// It has not answered in time.
    Stalled,
}

impl Gone {
    /// What it did.
    pub(super) fn told(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Stalled => "did not answer",
        }
    }
}

impl From<std::io::Error> for Gone {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => Self::Stalled,
            _ => Self::Ended,
        }
    }
}

/// Whether a coded picture is an IDR; one that has no slice, slices of both kinds, or `wanted` to be an IDR and is none, is of a child that does not
/// do what it is told.
fn is_idr(coded: &[u8], wanted: bool) -> Result<bool, Gone> {
    let mut slices = annex_b_nals(coded).map(nal_type).filter(|kind| matches!(*kind, NAL_SLICE | NAL_IDR));
    let first = slices.next().ok_or(Gone::Ended)?;
    let is_idr = first == NAL_IDR;
    if slices.any(|kind| kind != first) || (wanted && !is_idr) {
        tracing::debug!(wanted, is_idr, "the child made another kind of picture");
        return Err(Gone::Ended);
    }
    Ok(is_idr)
}

/// A running child.
pub(super) struct Child {
    process: Helper,
    memory: Shared,
    line: Line,
}

/// What a child says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Greeting {
    /// Version of libx264's interface.
    pub(super) build: u32,
    /// The parameter sets, behind start codes.
    pub(super) sets: Vec<u8>,
}

impl Child {
    /// Starts the program for pictures of these settings.
    ///
    /// # Errors
    /// Why there is no child, fit to be printed.
    pub(super) fn start(program: &OsStr, settings: &EncodeSettings) -> Result<(Self, Greeting), String> {
        let EncodeSettings { width, height, fps, quality, sampling, .. } = *settings;
        let quality = match quality {
            Quality::Fast => 0,
            Quality::Balanced => 1,
            Quality::Sharp => 2,
        };
        let planes = match sampling {
            Sampling::Yuv420 => 0,
            Sampling::Yuv444 => 1,
            Sampling::Rgb => 2,
        };
        // One picture at a time.
        let numbers = [width, height, fps, 1, quality, planes, u32::from(settings.is_lossless())];
        let args: Vec<OsString> = numbers.iter().map(|number| number.to_string().into()).collect();
        let bytes = sampling.bytes((width, height)) as u64;
        let (process, memory, line) = Helper::start_shared(program, &args, bytes).map_err(|error| error.to_string())?;
        let mut child = Self { process, memory, line };
        match child.greeting() {
            Ok(greeting) => Ok((child, greeting)),
            Err(gone) => {
                let said = child.end(gone == Gone::Ended);
                Err(if said.is_empty() { format!("it {}", gone.told()) } else { said })
            }
        }
    }

    fn greeting(&mut self) -> Result<Greeting, Gone> {
        let mut head = [0; GREETING];
        let mut answer = self.line.answer(FIRST);
        answer.receive(&mut head)?;
        let (magic, numbers) = head.split_at(MAGIC.len());
        let [v0, v1, b0, b1, b2, b3, l0, l1, l2, l3] = *numbers else { return Err(Gone::Ended) };
        let len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        if magic != MAGIC || u16::from_le_bytes([v0, v1]) != VERSION || len > MAX_SETS {
            tracing::debug!("the child speaks another protocol");
            return Err(Gone::Ended);
        }
        let mut sets = vec![0; len];
        answer.receive(&mut sets)?;
        Ok(Greeting { build: u32::from_le_bytes([b0, b1, b2, b3]), sets })
    }

    /// Has a picture encoded into `coded`, behind start codes; tells whether it is an IDR, by its own bytes. One that should be an IDR is one.
    ///
    /// # Errors
    /// When the child does not go on.
    pub(super) fn encode(&mut self, picture: &Masked, qp: u8, idr: bool, coded: &mut Vec<u8>) -> Result<bool, Gone> {
        self.memory.write_at(picture.planar().data(), 0)?;
        self.line.send(&[0, qp, u8::from(idr), 0], STALL)?;
        let mut head = [0; 8];
        let mut answer = self.line.answer(STALL);
        answer.receive(&mut head)?;
        let [_, _, _, _, l0, l1, l2, l3] = head;
        let len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        if len > MAX_CODED {
            return Err(Gone::Ended);
        }
        coded.resize(len, 0);
        answer.receive(coded)?;
        is_idr(coded, idr)
    }

    /// Lets go of the memory and the line, which tells the child to end.
    fn hang_up(self) -> Helper {
        self.process
    }

    /// Ends the child, by itself where it is well; returns what it said last.
    pub(super) fn end(self, by_itself: bool) -> String {
        let mut process = self.hang_up();
        if by_itself {
            process.finish(END);
        }
        process.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_what_its_units_say_and_one_that_is_not_as_asked_is_refused() {
        let (idr, slice, sei) = ([0, 0, 0, 1, 0x65, 0x88], [0, 0, 0, 1, 0x41, 0x9a], [0, 0, 0, 1, 0x06, 0x05]);
        let two = |a: [u8; 6], b: [u8; 6]| [a, b].concat();
        assert_eq!(is_idr(&two(sei, idr), true), Ok(true));
        assert_eq!(is_idr(&two(idr, idr), false), Ok(true));
        assert_eq!(is_idr(&two(slice, slice), false), Ok(false));
        // The first one of a child; slices of two kinds; no slice at all.
        assert_eq!(is_idr(&slice, true), Err(Gone::Ended));
        assert_eq!(is_idr(&two(idr, slice), true), Err(Gone::Ended));
        assert_eq!(is_idr(&two(slice, idr), false), Err(Gone::Ended));
        assert_eq!(is_idr(&sei, false), Err(Gone::Ended));
        assert_eq!(is_idr(&[], false), Err(Gone::Ended));
    }
}
