//! Server-sent events are those of the standard, however they are cut.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sluice_wire::laws::events(bytes));
