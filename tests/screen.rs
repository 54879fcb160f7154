//! The pictures that the player really shows: tmux is its terminal, the cells of the screen are read back with their colours,
//! and held against what PyAV decodes. Every frame of the recording is compared, and the nearest one must be the one that
//! the status line names; where the terminal is large enough for the barcode, it is read from the cells.

use std::path::Path;
use std::time::{Duration, Instant};

use watchcap::capture::synthetic::Barcode;

use crate::replay::Terminal;
use crate::support::{Running, python, run, synthetic, watchcap};

/// The mean difference of a picture and the frame that it is of, of 255: scaling and colours are not the same to the bit.
const ALIKE: f64 = 8.0;

type Rgb = [u8; 3];

/// A cell of the screen: what is in it, its colour and that behind it.
#[derive(Clone, Copy, PartialEq)]
struct Cell(char, Option<Rgb>, Option<Rgb>);

/// The screen with its colours.
fn cells(terminal: &Terminal) -> Vec<Vec<Cell>> {
    let text = terminal.tmux(&["capture-pane", "-e", "-p"]);
    let (mut front, mut back) = (None, None);
    let mut rows = Vec::new();
    for line in text.lines() {
        let mut row = Vec::new();
        let mut rest = line.chars();
        while let Some(c) = rest.next() {
            if c != '\x1b' {
                row.push(Cell(c, front, back));
                continue;
            }
            let sequence: String = rest.by_ref().skip(1).take_while(|c| !c.is_ascii_alphabetic()).collect();
            let numbers: Vec<u8> = sequence.split([';', ':']).map(|n| n.parse().unwrap_or(0)).collect();
            let mut at = 0;
            while at < numbers.len() {
                let colour = match numbers[at..] {
                    [38 | 48, 2, r, g, b, ..] => {
                        at += 4;
                        Some([r, g, b])
                    }
                    [38 | 48, 5, ..] => {
                        at += 2;
                        None
                    }
                    _ => None,
                };
                match numbers[at.saturating_sub(if colour.is_some() { 4 } else { 0 })] {
                    0 => (front, back) = (None, None),
                    38 => front = colour,
                    48 => back = colour,
                    39 => front = None,
                    49 => back = None,
                    _ => {}
                }
                at += 1;
            }
        }
        rows.push(row);
    }
    rows
}

/// The picture on the screen: width, height in pixels, and the pixels that nothing lies over.
struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<Option<Rgb>>,
}

fn picture(cells: &[Vec<Cell>]) -> Option<Picture> {
    let is_picture =
        |row: &Vec<Cell>| row.iter().filter(|cell| cell.0 == '▀' && cell.1.is_some() && cell.2.is_some()).count();
    // Rows and columns of half-blocks: what lies over the picture takes single cells of them.
    let first = cells.iter().position(|row| is_picture(row) > 10)?;
    let last = cells.iter().rposition(|row| is_picture(row) > 10)?;
    let block = |cell: &Cell| cell.0 == '▀';
    let left = cells[first..=last].iter().filter_map(|row| row.iter().position(block)).min()?;
    let right = cells[first..=last].iter().filter_map(|row| row.iter().rposition(block)).max()?;
    let (width, height) = (right - left + 1, (last - first + 1) * 2);
    let mut pixels = Vec::with_capacity(width * height);
    for row in &cells[first..=last] {
        for upper in [true, false] {
            pixels.extend((left..=right).map(|column| {
                row.get(column).filter(|cell| block(cell)).and_then(|cell| if upper { cell.1 } else { cell.2 })
            }));
        }
    }
    Some(Picture { width, height, pixels })
}

/// What PyAV decodes of a session, at the size of a picture.
struct Decoded {
    width: usize,
    height: usize,
    frames: Vec<Vec<u8>>,
}

impl Decoded {
    fn of(session: &Path, width: usize, height: usize) -> Self {
        let out = tempfile::NamedTempFile::new().expect("a file");
        let (w, h) = (width.to_string(), height.to_string());
        let counted = python("frames.py", &[session, Path::new(&w), Path::new(&h), out.path()]);
        let bytes = std::fs::read(out.path()).expect("frames");
        let frames: Vec<Vec<u8>> = bytes.chunks(width * height * 3).map(<[u8]>::to_vec).collect();
        assert_eq!(counted.trim(), frames.len().to_string());
        Self { width, height, frames }
    }

