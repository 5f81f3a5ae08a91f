//! Messages of AWS's event streams are the same, however they are cut, and what is written for them can be read.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sluice_bedrock::laws::frames(bytes));
