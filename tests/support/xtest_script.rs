//! Injects a seeded script of inputs through XTEST and logs each with the time before and after it was sent.
//!
//! ```text
//! xtest_script [--display :50] [--seed 1] [--seconds 5] [--log truth.jsonl] [--sync true]
//!              [--only keys|taps|holds|buttons|wheel|relative|absolute]
//! ```
//! Lines: `{"kind":"key","code":38,"down":true,"before":ns,"after":ns,"what":"tap"}`, kinds `key`, `button` (wheel
//! turns are buttons 4 to 7), `rel` (with `dx`, `dy`), `abs` (with `x`, `y`). Times are `CLOCK_MONOTONIC` nanoseconds:
//! before the request was written, and after it was flushed to the server's socket; with `--sync true` after the server
//! has answered a question sent behind it, so that the event happened between both for certain. The script depends on the seed and
//! the duration only; nothing is down when it ends, also after SIGTERM.

#[path = "args.rs"]
mod args;

use std::collections::BTreeSet;

use args::{Args, Failure, Lines, Random, Stop, now, sleep_until};
use serde_json::json;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConnectionExt as _, KEY_PRESS_EVENT, KEY_RELEASE_EVENT,
    MOTION_NOTIFY_EVENT,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

const MS: i64 = 1_000_000;
/// X11 keycodes of letters, digits, arrows, space and function keys (evdev + 8): none that makes a server do something.
const KEYS: [u8; 24] =
    [38, 39, 40, 41, 24, 25, 26, 27, 52, 53, 54, 10, 11, 12, 65, 111, 113, 114, 116, 67, 68, 86, 94, 61];
/// Modifiers for chords: Shift, Control.
const MODIFIERS: [u8; 2] = [50, 37];
const BUTTONS: [u8; 5] = [1, 2, 3, 8, 9];

struct Script {
    conn: RustConnection,
    root: u32,
    size: (u64, u64),
    log: Lines,
    random: Random,
    sync: bool,
    stop: Stop,
    keys_down: BTreeSet<u8>,
    buttons_down: BTreeSet<u8>,
    /// When the next step is due, ns.
    due: i64,
}

impl Script {
    fn pause(&mut self, ns: i64) {
        // A deadline that has passed is not made up for: the script's order is fixed, its times are in the log.
        self.due = (self.due + ns).max(now());
        while now() < self.due && !self.stop.is_set() {
            sleep_until(self.due);
        }
    }

    fn fake(&mut self, kind: u8, detail: u8, at: (i16, i16)) -> Result<(i64, i64), Failure> {
        let root = if kind == MOTION_NOTIFY_EVENT { self.root } else { x11rb::NONE };
        let before = now();
        self.conn.xtest_fake_input(kind, detail, x11rb::CURRENT_TIME, root, at.0, at.1, 0)?.ignore_error();
        if self.sync {
            self.conn.get_input_focus()?.reply()?;
        } else {
            self.conn.flush()?;
        }
        Ok((before, now()))
    }

    fn key(&mut self, code: u8, down: bool, what: &str) -> Result<(), Failure> {
        if down {
            self.keys_down.insert(code)
        } else {
            self.keys_down.remove(&code)
        };
        let kind = if down { KEY_PRESS_EVENT } else { KEY_RELEASE_EVENT };
        let (before, after) = self.fake(kind, code, (0, 0))?;
        let line = json!({"kind":"key","code":code,"down":down,"before":before,"after":after,"what":what});
        self.log.write(&line)
    }

    fn button(&mut self, code: u8, down: bool) -> Result<(), Failure> {
        if down {
            self.buttons_down.insert(code)
        } else {
            self.buttons_down.remove(&code)
        };
        let kind = if down { BUTTON_PRESS_EVENT } else { BUTTON_RELEASE_EVENT };
        let (before, after) = self.fake(kind, code, (0, 0))?;
        self.log.write(&json!({"kind":"button","code":code,"down":down,"before":before,"after":after}))
    }

    fn relative(&mut self, dx: i16, dy: i16) -> Result<(), Failure> {
        let (before, after) = self.fake(MOTION_NOTIFY_EVENT, 1, (dx, dy))?;
        self.log.write(&json!({"kind":"rel","dx":dx,"dy":dy,"before":before,"after":after}))
    }

    fn absolute(&mut self, x: i16, y: i16) -> Result<(), Failure> {
        let (before, after) = self.fake(MOTION_NOTIFY_EVENT, 0, (x, y))?;
        self.log.write(&json!({"kind":"abs","x":x,"y":y,"before":before,"after":after}))
    }

