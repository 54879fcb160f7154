//! Which way to the pictures serves: Windows.Graphics.Capture, then the duplication of the desktop, then GDI.
//!
//! Pure. `auto` takes the first that nothing speaks against; what speaks against one that was asked for by name is the reason of its refusal. What
//! only shows when a way is opened (a graphics card that does not own the monitor, a system that does not have it after all) is told by opening it.
//! That the session is a remote one speaks against none of them.

/// A way to the pictures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// Windows.Graphics.Capture: what the compositor has of a monitor or a window.
    Wgc,
    /// DXGI Desktop Duplication: what a monitor shows.
    Dxgi,
    /// What the desktop shows, copied by GDI.
    Gdi,
}

impl Way {
    /// In the order in which `auto` tries them.
    #[cfg(test)]
    const ALL: [Self; 3] = [Self::Wgc, Self::Dxgi, Self::Gdi];

    /// Returns the name that `--screen-backend` takes.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Wgc => "wgc",
            Self::Dxgi => "dxgi",
            Self::Gdi => "gdi",
        }
    }
}

/// What is to be recorded, as far as the ways differ by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Extent {
    /// All of a monitor.
    Monitor,
    /// A region on one monitor.
    Part,
    /// A region on more than one monitor.
    Across,
    /// A window.
    Window,
}

/// What the system says of Windows.Graphics.Capture.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Abilities {
    /// It is there (`GraphicsCaptureSession::IsSupported`).
    pub(super) is_there: bool,
    /// The pointer can be left out of its pictures (since build 19041).
    pub(super) leaves_pointer_out: bool,
}

/// What speaks against a way; `None`: it is tried.
pub(super) fn refusal(way: Way, extent: Extent, cursor: bool, has: Abilities) -> Option<&'static str> {
    match (way, extent) {
        (_, Extent::Across) if way != Way::Gdi => {
            Some("the region lies on more than one monitor, and this way takes one")
        }
        (Way::Dxgi, Extent::Window) => Some("it takes monitors, and no windows"),
        (Way::Wgc, _) if !has.is_there => Some("the system has no Windows.Graphics.Capture (Windows 10, 1903 has)"),
        (Way::Wgc, _) if !cursor && !has.leaves_pointer_out => {
            Some("this version of Windows draws the pointer into its pictures, which must not have it")
        }
        _ => None,
    }
}

/// What a person may do about a way that could not be opened, by the result's number (`HRESULT`).
pub(super) fn advice(code: u32) -> &'static str {
    match code {
        // DXGI_ERROR_UNSUPPORTED
        0x887A_0004 => {
            "; the monitor may belong to another graphics card: have Windows run watchcap on that one (Settings, System, Display, Graphics)"
        }
        // DXGI_ERROR_NOT_CURRENTLY_AVAILABLE
        0x887A_0022 => "; four programs at the most duplicate a monitor",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: Abilities = Abilities { is_there: true, leaves_pointer_out: true };
    const OLDER: Abilities = Abilities { is_there: true, leaves_pointer_out: false };
    const NONE: Abilities = Abilities { is_there: false, leaves_pointer_out: false };

    /// What `auto` comes to, or what was asked for by name, when every way opens that is tried.
    fn chosen(asked: Option<Way>, extent: Extent, cursor: bool, has: Abilities) -> Option<Way> {
        let ways = Way::ALL.into_iter().filter(|way| asked.is_none_or(|asked| asked == *way));
        ways.into_iter().find(|way| refusal(*way, extent, cursor, has).is_none())
    }

    #[test]
    fn the_choice() {
        use Extent::{Across, Monitor, Part, Window};
        use Way::{Dxgi, Gdi, Wgc};
        let table = [
            // What the system has, what is recorded, with the pointer; what `auto` takes, and which of the others could be asked for.
            (NEW, Monitor, true, Wgc, [true, true, true]),
            (NEW, Part, true, Wgc, [true, true, true]),
            (NEW, Across, true, Gdi, [false, false, true]),
            (NEW, Window, true, Wgc, [true, false, true]),
            (NEW, Window, false, Wgc, [true, false, true]),
            (OLDER, Monitor, true, Wgc, [true, true, true]),
            (OLDER, Monitor, false, Dxgi, [false, true, true]),
            (OLDER, Part, false, Dxgi, [false, true, true]),
            (OLDER, Window, false, Gdi, [false, false, true]),
            (NONE, Monitor, true, Dxgi, [false, true, true]),
            (NONE, Part, false, Dxgi, [false, true, true]),
            (NONE, Across, true, Gdi, [false, false, true]),
            (NONE, Window, true, Gdi, [false, false, true]),
        ];
        for (has, extent, cursor, auto, asked) in table {
            let what = format!("{has:?} {extent:?} {cursor}");
            assert_eq!(chosen(None, extent, cursor, has), Some(auto), "{what}");
            let by_name = Way::ALL.map(|way| chosen(Some(way), extent, cursor, has) == Some(way));
            assert_eq!(by_name, asked, "{what}");
        }
        assert_eq!(Way::ALL.map(Way::name), ["wgc", "dxgi", "gdi"]);
    }

    #[test]
    fn advice_is_given_where_there_is_some() {
        assert!(advice(0x887A_0004).contains("graphics card") && advice(0x887A_0022).contains("four"));
        assert_eq!(advice(0x887A_0026), "");
    }
}
