//! Displays of one scale and of several, regions, and what targets name.

use super::*;

const fn points(x: f64, y: f64, width: f64, height: f64) -> Points {
    Points { x, y, width, height }
}

fn display(id: u32, points: Points, scale: f64) -> Display {
    Display { id, points, scale, is_main: id == 1, refresh_hz: Some(60.0), asleep: false }
}

/// A laptop's fine display, and a coarse one left of it and higher.
fn desktop() -> Desktop {
    Desktop(vec![
        display(1, points(0.0, 0.0, 1512.0, 982.0), 2.0),
        display(77, points(-1920.0, -98.0, 1920.0, 1080.0), 1.0),
    ])
}

fn area(x: i32, y: i32, width: u32, height: u32) -> Area {
    Area { x, y, width, height }
}

fn window_facts(id: u32, app: &str, bundle: &str, title: &str) -> WindowFacts {
    WindowFacts {
        id,
        pid: id + 100,
        app: app.into(),
        bundle: bundle.into(),
        title: title.into(),
        on_screen: true,
        points: points(10.0, 20.0, 300.0, 200.0),
        ..WindowFacts::default()
    }
}

#[test]
fn one_scale_is_the_desktop_in_pixels() {
    let two = Desktop(vec![
        display(1, points(0.0, 0.0, 1440.0, 900.0), 2.0),
        display(2, points(1440.0, -90.0, 1440.0, 900.0), 2.0),
    ]);
    assert_eq!(two.area(&two.0[1]), area(2880, -180, 2880, 1800));
    assert_eq!(two.pixels((1440.5, 0.25)), Some((2881.0, 0.5)));
    assert_eq!(two.whole(), area(0, -180, 5760, 1980));
}

#[test]
fn displays_of_several_scales_do_not_overlap_and_points_keep_theirs() {
    let desktop = desktop();
    let (fine, coarse) = (desktop.area(&desktop.0[0]), desktop.area(&desktop.0[1]));
    assert_eq!((fine, coarse), (area(0, 0, 3024, 1964), area(-3840, -196, 1920, 1080)));
    assert_eq!(fine.and(coarse), None);
    assert_eq!(desktop.pixels((100.5, 50.0)), Some((201.0, 100.0)));
    assert_eq!(desktop.pixels((-1.0, -98.0)), Some((-3840.0 + 1919.0, -196.0)), "of the coarse one");
    assert_eq!(desktop.pixels((100.0, 2000.0)), Some((200.0, 4000.0)), "outside: by the nearest");
    assert_eq!(Desktop::default().pixels((0.0, 0.0)), None);
    // The relative place on the recorded display is what it is in points.
    let at = surface(coarse, 1.0).relative(desktop.pixels((-960.0, 442.0)).expect("a place"));
    assert!((at.x - 0.5).abs() < 1e-6 && (at.y - 0.5).abs() < 1e-6, "{at:?}");
}

#[test]
fn a_window_is_in_pixels_of_the_display_that_its_centre_is_on() {
    let desktop = desktop();
    assert_eq!(desktop.area_of(points(10.5, 20.0, 300.0, 200.0)), (area(21, 40, 600, 400), 2.0));
    assert_eq!(desktop.area_of(points(10.2, 20.0, 300.2, 200.0)).0, area(20, 40, 601, 400), "all that it touches");
    assert_eq!(desktop.area_of(points(-1900.0, 0.0, 800.0, 600.0)), (area(-3820, -98, 800, 600), 1.0));
}

#[test]
fn a_window_on_several_displays_is_found_on_each_by_its_own_scale() {
    let two = Desktop(vec![
        display(1, points(0.0, 0.0, 1440.0, 900.0), 2.0),
        display(2, points(1440.0, 0.0, 1920.0, 1080.0), 1.0),
    ]);
    let over_both = points(1300.0, 100.0, 500.0, 400.0);
    // 140 points of two pixels on the fine one, 360 of one pixel on the coarse one.
    assert_eq!(two.touched(over_both), area(2600, 100, 640, 900));
    assert_eq!(
        two.area_of(over_both).0,
        area(2740, 100, 500, 400),
        "by its centre it would begin too far to the right"
    );
    assert_eq!(two.touched(points(10.5, 20.0, 300.0, 200.0)), area(21, 40, 600, 400));
    assert_eq!(two.touched(points(-50.0, 20.0, 100.0, 200.0)), area(0, 40, 100, 400), "what of it is on a display");
    let nowhere = points(-500.0, 20.0, 100.0, 200.0);
    assert_eq!(two.touched(nowhere), two.area_of(nowhere).0);
    assert_eq!(Desktop::default().touched(nowhere), Area::default());
}

