//! Whether an account can serve now: what its upstream told, each with the time at which it ends by itself.
//!
//! Everything here is passed the time, and nothing needs a sweeper: a state is over when its time is.

mod evidence;
mod mark;
mod overload;
#[cfg(test)]
mod tests;
mod time;
mod told;
mod track;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use parking_lot::Mutex;
use sluice_api::error::{Condition, Scope};
use sluice_config::cooldown::Policy;

pub(crate) use evidence::{Asker, FailedAttempt, Suspects};
pub use mark::Noted;
pub(crate) use mark::Standing;
pub(crate) use overload::{Overloads, Witness};
pub(crate) use time::later;
pub use told::{News, Told};

use evidence::Lately;
use track::Track;

/// Models of one account that are tracked apart; beyond it those whose time is over, then the one that ends first, go.
const MODELS_MAX: usize = 256;

/// The health of one account, over reloads.
#[derive(Debug)]
pub struct Health {
    /// Nothing is noted: then nobody needs the lock.
    clear: AtomicBool,
    /// There may be something that other gateways have not been told: then only is it looked for.
    news: AtomicBool,
    lately: Lately,
    state: Mutex<State>,
}

impl Default for Health {
    fn default() -> Self {
        let (clear, news) = (AtomicBool::new(true), AtomicBool::new(false));
        Self { clear, news, lately: Lately::default(), state: Mutex::default() }
    }
}

#[derive(Debug, Default)]
struct State {
    account: Track,
    models: HashMap<Arc<str>, Track>,
    /// An operator has said that it is well again, and other gateways have not been told.
    recovered: bool,
}

impl Health {
    /// Where the account stands for a client key, by its id, and for a model, as it is named upstream.
    pub(crate) fn standing(&self, key: &str, model: &str, now: Timestamp) -> Standing {
        if self.clear.load(Ordering::Acquire) {
            return Standing::Open;
        }
        let (asker, state) = (Asker::of(key), self.state.lock());
        let account = state.account.standing(asker, now);
        let model = state.models.get(model).map_or(Standing::Open, |track| track.standing(asker, now));
        account.and(model)
    }

    /// A probe is on its way: until it has told something, nobody else goes.
    pub(crate) fn probe(&self, model: &str, asker: Asker, now: Timestamp) {
        let mut state = self.state.lock();
        state.account.probe(asker, now);
        if let Some(track) = state.models.get_mut(model) {
            track.probe(asker, now);
        }
    }

    /// The probe ended without telling anything: the next request may be one.
    pub(crate) fn release(&self, model: &str, asker: Asker) {
        let mut state = self.state.lock();
        state.account.release(asker);
        if let Some(track) = state.models.get_mut(model) {
            track.release(asker);
        }
    }

    /// An attempt failed. What is the client's own fault says nothing about the account but that it answers.
    pub(crate) fn failed(&self, model: &Arc<str>, told: &FailedAttempt<'_>, policy: &Policy, now: Timestamp) {
        let Some(condition) = told.facts.condition else {
            self.answered(model, told.asker, now);
            return self.completed(model, told.asker, now);
        };
        let others = self.lately.others(told.asker, now);
        let mut state = self.state.lock();
        let track = match told.facts.scope {
            Scope::Request => return,
            Scope::Model => state.track(model, now),
            Scope::Account | Scope::Provider => &mut state.account,
        };
        track.note(mark::News { condition, told, policy, now }, others);
        self.clear.store(false, Ordering::Release);
        self.news.store(true, Ordering::Release);
    }

    /// What this gateway has learnt itself since this was asked last: other gateways are to be told. What it has only
    /// heard is not among it, nor what the requests of one client key alone have seen.
    pub fn news(&self) -> Vec<News> {
        // Before the lock: what comes after it is seen the next time.
        if !self.news.load(Ordering::Acquire) || !self.news.swap(false, Ordering::AcqRel) {
            return Vec::new();
        }
        let mut state = self.state.lock();
        let recovered = std::mem::take(&mut state.recovered).then_some(News::Recovered);
        let account = state.account.news().map(|told| News::State { model: None, told });
        let of = |(model, track): (&Arc<str>, &mut Track)| {
            Some(News::State { model: Some(Arc::clone(model)), told: track.news()? })
        };
        let models: Vec<News> = state.models.iter_mut().filter_map(of).collect();
        recovered.into_iter().chain(account).chain(models).collect()
    }

