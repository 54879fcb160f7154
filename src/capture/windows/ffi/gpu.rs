//! A graphics card, and how a part of a texture of it is read into memory.

#![expect(unsafe_code, reason = "the Windows API is C: its calls take pointers to what they write")]

use std::ffi::c_void;

use windows::Graphics::DirectX::Direct3D11::IDirect3DDevice;
use windows::Win32::Foundation::HMODULE;
use windows::Win32::Graphics::Direct3D::{
    D3D_DRIVER_TYPE, D3D_DRIVER_TYPE_HARDWARE, D3D_DRIVER_TYPE_UNKNOWN, D3D_DRIVER_TYPE_WARP,
};
use windows::Win32::Graphics::Direct3D11::{
    D3D11_BOX, D3D11_CPU_ACCESS_READ, D3D11_CREATE_DEVICE_BGRA_SUPPORT, D3D11_MAP_READ, D3D11_MAPPED_SUBRESOURCE,
    D3D11_SDK_VERSION, D3D11_TEXTURE2D_DESC, D3D11_USAGE_STAGING, D3D11CreateDevice, ID3D11Device, ID3D11DeviceContext,
    ID3D11Texture2D,
};
use windows::Win32::Graphics::Dxgi::Common::{
    DXGI_FORMAT, DXGI_FORMAT_B8G8R8A8_UNORM, DXGI_FORMAT_R16G16B16A16_FLOAT, DXGI_SAMPLE_DESC,
};
use windows::Win32::Graphics::Dxgi::{IDXGIAdapter, IDXGIDevice};
use windows::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows::core::{HRESULT, IInspectable, Interface, s, w};

use super::words::Fault;
use crate::base::event::Area;
use crate::capture::windows::pixels::{Format, Rows, Turn, copy};
use crate::capture::windows::tones::Tones;

/// `E_NOTIMPL`: what is missing is not in this system.
const MISSING: u32 = 0x8000_4001;
/// `DXGI_ERROR_INVALID_CALL`: what came does not fit, and may do so when it is made anew.
const UNFIT: u32 = 0x887A_0001;

/// A graphics card, with the texture that parts are read through.
pub(super) struct Gpu {
    pub(super) device: ID3D11Device,
    context: ID3D11DeviceContext,
    staging: Option<(ID3D11Texture2D, D3D11_TEXTURE2D_DESC)>,
}

impl Gpu {
    /// Opens this card, or the first one of the system; the system's own renderer where there is none.
    pub(super) fn open(adapter: Option<&IDXGIAdapter>) -> Result<Self, Fault> {
        match adapter {
            Some(_) => Self::of(adapter, D3D_DRIVER_TYPE_UNKNOWN),
            None => Self::of(None, D3D_DRIVER_TYPE_HARDWARE).or_else(|_| Self::of(None, D3D_DRIVER_TYPE_WARP)),
        }
    }

    fn of(adapter: Option<&IDXGIAdapter>, kind: D3D_DRIVER_TYPE) -> Result<Self, Fault> {
        let (mut device, mut context) = (None, None);
        let flags = D3D11_CREATE_DEVICE_BGRA_SUPPORT;
        // SAFETY: what is written to lives until the call is back.
        unsafe {
            let (to_device, to_context) = (Some(&raw mut device), Some(&raw mut context));
            D3D11CreateDevice(
                adapter,
                kind,
                HMODULE::default(),
                flags,
                None,
                D3D11_SDK_VERSION,
                to_device,
                None,
                to_context,
            )?;
        }
        match (device, context) {
            (Some(device), Some(context)) => Ok(Self { device, context, staging: None }),
            _ => Err(Fault::own(MISSING, "the graphics card gave no device")),
        }
    }

    /// The card as WinRT knows it.
    pub(super) fn winrt(&self) -> Result<IDirect3DDevice, Fault> {
        type Make = unsafe extern "system" fn(*mut c_void, *mut *mut c_void) -> HRESULT;
        let dxgi: IDXGIDevice = self.device.cast()?;
        let mut made = std::ptr::null_mut();
        // SAFETY: the library is loaded for good, since the program is linked to it; the function of this name has this type since Windows 8.1. What
        // it writes is an interface that this owns.
        unsafe {
            // By its name: the loader would not start the program where the library has none, as Wine's.
            let library = GetModuleHandleW(w!("d3d11.dll"))?;
            let found = GetProcAddress(library, s!("CreateDirect3D11DeviceFromDXGIDevice"))
                .ok_or_else(|| Fault::own(MISSING, "d3d11.dll makes no devices for WinRT"))?;
            let make: Make = std::mem::transmute(found);
            make(dxgi.as_raw(), &raw mut made).ok()?;
            if made.is_null() {
                return Err(Fault::own(MISSING, "d3d11.dll made no device for WinRT"));
            }
            Ok(IInspectable::from_raw(made).cast()?)
        }
    }

