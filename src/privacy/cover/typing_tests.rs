//! When what is typed must not be known, and when it is unclear who gets it.

use super::fake_tests::{Fake, Nature, area};
use super::*;

fn active(window: u64) -> ActiveWindow {
    ActiveWindow { window: Some(WindowId(window)), client: Some(ClientId(1)), managed: true }
}

fn came(window: u64) -> KeyboardEvent {
    KeyboardEvent::Came(Some(WindowId(window)))
}

fn went(window: u64) -> KeyboardEvent {
    KeyboardEvent::Went(Some(WindowId(window)))
}

/// A desktop with an editor that has the keyboard, which nobody has grabbed.
fn desk() -> Fake {
    let mut fake = Fake::desktop();
    fake.open(1, area(0, 0, 100, 100), Nature::of("Editor").by("editor"));
    fake.keyboard(came(1));
    fake.grab(GrabNews::Free);
    fake.ask_all();
    fake
}

#[test]
fn typing_is_secret_while_an_excluded_window_has_the_keyboard() {
    let mut fake = desk();
    fake.open(2, area(0, 0, 50, 50), Nature::of("KeePassXC"));
    fake.ask_all();
    assert_eq!(fake.secret(), None);
    fake.keyboard(came(2));
    fake.keyboard(went(1));
    assert_eq!(fake.secret(), Some("excluded_app"));
    fake.event(WindowEvent::Went { window: WindowId(2), into: None });
    assert_eq!(fake.secret(), None);
    // A prompt that no window manager places takes the keyboard without the focus.
    fake.open_unmanaged(3, area(0, 0, 50, 50), Nature::of("pinentry-gtk-2"));
    fake.ask_all();
    assert_eq!(fake.secret(), Some("excluded_app"));
    fake.event(WindowEvent::Hidden(WindowId(3)));
    assert_eq!(fake.secret(), None);
    fake.open_unmanaged(4, area(0, 0, 50, 50), Nature::of("i3lock"));
    fake.ask_all();
    assert_eq!(fake.secret(), Some("lock_screen"));
    fake.event(WindowEvent::Moved { window: WindowId(4), corner: (5000, 0) });
    assert_eq!(fake.secret(), None, "it waits off the screen");
}

#[test]
fn a_notification_hides_nothing_of_what_is_typed() {
    let mut fake = desk();
    fake.open_unmanaged(2, area(0, 0, 50, 50), Nature::of("Dunst"));
    assert_eq!(fake.look_later(), [(area(0, 0, 50, 50), "notification")]);
    fake.keyboard(came(2));
    assert_eq!(fake.secret(), None);
}

#[test]
fn a_nameless_window_over_the_screen_is_a_locker_by_its_grab() {
    let screen = area(0, 0, 320, 240);
    let lock = |fake: &mut Fake| fake.open_unmanaged(2, screen, Nature::nameless().by("lock"));
    let mut fake = desk();
    lock(&mut fake);
    fake.ask_all();
    assert_eq!(fake.secret(), Some("unclassified_window"), "it may be about to grab");
    fake.wait(2000);
    assert_eq!(fake.secret(), None, "it never did");
    for news in [GrabNews::At(WindowId(2)), GrabNews::Somewhere, GrabNews::Still, GrabNews::At(WindowId(1))] {
        fake.grab(news);
        assert_eq!(fake.secret(), Some("lock_screen"), "{news:?}");
    }
    assert_eq!(fake.look(), [(screen, "lock_screen")]);
    fake.grab(GrabNews::Free);
    assert_eq!(fake.secret(), None);
    fake.keyboard(came(2));
    assert_eq!(fake.secret(), Some("lock_screen"), "it has the focus");

    // It grabs first and then maps: it is asked though it is not shown.
    let mut fake = desk();
    let new = NewWindow { area: screen, shown: false, unmanaged: true, client: Some(ClientId(7)), is_new: true };
    fake.make(2, new, Nature::nameless());
    fake.grab(GrabNews::Somewhere);
    fake.ask_all();
    assert_eq!(fake.secret(), Some("lock_screen"));
    assert_eq!(fake.look(), [], "there is nothing to be seen of it");

    // A window for each monitor, and one of the system's own, such as a compositor's overlay.
    for (client, want) in [(Some(ClientId(7)), Some("lock_screen")), (None, None)] {
        let mut fake = desk();
        for (id, x) in [(2, 0), (3, 160)] {
            let half = area(x, 0, 160, 240);
            fake.make(id, NewWindow { area: half, client, ..new }, Nature::nameless());
            fake.show(WindowId(id), true);
        }
        fake.ask_all();
        fake.wait(2000);
        fake.grab(GrabNews::Somewhere);
        assert_eq!(fake.secret(), want, "{client:?}");
    }
}