    /// Others could not be told this: it is told again.
    pub fn tell_again(&self, news: &News) {
        let mut state = self.state.lock();
        match news {
            News::Recovered => state.recovered = true,
            News::State { model: None, .. } => state.account.tell_again(),
            News::State { model: Some(model), .. } => {
                if let Some(track) = state.models.get_mut(model) {
                    track.tell_again();
                }
            }
        }
        self.news.store(true, Ordering::Release);
    }

    /// Another gateway tells of a state, which holds here too.
    pub fn hear(&self, model: Option<&Arc<str>>, told: Told, now: Timestamp) {
        if now >= told.until {
            return;
        }
        let mut state = self.state.lock();
        let track = match model {
            Some(model) => state.track(model, now),
            None => &mut state.account,
        };
        track.hear(told);
        self.clear.store(false, Ordering::Release);
    }

    /// The upstream has begun to answer: what was over is cleared.
    pub(crate) fn answered(&self, model: &str, asker: Asker, now: Timestamp) {
        self.lately.answered(asker, now);
        self.well(model, |track| track.answered(asker, now));
    }

    /// An answer came whole: failures are no longer in a row. One that has only begun may still break off.
    pub(crate) fn completed(&self, model: &str, asker: Asker, now: Timestamp) {
        self.lately.answered(asker, now);
        self.well(model, Track::completed);
    }

    fn well(&self, model: &str, note: impl Fn(&mut Track)) {
        if self.clear.load(Ordering::Acquire) {
            return;
        }
        let mut state = self.state.lock();
        note(&mut state.account);
        if let Some(track) = state.models.get_mut(model) {
            note(track);
        }
        state.models.retain(|_, track| !track.is_clear());
        self.clear.store(state.account.is_clear() && state.models.is_empty(), Ordering::Release);
    }

    /// Credentials may have been replaced: whether they are good is to be seen.
    pub fn try_credentials(&self) {
        let mut state = self.state.lock();
        state.account.forget(Condition::Unauthorized);
        state.models.values_mut().for_each(|track| track.forget(Condition::Unauthorized));
        self.news.store(true, Ordering::Release);
    }

    /// An operator's try came whole: what is over is cleared.
    pub fn works(&self, model: &str, now: Timestamp) {
        self.answered(model, Asker::OPERATOR, now);
        self.completed(model, Asker::OPERATOR, now);
    }

    /// An operator says that it is well again.
    pub(crate) fn recover(&self) {
        *self.state.lock() = State { recovered: true, ..State::default() };
        self.clear.store(true, Ordering::Release);
        self.news.store(true, Ordering::Release);
    }

    /// An operator has said so to another gateway.
    pub(crate) fn hear_recovery(&self) {
        *self.state.lock() = State::default();
        self.clear.store(true, Ordering::Release);
    }

    /// The account's own state, where it is in one now.
    pub fn noted(&self, now: Timestamp) -> Option<Noted> {
        self.state.lock().account.noted(now)
    }

    /// The models that it is limited for now.
    pub fn noted_models(&self, now: Timestamp) -> Vec<(Arc<str>, Noted)> {
        let state = self.state.lock();
        let mut noted: Vec<_> = state
            .models
            .iter()
            .filter_map(|(model, track)| Some((Arc::clone(model), track.noted(now)?)))
            .collect();
        noted.sort_by(|(one, _), (other, _)| one.cmp(other));
        noted
    }
}

impl State {
    fn track(&mut self, model: &Arc<str>, now: Timestamp) -> &mut Track {
        if self.models.len() >= MODELS_MAX && !self.models.contains_key(model) {
            self.models.retain(|_, track| track.noted(now).is_some());
            let first = self.models.iter().min_by_key(|(_, track)| track.until());
            if self.models.len() >= MODELS_MAX
                && let Some(first) = first.map(|(model, _)| Arc::clone(model))
            {
                self.models.remove(&first);
            }
        }
        self.models.entry(Arc::clone(model)).or_default()
    }
}
