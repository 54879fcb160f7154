//! An X client that opens, moves and closes windows of one colour on command, and says when: what a recorder must not see.
//!
//! ```text
//! windows_client [--display :50]
//! ```
//! Commands, one a line on standard input; each is answered with a line of JSON on standard output when the server has done it:
//!
//! ```text
//! open NAME X Y WIDTH HEIGHT RRGGBB [type=notification] [class=CLASS] [title=TEXT_WITH_UNDERSCORES] [over=NAME] [managed] [unmapped]
//! map NAME          unmap NAME        close NAME (close? when it may be gone)        focus NAME|root
//! move NAME X Y     size NAME W H     raise NAME        title NAME TEXT_WITH_UNDERSCORES
//! grab NAME|root    ungrab            (the keyboard)
//! key CODE 1|0      pointer X Y       button NUMBER 1|0     (through XTEST)
//! round NAME        (takes its corners off)                 fill NAME RRGGBB    id NAME    wait MILLISECONDS
//! ```
//! The answer is `{"did":"map box","before":ns,"after":ns}`: `CLOCK_MONOTONIC` before the request was sent, and after the server
//! has answered a question sent behind it. Windows have a background of their colour and so show it from the moment at which they are
//! mapped; they are override-redirect unless `managed`.

#[path = "args.rs"]
mod args;

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use args::{Args, Failure, now, sleep_until};
use serde_json::json;
use x11rb::connection::Connection;
use x11rb::protocol::shape::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    AtomEnum, BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ChangeWindowAttributesAux, ClipOrdering, ConfigureWindowAux,
    ConnectionExt as _, CreateWindowAux, EventMask, GrabMode, GrabStatus, InputFocus, KEY_PRESS_EVENT,
    KEY_RELEASE_EVENT, MOTION_NOTIFY_EVENT, PropMode, Rectangle, StackMode, Window, WindowClass,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

struct Client {
    conn: RustConnection,
    root: Window,
    windows: BTreeMap<String, Window>,
}

impl Client {
    fn sync(&self) -> Result<(), Failure> {
        self.conn.get_input_focus()?.reply()?;
        while self.conn.poll_for_event()?.is_some() {}
        Ok(())
    }

    fn atom(&self, name: &str) -> Result<u32, Failure> {
        Ok(self.conn.intern_atom(false, name.as_bytes())?.reply()?.atom)
    }

    fn window(&self, name: &str) -> Result<Window, Failure> {
        self.windows.get(name).copied().ok_or_else(|| format!("no window {name}").into())
    }

    fn set_title(&self, window: Window, title: &str) -> Result<(), Failure> {
        let title = title.replace('_', " ");
        let (name, utf8) = (self.atom("_NET_WM_NAME")?, self.atom("UTF8_STRING")?);
        self.conn.change_property8(PropMode::REPLACE, window, name, utf8, title.as_bytes())?;
        self.conn.change_property8(PropMode::REPLACE, window, AtomEnum::WM_NAME, AtomEnum::STRING, title.as_bytes())?;
        Ok(())
    }

    fn open(&mut self, words: &[&str]) -> Result<(), Failure> {
        let [name, x, y, width, height, colour, options @ ..] = words else {
            return Err("open needs six words".into());
        };
        let window = self.conn.generate_id()?;
        let aux = CreateWindowAux::new()
            .override_redirect(u32::from(!options.contains(&"managed")))
            .background_pixel(u32::from_str_radix(colour, 16)?)
            .event_mask(EventMask::KEY_PRESS);
        let (x, y, width, height) = (x.parse()?, y.parse()?, width.parse()?, height.parse()?);
        let class = WindowClass::INPUT_OUTPUT;
        self.conn.create_window(0, window, self.root, x, y, width, height, 0, class, 0, &aux)?;
        for option in options {
            match option.split_once('=') {
                Some(("type", kind)) => {
                    let kind = self.atom(&format!("_NET_WM_WINDOW_TYPE_{}", kind.to_uppercase()))?;
                    let property = self.atom("_NET_WM_WINDOW_TYPE")?;
                    self.conn.change_property32(PropMode::REPLACE, window, property, AtomEnum::ATOM, &[kind])?;
                }
                Some(("class", class)) => {
                    let text = format!("{}\0{class}\0", class.to_lowercase());
                    let (property, kind) = (AtomEnum::WM_CLASS, AtomEnum::STRING);
                    self.conn.change_property8(PropMode::REPLACE, window, property, kind, text.as_bytes())?;
                }
                Some(("title", title)) => self.set_title(window, title)?,
                Some(("over", owner)) => {
                    let (property, owner) = (AtomEnum::WM_TRANSIENT_FOR, self.window(owner)?);
                    self.conn.change_property32(PropMode::REPLACE, window, property, AtomEnum::WINDOW, &[owner])?;
                }
                _ => {}
            }
        }
        self.windows.insert((*name).to_owned(), window);
        if !options.contains(&"unmapped") {
            self.conn.map_window(window)?;
        }
        Ok(())
    }

