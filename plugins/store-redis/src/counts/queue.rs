//! What servers are still to be told: of each lease and place the last word, again and again until it is answered.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sluice_api::store::Used;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Own;
use super::encode::Tail;
use super::spawn::beside;
use crate::link::{Failure, pause};

/// How many scripts are on the way at once.
const AT_ONCE: usize = 4;

/// How many leases are settled by one script.
const TOGETHER: usize = 16;

/// How long what is told first waits for others that are told with it.
const GATHER: Duration = Duration::from_millis(1);

/// How often a server may refuse what no other refusal of it will be the end of, a second apart: then it is told no more, as what a
/// server can't take now it never will.
const REFUSED_MAX: u32 = if cfg!(test) { 3 } else { 30 };

/// Of how many that are to be told next it is looked whether they are in the way of what is asked.
const LOOKED_AT: usize = 64;

/// What something is told of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Name {
    Lease(String),
    Place(u64),
}

/// How a lease is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// It runs, and has used so much.
    Land,
    /// It has ended.
    End,
    /// Nobody knows whether it was ever taken: it is not.
    Undo,
}

/// What is told.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Progress {
        how: How,
        used: Used,
        tail: Arc<Tail>,
        told: Vec<u8>,
        line: Option<String>,
        /// Whether it was told with others, and not taken.
        alone: bool,
    },
    Leave {
        line: String,
    },
}

/// What is still to be told.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Something was told.
    told: Notify,
    /// What was undone, and when: servers still know of it.
    undone: Mutex<VecDeque<(Instant, String)>>,
}

#[derive(Debug, Default)]
struct State {
    pending: HashMap<Name, Op>,
    order: VecDeque<Name>,
    /// What is being told.
    busy: HashMap<Name, Op>,
    /// How often a server has refused what it will refuse again.
    refused: HashMap<Name, u32>,
    /// How many were told no more for that.
    given_up: u64,
    workers: usize,
}

/// What one script tells.
type Told = Vec<(Name, Op)>;

impl Op {
    /// A request has ended, having used so much.
    pub(super) fn ends(used: Used, tail: Arc<Tail>) -> Self {
        Self::Progress { how: How::End, used, tail, told: Vec::new(), line: None, alone: false }
    }

    /// Whether it may be told by one script with others of this kind.
    fn settles(&self) -> bool {
        matches!(self, Self::Progress { alone: false, .. })
    }

    /// Whether it may be told by one script with this: that knows one line.
    fn goes_with(&self, other: &Self) -> bool {
        let (Self::Progress { line, .. }, Self::Progress { line: others, .. }) = (self, other) else {
            return false;
        };
        self.settles() && other.settles() && line == others
    }

    /// Whether it frees one of these slots.
    fn frees(&self, slots: &[&String]) -> bool {
        matches!(self, Self::Progress { how: How::End, tail, .. } if tail.slots().any(|slot| slots.contains(&slot)))
    }
}

impl State {
    /// What is told next, where it is so.
    fn next(&mut self, so: impl Fn(&Op) -> bool) -> Option<(Name, Op)> {
        loop {
            let name = self.order.front()?;
            // What is being told waits for its answer: whoever has it looks for more.
            let op = self.pending.get(name).filter(|_| !self.busy.contains_key(name));
            if op.is_some_and(|op| !so(op)) {
                return None;
            }
            let is_next = op.is_some();
            let name = self.order.pop_front()?;
            if is_next && let Some(op) = self.pending.remove(&name) {
                self.busy.insert(name.clone(), op.clone());
                return Some((name, op));
            }
        }
    }

    /// What is told next by one script; nothing where there is nothing.
    fn next_together(&mut self) -> Told {
        let mut together: Told = self.next(|_| true).into_iter().collect();
        while together.len() < TOGETHER
            && let Some((_, first)) = together.first()
            && let Some(next) = self.next(|op| op.goes_with(first))
        {
            together.push(next);
        }
        together
    }