#[test]
fn a_sign_in_the_menu_bar_is_no_panel() {
    let desktop = desktop();
    let extra = |layer, points| desktop.is_menu_extra(&WindowFacts { points, layer, ..WindowFacts::default() });
    assert!(extra(25, points(1200.0, 0.0, 30.0, 24.0)) && extra(25, points(1200.0, 0.0, 30.0, 37.0)));
    assert!(extra(25, points(-300.0, -98.0, 30.0, 24.0)), "of the other display");
    assert!(extra(25, points(1200.0, -12.0, 30.0, 24.0)), "while the bar slides in");
    assert!(!extra(25, points(1200.0, 24.0, 300.0, 40.0)), "what opens below it");
    assert!(!extra(25, points(1200.0, 0.0, 300.0, 400.0)) && !extra(3, points(1200.0, 0.0, 30.0, 24.0)));
}

#[test]
fn a_display_that_sleeps_is_as_it_was() {
    let before = desktop();
    let mut now = desktop();
    now.0[0] = Display { asleep: true, scale: 1.0, refresh_hz: None, points: Points::default(), ..now.0[0].clone() };
    let now = now.or_before(&before);
    assert_eq!(now.0[0], Display { asleep: true, ..before.0[0].clone() });
    assert_eq!((now.area(&now.0[0]), &now.0[1]), (before.area(&before.0[0]), &before.0[1]));
    let strange = Desktop(vec![Display { id: 5, asleep: true, ..Display::default() }]);
    assert_eq!(strange.clone().or_before(&before), strange);
    assert_eq!(before.clone().or_before(&now), before, "it woke up");
}

#[test]
fn displays_are_named_or_counted() {
    let desktop = desktop();
    let id = |wanted| desktop.display(wanted).map(|display| display.id).ok();
    assert_eq!((id(None), id(Some("77")), id(Some("2")), id(Some("1"))), (Some(1), Some(77), Some(77), Some(1)));
    assert_eq!((id(Some("0")), id(Some("3")), id(Some("main"))), (None, None, None));
    assert!(matches!(Desktop::default().display(None), Err(CaptureError::NoDisplay { .. })));
}

#[test]
fn a_region_lies_on_one_display_and_is_asked_for_in_its_points() {
    let desktop = desktop();
    let (on, at) = desktop.region(area(100, 50, 640, 480)).expect("a region");
    assert_eq!((on.id, at), (1, points(50.0, 25.0, 320.0, 240.0)));
    let (on, at) = desktop.region(area(-3840, -196, 1920, 1080)).expect("all of it");
    assert_eq!((on.id, at), (77, points(0.0, 0.0, 1920.0, 1080.0)));
    let nearest = |wanted| match desktop.region(wanted) {
        Err(CaptureError::BadSize { nearest, .. }) => nearest,
        _ => None,
    };
    assert_eq!(nearest(area(0, 0, 41, 20)), Some((40, 20)));
    assert_eq!(nearest(area(3000, 1900, 100, 100)), Some((24, 64)));
    for wanted in [area(-10, 0, 100, 100), area(5000, 0, 10, 10), area(3023, 0, 2, 2)] {
        assert!(matches!(desktop.region(wanted), Err(CaptureError::NoTarget { .. })), "{wanted:?}");
    }
}

#[test]
fn windows_are_named_by_number_title_application_or_bundle() {
    let menu = WindowFacts { layer: 25, ..window_facts(5, "Game", "com.example.game", "a menu") };
    let list = [
        menu,
        window_facts(42, "TextEdit", "com.apple.TextEdit", "Untitled"),
        window_facts(43, "Game", "com.example.game", ""),
    ];
    let id = |target| window(&list, &target).map(|facts| facts.id).ok();
    assert_eq!((id(Target::WindowId("42".into())), id(Target::WindowId("0x2b".into()))), (Some(42), Some(43)));
    assert_eq!(id(Target::WindowTitle("untitled".into())), Some(42));
    assert_eq!(id(Target::WindowTitle("menu".into())), None);
    assert_eq!(id(Target::WindowApp("game".into())), Some(43), "and not its menu");
    assert_eq!(id(Target::WindowApp("com.apple.*".into())), Some(42));
    assert_eq!((id(Target::WindowApp("x".into())), id(Target::Primary)), (None, None));

    let all = targets(&desktop(), &list);
    let told: Vec<_> = all.iter().map(|target| (target.kind, target.id.as_str(), target.primary)).collect();
    assert_eq!(
        told,
        [("monitor", "1", true), ("monitor", "77", false), ("window", "42", true), ("window", "43", false)]
    );
    let at = all[2].surface.map(|surface| (surface.x, surface.width, surface.scale));
    assert_eq!((at, all[2].instance.as_str()), (Some((20, 600, Some(2.0))), "com.apple.TextEdit"));
}
