//! Tests of the worker: what it decodes when, what it keeps, and what the terminal is sent.

use std::ops::Range;
use std::sync::Mutex;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::widgets::Widget;

use super::*;

/// A decoder that writes down what it is asked for. Groups of ten frames.
#[derive(Clone, Default)]
struct Counting(Arc<Mutex<Vec<u64>>>);

impl Counting {
    fn taken(&self) -> Vec<u64> {
        std::mem::take(&mut *self.0.lock().expect("a list"))
    }
}

impl Pictures for Counting {
    fn picture(&mut self, frame: u64, _: (u32, u32)) -> Result<Picture, String> {
        self.0.lock().expect("a list").push(frame);
        assert!(frame != 13, "an unlucky frame");
        let side = if frame >= 1000 { 3000 } else { 8 };
        Ok(Picture { width: side, height: side, rgb: vec![frame as u8; (side * side * 3) as usize] })
    }

    fn group(&mut self, frame: u64) -> Range<u64> {
        let first = frame - frame % 10;
        first..first + 10
    }
}

fn studio(picker: Option<Picker>) -> (Studio, Counting) {
    let decoder = Counting::default();
    (Studio::new(Box::new(decoder.clone()), picker), decoder)
}

/// The last answer to a request, with nothing else wanted meanwhile.
fn serve(studio: &mut Studio, request: &Request) -> (u64, Result<Drawable, String>) {
    let mut last = None;
    studio.follow(Order::Show(request.clone()), &|| false, &mut |answer| last = Some(answer));
    let answer = last.expect("an answer");
    (answer.frame, answer.result)
}

fn request(frame: u64) -> Request {
    Request {
        frame,
        bounds: (8, 8),
        part: None,
        hurry: false,
        heading: Direction::Forward,
        drawing: Drawing::default(),
    }
}

#[test]
fn a_mailbox_keeps_the_latest() {
    let (mailbox, receiver) = Mailbox::new();
    (0..100).for_each(|i| mailbox.post(i));
    assert_eq!(receiver.try_recv(), Ok(99));
    assert!(receiver.is_empty());
}

#[test]
fn the_cache_serves_again_keeps_what_is_near_and_stays_below_both_bounds() {
    let (mut studio, decoder) = studio(None);
    for _ in 0..3 {
        assert!(serve(&mut studio, &request(1)).1.is_ok());
    }
    assert_eq!(decoder.taken(), [1]);
    (100..400).for_each(|frame| drop(serve(&mut studio, &request(frame))));
    assert_eq!(studio.cache.len(), CACHE_PICTURES);
    decoder.taken();
    (300..400).for_each(|frame| drop(serve(&mut studio, &request(frame))));
    assert!(decoder.taken().is_empty(), "the last hundred are there");
    // 3000 × 3000 × 3 = 27 MB each: three fit.
    for frame in 1000..1005 {
        assert!(serve(&mut studio, &Request { bounds: (3000, 3000), ..request(frame) }).1.is_ok());
    }
    let bytes: usize = studio.cache.iter().map(|(_, picture)| picture.rgb.len()).sum();
    assert!(bytes <= CACHE_BYTES && studio.cache.len() == 3, "{} pictures, {bytes} bytes", studio.cache.len());
}

#[test]
fn going_on_it_decodes_a_few_frames_ahead() {
    let (mut studio, decoder) = studio(None);
    assert!(serve(&mut studio, &request(20)).1.is_ok());
    while !studio.ahead.is_empty() {
        studio.decode_ahead();
    }
    assert_eq!(decoder.taken(), (20..=20 + AHEAD).collect::<Vec<_>>());
    assert!(serve(&mut studio, &request(21)).1.is_ok());
    assert_eq!(studio.ahead, [21 + AHEAD]);
}

