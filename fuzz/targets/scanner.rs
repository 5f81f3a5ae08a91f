//! The JSON scanner takes what serde_json takes, and its spans hold what that reads.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sluice_wire::laws::scanner(bytes));
