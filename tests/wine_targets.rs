//! A window alone and a region of a desktop of Wine, recorded by the Windows program.
//!
//! Runs where tests/wine.rs does.

use std::time::Duration;

use crate::privacy::{Shown, frames, of_type};
use crate::wine::program;
use crate::wine_desktop::Desk;

const RED: u32 = 0xd0_20_20;
const GREEN: u32 = 0x20_b0_40;

fn is_near(found: [u8; 3], colour: u32) -> bool {
    found.iter().zip(&colour.to_be_bytes()[1..]).all(|(a, b)| a.abs_diff(*b) < 30)
}

#[test]
fn a_window_alone_is_black_where_another_covers_it_and_a_gap_while_it_is_minimised() {
    let Some(exe) = program() else { return };
    let mut desk = Desk::start("window");
    desk.window("alone", (40, 40, 200, 160), RED, &["minimises"]);
    // From 120,80 of it on.
    desk.window("cover", (160, 120, 180, 140), GREEN, &[]);
    desk.does("mousemove 600 460");
    desk.record(&exe, 14, &["--window-title", "alone"]);
    std::thread::sleep(Duration::from_secs(1));
    // Clicked, it comes to the top.
    desk.does("mousemove 60 60 click 1");
    desk.does("key a");
    std::thread::sleep(Duration::from_secs(1));
    desk.does("click 3");
    std::thread::sleep(Duration::from_secs(4));
    // Typed elsewhere.
    desk.does("mousemove 320 240 click 1");
    desk.does("key b");
    let (session, metadata, rows) = desk.sealed();
    assert_eq!(metadata["resolution"], serde_json::json!([200, 160]));

    let shown = frames(&session, &rows);
    let black = |frame: &Shown| is_near(frame.at(190, 150), 0) && is_near(frame.at(130, 90), 0);
    let first = shown.first().expect("a frame");
    assert!(is_near(first.at(20, 20), RED) && is_near(first.at(100, 150), RED) && black(first));
    let green = shown.iter().filter(|frame| frame.count(|pixel| is_near(pixel, GREEN)) > 0).count();
    assert_eq!(green, 0, "frames of {} show the other window", shown.len());
    let whole = shown.iter().filter(|frame| is_near(frame.at(190, 150), RED) && is_near(frame.at(130, 90), RED));
    assert!(whole.count() > 3, "it is never whole");
    let gaps: Vec<_> = of_type(&rows, &["gap"]).filter(|row| row["reason"] == "window_minimised").collect();
    assert!(gaps.len() == 1 && gaps[0]["stream"] == "screen", "{gaps:?}");
    let typed: Vec<_> = of_type(&rows, &["key_down"]).map(|row| row["code"].as_str().unwrap_or("none")).collect();
    assert_eq!(typed, ["KeyA"], "keys of the recorded window, and no others");
    println!("window: {} frames, none shows another window", shown.len());
}

#[test]
fn a_region_is_that_part_of_the_desktop() {
    let Some(exe) = program() else { return };
    let mut desk = Desk::start("region");
    desk.window("red", (40, 40, 200, 160), RED, &[]);
    desk.window("green", (300, 200, 180, 140), GREEN, &[]);
    desk.does("mousemove 600 460");
    desk.record(&exe, 5, &["--region", "200,150,160,120"]);
    let (session, metadata, rows) = desk.sealed();
    assert_eq!(metadata["resolution"], serde_json::json!([160, 120]));
    let shown = frames(&session, &rows);
    let last = shown.last().expect("a frame");
    assert!(is_near(last.at(20, 20), RED) && is_near(last.at(130, 80), GREEN));
    assert!(!is_near(last.at(60, 20), RED) && !is_near(last.at(80, 80), GREEN), "what lies between");
    println!("region: {} frames", shown.len());
}
