//! Windows.Graphics.Capture: what the compositor has of a monitor or a window, and when it is to be presented.
//!
//! Pulled: the pool is free-threaded and of two pictures, nobody is called back, and whoever looks takes what came since.

#![expect(unsafe_code, reason = "the Windows API is C: its calls take pointers to what they write")]

use windows::Foundation::Metadata::ApiInformation;
use windows::Foundation::TimeSpan;
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
use windows::core::{HSTRING, Interface, factory, h};

use super::desktop::{handle_of, monitor_of};
use super::gpu::Gpu;
use super::outputs::output;
use super::words::{Fault, Got, window};
use crate::base::event::Area;
use crate::capture::windows::choice::Abilities;
use crate::capture::windows::pixels::{Turn, part};
use crate::capture::windows::stamps::spanned;
use crate::capture::windows::tones::{Levels, Tones};

/// Pictures that the pool holds: one that is read, and one that comes.
const BUFFERS: i32 = 2;
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
    /// The system draws a border around what is taken; not known where it does not say.
    border: bool,
    /// A monitor, of which the picture has the size exactly.
    is_exact: bool,
    /// A picture that came and could not be used yet.
    waiting: Option<Direct3D11CaptureFrame>,
}

impl Compositor {
    /// Begins to take a monitor or a window, with the pointer or without it.
    pub(in crate::capture::windows) fn open(item: &Item, cursor: bool) -> Result<Self, Fault> {
        let monitor = match item {
            Item::Monitor(name) => Some(name.clone()),
            Item::Window(id) => monitor_of(*id).map(|monitor| monitor.name),
        };
        // Which card has it says which levels it has; one that is not found has none.
        let (card, levels) = monitor
            .and_then(|name| output(&name).ok())
            .map_or((String::new(), None), |output| (output.card, output.levels));
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
        let format = match levels {
            Some(_) => DirectXPixelFormat::R16G16B16A16Float,
            None => DirectXPixelFormat::B8G8R8A8UIntNormalized,
        };
        let size = taken.Size()?;
        let pool = Direct3D11CaptureFramePool::CreateFreeThreaded(&winrt, format, BUFFERS, size)?;
        let session = pool.CreateCaptureSession(&taken)?;
        if has(h!("IsCursorCaptureEnabled")) {
            session.SetIsCursorCaptureEnabled(cursor)?;
        }
        // Without the system's leave it stays, as on Windows 10.
        let border = !(has(h!("IsBorderRequired")) && session.SetIsBorderRequired(false).is_ok());
        // Its default caps at some 50 pictures a second; the recorder has a pace of its own.
        if has(h!("MinUpdateInterval"))
            && let Err(error) = session.SetMinUpdateInterval(TimeSpan { Duration: MILLISECOND })
        {
            tracing::debug!(error = %error.message(), "the least interval stays the system's");
        }
        session.StartCapture()?;
        let is_exact = matches!(item, Item::Monitor(_));
        let tones = levels.map(Tones::new);
        Ok(Self { gpu, winrt, pool, session, format, size, levels, tones, card, border, is_exact, waiting: None })
    }

    /// Whether the system draws a border around what is taken.
    pub(in crate::capture::windows) fn has_border(&self) -> bool {
        self.border
    }

    /// The name of the graphics card that has the monitor.
    pub(in crate::capture::windows) fn card(&self) -> &str {
        &self.card
    }

    /// The levels of the monitor, where it shows a high dynamic range.
    pub(in crate::capture::windows) fn levels(&self) -> Option<Levels> {
        self.levels
    }

    /// The newest picture that was not taken yet; older ones are let go, so that there is room.
    fn newest(&mut self) -> Result<Option<Direct3D11CaptureFrame>, Fault> {
        loop {
            match self.pool.TryGetNextFrame() {
                Ok(frame) => self.waiting = Some(frame),
                // There is none: the answer is nothing, without a fault.
                Err(error) if error.code().is_ok() => return Ok(self.waiting.take()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Reads `area` of what lies at `within` when something came.
    pub(in crate::capture::windows) fn take(&mut self, area: Area, within: Area, out: &mut [u8]) -> Result<Got, Fault> {
        let Some(frame) = self.newest()? else { return Ok(Got::Nothing) };
        let content = frame.ContentSize()?;
        let stamp = spanned(frame.SystemRelativeTime()?.Duration);
        let size = (u32::try_from(content.Width).unwrap_or(0), u32::try_from(content.Height).unwrap_or(0));
        if content != self.size {
            // Of what is larger now only a part is in it.
            drop(frame);
            if size.0 > 0 && size.1 > 0 {
                self.pool.Recreate(&self.winrt, self.format, BUFFERS, content)?;
                self.size = content;
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
        self.gpu.read(&texture, wanted, (Turn::None, self.tones.as_ref()), out)?;
        Ok(Got::Picture(stamp))
    }
}

impl Drop for Compositor {
    fn drop(&mut self) {
        for closed in [self.session.Close(), self.pool.Close()] {
            if let Err(error) = closed {
                tracing::trace!(error = %error.message(), "the system refused to take something back");
            }
        }
    }
}
