//! Wakers that keep still while a future wakes its own task for nothing.
//!
//! A body of hyper's wakes whoever fills it each time that a piece is taken. Where the same task fills and takes, it would
//! run once more for each piece, find nothing to do, and cost nearly as much as for the piece itself.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

thread_local! {
    static STILL: Cell<Still> = const { Cell::new(Still::No) };
}

/// Whether gates of this thread keep still.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Still {
    No,
    Yes,
    /// One of them was asked to wake its task.
    Asked,
}

/// What a future is polled by that may wake its own task for nothing: hands wakes on, but for those that come from
/// within [`still`].
#[derive(Debug)]
pub struct Gate {
    waker: Waker,
    task: Arc<Task>,
}

#[derive(Debug, Default)]
struct Task(AtomicWaker);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if STILL.get() == Still::No {
            self.0.wake();
        } else {
            STILL.set(Still::Asked);
        }
    }
}

impl Default for Gate {
    fn default() -> Self {
        let task = Arc::<Task>::default();
        Self { waker: Waker::from(Arc::clone(&task)), task }
    }
}

impl Gate {
    /// Polls a future for a task; what wakes it later goes through the gate.
    pub fn poll<F: Future + ?Sized>(&self, future: Pin<&mut F>, cx: &Context<'_>) -> Poll<F::Output> {
        self.task.0.register(cx.waker());
        future.poll(&mut Context::from_waker(&self.waker))
    }
}

/// Runs something during which gates keep still, on this thread alone: what other threads wake meanwhile is woken. Says
/// whether there was anything to wake.
pub fn still<T>(run: impl FnOnce() -> T) -> (T, bool) {
    let ends = Ends(STILL.replace(Still::Yes));
    let done = run();
    let asked = STILL.get() == Still::Asked;
    drop(ends);
    (done, asked)
}

/// Lets gates be as they were before, also after a panic: else a thread would never wake a task again.
struct Ends(Still);

impl Drop for Ends {
    fn drop(&mut self) {
        STILL.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Context, Poll, Wake, Waker};

    use super::{Gate, still};

    #[derive(Default)]
    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_gate_hands_on_every_wake_but_those_from_within() {
        let (count, gate) = (Arc::<Count>::default(), Gate::default());
        let task = Waker::from(Arc::clone(&count));
        let kept = std::cell::RefCell::new(None);
        let mut future = pin!(poll_fn(|cx| {
            *kept.borrow_mut() = Some(cx.waker().clone());
            Poll::<()>::Pending
        }));
        let mut ask = || {
            assert!(gate.poll(future.as_mut(), &Context::from_waker(&task)).is_pending());
            kept.take().unwrap()
        };
        let woken = || count.0.load(Ordering::Relaxed);

        ask().wake();
        assert_eq!(woken(), 1);
        let waker = ask();
        assert_eq!(still(|| 7), (7, false));
        assert!(still(|| waker.wake_by_ref()).1);
        assert_eq!(woken(), 1, "from within");
        let elsewhere = waker.clone();
        still(|| std::thread::spawn(move || elsewhere.wake()).join().unwrap());
        assert_eq!(woken(), 2, "from another thread");
        let panics = std::panic::catch_unwind(|| still(|| panic!("as it is meant to")));
        assert!(panics.is_err());
        ask();
        waker.wake();
        assert_eq!(woken(), 3, "after a panic too");
    }
}
