//! Tells who waits that it is worth asking again.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use smallvec::SmallVec;

/// Rings once for what happens between two questions, also where nobody listens at that moment.
#[derive(Debug, Default)]
pub(crate) struct Bell(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    rung: bool,
    listeners: Vec<Waker>,
}

impl Bell {
    /// It is worth asking again.
    pub(crate) fn ring(&self) {
        let listeners = {
            let mut state = self.0.lock();
            state.rung = true;
            std::mem::take(&mut state.listeners)
        };
        listeners.into_iter().for_each(Waker::wake);
    }

    /// It is asked now. Called with the locks of what is looked at: what changes after that rings anew.
    pub(crate) fn hush(&self) {
        self.0.lock().rung = false;
    }
}

/// Ends once a bell has rung since it was hushed last.
#[derive(Debug)]
pub(crate) struct Rung(pub(crate) Arc<Bell>);

impl Future for Rung {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.0.lock();
        if state.rung {
            return Poll::Ready(());
        }
        if !state.listeners.iter().any(|waker| waker.will_wake(context.waker())) {
            state.listeners.push(context.waker().clone());
        }
        Poll::Pending
    }
}

/// Bells that ring once no lock is held any more.
#[derive(Debug, Default)]
pub(crate) struct Later(SmallVec<[Arc<Bell>; 2]>);

impl Later {
    pub(crate) fn push(&mut self, bell: &Arc<Bell>) {
        self.0.push(Arc::clone(bell));
    }
}

impl Drop for Later {
    fn drop(&mut self) {
        self.0.iter().for_each(|bell| bell.ring());
    }
}
