//! What goes on though nobody waits for it.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::oneshot;

/// Does something to its end, also where whoever asked goes away meanwhile: `abandoned` is given what came of it then. Nothing
/// comes where the process ends.
pub(super) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
    abandoned: impl Fn(T) + Send + Sync + 'static,
) -> Option<T> {
    let (done, waits) = oneshot::channel();
    let abandoned = Arc::new(abandoned);
    let mut asker = Asker { waits, abandoned: Arc::clone(&abandoned) };
    beside(async move {
        if let Err(came) = done.send(work.await) {
            abandoned(came);
        }
    });
    (&mut asker.waits).await.ok()
}

/// Who waits for something. What has come for one that is dropped was not taken.
struct Asker<T, F: Fn(T)> {
    waits: oneshot::Receiver<T>,
    abandoned: Arc<F>,
}

impl<T, F: Fn(T)> Drop for Asker<T, F> {
    fn drop(&mut self) {
        self.waits.close();
        if let Ok(came) = self.waits.try_recv() {
            (self.abandoned)(came);
        }
    }
}

/// Goes on beside everything else.
#[expect(
    clippy::disallowed_methods,
    reason = "a plugin has no tracker; what is queued is waited for by Store::close, and what never ends has nothing to lose"
)]
pub(super) fn beside(work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(work);
}