#[test]
fn going_back_each_group_is_decoded_once_and_in_its_order() {
    let (mut studio, decoder) = studio(None);
    let back = |frame| Request { heading: Direction::Back, ..request(frame) };
    assert!(serve(&mut studio, &back(45)).1.is_ok());
    while !studio.ahead.is_empty() {
        studio.decode_ahead();
    }
    let expected: Vec<u64> = [45].into_iter().chain(40..45).chain(30..40).collect();
    assert_eq!(decoder.taken(), expected);
    for frame in (30..45).rev() {
        assert!(serve(&mut studio, &back(frame)).1.is_ok());
    }
    assert!(decoder.taken().is_empty(), "fifteen steps back without a decode");
    assert_eq!(studio.ahead, (20..30).collect::<Vec<_>>(), "and the next group is planned");
}

#[test]
fn in_a_hurry_the_nearest_cheap_picture_is_shown() {
    let (mut studio, decoder) = studio(None);
    let hurry = |frame| Request { hurry: true, ..request(frame) };
    assert_eq!(serve(&mut studio, &hurry(58)).0, 50, "the keyframe");
    assert!(studio.ahead.is_empty(), "nothing is decoded ahead while a key repeats");
    assert_eq!(serve(&mut studio, &hurry(53)).0, 53, "three decodes on");
    assert_eq!(serve(&mut studio, &hurry(59)).0, 53, "what is there already");
    assert_eq!(serve(&mut studio, &hurry(54)).0, 54);
    decoder.taken();
    assert_eq!(serve(&mut studio, &request(59)).0, 59, "at rest the right one");
    assert_eq!(decoder.taken(), [59]);
    assert_eq!(serve(&mut studio, &hurry(59)).0, 59);
}

#[test]
fn a_decoder_that_panics_is_an_answer_and_the_next_frame_is_served() {
    let worker = Worker::start(Box::new(Counting::default()), None).expect("a thread");
    for (frame, ok) in [(13, false), (14, true)] {
        worker.ask(request(frame));
        let answer = worker.answers.recv_timeout(std::time::Duration::from_secs(20)).expect("an answer");
        assert_eq!((answer.frame, answer.result.is_ok()), (frame, ok));
    }
}

#[test]
fn what_is_prepared_is_there_when_it_is_asked_for() {
    let decoder = Counting::default();
    let worker = Worker::start(Box::new(decoder.clone()), None).expect("a thread");
    worker.prepare(request(42));
    let decoded = (0..2000).any(|_| {
        let answer = worker.answers.recv_timeout(std::time::Duration::from_millis(10));
        assert!(answer.is_err(), "nobody asked yet");
        !decoder.0.lock().expect("a list").is_empty()
    });
    assert!(decoded, "nothing is decoded");
    worker.ask(request(42));
    let answer = worker.answers.recv_timeout(std::time::Duration::from_secs(20)).expect("an answer");
    assert_eq!((answer.frame, answer.result.is_ok()), (42, true));
    assert_eq!(decoder.taken().iter().filter(|frame| **frame == 42).count(), 1, "decoded once");
}

/// A decoder of long groups, which decodes a frame at a time.
#[derive(Default)]
struct Slow {
    ready: u64,
    decoded: Arc<Mutex<Vec<u64>>>,
}

impl Pictures for Slow {
    fn picture(&mut self, frame: u64, _: (u32, u32)) -> Result<Picture, String> {
        self.approach(frame, u64::MAX)?;
        Ok(Picture { width: 1, height: 1, rgb: vec![0; 3] })
    }

    fn approach(&mut self, frame: u64, decodes: u64) -> Result<u64, String> {
        let first = self.group(frame).start;
        let start = if (first..=frame + 1).contains(&self.ready) { self.ready } else { first };
        self.ready = start.saturating_add(decodes).min(frame + 1);
        self.decoded.lock().expect("a list").extend(start..self.ready);
        Ok(frame + 1 - self.ready)
    }

    fn group(&mut self, frame: u64) -> Range<u64> {
        let first = frame - frame % 30;
        first..first + 30
    }
}

