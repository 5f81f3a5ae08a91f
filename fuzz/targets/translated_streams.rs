//! A stream has its client's grammar whatever comes, and blocks that are mixed are told whole.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    sluice_translate::laws::streamed(bytes);
    sluice_translate::laws::mixed(bytes);
});
