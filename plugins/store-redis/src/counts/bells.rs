//! Tells who waits in this process that it is worth asking again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use sluice_api::store::{Place, Turn};
use tokio::sync::watch;

use crate::link::Heard;

/// Messages that are kept of places which nobody here knows yet: what tells of one may be quicker than the answer by which
/// it was given. Far more than may be asked for at one moment.
const EARLY_MAX: usize = 4_096;

/// Those who wait, by the numbers of their places.
#[derive(Debug, Default)]
pub(super) struct Bells {
    waiting: Mutex<Waiting>,
    /// Messages that were heard.
    heard: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    bells: HashMap<u64, Bell>,
    early: VecDeque<u64>,
}

#[derive(Debug)]
struct Bell {
    /// The key in whose line the place is.
    key: Arc<str>,
    rung: watch::Sender<bool>,
}

impl Bell {
    fn ring(&self) {
        self.rung.send_replace(true);
    }
}

impl Bells {
    /// Somebody waits at a place from now on, or still does.
    pub(super) fn wait(&self, place: &Place) {
        let mut waiting = self.waiting.lock();
        let Waiting { bells, early } = &mut *waiting;
        bells.entry(place.number).or_insert_with(|| {
            let rung = early.iter().position(|one| *one == place.number);
            rung.map(|at| early.remove(at));
            Bell { key: Arc::clone(&place.key), rung: watch::Sender::new(rung.is_some()) }
        });
    }

    /// It is asked now: what is told from here on rings anew.
    pub(super) fn hush(&self, number: u64) {
        if let Some(bell) = self.waiting.lock().bells.get(&number) {
            bell.rung.send_replace(false);
        }
    }

    /// Nobody waits there any more; whoever may still listen has nothing to wait for.
    pub(super) fn forget(&self, number: u64) {
        if let Some(bell) = self.waiting.lock().bells.remove(&number) {
            bell.ring();
        }
    }

    /// Ends when it is worth asking again; at once where nobody waits there.
    pub(super) fn turn(&self, number: u64) -> Turn {
        let bell = self.waiting.lock().bells.get(&number).map(|bell| bell.rung.subscribe());
        Box::pin(async move {
            if let Some(mut bell) = bell {
                let _ = bell.wait_for(|rung| *rung).await;
            }
        })
    }

    pub(super) fn hear(&self, heard: Heard<'_>) {
        match heard {
            Heard::Listening => {
                // Counted anew, as a server that has forgotten some may go on to where this one is.
                self.heard.store(0, Ordering::Relaxed);
                self.ring_firsts();
            }
            Heard::Message(number) => {
                self.heard.fetch_add(1, Ordering::Relaxed);
                let number = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok());
                number.into_iter().for_each(|number| self.ring(number));
            }
        }
    }

    fn ring(&self, number: u64) {
        let mut waiting = self.waiting.lock();
        if let Some(bell) = waiting.bells.get(&number) {
            bell.ring();
            return;
        }
        if waiting.early.len() >= EARLY_MAX {
            waiting.early.pop_front();
        }
        waiting.early.push_back(number);
    }

    /// Whatever is known of places may be wrong: each asks for itself.
    pub(super) fn ring_all(&self) {
        self.waiting.lock().bells.values().for_each(Bell::ring);
    }

    /// Messages may have been missed: only to the first of a line one is ever sent, and who is that may be here.
    fn ring_firsts(&self) {
        let waiting = self.waiting.lock();
        let mut firsts: HashMap<&str, u64> = HashMap::new();
        for (number, bell) in &waiting.bells {
            let first = firsts.entry(&bell.key).or_insert(*number);
            *first = (*first).min(*number);
        }
        firsts.values().filter_map(|number| waiting.bells.get(number)).for_each(Bell::ring);
    }

    /// The places at which somebody waits.
    pub(super) fn all(&self) -> HashSet<u64> {
        self.waiting.lock().bells.keys().copied().collect()
    }

    /// These ask for themselves, as their places are lost.
    pub(super) fn ring_each<'a>(&self, lost: impl Iterator<Item = &'a u64>) {
        let waiting = self.waiting.lock();
        lost.filter_map(|number| waiting.bells.get(number)).for_each(Bell::ring);
    }

    /// Whether somebody waits there.
    pub(super) fn has(&self, number: u64) -> bool {
        self.waiting.lock().bells.contains_key(&number)
    }

    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.lock().bells.is_empty()
    }

    /// Messages that were heard.
    pub(super) fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// Messages are counted anew, and each asks for itself.
    pub(super) fn begin_anew(&self) {
        self.heard.store(0, Ordering::Relaxed);
        self.ring_all();
    }

    /// So many messages were sent: as many as are missing count as heard.
    pub(super) fn has_missed(&self, sent: u64) {
        self.heard.fetch_max(sent, Ordering::Relaxed);
        self.ring_firsts();
    }
}
