//! What of the picture is covered: order, lingering, windows that were not asked, and floods.

use super::fake_tests::{Fake, Nature, area};
use super::*;
use crate::privacy::games::Games;
use crate::privacy::profile::Profile;

fn vault() -> Nature {
    Nature::of("KeePassXC")
}

fn editor() -> Nature {
    Nature::of("Editor")
}

#[test]
fn a_window_is_covered_where_nothing_opaque_lies_over_it() {
    let mut fake = Fake::desktop();
    let secret = fake.open(1, area(0, 0, 40, 20), vault());
    let over = fake.open(2, area(30, 0, 40, 20), editor());
    let (whole, part) = ((area(0, 0, 40, 20), "excluded_app"), (area(0, 0, 30, 20), "excluded_app"));
    assert_eq!(fake.look_later(), [part]);
    fake.event(WindowEvent::Restacked(secret, Stacking::Top));
    assert_eq!(fake.look_later(), [whole]);
    fake.place(over, area(0, 0, 40, 20), Stacking::Above(secret));
    assert_eq!(fake.look(), [whole], "it was there up to now");
    assert_eq!(fake.look_later(), [], "it is under the other one");
    fake.becomes(over, editor().clear());
    assert!(fake.look_unasked().contains(&whole), "nobody knows whether something can be seen through the other one");
    assert_eq!(fake.look_later(), [whole], "something can");
    fake.becomes(over, editor());
    fake.event(WindowEvent::Hidden(over));
    assert_eq!(fake.look_later(), [whole]);
    let input_only = Nature { paints: false, ..editor() };
    fake.becomes(secret, Nature { paints: false, ..vault() });
    fake.open(3, area(0, 0, 40, 20), input_only);
    assert_eq!(fake.look_later(), [], "nothing of it can be seen");
}

#[test]
fn nothing_is_hidden_while_the_order_is_not_known() {
    let mut fake = Fake::desktop();
    let secret = fake.open(1, area(0, 0, 40, 20), vault());
    let over = fake.open(2, area(0, 0, 40, 20), editor());
    assert_eq!(fake.look_later(), []);
    fake.place(secret, area(0, 0, 40, 20), Stacking::Above(WindowId(99)));
    assert!(fake.cover.is_order_unknown());
    // It may lie over the editor, and goes before anybody can ask.
    fake.event(WindowEvent::Hidden(secret));
    fake.cover.set_order([over, secret].into_iter());
    assert!(!fake.cover.is_order_unknown());
    assert_eq!(fake.look(), [(area(0, 0, 40, 20), "excluded_app")]);
    fake.show(secret, false);
    assert_eq!(fake.look_later(), [(area(0, 0, 40, 20), "excluded_app")]);
}

#[test]
fn what_was_covered_lingers_where_it_was() {
    let mut fake = Fake::desktop();
    let secret = fake.open(1, area(0, 0, 40, 20), vault());
    fake.look_later();
    fake.event(WindowEvent::Moved { window: secret, corner: (100, 0) });
    let (before, after) = ((area(0, 0, 40, 20), "excluded_app"), (area(100, 0, 40, 20), "excluded_app"));
    assert_eq!(fake.look(), [before, after]);
    fake.wait(399);
    assert_eq!(fake.look(), [before, after]);
    fake.wait(1);
    assert_eq!(fake.look(), [after]);
    fake.event(WindowEvent::Went { window: secret, into: None });
    fake.wait(300);
    assert_eq!(fake.look(), [after], "it counts from the look that hears of it");
    fake.wait(399);
    assert_eq!(fake.look(), [after]);
    fake.wait(1);
    assert_eq!(fake.look(), []);
}

#[test]
fn a_window_that_was_not_asked_is_covered() {
    let mut fake = Fake::desktop();
    let window = fake.open(1, area(0, 0, 40, 20), editor());
    let unasked = (area(0, 0, 40, 20), "unclassified_window");
    assert_eq!(fake.look_unasked(), [unasked]);
    fake.wait(400);
    assert_eq!(fake.look(), []);
    fake.becomes(window, vault());
    assert_eq!(fake.look_unasked(), [unasked], "it may be something else now");
    fake.wait(400);
    assert_eq!(fake.look(), [(area(0, 0, 40, 20), "excluded_app")]);
    let mut gone = Fake::desktop();
    let window = gone.open(1, area(0, 0, 40, 20), editor());
    let [asked] = gone.cover.unasked()[..] else { panic!("one window") };
    let mut judged = gone.cover.judge(&asked);
    judged.gone();
    gone.cover.told(window, &Told { judged, opaque: true, paints: true, inset: [0; 4] });
    assert_eq!(gone.look(), [unasked], "nobody can say what it was");
}

