//! Flags of `watchcap record` that go together or not, and what of the screen they name.

use super::super::failure::Failure;
use crate::capture::{Target, registry};
use crate::cli::{RecordArgs, SourceArg};

/// Longest name of an application, or part of a title, that a window is named by, bytes.
const MAX_NAME: usize = 256;

/// Refuses names of windows that fit nothing or everything.
fn check_names(args: &RecordArgs) -> Result<(), Failure> {
    let named = [("--app", args.app.as_slice()), ("--window-title", args.window_title.as_slice())];
    let kept_out = [("--exclude-app", args.exclude_app.as_slice()), ("--exclude-title", args.exclude_title.as_slice())];
    for (flag, names) in named.into_iter().chain(kept_out) {
        if names.iter().any(|name| name.trim().is_empty()) {
            return Err(Failure::usage(
                format!("{flag} names nothing"),
                "`watchcap targets` lists applications and titles",
            ));
        }
        if names.iter().any(|name| name.len() > MAX_NAME) {
            return Err(Failure::usage(
                format!("{flag} is too long"),
                format!("at most {MAX_NAME} bytes; a part will do"),
            ));
        }
    }
    Ok(())
}

/// Refuses flags that would be without effect: each is a wish, and one that is not heard should be told.
pub(super) fn check(args: &RecordArgs) -> Result<(), Failure> {
    check_names(args)?;
    if args.keep_log && (args.keep_last.is_some() || args.max_disk.is_some()) {
        let hint = "leave out --keep-log, or --keep-last and --max-disk";
        return Err(Failure::usage("a session that has its log beside it is never deleted to make room", hint));
    }
    if args.source == SourceArg::Desktop {
        return match args.size {
            Some(_) => Err(Failure::usage(
                "--size is the size of the synthetic picture",
                "leave it out, choose a part of the desktop with --region, or add --source synthetic",
            )),
            None => Ok(()),
        };
    }
    let of_desktop = [
        ("--monitor", args.monitor.is_some()),
        ("--window", args.window.is_some()),
        ("--window-title", args.window_title.is_some()),
        ("--app", args.app.is_some()),
        ("--region", args.region.is_some()),
        ("--wait-target", args.wait_target.is_some()),
        ("--cursor", args.cursor.is_some()),
        ("--screen-backend", args.screen_backend != registry::AUTO),
        ("--input-backend", args.input_backend != registry::AUTO),
        ("--poll-hz", args.poll_hz.is_some()),
    ];
    match of_desktop.iter().find(|(_, given)| *given) {
        Some((flag, _)) => Err(Failure::usage(
            format!("{flag} is for the desktop, and without effect on the synthetic picture"),
            format!("leave out {flag}, or --source synthetic"),
        )),
        None => Ok(()),
    }
}

fn four_numbers(text: &str) -> Option<[i64; 4]> {
    let mut parts = text.split(',').map(|part| part.trim().parse::<i64>());
    let numbers = [parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?];
    parts.next().is_none().then_some(numbers)
}

/// What is to be recorded.
pub(super) fn target(args: &RecordArgs) -> Result<Target, Failure> {
    if let Some(name) = &args.monitor {
        return Ok(Target::Monitor(name.clone()));
    }
    if let Some(id) = &args.window {
        return Ok(Target::WindowId(id.clone()));
    }
    if let Some(title) = &args.window_title {
        return Ok(Target::WindowTitle(title.clone()));
    }
    if let Some(app) = &args.app {
        return Ok(Target::WindowApp(app.clone()));
    }
    let Some(region) = &args.region else { return Ok(Target::Primary) };
    let numbers = four_numbers(region).filter(|n| {
        n[..2].iter().all(|v| i32::try_from(*v).is_ok()) && n[2..].iter().all(|v| (1..=65_535).contains(v))
    });
    let Some([x, y, width, height]) = numbers else {
        return Err(Failure::usage(format!("'{region}' is no region"), "use --region X,Y,WIDTH,HEIGHT in pixels"));
    };
    if width % 2 != 0 || height % 2 != 0 {
        let (w, h) = ((width + 1) & !1, (height + 1) & !1);
        return Err(Failure::usage(
            format!("a region of {width}x{height} pixels cannot be encoded: both sides must be even"),
            format!("use --region {x},{y},{w},{h}"),
        ));
    }
    Ok(Target::Region { x: x as i32, y: y as i32, width: width as u32, height: height as u32 })
}
