//! Fuzzes `plan`: see tests/src/fuzz.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| packer_tests::fuzz::run("plan", data));
