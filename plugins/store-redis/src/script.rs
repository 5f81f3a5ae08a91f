//! A script, by the digest under which servers keep it.

use std::fmt;

/// A script in Lua.
pub(crate) struct Script {
    code: String,
    digest: String,
}

impl Script {
    /// One of these parts, put together in their order; the first begins with `#!lua`.
    pub(crate) fn new(parts: &[&str]) -> Self {
        let code = parts.concat();
        let digest = redis::Script::new(&code).get_hash().to_owned();
        Self { code, digest }
    }

    /// What it is in Lua.
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// Its digest, in hexadecimal digits.
    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Script({})", self.digest)
    }
}
