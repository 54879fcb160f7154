//! Windows.Graphics.Capture: what the compositor has of a monitor or a window, and when it is to be presented.
//!
//! The pool is free-threaded and of three pictures. While all of them are taken the system draws no new one, and does not catch up on it either, so each one
//! that comes is taken out at once, in a thread of the system's, and the one before is given back: whoever looks has the newest.

#![expect(unsafe_code, reason = "the Windows API is C: its calls take pointers to what they write")]

use std::sync::{Arc, Mutex, PoisonError};

use windows::Foundation::Metadata::ApiInformation;
use windows::Foundation::{TimeSpan, TypedEventHandler};
use windows::Graphics::Capture::{
    Direct3D11CaptureFrame, Direct3D11CaptureFramePool, GraphicsCaptureItem, GraphicsCaptureSession,
};
use windows::Graphics::DirectX::Direct3D11::IDirect3DDevice;
use windows::Graphics::DirectX::DirectXPixelFormat;
use windows::Graphics::SizeInt32;
use windows::Win32::Graphics::Direct3D11::ID3D11Texture2D;
use windows::Win32::System::WinRT::Direct3D11::IDirect3DDxgiInterfaceAccess;
use windows::Win32::System::WinRT::Graphics::Capture::IGraphicsCaptureItemInterop;
use windows::Win32::System::WinRT::{RO_INIT_MULTITHREADED, RoInitialize};
use windows::core::{HSTRING, IInspectable, Interface, Ref, factory, h};

use super::desktop::{handle_of, monitor_of};
use super::gpu::Gpu;
use super::outputs::output;
use super::words::{Fault, Got, window};
use crate::base::event::Area;
use crate::capture::windows::choice::Abilities;
use crate::capture::windows::pixels::{Turn, part};
use crate::capture::windows::stamps::spanned;
use crate::capture::windows::tones::{Levels, Tones};

/// Pictures that the pool holds: one that is read, the newest, and one that comes.
const BUFFERS: i32 = 3;
/// Whether the monitor shows a high dynamic range is asked again after so many looks: some seconds.
const ASK_AGAIN: u32 = 256;
/// Units of 100 ns in a millisecond.
const MILLISECOND: i64 = 10_000;
/// `DXGI_ERROR_NOT_FOUND`.
const NOT_FOUND: u32 = 0x887A_0002;

/// What is taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::capture::windows) enum Item {
    /// A monitor, by its name.
    Monitor(String),
    /// A window, by its handle.
    Window(u64),
}

fn has(property: &HSTRING) -> bool {
    ApiInformation::IsPropertyPresent(h!("Windows.Graphics.Capture.GraphicsCaptureSession"), property).unwrap_or(false)
}

/// What the system has of it.
pub(in crate::capture::windows) fn abilities() -> Abilities {
    // SAFETY: takes a constant. Where the thread is of another kind already that one serves.
    if let Err(error) = unsafe { RoInitialize(RO_INIT_MULTITHREADED) } {
        tracing::debug!(error = %error.message(), "WinRT was there already, or is not");
    }
    let is_there = GraphicsCaptureSession::IsSupported().unwrap_or(false);
    Abilities { is_there, leaves_pointer_out: is_there && has(h!("IsCursorCaptureEnabled")) }
}

/// A monitor or a window that the compositor hands out.
pub(in crate::capture::windows) struct Compositor {
    gpu: Gpu,
    winrt: IDirect3DDevice,
    pool: Direct3D11CaptureFramePool,
    session: GraphicsCaptureSession,
    format: DirectXPixelFormat,
    size: SizeInt32,
    levels: Option<Levels>,
    tones: Option<Tones>,
    card: String,
    /// The system was asked to draw no border around what is taken, and did not refuse.
    is_border_asked_off: bool,
    /// A monitor, of which the picture has the size exactly.
    is_exact: bool,
    /// What is taken, by whose monitor its levels are told, and how many looks there were since they were.
    item: Item,
    looks: u32,
    /// The newest picture.
    latest: Arc<Latest>,
    /// By which the system knows who takes them.
    token: i64,
    /// A picture that came and could not be used yet.
    waiting: Option<Direct3D11CaptureFrame>,
}

