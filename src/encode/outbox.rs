//! What an encoder made, on its way out: takes it whenever it comes, in order, and makes access units of it.
//!
//! Keeps these invariants, so that no encoder can break them: one access unit for each picture, in their order; the picture's own stamp
//! as SEI (in AV1 as metadata), first but for the sequence header of a key frame; parameter sets compared with those of the start and left out;
//! lengths instead of start codes; a keyframe is what its units say, and what was asked to be one is one. It knows neither pictures nor rates.

use std::collections::VecDeque;

use super::ask::Ask;
use super::error::EncodeError;
use crate::media::avc::unit::UnitError;
use crate::media::picture::FrameStamp;
use crate::media::track::CodecConfig;

/// Bytes of an access unit beside its slices: the SEI with its length, and emulation prevention in it.
const OVERHEAD: usize = 64;

/// A coded picture as the recording stores it: NAL units each behind its length in four bytes (big-endian), the SEI with the stamp first,
/// then the slices; or units of AV1 with their sizes, the metadata with the stamp behind the sequence header where there is one, then the frame.
#[derive(Clone, PartialEq, Eq)]
pub struct CodedUnit {
    /// Which frame it is, and its time.
    pub stamp: FrameStamp,
    /// The access unit.
    pub bytes: Vec<u8>,
    /// Decoding can begin here.
    pub keyframe: bool,
}

/// Takes what an encoder made.
pub struct Outbox {
    config: CodecConfig,
    /// Pictures that the encoder was given and has not answered, in order.
    waiting: VecDeque<Ask>,
    made: VecDeque<CodedUnit>,
}

impl Outbox {
    /// For an encoder whose stream is of this kind.
    pub(super) fn new(config: CodecConfig) -> Self {
        Self { config, waiting: VecDeque::new(), made: VecDeque::new() }
    }

    /// The encoder is about to be given a picture.
    pub(super) fn expect(&mut self, ask: Ask) {
        self.waiting.push_back(ask);
    }

    /// The next access unit, in the order of the pictures.
    pub(super) fn take(&mut self) -> Option<CodedUnit> {
        self.made.pop_front()
    }

    /// Pictures that the encoder has not answered.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Takes one coded picture as NAL units behind start codes (Annex B), or as a temporal unit of AV1, with or without parameter sets and SEI of
    /// the encoder's own.
    ///
    /// # Errors
    /// [`EncodeError::Failed`] when it is not one picture that a recording can hold, no picture waits for it, or an IDR was asked for
    /// and it is none.
    pub fn push_coded(&mut self, stream: &[u8]) -> Result<(), EncodeError> {
        self.push(stream, |stream, config, out| config.push_coded(stream, out))
    }

    /// Takes one coded picture as NAL units each behind its length in four bytes; otherwise as [`push_coded`](Self::push_coded).
    ///
    /// # Errors
    /// As [`push_coded`](Self::push_coded).
    pub fn push_lengths(&mut self, unit: &[u8]) -> Result<(), EncodeError> {
        self.push(unit, |unit, config, out| config.push_lengths(unit, out))
    }

    fn push(&mut self, coded: &[u8], picture: PushPicture) -> Result<(), EncodeError> {
        let Some(Ask { stamp, idr }) = self.waiting.pop_front() else {
            let frame = self.made.back().map_or(0, |unit| unit.stamp.frame_ref.0);
            return Err(EncodeError::Failed { frame, why: "it made more pictures than it was given".into() });
        };
        let failed = |why: String| EncodeError::Failed { frame: stamp.frame_ref.0, why };
        let mut bytes = Vec::with_capacity(coded.len() + OVERHEAD);
        self.config.push_stamp(stamp, &mut bytes);
        let keyframe = picture(coded, &self.config, &mut bytes).map_err(|error| failed(error.to_string()))?;
        if idr && !keyframe {
            return Err(failed("it was asked for an IDR and made none".into()));
        }
        if keyframe {
            self.config.begin_keyframe(&mut bytes);
        }
        self.made.push_back(CodedUnit { stamp, bytes, keyframe });
        Ok(())
    }
}

/// Takes one coded picture apart, in one of its two forms.
type PushPicture = fn(&[u8], &CodecConfig, &mut Vec<u8>) -> Result<bool, UnitError>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::FrameRef;
    use crate::base::time::MonoNs;
    use crate::media::avc::nal::nals;
    use crate::media::avc::sei::parse_sei;
    use crate::media::avc::sets::ParameterSets;

    const IDR: [u8; 6] = [0, 0, 1, 0x65, 0x88, 0x80];
    const PREDICTED: [u8; 6] = [0, 0, 1, 0x41, 0x9a, 0x80];

    fn outbox() -> Outbox {
        Outbox::new(CodecConfig::Avc(ParameterSets { sps: vec![0x67, 66, 0, 30], pps: vec![0x68, 1] }))
    }

    fn ask(frame: u64, idr: bool) -> Ask {
        Ask { stamp: FrameStamp { frame_ref: FrameRef(frame), t: MonoNs(1000 + frame as i64) }, idr }
    }

    #[test]
    fn late_answers_get_the_stamps_of_their_own_pictures() {
        let mut outbox = outbox();
        outbox.expect(ask(0, true));
        outbox.expect(ask(1, false));
        assert_eq!(outbox.waiting(), 2);
        let mut with_sets = vec![0, 0, 0, 1, 0x67, 66, 0, 30, 0, 0, 1, 0x68, 1];
        with_sets.extend(IDR);
        outbox.push_coded(&with_sets).expect("a picture");
        outbox.push_lengths(&[0, 0, 0, 3, 0x41, 0x9a, 0x80]).expect("a picture");
        assert_eq!(outbox.waiting(), 0);
        for (frame, keyframe, slice) in [(0, true, &IDR[3..]), (1, false, &PREDICTED[3..])] {
            let unit = outbox.take().expect("a unit");
            assert_eq!((unit.stamp, unit.keyframe), (ask(frame, keyframe).stamp, keyframe));
            let found: Vec<_> = nals(&unit.bytes).map(|nal| nal.expect("a NAL unit")).collect();
            assert_eq!((found.len(), found[1]), (2, slice));
            assert_eq!(parse_sei(&unit.bytes), Some(unit.stamp));
        }
        assert!(outbox.take().is_none());
    }

    #[test]
    fn an_encoder_that_breaks_the_rules_fails() {
        let told = |outbox: &mut Outbox, coded: &[u8]| outbox.push_coded(coded).expect_err("refused").to_string();
        let mut outbox = outbox();
        assert!(told(&mut outbox, &IDR).contains("more pictures than it was given"));
        outbox.expect(ask(7, true));
        assert_eq!(
            told(&mut outbox, &PREDICTED),
            "the encoder failed at frame 7: it was asked for an IDR and made none"
        );
        outbox.expect(ask(8, false));
        assert!(told(&mut outbox, &[]).contains("no slice"));
        outbox.expect(ask(9, false));
        assert!(told(&mut outbox, &[IDR, IDR].concat()).contains("beginnings of pictures"));
        outbox.expect(ask(10, false));
        assert!(outbox.push_lengths(&[0, 0, 0, 9, 0x65]).is_err());
        assert!(outbox.take().is_none(), "a broken unit is handed out");
    }
}
