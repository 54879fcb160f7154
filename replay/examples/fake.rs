//! Plays a recording that never was: `cargo run -p watchcap-replay --example fake [seconds] [--half-blocks]`.

use watchcap_replay::{
    Button, Click, Density, Direction, Fact, Filter, Found, FrameInfo, HeldKey, InputState, Lane, Mask, Options,
    Overlay, Picture, Pictures, Recording, Row, Rows, Section, Span, SpanKind, Spans, Summary, Timeline, Tone,
};

#[path = "../tests/support/fake.rs"]
mod fake;

fn main() -> Result<(), watchcap_replay::ReplayError> {
    let seconds = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(60);
    let half_blocks = std::env::args().any(|arg| arg == "--half-blocks");
    let recording = fake::Fake::new(seconds, 30);
    let options = Options { half_blocks, ..Options::default() };
    let pictures = Box::new(fake::FakePictures);
    watchcap_replay::run(Recording { timeline: &recording, pictures, review: None, exports: None }, options)
}