/// The newest picture that came, which nobody has looked at yet.
#[derive(Default)]
struct Latest(Mutex<Option<Direct3D11CaptureFrame>>);

impl Latest {
    /// Takes out what is in the pool, in the order in which it came; all but the newest is given back.
    fn drain(&self, pool: &Direct3D11CaptureFramePool) -> windows::core::Result<Option<Direct3D11CaptureFrame>> {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fill(&mut latest, pool)?;
        Ok(latest.take())
    }

    /// Something came.
    fn arrived(&self, pool: &Direct3D11CaptureFramePool) -> windows::core::Result<()> {
        fill(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner), pool)
    }
}

fn fill(latest: &mut Option<Direct3D11CaptureFrame>, pool: &Direct3D11CaptureFramePool) -> windows::core::Result<()> {
    loop {
        match pool.TryGetNextFrame() {
            Ok(frame) => give_back(latest.replace(frame)),
            // There is none: the answer is nothing, without a fault.
            Err(error) if error.code().is_ok() => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// A picture that is not read any more goes back to the pool.
fn give_back(frame: Option<Direct3D11CaptureFrame>) {
    if let Some(Err(error)) = frame.map(|frame| frame.Close()) {
        tracing::trace!(error = %error.message(), "the system refused to take something back");
    }
}

/// The levels of what is taken, and the name of its card. Which card has it says which levels it has; one that is not found has none.
fn levels_of(item: &Item) -> (String, Option<Levels>) {
    let monitor = match item {
        Item::Monitor(name) => Some(name.clone()),
        Item::Window(id) => monitor_of(*id).map(|monitor| monitor.name),
    };
    let found = monitor.and_then(|name| output(&name).ok());
    found.map_or((String::new(), None), |output| (output.card, output.levels))
}

/// What the pixels are, of a monitor with these levels.
fn format_of(levels: Option<Levels>) -> DirectXPixelFormat {
    match levels {
        Some(_) => DirectXPixelFormat::R16G16B16A16Float,
        None => DirectXPixelFormat::B8G8R8A8UIntNormalized,
    }
}

impl Compositor {
    /// Begins to take a monitor or a window, with the pointer or without it.
    pub(in crate::capture::windows) fn open(item: &Item, cursor: bool) -> Result<Self, Fault> {
        let (card, levels) = levels_of(item);
        let gpu = Gpu::open(None)?;
        let winrt = gpu.winrt()?;
        let interop = factory::<GraphicsCaptureItem, IGraphicsCaptureItemInterop>()?;
        // SAFETY: handles are checked by the system.
        let taken: GraphicsCaptureItem = unsafe {
            match item {
                Item::Monitor(name) => {
                    let handle = handle_of(name).ok_or_else(|| Fault::own(NOT_FOUND, "the monitor is not there"))?;
                    interop.CreateForMonitor(handle)?
                }
                Item::Window(id) => interop.CreateForWindow(window(*id))?,
            }
        };
        let format = format_of(levels);
        let size = taken.Size()?;
        let pool = Direct3D11CaptureFramePool::CreateFreeThreaded(&winrt, format, BUFFERS, size)?;
        let latest = Arc::new(Latest::default());
        let takes = Arc::clone(&latest);
        let arrived = move |pool: Ref<Direct3D11CaptureFramePool>, _: Ref<IInspectable>| match pool.as_ref() {
            Some(pool) => takes.arrived(pool),
            None => Ok(()),
        };
        let token = pool.FrameArrived(&TypedEventHandler::new(arrived))?;
        let session = pool.CreateCaptureSession(&taken)?;
        if has(h!("IsCursorCaptureEnabled")) {
            session.SetIsCursorCaptureEnabled(cursor)?;
        }
        // Without the system's leave it stays, as on Windows 10, and the system need not say so.
        let is_border_asked_off = has(h!("IsBorderRequired")) && session.SetIsBorderRequired(false).is_ok();
        // Its default caps at some 50 pictures a second; the recorder has a pace of its own.
        if has(h!("MinUpdateInterval"))
            && let Err(error) = session.SetMinUpdateInterval(TimeSpan { Duration: MILLISECOND })
        {
            tracing::debug!(error = %error.message(), "the least interval stays the system's");
        }
        session.StartCapture()?;
        let is_exact = matches!(item, Item::Monitor(_));
        let tones = levels.map(Tones::new);
        let (item, looks, waiting) = (item.clone(), 0, None);
        Ok(Self {
            gpu,
            winrt,
            pool,
            session,
            format,
            size,
            levels,
            tones,
            card,
            is_border_asked_off,
            is_exact,
            item,
            looks,
            latest,
            token,
            waiting,
        })
    }

    /// Whether the system was asked to draw no border around what is taken, and did not refuse; it may draw one all the same.
    pub(in crate::capture::windows) fn is_border_asked_off(&self) -> bool {
        self.is_border_asked_off
    }

    /// The name of the graphics card that has the monitor.
    pub(in crate::capture::windows) fn card(&self) -> &str {
        &self.card
    }

    /// The levels of the monitor, where it shows a high dynamic range.
    pub(in crate::capture::windows) fn levels(&self) -> Option<Levels> {
        self.levels
    }

    /// The newest picture that was not taken yet.
    fn newest(&mut self) -> Result<Option<Direct3D11CaptureFrame>, Fault> {
        if let Some(frame) = self.latest.drain(&self.pool)? {
            give_back(self.waiting.replace(frame));
        }
        Ok(self.waiting.take())
    }

    /// Has a pool of what comes now: of another size, or of other pixels. What came before is let go of.
    fn renew(&mut self, size: SizeInt32) -> Result<(), Fault> {
        give_back(self.latest.drain(&self.pool)?);
        give_back(self.waiting.take());
        self.pool.Recreate(&self.winrt, self.format, BUFFERS, size)?;
        self.size = size;
        Ok(())
    }

    /// Asks now and then whether the monitor shows another dynamic range; whether it does.
    fn has_other_levels(&mut self) -> Result<bool, Fault> {
        self.looks += 1;
        if self.looks < ASK_AGAIN {
            return Ok(false);
        }
        self.looks = 0;
        let (card, levels) = levels_of(&self.item);
        // A monitor that is not found now says nothing.
        if card.is_empty() || levels == self.levels {
            return Ok(false);
        }
        (self.card, self.levels, self.tones, self.format) = (card, levels, levels.map(Tones::new), format_of(levels));
        self.renew(self.size)?;
        Ok(true)
    }

    /// Reads `area` of what lies at `within` when something came.
    pub(in crate::capture::windows) fn take(&mut self, area: Area, within: Area, out: &mut [u8]) -> Result<Got, Fault> {
        if self.has_other_levels()? {
            return Ok(Got::Unfit);
        }
        let Some(frame) = self.newest()? else { return Ok(Got::Nothing) };
        let content = frame.ContentSize()?;
        let stamp = spanned(frame.SystemRelativeTime()?.Duration);
        let size = (u32::try_from(content.Width).unwrap_or(0), u32::try_from(content.Height).unwrap_or(0));
        if content != self.size {
            // Of what is larger now only a part is in it.
            give_back(Some(frame));
            if size.0 > 0 && size.1 > 0 {
                self.renew(content)?;
            }
            return Ok(Got::Unfit);
        }
        let fits = !self.is_exact || size == (within.width, within.height);
        let Some(wanted) = part(area, within, size).filter(|_| fits) else {
            // It may be where the window is said to be a moment later, and nothing else need come.
            self.waiting = Some(frame);
            return Ok(Got::Unfit);
        };
        let access: IDirect3DDxgiInterfaceAccess = frame.Surface()?.cast()?;
        // SAFETY: the texture is the frame's, which lives until it is read.
        let texture: ID3D11Texture2D = unsafe { access.GetInterface() }?;
        let read = self.gpu.read(&texture, wanted, (Turn::None, self.tones.as_ref()), out);
        give_back(Some(frame));
        read?;
        Ok(Got::Picture(stamp))
    }
}

impl Drop for Compositor {
    fn drop(&mut self) {
        for closed in [self.pool.RemoveFrameArrived(self.token), self.session.Close(), self.pool.Close()] {
            if let Err(error) = closed {
                tracing::trace!(error = %error.message(), "the system refused to take something back");
            }
        }
    }
}
