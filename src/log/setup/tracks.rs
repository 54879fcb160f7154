//! The fact `tracks`: which tracks a log has, and how they are decoded. The writer of the log says it, right behind the first record.
//!
//! A log of schema 1 has the fact `parameter_sets` in its place: one track of H.264 pictures.

use serde_json::{Map, Value, json};

use crate::media::av1::sequence::Av1Config;
use crate::media::avc::sets::{ParameterSets, hex, unhex};
use crate::media::hevc::sets::HevcSets;
use crate::media::track::{CodecConfig, Colour, MAX_TRACKS, Shape, TrackCodec, TrackId, TrackSpec};

/// Its key.
pub const TRACKS_KEY: &str = "tracks";

/// What a log of schema 1 has in its place.
pub(super) const OLD_KEY: &str = "parameter_sets";

/// A track as a log says it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrackFact {
    /// Its number.
    pub id: TrackId,
    /// How its packets are coded; `None` where this release cannot tell.
    pub config: Option<TrackCodec>,
    /// What they decode to; `None` where the log does not say.
    pub shape: Option<Shape>,
}

impl TrackFact {
    /// Reads the tracks of a log from its facts by key.
    pub fn of(fact: impl Fn(&str) -> Option<Value>) -> Vec<Self> {
        if let Some(Value::Array(tracks)) = fact(TRACKS_KEY) {
            let mut read: Vec<Self> = Vec::new();
            for track in tracks.iter().take(MAX_TRACKS).filter_map(Self::read) {
                if read.iter().all(|other| other.id != track.id) {
                    read.push(track);
                }
            }
            return read;
        }
        let pictures = |sets: Value| {
            let config = avc(sets.as_object()?)?;
            Some(Self { id: TrackId::PICTURES, config: Some(config), shape: None })
        };
        fact(OLD_KEY).and_then(pictures).into_iter().collect()
    }

    fn read(track: &Value) -> Option<Self> {
        let id = TrackId(track.get("id")?.as_u64()?.try_into().ok()?);
        let config = track.get("config").and_then(Value::as_object);
        let config = match (track.get("codec").and_then(Value::as_str), config) {
            (Some("h264"), Some(config)) => avc(config),
            (Some("h265"), Some(config)) => hevc(config),
            (Some("av1"), Some(config)) => av1(config),
            (Some("flac"), _) => Some(TrackCodec::Flac),
            (Some("aac"), Some(config)) => aac(config),
            _ => None,
        };
        Some(Self { id, config, shape: track.get("shape").and_then(shape) })
    }
}

fn avc(config: &Map<String, Value>) -> Option<TrackCodec> {
    let hex = |key: &str| config.get(key)?.as_str();
    let sets = ParameterSets::from_hex(hex("sps")?, hex("pps")?)?;
    Some(TrackCodec::Pictures(CodecConfig::Avc(sets)))
}

fn hevc(config: &Map<String, Value>) -> Option<TrackCodec> {
    let bytes = |key: &str| unhex(config.get(key)?.as_str()?);
    let sets = HevcSets { vps: bytes("vps")?, sps: bytes("sps")?, pps: bytes("pps")? };
    Some(TrackCodec::Pictures(CodecConfig::Hevc(sets)))
}

fn av1(config: &Map<String, Value>) -> Option<TrackCodec> {
    let sequence = unhex(config.get("sequence")?.as_str()?)?;
    Some(TrackCodec::Pictures(CodecConfig::Av1(Av1Config { sequence })))
}

fn aac(config: &Map<String, Value>) -> Option<TrackCodec> {
    let specific = unhex(config.get("specific")?.as_str()?)?;
    let priming = config.get("priming")?.as_u64()?.try_into().ok()?;
    Some(TrackCodec::Aac { specific, priming })
}

fn shape(shape: &Value) -> Option<Shape> {
    let number = |value: &Value| value.as_u64().and_then(|n| u32::try_from(n).ok());
    let numbers = |key: &str| shape.get(key)?.as_array()?.iter().map(number).collect::<Option<Vec<u32>>>();
    if let Some([width, height]) = numbers("coded").as_deref() {
        let &[surface_width, surface_height] = numbers("surface")?.as_slice() else { return None };
        let &[primaries, transfer, matrix, full_range] = numbers("colour")?.as_slice() else { return None };
        let point = |n: u32| u16::try_from(n).ok();
        return Some(Shape::Picture {
            coded: (*width, *height),
            surface: (surface_width, surface_height),
            colour: Colour {
                primaries: point(primaries)?,
                transfer: point(transfer)?,
                matrix: point(matrix)?,
                full_range: full_range != 0,
            },
        });
    }
    let channels = u16::try_from(number(shape.get("channels")?)?).ok()?;
    Some(Shape::Sound { rate: number(shape.get("rate")?)?, channels })
}