    /// What frees one of these slots is told now, as far as it is not yet; and the names of all that do.
    fn freeing(&mut self, slots: &[&String]) -> (Told, Vec<Name>) {
        let frees = |op: &Op| op.frees(slots);
        // What is said of one meanwhile has its answer first.
        let ends = |(name, op): &(&Name, &Op)| frees(op) || self.pending.get(*name).is_some_and(frees);
        let mut names: Vec<Name> = self.busy.iter().filter(ends).map(|(name, _)| name.clone()).collect();
        let mut now = Told::new();
        for at in (0..self.order.len().min(LOOKED_AT)).rev() {
            let Some(name) = self.order.get(at).filter(|name| !self.busy.contains_key(name)) else {
                continue;
            };
            if now.len() < TOGETHER && self.pending.get(name).is_some_and(|op| op.settles() && frees(op)) {
                let Some(name) = self.order.remove(at) else { continue };
                if let Some(op) = self.pending.remove(&name) {
                    self.busy.insert(name.clone(), op.clone());
                    names.push(name.clone());
                    now.push((name, op));
                }
            }
        }
        (now, names)
    }

    /// A server has refused it for good; whether it is told no more, and how many that were by now.
    fn refused(&mut self, name: &Name) -> Option<u64> {
        let times = self.refused.entry(name.clone()).or_default();
        *times += 1;
        if *times < REFUSED_MAX {
            return None;
        }
        self.refused.remove(name);
        self.given_up += 1;
        Some(self.given_up)
    }

    /// It was told, or has to be told again.
    fn told(&mut self, name: Name, again: Option<Op>) {
        self.busy.remove(&name);
        if again.is_none() {
            self.refused.remove(&name);
        }
        if let Some(op) = again {
            self.pending.entry(name.clone()).or_insert(op);
        }
        if self.pending.contains_key(&name) {
            self.order.push_back(name);
        }
    }
}

impl Queue {
    /// Tells this, in place of what was to be told of the same before. It does not block.
    pub(super) fn push(own: &Arc<Own>, name: Name, op: Op) {
        let mut state = own.queue.state.lock();
        if state.pending.insert(name.clone(), op).is_none() {
            state.order.push_back(name);
        }
        drop(state);
        Self::wake(own);
    }

    /// Has what is to be told told by somebody.
    fn wake(own: &Arc<Own>) {
        let mut state = own.queue.state.lock();
        if !state.order.is_empty() && state.workers < AT_ONCE {
            state.workers += 1;
            drop(state);
            beside(work(Arc::clone(own)));
        }
    }

    /// What is undone still, as servers could not be told.
    pub(super) fn undone_again(&self, names: Vec<String>) {
        let now = Instant::now();
        self.undone.lock().extend(names.into_iter().map(|name| (now, name)));
    }

    /// The same, but for what is to be told of it already.
    pub(super) fn push_unless_pending(own: &Arc<Own>, name: Name, op: Op) {
        let state = own.queue.state.lock();
        let again = state.busy.get(&name).cloned();
        let is_pending = state.pending.contains_key(&name);
        drop(state);
        if !is_pending {
            // What is being told may have come too early, and is told again.
            Self::push(own, name, again.unwrap_or(op));
        }
    }

    /// Whether something is to be told of it.
    pub(super) fn knows(&self, name: &Name) -> bool {
        let state = self.state.lock();
        state.pending.contains_key(name) || state.busy.contains_key(name)
    }

    /// What has ended and is not told yet, as far as is known: each by its name, with what it had taken and what it has used.
    pub(super) fn ended(&self) -> Vec<(String, Arc<Tail>, Used)> {
        let state = self.state.lock();
        let told = state.busy.iter().filter(|(name, _)| !state.pending.contains_key(*name));
        let ended = |(name, op): (&Name, &Op)| match (name, op) {
            (Name::Lease(name), Op::Progress { how: How::End, used, tail, .. }) => {
                Some((name.clone(), Arc::clone(tail), *used))
            }
            _ => None,
        };
        state.pending.iter().chain(told).filter_map(ended).collect()
    }

    /// What was undone before a moment, which is not undone any more.
    pub(super) fn undone_before(&self, moment: Option<Instant>) -> Vec<String> {
        let mut undone = self.undone.lock();
        let over = moment.map_or(0, |moment| undone.partition_point(|(at, _)| *at < moment));
        undone.drain(..over).map(|(_, name)| name).collect()
    }

    /// Ends when none of these is to be told any more.
    pub(super) async fn are_told(&self, names: &[Name]) {
        self.until(|state| {
            !names.iter().any(|name| state.pending.contains_key(name) || state.busy.contains_key(name))
        })
        .await;
    }

    /// Ends when there is nothing to tell.
    pub(super) async fn is_empty(&self) {
        self.until(|state| state.pending.is_empty() && state.busy.is_empty()).await;
    }

