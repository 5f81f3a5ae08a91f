//! All that is seen of an answer is the same, however it is cut.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sluice_wire::laws::metered(bytes));