#[test]
fn a_window_that_was_there_before_counts_until_the_keyboard_is_known_to_be_free() {
    let mut fake = Fake::desktop();
    let screen = area(0, 0, 320, 240);
    let new = NewWindow { area: screen, shown: true, unmanaged: true, client: Some(ClientId(7)), is_new: false };
    fake.make(2, new, Nature::nameless().by("lock"));
    fake.ask_all();
    fake.wait(60_000);
    assert_eq!((fake.secret(), fake.look().len()), (Some("unclassified_window"), 1));
    let editor = fake.open(3, screen, Nature::of("Editor"));
    fake.ask_all();
    assert_eq!(fake.secret(), None, "a window lies over it");
    fake.event(WindowEvent::Hidden(editor));
    fake.ask_all();
    assert_eq!(fake.secret(), Some("unclassified_window"));
    fake.grab(GrabNews::Free);
    assert_eq!(fake.secret(), None);
}

#[test]
fn a_locker_that_only_its_program_names_counts_when_it_can_have_the_keyboard() {
    let mut fake = desk();
    fake.open_unmanaged(2, area(0, 0, 5, 5), Nature::nameless().by("xsecurelock"));
    fake.ask_all();
    assert_eq!(fake.secret(), Some("lock_screen"), "it is new");
    fake.wait(2000);
    assert_eq!(fake.secret(), None, "it waits in the background");
    fake.grab(GrabNews::Somewhere);
    assert_eq!(fake.secret(), Some("lock_screen"));
    fake.grab(GrabNews::Free);
    fake.place(WindowId(2), area(0, 0, 320, 240), Stacking::Top);
    fake.ask_all();
    assert_eq!(fake.secret(), Some("lock_screen"), "it is large");
}

#[test]
fn a_terminal_can_keep_the_keyboard_for_itself() {
    let mut fake = desk();
    fake.open(2, area(0, 0, 50, 50), Nature::of("XTerm"));
    fake.keyboard(came(2));
    fake.ask_all();
    assert_eq!(fake.secret(), None);
    fake.grab(GrabNews::At(WindowId(2)));
    assert_eq!(fake.secret(), Some("secure_keyboard"));
    fake.grab(GrabNews::Free);
    assert_eq!(fake.secret(), None);
}

#[test]
fn it_is_clear_who_is_typed_into_when_the_active_window_has_the_keyboard() {
    let mut fake = desk();
    assert!(!fake.cover.is_unclear(Some(active(1))) && !fake.cover.is_unclear(None));
    fake.open(2, area(0, 0, 50, 50), Nature::of("Other"));
    fake.ask_all();
    assert!(fake.cover.is_unclear(Some(active(2))), "the keyboard is somewhere else");
    let unknown = ActiveWindow { window: None, client: None, managed: true };
    assert!(fake.cover.is_unclear(Some(unknown)));
    fake.keyboard(went(1));
    assert!(fake.cover.is_unclear(Some(active(1))) && fake.cover.is_unclear(None), "nobody knows where it is");
    fake.keyboard(KeyboardEvent::Came(None));
    assert!(!fake.cover.is_unclear(Some(active(1))), "the desktop has it");
    fake.keyboard(KeyboardEvent::Went(None));
    assert!(fake.cover.is_unclear(Some(active(1))));
    assert!(!Fake::new(Exclusions::none(), Scope::Keyboard).cover.is_unclear(Some(active(1))), "nothing is kept out");
}

