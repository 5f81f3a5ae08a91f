//! A request of any dialect is said in each other one, or is its client's mistake; what is well asked comes back as it was.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    sluice_translate::laws::any_request(bytes);
    sluice_translate::laws::returned(bytes);
});
