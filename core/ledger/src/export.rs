//! Records written out for other tools: as CSV, or as JSON, one to a line.

pub mod archive;
mod format;

pub use format::Format;
