//! A client's request, read.

mod blocks;
mod heard;
mod known;
mod media;
mod object;
mod options;
mod request;
mod served;
mod tools;
mod turns;

pub(crate) use request::read;

#[cfg(test)]
mod tests;
