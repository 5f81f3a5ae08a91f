//! What a request refers to has a bound.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sluice_wire::laws::referred(bytes));
