//! Plays a recording that never was: `cargo run -p watchcap-replay --example fake [seconds] [--half-blocks]`.

use watchcap_replay::{
    Button, Click, Density, Direction, Export, Exports, Fact, Filter, Found, FrameInfo, HeldKey, InputState, Lane,
    Mask, Options, Overlay, Picture, Pictures, Recording, Remark, Review, Row, Rows, Section, Span, SpanKind, Spans,
    Summary, Timeline, Tone,
};

#[path = "../tests/support/fake.rs"]
mod fake;

/// Remarks that are gone when the player is.
#[derive(Default)]
struct Memory(Vec<Remark>);

impl Review for Memory {
    fn list(&mut self) -> Result<Vec<Remark>, String> {
        Ok(self.0.clone())
    }

    fn append(&mut self, remark: &Remark) -> Result<(), String> {
        self.0.push(remark.clone());
        Ok(())
    }

    fn undo(&mut self, remark: &Remark) -> Result<(), String> {
        let at = self.0.iter().rposition(|said| said == remark).ok_or("it was never said")?;
        self.0.remove(at);
        Ok(())
    }
}

/// Exports that take their time and write nothing.
struct Nowhere;

impl Exports for Nowhere {
    fn export(&mut self, export: Export, progress: &mut dyn FnMut(u64, u64) -> bool) -> Result<String, String> {
        for done in 0..100 {
            if !progress(done, 100) {
                return Err("stopped".into());
            }
            std::thread::park_timeout(std::time::Duration::from_millis(20));
        }
        Ok(format!("{export:?} went nowhere"))
    }
}

fn main() -> Result<(), watchcap_replay::ReplayError> {
    let seconds = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(60);
    let half_blocks = std::env::args().any(|arg| arg == "--half-blocks");
    let recording = fake::Fake::new(seconds, 30);
    let options = Options { half_blocks, ..Options::default() };
    let recording = Recording {
        timeline: Box::new(recording),
        pictures: Box::new(fake::FakePictures),
        sound: None,
        review: Some(Box::new(Memory::default())),
        exports: Some(Box::new(Nowhere)),
    };
    watchcap_replay::run(recording, options)
}
