//! Which keys are recorded with their codes: all, those that write no text, or none; and never those typed into chat.

use std::collections::BTreeSet;

use super::chat::ChatKeys;
use crate::base::event::HidUsage;
use crate::base::hid;

/// What is recorded of keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum KeyPolicy {
    /// Every key with its code.
    #[default]
    All,
    /// Codes of keys that write no text, and of the game keys; the others without a code.
    NoText,
    /// No key at all.
    None,
}

impl KeyPolicy {
    /// The name in arguments, configuration and metadata.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::NoText => "no-text",
            Self::None => "none",
        }
    }

    /// The policy with a name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::All, Self::NoText, Self::None].into_iter().find(|policy| policy.name() == name)
    }
}

/// Which keys are recorded, and how.
#[derive(Clone, Default)]
pub struct KeyRules {
    /// The policy.
    pub policy: KeyPolicy,
    /// Game keys: keep their codes under [`KeyPolicy::NoText`].
    pub game_keys: BTreeSet<HidUsage>,
    /// The keys that open and close chat, and where they do: of the profile that was named, or of each game that is looked for.
    pub chats: Vec<ChatKeys>,
}

impl KeyRules {
    /// The code of this key is withheld by the policy.
    pub fn withholds(&self, usage: Option<HidUsage>) -> bool {
        match self.policy {
            KeyPolicy::All => false,
            KeyPolicy::None => true,
            KeyPolicy::NoText => !usage.is_some_and(|usage| self.game_keys.contains(&usage) || writes_no_text(usage)),
        }
    }

    /// What is typed into chat is withheld. Where chat is only that of some windows, somebody must tell which window is active.
    pub fn withholds_chat(&self, tells_focus: bool) -> bool {
        let is_known = |chat: &ChatKeys| tells_focus || chat.windows.is_empty();
        self.policy == KeyPolicy::None || (!self.chats.is_empty() && self.chats.iter().all(is_known))
    }
}

/// A key that writes no text and edits none: Escape, Enter, Tab, locks, function keys, navigation, arrows, modifiers. Not Space
/// and Backspace, whose rhythm follows the text; and no key outside of the list below, whatever it may be.
fn writes_no_text(usage: HidUsage) -> bool {
    matches!(usage.0,
        0x28 | 0x29 | 0x2b // Enter, Escape, Tab
        | 0x39..=0x53 // CapsLock, F1 to F12, PrintScreen to PageDown, arrows, NumLock
        | 0x65 // ContextMenu
        | 0x68..=0x73 // F13 to F24
        | 0xe0..=0xe7 // modifiers
    )
}

/// Keys by their W3C codes.
///
/// # Errors
/// The first name that is none.
pub fn parse_keys(names: &[String]) -> Result<BTreeSet<HidUsage>, String> {
    names.iter().map(|name| hid::usage_of_code(name.trim()).ok_or_else(|| name.chars().take(40).collect())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_keys_are_withheld_and_others_kept() {
        let game_keys = parse_keys(&["KeyW".into(), "Digit1".into()]).expect("keys");
        let rules = KeyRules { policy: KeyPolicy::NoText, game_keys, chats: Vec::new() };
        let withheld = |code: &str| rules.withholds(hid::usage_of_code(code));
        for kept in
            ["KeyW", "Digit1", "ShiftLeft", "ControlRight", "ArrowUp", "F1", "F24", "Escape", "Enter", "Tab", "Home"]
        {
            assert!(!withheld(kept), "{kept}");
        }
        // Every key that writes something, on the main block and on the number pad.
        for key in hid::KEYS.iter().filter(|key| matches!(key.usage.0, 0x04..=0x27 | 0x2c..=0x38 | 0x54..=0x64)) {
            assert_eq!(withheld(key.code), !["KeyW", "Digit1"].contains(&key.code), "{}", key.code);
        }
        assert!(withheld("Space") && withheld("Backspace") && rules.withholds(None));
        assert!(!KeyRules::default().withholds(None));
        assert_eq!(parse_keys(&["KeyW".into(), "w".into()]), Err("w".into()));
        assert_eq!(KeyPolicy::named("no-text"), Some(KeyPolicy::NoText));
    }
}
