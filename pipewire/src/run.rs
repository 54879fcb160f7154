//! The loop of PipeWire, with the socket in it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use pipewire::context::ContextRc;
use pipewire::loop_::Timeout;
use pipewire::main_loop::MainLoopRc;
use pipewire::properties::properties;
use pipewire::spa::param::ParamType;
use pipewire::spa::param::video::VideoInfoRaw;
use pipewire::spa::support::system::IoFlags;
use pipewire::spa::utils::Direction;
use pipewire::stream::{Stream, StreamFlags, StreamListener, StreamRc, StreamState};
use pipewire::{core, keys};

use crate::cast::{Cast, now};
use crate::line::{Heard, Line};
use crate::pods;
use crate::wire::Request;

/// The longest wait for anything: every one of them is answered by something.
const LONG: Duration = Duration::from_secs(5);

type Shared = Rc<RefCell<Cast>>;

/// Takes pictures until watchcap hangs up.
pub(crate) fn run(node: u32, room: u64, draws: bool) -> Result<(), String> {
    let (memory, mut line, remote) = Line::inherited()?;
    let cast = Rc::new(RefCell::new(Cast::new(memory, room, draws)));
    pipewire::init();
    let failed = |what: &'static str| move |error: pipewire::Error| format!("PipeWire: {what}: {error}");
    let main_loop = MainLoopRc::new(None).map_err(failed("no loop"))?;
    let context = ContextRc::new(&main_loop, None).map_err(failed("no context"))?;
    let core = context.connect_fd_rc(remote, None).map_err(failed("no connection"))?;
    let _core_listener = core
        .add_listener_local()
        .error({
            let cast = Rc::clone(&cast);
            move |id, _, _, message| {
                if id == core::PW_ID_CORE {
                    cast.borrow_mut().ends(format!("PipeWire hangs up: {message}"));
                }
            }
        })
        .register();
    let properties = properties! {
        *keys::MEDIA_TYPE => "Video", *keys::MEDIA_CATEGORY => "Capture", *keys::MEDIA_ROLE => "Screen",
        // Never another camera or screen in the place of this one.
        *keys::NODE_DONT_RECONNECT => "true",
    };
    let stream = StreamRc::new(core.clone(), "watchcap", properties).map_err(failed("no stream"))?;
    // It lives as long as the process, and so may the buffer that is held.
    let stream: &'static StreamRc = Box::leak(Box::new(stream));
    let _listener = listen(stream, &cast).map_err(failed("nothing is told of the stream"))?;
    let formats = pods::formats().ok_or("the formats cannot be written")?;
    let mut params: Vec<_> = formats.pod().into_iter().collect();
    let flags = StreamFlags::AUTOCONNECT | StreamFlags::MAP_BUFFERS | StreamFlags::DONT_RECONNECT;
    stream.connect(Direction::Input, Some(node), flags, &mut params).map_err(failed("the stream is not there"))?;

    // Only to wake up; it is read below.
    let _socket = main_loop.loop_().add_io(line.handle()?, IoFlags::IN, |_| {});
    let mut waiting: Option<(Request, i64)> = None;
    loop {
        let left = waiting.map_or(LONG, |(_, until)| Duration::from_nanos(u64::try_from(until - now()).unwrap_or(0)));
        main_loop.loop_().iterate(Timeout::Finite(left));
        match line.hear() {
            Heard::Nothing => {}
            Heard::HungUp => return Ok(()),
            Heard::Asked(_) if waiting.is_some() => return Err("watchcap asks before it was answered".to_owned()),
            Heard::Asked(request) => {
                waiting = Some((request, now() + i64::from(request.wait_ms) * 1_000_000));
                // What had arrived when it was asked is taken in first.
                main_loop.loop_().iterate(Timeout::None);
            }
        }
        let Some((request, until)) = waiting else { continue };
        if cast.borrow().has_answer() || now() >= until {
            waiting = None;
            let answer = cast.borrow_mut().answer(request)?;
            line.answer(&answer.bytes())?;
        }
    }
}

fn listen(stream: &'static StreamRc, cast: &Shared) -> Result<StreamListener<Shared>, pipewire::Error> {
    stream
        .add_local_listener_with_user_data(Rc::clone(cast))
        .state_changed(|_, cast, old, new| match new {
            StreamState::Error(why) => cast.borrow_mut().ends(format!("PipeWire: {why}")),
            StreamState::Unconnected if old != StreamState::Unconnected => {
                cast.borrow_mut().ends("the desktop has ended the stream");
            }
            _ => {}
        })
        .param_changed(|stream, cast, id, param| {
            let (Some(param), true) = (param, id == ParamType::Format.as_raw()) else { return };
            let mut info = VideoInfoRaw::default();
            if info.parse(param).is_err() {
                return cast.borrow_mut().ends("PipeWire: a format that cannot be read");
            }
            cast.borrow_mut().agreed(info);
            if let Err(error) = ask_for(stream) {
                cast.borrow_mut().ends(format!("PipeWire: {error}"));
            }
        })
        .remove_buffer(|_, cast, _| cast.borrow_mut().lets_go())
        .process(move |_, cast| {
            while let Some(buffer) = stream.dequeue_buffer() {
                cast.borrow_mut().sent(buffer);
            }
        })
        .register()
}

/// Asks for what is wanted beside the pixels.
fn ask_for(stream: &Stream) -> Result<(), pipewire::Error> {
    let wanted = pods::beside();
    let mut params: Vec<_> = wanted.iter().filter_map(pods::Param::pod).collect();
    stream.update_params(&mut params)
}
