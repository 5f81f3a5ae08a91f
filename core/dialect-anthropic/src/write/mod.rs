//! A request for an upstream, written.

mod content;
mod conversation;
mod marks;
mod media;
mod plan;
mod request;
mod schema;
mod tools;

pub(crate) use request::write;

#[cfg(test)]
mod tests;
