//! Verifies a session, then walks its rows with the pictures that were on the screen: `cargo run -p watchcap-format --example read_session SESSION`

#![expect(clippy::print_stdout, reason = "a program that answers on its output")]

use std::error::Error;
use std::path::PathBuf;

use watchcap_format::{FrameReader, OwnedRow, SessionReader, VerifyOptions, frames_path, open_video, verify};

fn main() -> Result<(), Box<dyn Error>> {
    let dir = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: read_session SESSION")?);
    let report = verify(&dir, VerifyOptions::default(), &mut open_video, &mut |_| {});
    if !report.ok() {
        return Err(format!("{} is damaged: {:#?}", dir.display(), report.problems).into());
    }

    let session = SessionReader::open(&dir)?;
    let mut frames = FrameReader::open(&frames_path(&dir))?;
    let (mut rows, mut row) = (session.events().rows(), OwnedRow::default());
    let (mut inputs, mut light) = (0_u64, 0_u64);
    while rows.next_into(&mut row)? {
        // The newest picture at the time of this row; none before the first.
        let Some(frame) = row.frame_ref else { continue };
        if row.event_type != "frame" {
            let picture = frames.rgb(usize::try_from(frame)?)?;
            light += picture.data.iter().map(|value| u64::from(*value)).sum::<u64>() / picture.data.len() as u64;
            inputs += 1;
        }
    }
    let mean = light.checked_div(inputs).map_or("none".to_owned(), |mean| mean.to_string());
    println!("{}: {inputs} rows with a picture, mean light {mean} of 255", session.metadata().session_id);
    Ok(())
}