#[test]
fn a_long_seek_shows_the_keyframe_until_its_picture_is_there_and_is_given_up_for_another() {
    let decoded = Arc::default();
    let mut studio = Studio::new(Box::new(Slow { ready: 0, decoded: Arc::clone(&decoded) }), None);
    let taken = || std::mem::take(&mut *decoded.lock().expect("a list"));
    let mut shown = Vec::new();
    studio.follow(Order::Show(request(89)), &|| false, &mut |answer| shown.push(answer.frame));
    assert_eq!(shown, [60, 89]);
    assert_eq!(taken(), (60..90).collect::<Vec<_>>(), "each once");
    // A near one is waited for.
    shown.clear();
    studio.follow(Order::Show(request(124)), &|| false, &mut |answer| shown.push(answer.frame));
    assert_eq!(shown, [124]);
    taken();
    // Something else is wanted: nothing more is decoded for this one, and what was is not lost.
    shown.clear();
    studio.follow(Order::Show(request(599)), &|| true, &mut |answer| shown.push(answer.frame));
    assert_eq!((&shown[..], studio.ahead.len()), (&[570][..], 0));
    assert_eq!(taken(), (570..571 + STRIDE).collect::<Vec<_>>());
    studio.follow(Order::Prepare(request(599)), &|| false, &mut |_| panic!("nobody asked"));
    assert_eq!(taken(), (571 + STRIDE..600).collect::<Vec<_>>());
    shown.clear();
    studio.follow(Order::Show(request(599)), &|| true, &mut |answer| shown.push(answer.frame));
    assert_eq!((&shown[..], taken().len()), (&[599][..], 0), "prepared");
}

/// What a graphics terminal is sent for a picture: the text of the cells it is drawn into.
fn sent(studio: &mut Studio, frame: u64) -> (String, Color) {
    let Ok(Drawable::Graphics(protocol)) = serve(studio, &request(frame)).1 else { panic!("no picture") };
    let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 4));
    ratatui_image::Image::new(&protocol).render(buffer.area, &mut buffer);
    (buffer.content().iter().map(ratatui::buffer::Cell::symbol).collect(), buffer[(0, 0)].fg)
}

fn graphics(protocol: ProtocolType) -> Studio {
    let mut picker = Picker::halfblocks();
    picker.set_protocol_type(protocol);
    studio(Some(picker)).0
}

#[test]
fn a_kitty_terminal_stores_two_pictures_however_many_are_shown() {
    let mut studio = graphics(ProtocolType::Kitty);
    let mut ids = std::collections::BTreeSet::new();
    for frame in 20..40 {
        let (text, colour) = sent(&mut studio, frame);
        let Color::Rgb(r, g, b) = colour else { panic!("no id") };
        ids.insert(u32::from_be_bytes([0, r, g, b]));
        assert!(text.contains("\u{1b}_G"), "the picture is transmitted");
    }
    assert_eq!(ids.into_iter().collect::<Vec<_>>(), KITTY_IDS);
}

#[test]
fn a_sixel_terminal_is_sent_sixels_and_an_iterm_a_png() {
    let (text, _) = sent(&mut graphics(ProtocolType::Sixel), 20);
    // DCS, its parameters, q; then colours and bands; then ST.
    let sixel = text.split_once("\u{1b}P").map(|(_, rest)| rest).expect("a device control string");
    let body = sixel.split_once('q').map(|(_, rest)| rest).expect("sixels");
    assert!(body.contains('#') && body.contains("\u{1b}\\"), "{text:?}");
    let (text, _) = sent(&mut graphics(ProtocolType::Iterm2), 20);
    let file = text.split_once("\u{1b}]1337;File=").map(|(_, rest)| rest).expect("an inline file");
    assert!(file.contains("inline=1"), "{text:?}");
    // The first bytes of every PNG, in base64.
    assert!(file.contains(":iVBORw0KGgo"), "{text:?}");
}
