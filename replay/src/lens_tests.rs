//! Text of a desktop is read back from the cells of the screen, through the worker and the drawing.

use std::ops::Range;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;

use crate::app::{App, Painting};
use crate::fake::{Fake, START};
use crate::keys::{Chord, Key};
use crate::msg::Msg;
use crate::text::SECOND;
use crate::theme::{Colours, Look, Theme};
use crate::timeline::{Picture, Pictures};
use crate::update::update;
use crate::view;
use crate::worker::Worker;

/// Letters of 5 by 7 pixels, a row a byte.
const FONT: [(char, [u8; 7]); 7] = [
    ('C', [0b01110, 0b10001, 0b10000, 0b10000, 0b10000, 0b10001, 0b01110]),
    ('A', [0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001]),
    ('P', [0b11110, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000, 0b10000]),
    ('T', [0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100]),
    ('U', [0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110]),
    ('R', [0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001]),
    ('E', [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111]),
];
const TEXT: &str = "CAPTURE";
const SIZE: (u32, u32) = (1920, 1080);

/// A grey desktop with one line of black text on it.
struct Desktop {
    at: (u32, u32),
}

impl Pictures for Desktop {
    fn picture(&mut self, _: u64, within: (u32, u32)) -> Result<Picture, String> {
        assert_eq!(within, SIZE, "all of its pixels are needed");
        let mut rgb = vec![200; (SIZE.0 * SIZE.1 * 3) as usize];
        for (n, letter) in TEXT.chars().enumerate() {
            let (_, rows) = FONT.into_iter().find(|(known, _)| *known == letter).expect("a letter");
            for (y, x) in (0..7_u32).flat_map(|y| (0..5_u32).map(move |x| (y, x))) {
                if rows[y as usize] & (0b10000 >> x) != 0 {
                    let at = ((self.at.1 + y) * SIZE.0 + self.at.0 + n as u32 * 6 + x) as usize * 3;
                    rgb[at..at + 3].fill(0);
                }
            }
        }
        Ok(Picture { width: SIZE.0, height: SIZE.1, rgb })
    }

    fn group(&mut self, frame: u64) -> Range<u64> {
        frame..frame + 1
    }
}

/// The pixels of the picture's pane, as the cells show them: dark or not.
fn pixels(app: &App<'_>) -> Vec<Vec<bool>> {
    let mut terminal = Terminal::new(TestBackend::new(app.size.0, app.size.1)).expect("a test backend");
    terminal.draw(|frame| view::draw(app, frame)).expect("drawing");
    let buffer = terminal.backend().buffer();
    let area = app.layout().expect("large enough").picture;
    let dark = |colour: Color| matches!(colour, Color::Rgb(r, ..) if r < 100);
    let rows = area.rows().flat_map(|row| {
        let cells: Vec<_> = row.positions().map(|at| &buffer[at]).collect();
        [cells.iter().map(|cell| dark(cell.fg)).collect(), cells.iter().map(|cell| dark(cell.bg)).collect()]
    });
    rows.collect()
}

/// What stands in pixels, each of which is `times` wide and high.
fn read(pixels: &[Vec<bool>], times: usize) -> String {
    let (rows, columns) = (pixels.len(), pixels[0].len());
    let mut text = String::new();
    for (y, x) in (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))) {
        let dark = |dx: usize, dy: usize| {
            pixels.get(y + dy * times).and_then(|row| row.get(x + dx * times)).copied().unwrap_or(false)
        };
        let glyph: Vec<u8> = (0..7).map(|dy| (0..5).fold(0, |bits, dx| bits << 1 | u8::from(dark(dx, dy)))).collect();
        // Each pixel of a letter is seen on all of its places, so a letter is found on `times` × `times` of them: the first counts.
        let found = FONT.into_iter().find(|(_, rows)| rows[..] == glyph[..]).map(|(letter, _)| letter);
        let first = |pixels: &[Vec<bool>]| {
            let shifted = |dx: usize, dy: usize| {
                (0..7).all(|row| {
                    (0..5).all(|column| {
                        let (y, x) = ((y + row * times).checked_sub(dy), (x + column * times).checked_sub(dx));
                        y.zip(x).and_then(|(y, x)| pixels.get(y)?.get(x).copied()).unwrap_or(false) == dark(column, row)
                    })
                })
            };
            times == 1 || !(shifted(1, 0) || shifted(0, 1))
        };
        if let Some(letter) = found.filter(|_| first(pixels)) {
            text.push(letter);
        }
    }
    text
}

fn press(app: &mut App<'_>, key: char) {
    update(app, Msg::Key(Chord::plain(Key::Char(key))));
}

/// Has the worker make what the player wants.
fn serve(app: &mut App<'_>, worker: &Worker) {
    let request = app.wants().expect("a picture is wanted");
    worker.ask(request.clone());
    let answer = loop {
        let answer = worker.answers.recv_timeout(std::time::Duration::from_secs(20)).expect("an answer");
        if answer.request == request {
            break answer;
        }
    };
    assert!(answer.result.is_ok(), "{:?}", answer.result.err());
    update(app, Msg::Picture(answer));
}

#[test]
fn text_of_a_desktop_is_read_back_from_half_blocks() {
    let timeline = Fake::new(60, 30);
    let theme = Theme::new(Colours::True, Look::Dark);
    let mut app = App::new(&timeline, theme, Painting::HalfBlocks, (120, 40));
    app.begin(Some(START + 10 * SECOND), false);
    let (x, y) = app.state.pointer.expect("a pointer");
    let at = ((x * 1920.0) as u32 - 20, (y * 1080.0) as u32 + 4);
    let worker = Worker::start(Box::new(Desktop { at }), None).expect("a thread");
    // What lies over the picture would be read too.
    press(&mut app, 'h');
    for (times, name) in [(1, "1:1"), (2, "2:1")] {
        press(&mut app, 'x');
        serve(&mut app, &worker);
        let seen = pixels(&app);
        assert_eq!(seen[0].len(), 120, "the panel makes room");
        assert_eq!(read(&seen, times), TEXT, "{name}");
        assert!(app.lens.is_some_and(|lens| lens.scale.name() == name && lens.follows));
    }
    // By hand it goes away, and back to the pointer.
    for key in [Key::Right, Key::Right, Key::Right, Key::Right] {
        update(&mut app, Msg::Key(Chord::plain(key)));
    }
    serve(&mut app, &worker);
    assert_eq!(read(&pixels(&app), 2), "");
    press(&mut app, 'X');
    serve(&mut app, &worker);
    assert_eq!(read(&pixels(&app), 2), TEXT);
    press(&mut app, 'x');
    assert!(app.lens.is_none() && app.wants().is_some_and(|request| request.part.is_none()));
}
