//! Only usage alone is hidden from a stream, however it is cut.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sluice_wire::laws::hidden(bytes));
