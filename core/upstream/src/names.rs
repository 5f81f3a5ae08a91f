//! Host names looked up: one question at a time for each, and its answer kept for a moment.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use parking_lot::Mutex;

use crate::tasks::Tasks;

/// How long an answer is kept: a burst asks once, and who moves a name is followed soon.
const KEPT_FOR: Duration = Duration::from_secs(5);

/// The names that were asked for.
///
/// The system's resolver blocks a thread for as long as it likes. Asked once for each connection, one that hangs would
/// use up all threads that there are for such work.
#[derive(Default)]
pub(super) struct Names(Mutex<HashMap<Name, Asked>>);

type Name = (String, u16);

/// What comes of a question, for all who wait for it.
type Answer = Shared<BoxFuture<'static, Result<Arc<[SocketAddr]>, Unknown>>>;

struct Asked {
    answer: Answer,
    since: Instant,
}

/// Why a name has no address; the same for all who asked.
#[derive(Clone, Debug)]
struct Unknown(io::ErrorKind, String);

impl Names {
    /// The addresses of a name, each with the port.
    ///
    /// # Errors
    ///
    /// When it has none, or the resolver fails.
    pub(super) async fn look_up(&self, host: &str, port: u16) -> io::Result<Arc<[SocketAddr]>> {
        let ask = |(host, port): Name| async move {
            let found = tokio::net::lookup_host((host.as_str(), port)).await.map_err(|error| {
                Unknown(error.kind(), format!("the name {host} could not be looked up: {error}"))
            })?;
            Ok(found.collect())
        };
        self.answer(host, port, ask).await.map_err(|Unknown(kind, message)| io::Error::new(kind, message))
    }

    async fn answer<F>(
        &self,
        host: &str,
        port: u16,
        ask: impl FnOnce(Name) -> F,
    ) -> Result<Arc<[SocketAddr]>, Unknown>
    where
        F: Future<Output = Result<Arc<[SocketAddr]>, Unknown>> + Send + 'static,
    {
        let answer = {
            let mut all = self.0.lock();
            all.retain(|_, asked| asked.is_of_use());
            let name = (host.to_owned(), port);
            let asked = all.entry(name).or_insert_with_key(|name| {
                let answer = ask(name.clone()).boxed().shared();
                // It goes on where all who asked have gone, and whoever comes next waits for the same.
                Tasks::upkeep(answer.clone());
                Asked { answer, since: Instant::now() }
            });
            asked.answer.clone()
        };
        answer.await
    }
}

impl Asked {
    /// Whether it is still open, or was answered well and not long ago.
    fn is_of_use(&self) -> bool {
        match self.answer.peek() {
            None => true,
            Some(answered) => answered.is_ok() && self.since.elapsed() < KEPT_FOR,
        }
    }
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Names")
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io::ErrorKind;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt as _;
    use tokio::sync::oneshot;

    use super::{Names, Unknown};

    #[tokio::test]
    async fn those_who_ask_at_once_ask_once_and_an_answer_is_kept_for_a_moment() {
        let (names, asked) = (Names::default(), AtomicUsize::new(0));
        let (tell, told) = oneshot::channel::<()>();
        let told = RefCell::new(Some(told));
        let ask = || {
            let waits = told.take();
            asked.fetch_add(1, Ordering::SeqCst);
            async move {
                if let Some(waits) = waits {
                    let _ = waits.await;
                }
                Ok(["1.2.3.4:5".parse().unwrap()].into())
            }
        };
        let mut first = Box::pin(names.answer("a", 5, |_| ask()));
        assert!(first.as_mut().now_or_never().is_none());
        let mut second = Box::pin(names.answer("a", 5, |_| ask()));
        assert!(second.as_mut().now_or_never().is_none());
        tell.send(()).unwrap();
        assert_eq!((first.await.unwrap(), asked.load(Ordering::SeqCst)), (second.await.unwrap(), 1));
        names.answer("a", 5, |_| ask()).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        names.answer("a", 6, |_| ask()).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn what_failed_is_asked_again_and_what_hangs_is_not() {
        let names = Names::default();
        let asked = AtomicUsize::new(0);
        let count = || asked.fetch_add(1, Ordering::SeqCst);
        for _ in 0..2 {
            let failed = names.answer("a", 5, |_| {
                count();
                async { Err(Unknown(ErrorKind::NotFound, "nowhere".to_owned())) }
            });
            assert_eq!(failed.await.unwrap_err().1, "nowhere");
        }
        for _ in 0..2 {
            let hangs = names.answer("b", 5, |_| {
                count();
                std::future::pending()
            });
            assert!(hangs.now_or_never().is_none());
        }
        assert_eq!(asked.load(Ordering::SeqCst), 3);
    }
}
