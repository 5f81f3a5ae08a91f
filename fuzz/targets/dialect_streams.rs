//! Whatever is streamed, each client is told a stream of its own grammar, however it is cut.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sluice_translate::laws::any_stream(bytes));