#[test]
fn a_window_that_passes_between_two_looks_is_covered_wherever_it_was() {
    let mut fake = Fake::desktop();
    fake.look();
    let passes = |fake: &mut Fake, id, nature| {
        let window = fake.open(id, area(0, 0, 40, 20), nature);
        fake.event(WindowEvent::Moved { window, corner: (100, 0) });
        fake.place(window, area(200, 0, 50, 20), Stacking::Top);
        window
    };
    let secret = passes(&mut fake, 1, vault());
    fake.event(WindowEvent::Hidden(secret));
    let places = [area(0, 0, 40, 20), area(100, 0, 40, 20), area(200, 0, 50, 20)];
    assert_eq!(fake.look(), places.map(|place| (place, "excluded_app")), "it is asked though it is hidden");
    let mut fake = Fake::desktop();
    let gone = passes(&mut fake, 2, editor());
    fake.event(WindowEvent::Went { window: gone, into: None });
    assert_eq!(fake.look(), places.map(|place| (place, "unclassified_window")), "nobody can say what it was");
    let mut fake = Fake::desktop();
    passes(&mut fake, 3, editor());
    assert_eq!(fake.look(), [], "it is no secret");
}

#[test]
fn a_window_in_a_frame_is_told_by_its_frame() {
    let mut fake = Fake::desktop();
    let frame = fake.open(1, area(0, 0, 60, 40), Nature::nameless());
    assert_eq!(fake.look_later(), []);
    let client = fake.open(2, area(200, 0, 50, 30), vault());
    fake.ask_all();
    fake.becomes(frame, vault());
    fake.event(WindowEvent::Went { window: client, into: Some(frame) });
    assert_eq!(fake.look().len(), 2);
    fake.wait(400);
    assert_eq!(fake.look(), [(area(0, 0, 60, 40), "excluded_app")]);
}

#[test]
fn of_many_windows_the_rectangle_around_them_is_covered() {
    let mut fake = Fake::desktop();
    for n in 0..hull::MAX_AREAS as u64 {
        fake.open(n, area(n as i32 * 4, 10, 2, 2), vault());
    }
    assert_eq!(fake.look_later().len(), hull::MAX_AREAS);
    fake.open(900, area(300, 100, 2, 2), vault());
    assert_eq!(fake.look_later(), [(area(0, 10, 302, 92), "excluded_app")]);
}

#[test]
fn windows_that_cannot_all_be_asked_stay_covered() {
    let mut fake = Fake::desktop();
    for n in 0..MAX_WINDOWS as u64 + 100 {
        let new = NewWindow {
            area: area(7, 9, 3, 3),
            shown: true,
            unmanaged: false,
            client: Some(ClientId(n)),
            is_new: false,
        };
        fake.becomes(WindowId(n), editor());
        fake.cover.found(WindowId(n), new);
    }
    assert_eq!(fake.cover.unasked().len(), MAX_WINDOWS);
    fake.ask(|_| true);
    fake.wait(400);
    assert_eq!(fake.look_unasked(), [(area(7, 9, 3, 3), "unclassified_window")]);
    fake.wait(400);
    assert_eq!(fake.look(), []);
}

#[test]
fn a_flood_between_two_looks_covers_more_and_not_less() {
    let everything = [(EVERYWHERE, "unclassified_window")];
    // More changes than are followed.
    let mut fake = Fake::desktop();
    let window = fake.open(1, area(0, 0, 10, 10), editor());
    fake.ask_all();
    for _ in 0..hull::MAX_FOLLOWED {
        fake.event(WindowEvent::Restacked(window, Stacking::Top));
    }
    assert_eq!(fake.look(), everything);
    assert_eq!(fake.look_later(), [], "the next look starts anew");
    // More places than are kept apart.
    let mut fake = Fake::desktop();
    for n in 0..40 {
        fake.open(n, area(0, n as i32, 5, 1), vault());
    }
    fake.look_later();
    for n in 0..40_i32 {
        for id in 0..40 {
            fake.event(WindowEvent::Moved { window: WindowId(id), corner: (n, id as i32) });
        }
        assert!(fake.cover.passed.len() <= MAX_PASSED);
    }
    assert!(fake.look().contains(&everything[0]));
    // Beyond a few changes, what hides a window is not worked out.
    let mut fake = Fake::desktop();
    fake.open(1, area(0, 0, 10, 10), vault());
    let over = fake.open(2, area(0, 0, 10, 10), editor());
    fake.look_later();
    for _ in 0..hull::MAX_EXACT {
        fake.event(WindowEvent::Restacked(over, Stacking::Top));
    }
    assert_eq!(fake.look(), []);
    for _ in 0..=hull::MAX_EXACT {
        fake.event(WindowEvent::Restacked(over, Stacking::Top));
    }
    assert_eq!(fake.look(), [(area(0, 0, 10, 10), "excluded_app")]);
}

