//! The outputs of graphics cards: which card has a monitor, how it is turned, and whether it shows a high dynamic range.

#![expect(unsafe_code, reason = "the Windows API is C: its calls take pointers to what they write")]

use windows::Win32::Devices::Display::{
    DISPLAYCONFIG_DEVICE_INFO_GET_SDR_WHITE_LEVEL, DISPLAYCONFIG_DEVICE_INFO_GET_SOURCE_NAME,
    DISPLAYCONFIG_DEVICE_INFO_HEADER, DISPLAYCONFIG_MODE_INFO, DISPLAYCONFIG_PATH_INFO, DISPLAYCONFIG_SDR_WHITE_LEVEL,
    DISPLAYCONFIG_SOURCE_DEVICE_NAME, DisplayConfigGetDeviceInfo, GetDisplayConfigBufferSizes, QDC_ONLY_ACTIVE_PATHS,
    QueryDisplayConfig,
};
use windows::Win32::Foundation::ERROR_SUCCESS;
use windows::Win32::Graphics::Dxgi::Common::DXGI_COLOR_SPACE_RGB_FULL_G2084_NONE_P2020;
use windows::Win32::Graphics::Dxgi::{CreateDXGIFactory1, IDXGIAdapter1, IDXGIFactory1, IDXGIOutput, IDXGIOutput6};
use windows::core::Interface;

use super::words::{Fault, text};
use crate::capture::windows::pixels::Turn;
use crate::capture::windows::tones::Levels;

/// Most cards, and outputs of a card, that are asked.
const MOST: u32 = 16;
/// `DXGI_ERROR_NOT_FOUND`.
const NOT_FOUND: u32 = 0x887A_0002;

/// An output: where a monitor gets its picture from.
pub(super) struct Output {
    pub(super) adapter: IDXGIAdapter1,
    pub(super) port: IDXGIOutput,
    pub(super) turn: Turn,
    /// The name of the card.
    pub(super) card: String,
    /// Where the monitor shows a high dynamic range.
    pub(super) levels: Option<Levels>,
}

/// Finds the output of a monitor by its name.
pub(super) fn output(monitor: &str) -> Result<Output, Fault> {
    // SAFETY: these take numbers and answer with interfaces and structures of their own.
    unsafe {
        let factory: IDXGIFactory1 = CreateDXGIFactory1()?;
        for adapter in (0..MOST).map_while(|number| factory.EnumAdapters1(number).ok()) {
            for output in (0..MOST).map_while(|number| adapter.EnumOutputs(number).ok()) {
                let said = output.GetDesc()?;
                if text(&said.DeviceName).trim_start_matches(r"\\.\") != monitor {
                    continue;
                }
                let card = adapter.GetDesc1().map(|said| text(&said.Description)).unwrap_or_default();
                let levels = levels(&output, monitor);
                return Ok(Output { adapter, turn: Turn::of_rotation(said.Rotation.0), port: output, card, levels });
            }
        }
    }
    Err(Fault::own(NOT_FOUND, &format!("no graphics card says that it has the monitor {monitor}")))
}

/// The levels of an output, where it shows a high dynamic range.
fn levels(output: &IDXGIOutput, monitor: &str) -> Option<Levels> {
    let newer: IDXGIOutput6 = output.cast().ok()?;
    // SAFETY: answers with a structure.
    let said = unsafe { newer.GetDesc1() }.ok()?;
    let is_high = said.ColorSpace == DXGI_COLOR_SPACE_RGB_FULL_G2084_NONE_P2020;
    is_high.then(|| Levels::said(white_nits(monitor), said.MaxLuminance))
}

/// What the person has set for the white of programs without a high dynamic range, cd/m².
fn white_nits(monitor: &str) -> Option<f32> {
    let (mut paths, mut modes) = (0, 0);
    // SAFETY: writes two numbers to live locals.
    if unsafe { GetDisplayConfigBufferSizes(QDC_ONLY_ACTIVE_PATHS, &raw mut paths, &raw mut modes) } != ERROR_SUCCESS {
        return None;
    }
    let mut path_list = vec![DISPLAYCONFIG_PATH_INFO::default(); paths as usize];
    let mut mode_list = vec![DISPLAYCONFIG_MODE_INFO::default(); modes as usize];
    // SAFETY: the lists have as many places as is said, and the counts of what was written are live locals.
    let listed = unsafe {
        let (to_paths, to_modes) = (path_list.as_mut_ptr(), mode_list.as_mut_ptr());
        QueryDisplayConfig(QDC_ONLY_ACTIVE_PATHS, &raw mut paths, to_paths, &raw mut modes, to_modes, None)
    };
    if listed != ERROR_SUCCESS {
        return None;
    }
    path_list.into_iter().take(paths as usize).find_map(|path| {
        let mut name = DISPLAYCONFIG_SOURCE_DEVICE_NAME {
            header: DISPLAYCONFIG_DEVICE_INFO_HEADER {
                r#type: DISPLAYCONFIG_DEVICE_INFO_GET_SOURCE_NAME,
                size: size_of::<DISPLAYCONFIG_SOURCE_DEVICE_NAME>() as u32,
                adapterId: path.sourceInfo.adapterId,
                id: path.sourceInfo.id,
            },
            ..DISPLAYCONFIG_SOURCE_DEVICE_NAME::default()
        };
        let mut level = DISPLAYCONFIG_SDR_WHITE_LEVEL {
            header: DISPLAYCONFIG_DEVICE_INFO_HEADER {
                r#type: DISPLAYCONFIG_DEVICE_INFO_GET_SDR_WHITE_LEVEL,
                size: size_of::<DISPLAYCONFIG_SDR_WHITE_LEVEL>() as u32,
                adapterId: path.targetInfo.adapterId,
                id: path.targetInfo.id,
            },
            ..DISPLAYCONFIG_SDR_WHITE_LEVEL::default()
        };
        // SAFETY: both structures begin with the header, which says how long they are, and live.
        unsafe {
            if DisplayConfigGetDeviceInfo((&raw mut name).cast()) != 0
                || text(&name.viewGdiDeviceName).trim_start_matches(r"\\.\") != monitor
                || DisplayConfigGetDeviceInfo((&raw mut level).cast()) != 0
            {
                return None;
            }
        }
        // In thousandths of 80 cd/m².
        Some(level.SDRWhiteLevel as f32 / 1000.0 * 80.0)
    })
}
