//! Any text as TOML, YAML or JSON is told of, and what is described of it reads back.
#![no_main]

// Kinds of plugins that a text may name.
use {sluice_bedrock as _, sluice_claude as _, sluice_fixtures as _, sluice_gemini as _, sluice_openai as _};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sluice_config::laws::configuration(bytes));
