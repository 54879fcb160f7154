//! Power cuts at block level: a small part of `make chaos-power`, and that it would notice a broken promise.

use serde_json::Value;

use crate::support::{example, run};

/// Runs cuts; `None`, with the reason on the output, where a disk cannot be served.
fn cuts(args: &[&str]) -> Option<(i32, Value)> {
    let _loops = crate::support::LOOP_DEVICES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (code, out, err) = run(example("power_cuts").args(args));
    if code == 77 {
        println!("{err}");
        return None;
    }
    println!("{out}{err}");
    let account = out.lines().last().and_then(|line| serde_json::from_str(line).ok());
    Some((code, account.unwrap_or_else(|| panic!("no account:\n{out}{err}"))))
}

// Limits of their own: other tests run beside it, and a recorder that does not get the processor loses more than it promises.
const LIMITS: &str = "700,900,900";

#[test]
fn after_a_power_cut_the_beginning_of_the_recording_is_there() {
    let Some((code, account)) =
        cuts(&["--cuts", "40", "--traces", "1", "--seed", "3", "--kind", "seal", "--limits", LIMITS])
    else {
        return;
    };
    assert_eq!((code, account["cuts"].as_u64(), account["cuts_with_broken_promises"].as_u64()), (0, Some(40), Some(0)));
    assert!(account["while_recording"].as_u64() > Some(8), "{account}");
    assert!(account["events_lost_ms"]["worst"].as_f64() > Some(0.0), "a cut that loses nothing is none: {account}");
}

#[test]
fn a_disk_that_lies_is_noticed() {
    let lying =
        ["--cuts", "16", "--traces", "1", "--seed", "4", "--kind", "later", "--limits", LIMITS, "--behind", "1200"];
    let Some((code, account)) = cuts(&lying) else { return };
    assert_eq!(code, 1, "{account}");
    assert!(
        account["broken"]["loss_events"].as_u64() > Some(0) || account["broken"]["missing"].as_u64() > Some(0),
        "{account}"
    );
}
