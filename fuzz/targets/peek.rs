//! A look at a request's body finds what serde_json finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sluice_wire::laws::peeked(bytes));
