//! How many requests of each model are in flight, over every change of the configuration.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

/// Models that are remembered before those are forgotten that nobody asks for any more.
const ROOM: usize = 256;

/// The models that are asked for, by the names that clients ask by.
#[derive(Debug, Default)]
pub(crate) struct Running(Mutex<Models>);

#[derive(Debug, Default)]
struct Models {
    known: HashMap<Box<str>, Weak<InFlightOf>>,
    /// How many there may be before they are looked through.
    room: usize,
}

/// Requests of one model that an account has now.
#[derive(Debug, Default)]
pub(crate) struct InFlightOf(AtomicU32);

impl InFlightOf {
    pub(crate) fn enter(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn leave(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Running {
    /// The count of a model: the same one for as long as anybody has it.
    pub(crate) fn of(&self, model: &str) -> Arc<InFlightOf> {
        let mut models = self.0.lock();
        if let Some(known) = models.known.get(model).and_then(Weak::upgrade) {
            return known;
        }
        if models.known.len() >= models.room {
            models.known.retain(|_, count| count.strong_count() > 0);
            models.room = 2 * models.known.len() + ROOM;
        }
        let count = Arc::default();
        models.known.insert(model.into(), Arc::downgrade(&count));
        count
    }

    /// Every model that has requests in flight, and how many.
    pub(crate) fn each(&self, mut tell: impl FnMut(&str, u32)) {
        for (model, count) in &self.0.lock().known {
            let now = count.upgrade().map_or(0, |count| count.0.load(Ordering::Relaxed));
            if now > 0 {
                tell(model, now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{ROOM, Running};

    fn told(running: &Running) -> Vec<(String, u32)> {
        let mut all = Vec::new();
        running.each(|model, count| all.push((model.to_owned(), count)));
        all
    }

    #[test]
    fn a_model_is_counted_once_by_whoever_asks_for_it() {
        let running = Running::default();
        let (one, again) = (running.of("m"), running.of("m"));
        assert!(Arc::ptr_eq(&one, &again));
        one.enter();
        again.enter();
        assert_eq!(told(&running), [("m".to_owned(), 2)]);
        one.leave();
        again.leave();
        assert_eq!(told(&running), []);
    }

    #[test]
    fn models_that_nobody_has_any_more_are_forgotten_and_no_others() {
        let running = Running::default();
        let kept = running.of("kept");
        kept.enter();
        for number in 0..10_000 {
            let _ = running.of(&format!("m-{number}"));
        }
        assert!(running.0.lock().known.len() <= 2 * ROOM, "{}", running.0.lock().known.len());
        assert_eq!(told(&running), [("kept".to_owned(), 1)]);
    }
}
