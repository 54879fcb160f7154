//! Graphics cards of the machine, as the kernel lists them.
//!
//! Linux only: `/sys/class/drm` says which devices have a card, `pci.ids` what they are called where it is installed. A card without a
//! name there is told by its numbers; without a card there is nothing to tell.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::base::files::read_text_at_most;

/// Where the kernel lists cards.
const CARDS: &str = "/sys/class/drm";
/// Where distributions put the names of PCI devices.
const NAMES: [&str; 2] = ["/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"];
/// The most that is read of the names; the list has 1.5 MB.
const MAX_NAMES: u64 = 8 << 20;
/// The longest attribute that is read, bytes.
const MAX_ATTRIBUTE: u64 = 4096;
/// The most cards that are told.
const MAX_CARDS: usize = 8;

/// Returns the graphics cards, the one of the console first, joined by `; `. None when the system lists none.
pub(super) fn describe() -> Option<String> {
    let names = NAMES.iter().find_map(|path| read_text_at_most(Path::new(path), MAX_NAMES).ok());
    described(Path::new(CARDS), names.as_deref().unwrap_or_default())
}

/// A card: whether the firmware chose it for the console, and what it is called.
type Card = (bool, String);

fn described(cards: &Path, names: &str) -> Option<String> {
    let devices: BTreeSet<PathBuf> = std::fs::read_dir(cards)
        .ok()?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            // `card0` is a card, `card0-HDMI-A-1` a connector of it, `renderD128` another door to it.
            let number = entry.file_name().to_str()?.strip_prefix("card")?.parse::<u32>().is_ok();
            if number { entry.path().join("device").canonicalize().ok() } else { None }
        })
        .collect();
    let mut found: Vec<Card> = devices.iter().take(MAX_CARDS).filter_map(|device| card(device, names)).collect();
    found.sort_by_key(|(console, _)| !console);
    let found: Vec<String> = found.into_iter().map(|(_, name)| name).collect();
    (!found.is_empty()).then(|| found.join("; "))
}

fn card(device: &Path, names: &str) -> Option<Card> {
    let attribute = |name: &str| read_text_at_most(&device.join(name), MAX_ATTRIBUTE).ok();
    let number =
        |name: &str| attribute(name).and_then(|text| u16::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok());
    let uevent = attribute("uevent").unwrap_or_default();
    let driver = uevent.lines().find_map(|line| line.strip_prefix("DRIVER=")).filter(|name| !name.is_empty());
    let console = attribute("boot_vga").is_some_and(|text| text.trim() == "1");
    let is_pci = uevent.lines().any(|line| line.starts_with("PCI_ID="));
    let Some((vendor, model)) = number("vendor").zip(number("device")).filter(|_| is_pci) else {
        // Of other buses (ARM boards, virtual machines) only the driver is told.
        return Some((console, format!("driver {}", driver?)));
    };
    let ids = format!("{vendor:04x}:{model:04x}");
    let of_driver = driver.map_or_else(String::new, |driver| format!(", driver {driver}"));
    let name = match pci_name(names, vendor, model) {
        (Some(vendor), Some(model)) => format!("{vendor} {model} ({ids}{of_driver})"),
        (Some(vendor), None) => format!("{vendor} ({ids}{of_driver})"),
        (None, _) => format!("PCI {ids}{}", driver.map_or_else(String::new, |driver| format!(" (driver {driver})"))),
    };
    Some((console, name))
}

/// The names of a vendor and of a device of it: lines `10de  NVIDIA`, below it `\t2484  GA104`, below that subsystems with two tabs.
fn pci_name(names: &str, vendor: u16, model: u16) -> (Option<&str>, Option<&str>) {
    let (vendor, model) = (format!("{vendor:04x}  "), format!("\t{model:04x}  "));
    let mut lines = names.lines().skip_while(|line| !line.starts_with(&vendor));
    let Some(found) = lines.next().and_then(|line| line.strip_prefix(&vendor)) else { return (None, None) };
    let device = lines
        .take_while(|line| line.starts_with('\t') || line.starts_with('#') || line.is_empty())
        .find_map(|line| line.strip_prefix(&model));
    (Some(found.trim()), device.map(str::trim))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PCI_IDS: &str = "# comment\n1002  Advanced Micro Devices, Inc. [AMD/ATI]\n\t2484  Another one\n\
                           10de  NVIDIA Corporation\n\t2484  GA104 [GeForce RTX 3070]\n\t\t10de 2484  A subsystem\n\
                           8086  Intel Corporation\n";

    #[cfg(unix)]
    fn device(root: &Path, card: &str, files: &[(&str, &str)]) {
        let device = root.join("devices").join(card);
        std::fs::create_dir_all(&device).expect("a folder");
        for (name, text) in files {
            std::fs::write(device.join(name), text).expect("an attribute");
        }
        let entry = root.join("drm").join(card);
        std::fs::create_dir_all(&entry).expect("a folder");
        std::os::unix::fs::symlink(&device, entry.join("device")).expect("a link");
    }

    #[cfg(unix)]
    #[test]
    fn cards_are_named_as_far_as_they_are_known() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(described(&dir.path().join("drm"), PCI_IDS), None, "no such list");
        std::fs::create_dir_all(dir.path().join("drm/card0-HDMI-A-1")).expect("a folder");
        assert_eq!(described(&dir.path().join("drm"), PCI_IDS), None, "no card");
        let pci = |vendor: &'static str, model: &'static str, boot: &'static str| {
            [("vendor", vendor), ("device", model), ("boot_vga", boot), ("uevent", "DRIVER=nvidia\nPCI_ID=X\n")]
        };
        device(dir.path(), "card0", &pci("0x1af4\n", "0x1050\n", "0\n"));
        device(dir.path(), "card1", &pci("0x10de\n", "0x2484\n", "1\n"));
        device(dir.path(), "card2", &[("uevent", "DRIVER=vc4-drm\nOF_NAME=gpu\n")]);
        device(dir.path(), "card3", &[("uevent", "")]);
        assert_eq!(
            described(&dir.path().join("drm"), PCI_IDS).as_deref(),
            Some(
                "NVIDIA Corporation GA104 [GeForce RTX 3070] (10de:2484, driver nvidia); PCI 1af4:1050 (driver nvidia); \
                 driver vc4-drm"
            )
        );
    }

    #[test]
    fn a_device_is_looked_for_below_its_own_vendor() {
        assert_eq!(pci_name(PCI_IDS, 0x10de, 0x2484), (Some("NVIDIA Corporation"), Some("GA104 [GeForce RTX 3070]")));
        assert_eq!(pci_name(PCI_IDS, 0x8086, 0x2484), (Some("Intel Corporation"), None));
        assert_eq!(pci_name(PCI_IDS, 0x1234, 0x2484), (None, None));
    }
}
