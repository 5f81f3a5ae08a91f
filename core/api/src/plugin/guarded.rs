//! A call of a plugin at the end of a request, whose panic goes no further: the record must not go with it.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls a plugin; `None` where it panicked, which its operator is told. `what` says which call it was.
///
/// What the call was given is not looked at again where it panicked, but for what is behind references: a plugin that
/// leaves itself in disorder does so for itself.
pub fn guarded<T>(what: &'static str, call: impl FnOnce() -> T) -> Option<T> {
    let called = catch_unwind(AssertUnwindSafe(call));
    if called.is_err() {
        tracing::error!(call = what, "a plugin panicked: its part of the request is left out");
    }
    called.ok()
}
