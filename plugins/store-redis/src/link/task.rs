//! Work beside requests that ends with its owner.

use tokio::task::JoinHandle;

/// A task that is ended when this is dropped.
#[derive(Debug)]
pub(super) struct Task(JoinHandle<()>);

impl Task {
    /// Starts it; there must be a runtime.
    #[expect(
        clippy::disallowed_methods,
        reason = "a plugin has no tracker; its owner ends it, and nothing is lost by that"
    )]
    pub(super) fn start(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