    /// The size of a texture, and whether its pixels are half floats.
    fn description(texture: &ID3D11Texture2D) -> D3D11_TEXTURE2D_DESC {
        let mut said = D3D11_TEXTURE2D_DESC::default();
        // SAFETY: writes the structure to a live local.
        unsafe { texture.GetDesc(&raw mut said) };
        said
    }

    /// The size of a texture.
    pub(super) fn size(texture: &ID3D11Texture2D) -> (u32, u32) {
        let said = Self::description(texture);
        (said.Width, said.Height)
    }

    fn staging(&mut self, format: DXGI_FORMAT, (width, height): (u32, u32)) -> Result<ID3D11Texture2D, Fault> {
        let wanted = D3D11_TEXTURE2D_DESC {
            Width: width,
            Height: height,
            MipLevels: 1,
            ArraySize: 1,
            Format: format,
            SampleDesc: DXGI_SAMPLE_DESC { Count: 1, Quality: 0 },
            Usage: D3D11_USAGE_STAGING,
            BindFlags: 0,
            CPUAccessFlags: D3D11_CPU_ACCESS_READ.0 as u32,
            MiscFlags: 0,
        };
        if let Some((texture, made)) = &self.staging
            && *made == wanted
        {
            return Ok(texture.clone());
        }
        let mut made = None;
        // SAFETY: the structure says what is made; it is written to a live local.
        unsafe { self.device.CreateTexture2D(&raw const wanted, None, Some(&raw mut made)) }?;
        let made: ID3D11Texture2D = made.ok_or_else(|| Fault::own(UNFIT, "the graphics card made no texture"))?;
        self.staging = Some((made.clone(), wanted));
        Ok(made)
    }

    /// Reads a part of a texture into a packed picture, turned upright; half floats through `tones`.
    pub(super) fn read(
        &mut self,
        texture: &ID3D11Texture2D,
        part: Area,
        (turn, tones): (Turn, Option<&Tones>),
        out: &mut [u8],
    ) -> Result<(), Fault> {
        let said = Self::description(texture);
        let format = match (said.Format, tones) {
            (DXGI_FORMAT_B8G8R8A8_UNORM, _) => Format::Bgra,
            (DXGI_FORMAT_R16G16B16A16_FLOAT, Some(tones)) => Format::Half(tones),
            _ => return Err(Fault::own(UNFIT, &format!("the pixels are of another kind (format {})", said.Format.0))),
        };
        if part.inside((said.Width, said.Height)) != Some(part) {
            return Err(Fault::own(UNFIT, "the picture has another size"));
        }
        let staging = self.staging(said.Format, (part.width, part.height))?;
        let (left, top) = (part.x as u32, part.y as u32);
        let corners = D3D11_BOX { left, top, front: 0, right: left + part.width, bottom: top + part.height, back: 1 };
        let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
        // SAFETY: the box lies in the texture, and the other one is as large as it is; what is mapped has as many rows of its pitch, but for the
        // padding of the last, and is read before it is given back.
        unsafe {
            self.context.CopySubresourceRegion(&staging, 0, 0, 0, 0, texture, 0, Some(&raw const corners));
            self.context.Map(&staging, 0, D3D11_MAP_READ, 0, Some(&raw mut mapped))?;
            let (stride, height) = (mapped.RowPitch as usize, part.height as usize);
            let length = stride * height.saturating_sub(1) + part.width as usize * format.bytes();
            let is_read = !mapped.pData.is_null() && {
                let data = std::slice::from_raw_parts(mapped.pData.cast::<u8>(), length);
                copy(Rows { data, stride, width: part.width, height: part.height }, format, turn, out)
            };
            self.context.Unmap(&staging, 0);
            if is_read { Ok(()) } else { Err(Fault::own(UNFIT, "the picture does not fit")) }
        }
    }
}
