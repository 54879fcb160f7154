//! The target `hello` for libFuzzer: what it gives to which parser stands in `src/targets.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| watchcap_fuzz::run("hello", data));