    fn pick(&mut self, from: &[u8]) -> u8 {
        from[self.random.below(from.len() as u64) as usize]
    }

    fn step(&mut self, what: &str) -> Result<(), Failure> {
        match what {
            "keys" => {
                for _ in 0..4 {
                    let code = self.pick(&KEYS);
                    self.key(code, true, "single")?;
                    let hold = 20 + self.random.below(60) as i64;
                    self.pause(hold * MS);
                    self.key(code, false, "single")?;
                    self.pause(15 * MS);
                }
                let (modifier, code) = (self.pick(&MODIFIERS), self.pick(&KEYS));
                for (code, down) in [(modifier, true), (code, true), (code, false), (modifier, false)] {
                    self.key(code, down, "chord")?;
                    self.pause(8 * MS);
                }
            }
            "taps" => {
                for _ in 0..10 {
                    let code = self.pick(&KEYS);
                    self.key(code, true, "tap")?;
                    self.pause(MS);
                    self.key(code, false, "tap")?;
                    self.pause(4 * MS);
                }
            }
            "holds" => {
                let code = self.pick(&KEYS);
                self.key(code, true, "hold")?;
                self.pause(900 * MS);
                self.key(code, false, "hold")?;
                self.pause(20 * MS);
            }
            "buttons" => {
                for code in BUTTONS {
                    self.button(code, true)?;
                    let hold = 2 + self.random.below(20) as i64;
                    self.pause(hold * MS);
                    self.button(code, false)?;
                    self.pause(5 * MS);
                }
            }
            "wheel" => {
                for _ in 0..6 {
                    let code = 4 + self.random.below(4) as u8;
                    self.button(code, true)?;
                    self.button(code, false)?;
                    let rest = 3 + self.random.below(20) as i64;
                    self.pause(rest * MS);
                }
            }
            "relative" => {
                for _ in 0..200 {
                    let (dx, dy) = (self.random.below(9) as i16 - 4, self.random.below(9) as i16 - 4);
                    self.relative(dx, dy)?;
                    self.pause(MS);
                }
            }
            _ => {
                for _ in 0..50 {
                    let (x, y) = (self.random.below(self.size.0) as i16, self.random.below(self.size.1) as i16);
                    self.absolute(x, y)?;
                    self.pause(MS);
                }
            }
        }
        self.pause(10 * MS);
        Ok(())
    }

    fn release_all(&mut self) -> Result<(), Failure> {
        for code in std::mem::take(&mut self.keys_down) {
            self.key(code, false, "end")?;
        }
        for code in std::mem::take(&mut self.buttons_down) {
            self.button(code, false)?;
        }
        self.conn.get_input_focus()?.reply()?;
        self.log.flush()
    }
}

const KINDS: [&str; 7] = ["keys", "taps", "holds", "buttons", "wheel", "relative", "absolute"];

fn main() -> Result<(), Failure> {
    let args = Args::new();
    let (conn, screen) = x11rb::connect(args.get("display"))?;
    let screen = &conn.setup().roots[screen];
    let (root, size) = (screen.root, (u64::from(screen.width_in_pixels), u64::from(screen.height_in_pixels)));
    let kinds: Vec<&str> = match args.get("only") {
        Some(only) => KINDS.into_iter().filter(|kind| only.split(',').any(|wanted| wanted == *kind)).collect(),
        None => KINDS.to_vec(),
    };
    if kinds.is_empty() {
        return Err(format!("--only takes of {}", KINDS.join(",")).into());
    }
    let mut script = Script {
        root,
        size,
        log: Lines::create(args.get("log"))?,
        random: Random(args.number("seed", 1)?),
        sync: args.number("sync", false)?,
        stop: Stop::new()?,
        keys_down: BTreeSet::new(),
        buttons_down: BTreeSet::new(),
        due: now(),
        conn,
    };
    // The first time any extension is used a question is asked: not within the first step.
    x11rb::connection::RequestConnection::extension_information(
        &script.conn,
        x11rb::protocol::xtest::X11_EXTENSION_NAME,
    )?
    .ok_or("the server has no XTEST")?;
    // Planned time, not time on the clock, decides when the script is over: a slow machine injects the same.
    let seconds: i64 = args.number("seconds", 5)?;
    let mut planned = 0;
    let mut round = 0;
    while planned < seconds * 1_000 * MS && !script.stop.is_set() {
        let kind = kinds[round % kinds.len()];
        round += 1;
        planned += match kind {
            "keys" => 330,
            "holds" => 930,
            "buttons" | "wheel" => 90,
            "relative" => 210,
            _ => 60, // taps, absolute
        } * MS;
        script.step(kind)?;
    }
    script.release_all()
}
