//! Tokens renewed at a scripted endpoint and kept in a vault, with the time passed in.

mod failure;
mod renewal;
mod settings;
mod world;
