//! Whole answers.

mod read;
mod write;

pub(crate) use read::{answer, cited, made, said, seal};
pub(crate) use write::{head, searched, stop, write};
