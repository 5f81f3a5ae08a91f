//! An answer is read for what it is, however it is cut.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sluice_wire::laws::answers(bytes));
