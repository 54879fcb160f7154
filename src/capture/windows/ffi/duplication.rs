//! DXGI Desktop Duplication: what a monitor shows, and when it began to.

#![expect(unsafe_code, reason = "the Windows API is C: its calls take pointers to what they write")]

use windows::Win32::Graphics::Direct3D11::ID3D11Texture2D;
use windows::Win32::Graphics::Dxgi::Common::{DXGI_FORMAT_B8G8R8A8_UNORM, DXGI_FORMAT_R16G16B16A16_FLOAT};
use windows::Win32::Graphics::Dxgi::{
    DXGI_ERROR_WAIT_TIMEOUT, DXGI_OUTDUPL_FRAME_INFO, IDXGIOutput1, IDXGIOutput5, IDXGIOutputDuplication, IDXGIResource,
};
use windows::Win32::System::Performance::QueryPerformanceFrequency;
use windows::core::Interface;

use super::gpu::Gpu;
use super::outputs::{Output, output};
use super::words::{Fault, Got};
use crate::base::event::Area;
use crate::capture::windows::pixels::{Turn, part};
use crate::capture::windows::stamps::counted;
use crate::capture::windows::tones::{Levels, Tones};

/// A monitor's duplication.
pub(in crate::capture::windows) struct Duplication {
    gpu: Gpu,
    frames: IDXGIOutputDuplication,
    turn: Turn,
    card: String,
    levels: Option<Levels>,
    tones: Option<Tones>,
    /// Steps of the stamps in a second.
    frequency: i64,
    /// Something on the screen is protected, and black.
    is_protected: bool,
}

/// `DXGI_ERROR_UNSUPPORTED`.
const UNSUPPORTED: u32 = 0x887A_0004;

impl Duplication {
    /// Begins to duplicate the monitor of this name, on the graphics card that has it.
    pub(in crate::capture::windows) fn open(monitor: &str) -> Result<Self, Fault> {
        let Output { adapter, port: output, turn, card, levels } = output(monitor)?;
        let gpu = Gpu::open(Some(&adapter.cast()?))?;
        let frames = match (output.cast::<IDXGIOutput5>(), levels) {
            // SAFETY: takes an interface that lives, and a list.
            (Ok(newer), Some(_)) => unsafe {
                newer.DuplicateOutput1(&gpu.device, 0, &[DXGI_FORMAT_R16G16B16A16_FLOAT, DXGI_FORMAT_B8G8R8A8_UNORM])?
            },
            (Err(_), Some(_)) => {
                let why = "the monitor shows a high dynamic range, which this version of Windows hands out with wrong colours";
                return Err(Fault::own(UNSUPPORTED, why));
            }
            // SAFETY: takes an interface that lives.
            (_, None) => unsafe { output.cast::<IDXGIOutput1>()?.DuplicateOutput(&gpu.device)? },
        };
        let mut frequency = 0;
        // SAFETY: writes one number to a live local.
        unsafe { QueryPerformanceFrequency(&raw mut frequency) }?;
        let tones = levels.map(Tones::new);
        Ok(Self { gpu, frames, turn, card, levels, tones, frequency, is_protected: false })
    }

    /// How the monitor is turned.
    pub(in crate::capture::windows) fn turn(&self) -> Turn {
        self.turn
    }

    /// The name of the graphics card.
    pub(in crate::capture::windows) fn card(&self) -> &str {
        &self.card
    }

    /// The levels of the monitor, where it shows a high dynamic range.
    pub(in crate::capture::windows) fn levels(&self) -> Option<Levels> {
        self.levels
    }

    /// Reads `area` of the monitor at `within` when it shows something new.
    pub(in crate::capture::windows) fn take(&mut self, area: Area, within: Area, out: &mut [u8]) -> Result<Got, Fault> {
        let (mut info, mut resource) = (DXGI_OUTDUPL_FRAME_INFO::default(), None::<IDXGIResource>);
        // SAFETY: writes to live locals.
        match unsafe { self.frames.AcquireNextFrame(0, &raw mut info, &raw mut resource) } {
            Ok(()) => {}
            Err(error) if error.code() == DXGI_ERROR_WAIT_TIMEOUT => return Ok(Got::Nothing),
            Err(error) => return Err(error.into()),
        }
        let taken = self.read(&info, resource.as_ref(), (area, within), out);
        // SAFETY: a frame was acquired.
        let released = unsafe { self.frames.ReleaseFrame() };
        let taken = taken?;
        released?;
        Ok(taken)
    }

    fn read(
        &mut self,
        info: &DXGI_OUTDUPL_FRAME_INFO,
        resource: Option<&IDXGIResource>,
        (area, within): (Area, Area),
        out: &mut [u8],
    ) -> Result<Got, Fault> {
        // Only the pointer has moved, which is not in it.
        let Some(resource) = resource.filter(|_| info.LastPresentTime != 0) else { return Ok(Got::Nothing) };
        if info.ProtectedContentMaskedOut.as_bool() && !std::mem::replace(&mut self.is_protected, true) {
            tracing::warn!(target: "capture", "something on the screen is protected: it is black in the pictures");
        }
        let texture: ID3D11Texture2D = resource.cast()?;
        let upright = self.turn.size(Gpu::size(&texture));
        let Some(wanted) = part(area, within, upright).filter(|_| upright == (within.width, within.height)) else {
            return Ok(Got::Unfit);
        };
        let wanted = self.turn.part(wanted, upright);
        self.gpu.read(&texture, wanted, (self.turn, self.tones.as_ref()), out)?;
        Ok(Got::Picture(counted(info.LastPresentTime, self.frequency)))
    }
}