#[test]
fn what_changes_nothing_that_is_known_is_no_change() {
    let mut fake = Fake::desktop();
    fake.open(1, area(0, 0, 10, 10), editor());
    fake.look_later();
    for n in 0..2 * u64::from(hull::MAX_FOLLOWED) {
        fake.event(WindowEvent::Changed(WindowId(50)));
        fake.event(WindowEvent::Hidden(WindowId(51)));
        let new = NewWindow { area: area(0, 0, 9, 9), shown: false, unmanaged: false, client: None, is_new: true };
        fake.event(WindowEvent::Appeared(WindowId(100 + n), new));
    }
    assert_eq!(fake.look_unasked(), []);
}

#[test]
fn a_games_masks_move_with_its_window_and_are_hidden_by_others() {
    let text = "schema = 1\nname = \"g\"\ntitle = \"G\"\n[match]\napps = [\"game\"]\n[[mask]]\nreason = \"chat\"\narea = \"0,0,10,10\"\n";
    let mut rules = Exclusions::none();
    rules.games = Games::new(&[Profile::parse(text).expect("a profile")], None);
    let mut fake = Fake::new(rules, Scope::Desktop);
    let game = fake.open(1, area(100, 50, 60, 40), Nature::of("game"));
    fake.ask_framed([4, 16, 4, 4]);
    let chat = |x, y| (area(x, y, 10, 10), "chat");
    assert_eq!(fake.look(), [chat(100, 50), chat(104, 66)], "in its frame, and where it is when that is taken off");
    assert_eq!(fake.cover.games(), 1);
    fake.event(WindowEvent::Moved { window: game, corner: (0, 0) });
    fake.wait(400);
    fake.look();
    fake.wait(400);
    assert_eq!(fake.look(), [chat(0, 0), chat(4, 16)]);
    fake.open(2, area(0, 0, 60, 40), Nature::of("game"));
    assert_eq!(fake.look_later(), [chat(0, 0), chat(4, 16)], "its own windows hide nothing of it");
    fake.open(3, area(0, 0, 60, 40), editor());
    assert_eq!(fake.look_later(), []);
}

#[test]
fn of_one_window_all_is_covered_or_what_joins_it() {
    let only = WindowId(1);
    let mut fake = Fake::new(Exclusions::usual(), Scope::Window(only));
    let new = |x| NewWindow {
        area: area(x, 0, 10, 10),
        shown: false,
        unmanaged: false,
        client: Some(ClientId(1)),
        is_new: false,
    };
    let found = |fake: &mut Fake, id, x, nature| {
        fake.becomes(WindowId(id), nature);
        fake.cover.found(WindowId(id), new(x));
    };
    found(&mut fake, 1, 0, editor());
    assert_eq!(fake.look_later(), []);
    fake.open(5, area(0, 0, 10, 10), vault());
    assert_eq!(fake.look_later(), [], "another window is in another picture");
    found(&mut fake, 2, 30, vault());
    fake.show(WindowId(2), true);
    assert_eq!(fake.look_later(), [(area(30, 0, 10, 10), "excluded_app")]);
    fake.event(WindowEvent::Hidden(WindowId(2)));
    fake.becomes(only, vault());
    fake.event(WindowEvent::Hidden(only));
    // Its order among the windows inside its frame says nothing.
    fake.place(only, area(0, 0, 10, 10), Stacking::Above(WindowId(77)));
    fake.cover.set_order([WindowId(2), WindowId(5)].into_iter());
    assert_eq!(fake.look_later(), [(EVERYWHERE, "excluded_app")]);
}

#[test]
fn places_are_not_kept_for_the_keyboard() {
    let mut fake = Fake::new(Exclusions::usual(), Scope::Keyboard);
    let window = fake.open(1, area(0, 0, 10, 10), vault());
    fake.ask_all();
    for n in 0..5000 {
        fake.event(WindowEvent::Moved { window, corner: (n, 0) });
    }
    assert!(fake.cover.passed.is_empty());
}