/// Returns the fact for these tracks.
pub fn tracks_json(specs: &[TrackSpec]) -> String {
    let tracks: Vec<Value> = specs
        .iter()
        .map(|spec| {
            let config = match &spec.config {
                TrackCodec::Pictures(CodecConfig::Avc(sets)) => {
                    let [sps, pps] = sets.to_hex();
                    json!({ "sps": sps, "pps": pps })
                }
                TrackCodec::Pictures(CodecConfig::Hevc(HevcSets { vps, sps, pps })) => {
                    json!({ "vps": hex(vps), "sps": hex(sps), "pps": hex(pps) })
                }
                TrackCodec::Pictures(CodecConfig::Av1(Av1Config { sequence })) => json!({ "sequence": hex(sequence) }),
                TrackCodec::Flac => json!({}),
                TrackCodec::Aac { specific, priming } => json!({ "specific": hex(specific), "priming": priming }),
            };
            let shape = match spec.shape {
                Shape::Picture { coded, surface, colour } => json!({
                    "coded": [coded.0, coded.1], "surface": [surface.0, surface.1],
                    "colour": [colour.primaries, colour.transfer, colour.matrix, u16::from(colour.full_range)],
                }),
                Shape::Sound { rate, channels } => json!({ "rate": rate, "channels": channels }),
            };
            json!({
                "id": spec.id.0, "stream": spec.stream.name(), "file": spec.file, "codec": spec.config.name(), "config": config,
                "shape": shape, "timescale": spec.timescale,
            })
        })
        .collect();
    Value::Array(tracks).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Vec<TrackFact> {
        let fact: Value = serde_json::from_str(json).expect("JSON");
        TrackFact::of(|key| (key == TRACKS_KEY).then(|| fact.clone()))
    }

    #[test]
    fn tracks_read_back() {
        let sets = ParameterSets { sps: vec![0x67, 1, 2], pps: vec![0x68, 3] };
        let hevc = HevcSets { vps: vec![0x40, 1, 3], sps: vec![0x42, 1, 4], pps: vec![0x44, 1, 5] };
        let av1 = Av1Config { sequence: vec![0x0a, 1, 6] };
        for config in [CodecConfig::Avc(sets), CodecConfig::Hevc(hevc), CodecConfig::Av1(av1)] {
            let spec = TrackSpec::pictures(config, (640, 360), (639, 360), 1 << 20);
            let aac = TrackCodec::Aac { specific: vec![0x11, 0x90], priming: 1024 };
            let microphone = TrackSpec::sound(TrackId::MICROPHONE, aac, (44_100, 1), 1 << 20);
            let specs = [spec, TrackSpec::flac(48_000, 2, 1 << 20), microphone];
            let said =
                specs.clone().map(|spec| TrackFact { id: spec.id, config: Some(spec.config), shape: Some(spec.shape) });
            assert_eq!(read(&tracks_json(&specs)), said);
        }
    }

    #[test]
    fn what_is_not_understood_takes_nothing_else_along() {
        let fact = r#"[{"id":0,"codec":"av9","config":{},"shape":{"rate":48000,"channels":2}},7,{"id":0},{"id":900},{"id":1}]"#;
        let back = read(fact);
        assert_eq!(back.iter().map(|track| track.id.0).collect::<Vec<_>>(), [0, 1]);
        assert_eq!((&back[0].config, back[0].shape), (&None, Some(Shape::Sound { rate: 48_000, channels: 2 })));
        assert!(read("{}").is_empty());
        // A log of schema 1.
        let sets = r#"{"sps":"6701","pps":"68"}"#;
        let old = TrackFact::of(|key| (key == "parameter_sets").then(|| serde_json::from_str(sets).expect("JSON")));
        let sets = ParameterSets { sps: vec![0x67, 1], pps: vec![0x68] };
        assert_eq!(
            old,
            [TrackFact {
                id: TrackId::PICTURES,
                config: Some(TrackCodec::Pictures(CodecConfig::Avc(sets))),
                shape: None
            }]
        );
    }
}
