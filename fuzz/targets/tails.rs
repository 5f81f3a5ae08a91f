//! A stream that breaks off ends in an error of its dialect.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sluice_wire::laws::ended(bytes));