    /// Mean difference of the picture and a frame.
    fn difference(&self, picture: &Picture, frame: usize) -> f64 {
        assert_eq!((picture.width, picture.height), (self.width, self.height));
        let seen =
            picture.pixels.iter().zip(self.frames[frame].chunks(3)).filter_map(|(seen, real)| Some(((*seen)?, real)));
        let (mut sum, mut count) = (0_u64, 0_u64);
        for (seen, real) in seen {
            sum += seen.iter().zip(real).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>();
            count += 3;
        }
        assert!(count as usize > picture.pixels.len(), "most of the picture is covered");
        sum as f64 / count as f64
    }

    /// The frame that a picture is most like, and how much.
    fn nearest(&self, picture: &Picture) -> (usize, f64) {
        let all = (0..self.frames.len()).map(|frame| (frame, self.difference(picture, frame)));
        all.min_by(|a, b| a.1.total_cmp(&b.1)).expect("frames")
    }
}

/// Waits until the screen shows this frame: in the status line, and as the picture.
fn shows_frame(terminal: &Terminal, session: &Path, decoded: &mut Option<Decoded>, frame: usize) {
    terminal.shows(&format!("frame {frame}/"));
    let began = Instant::now();
    loop {
        let found = picture(&cells(terminal)).map(|picture| {
            let fits = decoded.as_ref().is_some_and(|d| (d.width, d.height) == (picture.width, picture.height));
            if !fits {
                *decoded = Some(Decoded::of(session, picture.width, picture.height));
            }
            decoded.as_ref().expect("frames").nearest(&picture)
        });
        if found.is_some_and(|(nearest, difference)| nearest == frame && difference < ALIKE) {
            return;
        }
        assert!(
            began.elapsed() < Duration::from_secs(15),
            "frame {frame} is not on the screen: nearest and difference {found:?}\n{}",
            terminal.tmux(&["capture-pane", "-p"])
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn play(session: &Path, name: &str, size: (u32, u32)) -> Terminal {
    let program = env!("CARGO_BIN_EXE_watchcap");
    let command = format!("{program} replay --pictures blocks {}; echo left=$?; sleep 60", session.display());
    Terminal::start(name, &command, size)
}

#[test]
fn each_frame_is_the_one_that_pyav_decodes_also_after_a_resize() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    let last = python("frames.py", &[&session, Path::new("2"), Path::new("2"), Path::new("/dev/null")]);
    let last = last.trim().parse::<usize>().expect("a number") - 1;
    for (name, size, other) in [("small", (80, 24), (100, 30)), ("wide", (120, 40), (70, 20))] {
        let terminal = play(&session, &format!("frames-{name}"), size);
        let mut decoded = None;
        shows_frame(&terminal, &session, &mut decoded, 0);
        for (keys, frame) in [
            (&["Right"][..], 1),
            (&["Right"], 2),
            (&["g", "3", "7", "Enter"], 37),
            (&["Left"], 36),
            (&["Left"], 35),
            (&["Left", "Left", "Left"], 32),
            (&["End"], last),
            (&["Left"], last - 1),
            (&["Home"], 0),
            (&["g", "1", "5", "Enter"], 15),
        ] {
            terminal.keys(keys);
            shows_frame(&terminal, &session, &mut decoded, frame);
        }
        let before = decoded.as_ref().map(|decoded| decoded.width);
        let (width, height) = (other.0.to_string(), other.1.to_string());
        terminal.tmux(&["resize-window", "-x", &width, "-y", &height]);
        terminal.keys(&["Right"]);
        shows_frame(&terminal, &session, &mut decoded, 16);
        assert_ne!(before, decoded.as_ref().map(|decoded| decoded.width), "the picture did not change its size");
        terminal.keys(&["q"]);
        terminal.shows("left=0");
    }
}

#[test]
fn the_barcode_is_read_from_the_cells() {
    let dir = tempfile::tempdir().expect("a folder");
    // Small enough to be shown pixel by pixel.
    let mut command = watchcap();
    command.args(["record", "--source", "synthetic", "--size", "96x64", "--bitrate-kbps", "2000", "--duration", "2s"]);
    let (code, _, err) = run(command.args(["--session", "s", "--out"]).arg(dir.path()));
    assert!(code == 0 || code == 3, "{err}");
    let session = dir.path().join("s");
    let decoded = Decoded::of(&session, 96, 64);
    let luma = |rgb: &[u8]| (u32::from(rgb[0]) * 3 + u32::from(rgb[1]) * 6 + u32::from(rgb[2])) / 10;
    let of_file = |frame: usize| {
        let pixels = &decoded.frames[frame];
        Barcode::of_width(96).read(|x, y| luma(&pixels[(y * 96 + x) * 3..][..3]) as u8).expect("a barcode in the file")
    };
    // 50 lines leave 32 for the picture: 64 pixels.
    let terminal = play(&session, "barcode", (160, 50));
    for (keys, frame) in [(&["Home"][..], 0), (&["Right"], 1), (&["g", "4", "1", "Enter"], 41), (&["Left"], 40)] {
        terminal.keys(keys);
        terminal.shows(&format!("frame {frame}/"));
        let began = Instant::now();
        loop {
            let whole = picture(&cells(&terminal)).filter(|picture| (picture.width, picture.height) == (96, 64));
            let seen = whole.and_then(|picture| {
                let at = |x: usize, y: usize| picture.pixels[y * 96 + x].map_or(0, |rgb| luma(&rgb) as u8);
                Barcode::of_width(96).read(at)
            });
            if seen == Some(of_file(frame)) {
                break;
            }
            assert!(
                began.elapsed() < Duration::from_secs(15),
                "frame {frame} shows {seen:?}, not {}\n{}",
                of_file(frame),
                terminal.tmux(&["capture-pane", "-p"])
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn a_recording_is_followed_on_the_screen_until_it_is_sealed() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut command = watchcap();
    command.args(["record", "--source", "synthetic", "--size", "320x240", "--duration", "8s", "--session", "live"]);
    command.arg("--out").arg(dir.path()).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let recording = Running(command.spawn().expect("the program"));
    let session = dir.path().join("live");
    let began = Instant::now();
    while !session.join("log/frames.mp4").is_file() {
        assert!(began.elapsed() < Duration::from_secs(20), "it does not record");
        std::thread::sleep(Duration::from_millis(10));
    }
    let terminal = play(&session, "live", (100, 30));
    terminal.shows("recording");
    let number = || {
        let screen = terminal.tmux(&["capture-pane", "-p"]);
        // The line of keys says "frame", too.
        screen.split("frame ").skip(1).find_map(|rest| {
            let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<usize>().ok()
        })
    };
    let mut seen: Vec<(usize, Picture)> = Vec::new();
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(4) {
        std::thread::sleep(Duration::from_millis(250));
        if let Some(shown) = picture(&cells(&terminal)).and_then(|picture| Some((number()?, picture))) {
            seen.push(shown);
        }
    }
    let code = recording.wait();
    assert!(code == 0 || code == 3, "{code}");
    terminal.shows("sealed");
    let numbers: Vec<usize> = seen.iter().map(|(number, _)| *number).collect();
    let (first, last) = (*numbers.first().expect("pictures"), *numbers.last().expect("pictures"));
    assert!(last > first + 20, "it is not followed: {numbers:?}");
    // Each picture was one of the recording, and the one of its moment. One that was read while it changed is of two frames.
    let mut decoded = Some(Decoded::of(&session, seen[0].1.width, seen[0].1.height));
    let found: Vec<(usize, f64)> =
        seen.iter().map(|(_, picture)| decoded.as_ref().expect("frames").nearest(picture)).collect();
    let whole = || numbers.iter().zip(&found).filter(|(_, (_, difference))| *difference < ALIKE);
    for (number, (nearest, _)) in whole() {
        assert!(nearest <= number && nearest + 30 > *number, "{numbers:?} {found:?}");
    }
    assert!(whole().count() * 2 > seen.len(), "{numbers:?} {found:?}");
    // And it is played on as the session.
    for (keys, frame) in [(&["g", "7", "Enter"][..], 7), (&["Left"], 6)] {
        terminal.keys(keys);
        shows_frame(&terminal, &session, &mut decoded, frame);
    }
    terminal.keys(&["q"]);
    terminal.shows("left=0");
}
