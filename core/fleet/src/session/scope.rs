//! What a conversation is told apart by.

/// A client's names mean nothing beyond its key, an account nothing beyond its pool.
#[derive(Clone, Copy, Debug, Hash)]
pub struct Conversation<'a> {
    /// The id of the client key.
    pub key: &'a str,
    /// The pool.
    pub pool: &'a str,
    /// The client's name for it.
    pub session: &'a str,
}
