#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| watchcap_fuzz::run("video", data));
