//! An answer or a refusal of any dialect is told in each other one, or is the upstream's failure; what is well said is told
//! as it was, whole and streamed.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    sluice_translate::laws::any_answer(bytes);
    sluice_translate::laws::told(bytes);
    sluice_translate::laws::next(bytes);
});
