//! A request is translated or refused, whatever it is.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sluice_translate::laws::requested(bytes));
