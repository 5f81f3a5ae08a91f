//! An answer is a message or a failure of the upstream's.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sluice_translate::laws::answered(bytes));