    async fn until(&self, so: impl Fn(&State) -> bool) {
        loop {
            let mut told = std::pin::pin!(self.told.notified());
            told.as_mut().enable();
            if so(&self.state.lock()) {
                return;
            }
            told.await;
        }
    }
}

async fn work(own: Arc<Own>) {
    tokio::time::sleep(GATHER).await;
    let mut failed = 0;
    loop {
        let next = {
            let mut state = own.queue.state.lock();
            let next = state.next_together();
            if next.is_empty() {
                state.workers -= 1;
            }
            next
        };
        if next.is_empty() {
            break;
        }
        if !own.tell(next, own.link.until()).await {
            failed += 1;
            pause(failed).await;
        } else {
            failed = 0;
        }
    }
    own.queue.told.notify_waiters();
}

impl Own {
    /// Tells what frees one of these slots and was not told yet, by a moment; the names of all that do.
    pub(super) async fn tell_of(self: &Arc<Self>, slots: &[&String], until: Instant) -> Vec<Name> {
        let (now, names) =
            if slots.is_empty() { (Told::new(), Vec::new()) } else { self.queue.state.lock().freeing(slots) };
        if !now.is_empty() {
            self.tell(now, until).await;
        }
        names
    }

    /// Tells these, which are being told from now on; whether that was answered. What was not is told again.
    async fn tell(self: &Arc<Self>, told: Told, until: Instant) -> bool {
        // Others may have taken this gateway for dead: first it says what it holds.
        let answer = if self.lives.is_unheard(Instant::now()) {
            Err(Failure::NotDone("the server has not heard of this gateway for long".to_owned()))
        } else {
            self.send(&told, until).await
        };
        if let Err(failure) = &answer {
            tracing::debug!(%failure, "a store's server did not take what was used: telling it again");
        }
        // One that can't be told must not hold up those that went with it, and not be taken for them.
        let together = told.len() > 1;
        let never = matches!(answer, Err(Failure::Never(_))) && !together;
        for (name, mut op) in told {
            if answer.is_ok()
                && let (Name::Lease(name), Op::Progress { how: How::Undo, .. }) = (&name, &op)
            {
                self.queue.undone.lock().push_back((Instant::now(), name.clone()));
            }
            if let Op::Progress { alone, .. } = &mut op {
                *alone |= together;
            }
            let mut state = self.queue.state.lock();
            let given_up = if never { state.refused(&name) } else { None };
            state.told(name, (answer.is_err() && given_up.is_none()).then_some(op));
            drop(state);
            // The first, and then ever fewer of them: where a count is broken there is one for each request.
            if let (Some(count), Err(why)) = (given_up.filter(|count| count.is_power_of_two()), &answer) {
                tracing::error!(%why, count, "the store's server can't be told what some requests have used: it is told no more of them");
            }
        }
        self.queue.told.notify_waiters();
        // What is told again, or was said meanwhile, may have nobody yet.
        Queue::wake(self);
        answer.is_ok()
    }

    async fn send(&self, told: &[(Name, Op)], until: Instant) -> Result<(), Failure> {
        if let Some((Name::Place(number), Op::Leave { line })) = told.first() {
            let keys = self.first_keys(&self.gateway, line.clone());
            let args = [Vec::new(), number.to_string().into_bytes()];
            return self.link.run_until(&self.scripts.leave, (&keys, &args), until).await.map(drop);
        }
        let (mut keys, mut args) = (Vec::new(), Vec::new());
        for (name, op) in told {
            let (Name::Lease(name), Op::Progress { how, used, tail, told, line, .. }) = (name, op) else {
                continue;
            };
            if keys.is_empty() {
                let line = line.clone().unwrap_or_else(|| self.link.key("line:"));
                keys = self.first_keys(&self.gateway, line);
                args.push(told.clone());
            }
            keys.extend(tail.keys.iter().cloned());
            let how = match how {
                How::Land => "land",
                How::End => "end",
                How::Undo => "undo",
            };
            args.extend([name.as_str(), how].map(Vec::from));
            args.extend(amounts(*used));
            args.extend(tail.settled());
        }
        self.link.run_until(&self.scripts.settle, (&keys, &args), until).await.map(drop)
    }
}

/// What was used, as scripts are told it.
pub(super) fn amounts(used: Used) -> [Vec<u8>; 3] {
    [u64::from(used.counts), used.tokens, used.cost].map(|number| number.to_string().into_bytes())
}
