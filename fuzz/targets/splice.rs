//! A spliced body says the same but for what was changed.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sluice_wire::laws::spliced(bytes));