    fn run(&mut self, words: &[&str]) -> Result<(), Failure> {
        let configure = ConfigureWindowAux::new();
        match words {
            ["open", rest @ ..] => self.open(rest)?,
            ["map", name] => drop(self.conn.map_window(self.window(name)?)?),
            ["unmap", name] => drop(self.conn.unmap_window(self.window(name)?)?),
            ["close?", name] => {
                if let Some(window) = self.windows.remove(*name) {
                    self.conn.destroy_window(window)?;
                }
            }
            ["close", name] => {
                self.conn.destroy_window(self.window(name)?)?;
                self.windows.remove(*name);
            }
            ["focus", name] => {
                let window = if *name == "root" { self.root } else { self.window(name)? };
                self.conn.set_input_focus(InputFocus::POINTER_ROOT, window, x11rb::CURRENT_TIME)?.check()?;
            }
            ["grab", name] => {
                let window = if *name == "root" { self.root } else { self.window(name)? };
                let (now, mode) = (x11rb::CURRENT_TIME, GrabMode::ASYNC);
                let status = self.conn.grab_keyboard(true, window, now, mode, mode)?.reply()?.status;
                if status != GrabStatus::SUCCESS {
                    return Err("the keyboard is not to be had".into());
                }
            }
            ["ungrab"] => drop(self.conn.ungrab_keyboard(x11rb::CURRENT_TIME)?),
            ["move", name, x, y] => {
                let configure = configure.x(x.parse::<i32>()?).y(y.parse::<i32>()?);
                self.conn.configure_window(self.window(name)?, &configure)?;
            }
            ["size", name, width, height] => {
                let configure = configure.width(width.parse::<u32>()?).height(height.parse::<u32>()?);
                self.conn.configure_window(self.window(name)?, &configure)?;
            }
            ["raise", name] => {
                let configure = configure.stack_mode(StackMode::ABOVE);
                self.conn.configure_window(self.window(name)?, &configure)?;
            }
            ["title", name, title] => self.set_title(self.window(name)?, title)?,
            ["key", code, down] => {
                let kind = if *down == "1" { KEY_PRESS_EVENT } else { KEY_RELEASE_EVENT };
                self.conn.xtest_fake_input(kind, code.parse()?, x11rb::CURRENT_TIME, x11rb::NONE, 0, 0, 0)?;
            }
            ["pointer", x, y] => {
                let at = (x.parse()?, y.parse()?);
                self.conn.xtest_fake_input(MOTION_NOTIFY_EVENT, 0, x11rb::CURRENT_TIME, self.root, at.0, at.1, 0)?;
            }
            ["button", button, down] => {
                let kind = if *down == "1" { BUTTON_PRESS_EVENT } else { BUTTON_RELEASE_EVENT };
                self.conn.xtest_fake_input(kind, button.parse()?, x11rb::CURRENT_TIME, x11rb::NONE, 0, 0, 0)?;
            }
            ["round", name] => {
                let window = self.window(name)?;
                let (width, height) = self.conn.get_geometry(window)?.reply().map(|at| (at.width, at.height))?;
                let rows = [
                    Rectangle { x: 10, y: 0, width: width - 20, height: 10 },
                    Rectangle { x: 0, y: 10, width, height: height - 10 },
                ];
                let (set, bounding, unsorted) = (shape::SO::SET, shape::SK::BOUNDING, ClipOrdering::UNSORTED);
                self.conn.shape_rectangles(set, bounding, unsorted, window, 0, 0, &rows)?;
            }
            ["fill", name, colour] => {
                let window = self.window(name)?;
                let colour = u32::from_str_radix(colour, 16)?;
                let background = ChangeWindowAttributesAux::new().background_pixel(colour);
                self.conn.change_window_attributes(window, &background)?;
                self.conn.clear_area(false, window, 0, 0, 0, 0)?;
            }
            ["id", _] => {}
            ["wait", milliseconds] => sleep_until(now() + milliseconds.parse::<i64>()? * 1_000_000),
            _ => return Err("unknown command".into()),
        }
        Ok(())
    }
}

fn main() -> Result<(), Failure> {
    let args = Args::new();
    let (conn, screen) = x11rb::connect(args.get("display"))?;
    let root = conn.setup().roots[screen].root;
    let mut client = Client { conn, root, windows: BTreeMap::new() };
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let before = now();
        client.run(&words).map_err(|error| format!("{line}: {error}"))?;
        client.sync()?;
        let id = words.get(1).and_then(|name| client.windows.get(*name));
        writeln!(out, "{}", json!({"did":line,"before":before,"after":now(),"id":id}))?;
        out.flush()?;
    }
    Ok(())
}