#[test]
fn a_menu_of_the_active_windows_program_is_clear() {
    let mut fake = desk();
    let menu = fake.open_unmanaged(2, area(0, 0, 50, 50), Nature::nameless().by("editor"));
    fake.keyboard(came(2));
    fake.keyboard(went(1));
    assert!(fake.cover.is_unclear(Some(active(1))), "it was not asked");
    fake.ask_all();
    assert!(!fake.cover.is_unclear(Some(active(1))));
    let strange = ActiveWindow { client: Some(ClientId(9)), ..active(1) };
    assert!(fake.cover.is_unclear(Some(strange)), "it is another program's");
    let unmanaged = ActiveWindow { managed: false, ..strange };
    assert!(fake.cover.is_unclear(Some(ActiveWindow { client: Some(ClientId(1)), ..unmanaged })));
    fake.becomes(menu, Nature::of("pinentry-gtk-2"));
    fake.ask_all();
    assert!(fake.cover.is_unclear(Some(active(1))), "it is a secret");
}

#[test]
fn a_known_window_that_takes_the_keyboard_is_clear() {
    let mut fake = desk();
    fake.keyboard(went(1));
    fake.open_unmanaged(2, area(0, 0, 50, 50), Nature::nameless().by("menu"));
    fake.grab(GrabNews::At(WindowId(2)));
    assert!(fake.cover.is_unclear(Some(active(1))), "it was not asked");
    fake.ask_all();
    assert!(!fake.cover.is_unclear(Some(active(1))));
    fake.grab(GrabNews::At(WindowId(99)));
    assert!(fake.cover.is_unclear(Some(active(1))), "a window that nobody knows");
}

/// A menu that maps and grabs while this process waits for a core is listened to too late: no event names it.
#[test]
fn a_grab_by_an_unknown_window_is_judged_by_every_window_that_may_hold_it() {
    let held = |more: &dyn Fn(&mut Fake)| {
        let mut fake = desk();
        fake.keyboard(went(1));
        fake.open_unmanaged(2, area(0, 0, 50, 50), Nature::nameless().by("menu"));
        fake.ask_all();
        fake.grab(GrabNews::Somewhere);
        more(&mut fake);
        fake.cover.is_unclear(Some(active(1)))
    };
    assert!(!held(&|_| {}), "each window that is shown was asked, and none is a secret");
    let unasked = |fake: &mut Fake| {
        fake.open(3, area(0, 0, 9, 9), Nature::of("Other"));
    };
    assert!(held(&unasked), "one was not asked");
    let secrets = ["KeePassXC", "XTerm", "Dunst"];
    for app in secrets {
        let with = |fake: &mut Fake| {
            fake.open_unmanaged(3, area(0, 0, 9, 9), Nature::of(app));
            fake.ask_all();
        };
        assert!(held(&with), "{app}");
    }
    let nameless = |fake: &mut Fake| {
        fake.open_unmanaged(3, area(0, 0, 9, 9), Nature::nameless());
        fake.ask_all();
    };
    assert!(held(&nameless), "of one, nothing at all is known");
    let hidden = |fake: &mut Fake| {
        let window = fake.open(3, area(0, 0, 9, 9), Nature::of("KeePassXC"));
        fake.ask_all();
        fake.event(WindowEvent::Hidden(window));
    };
    assert!(!held(&hidden), "a grab is held at a window that is shown");
    assert!(held(&|fake| fake.grab(GrabNews::Free)), "nobody holds it, and nobody knows who has it");
}
