//! What servers are still to be told: of each lease and place the last word, again and again until it is answered.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sluice_api::store::Used;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Own;
use super::encode::Tail;
use super::spawn::beside;
use crate::link::Failure;

/// How many are told at once: so many are on the way on one connection.
const AT_ONCE: usize = 32;

/// How long a word waits before it is said again, on the average.
const AGAIN: Duration = Duration::from_millis(200);

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
    Progress { how: How, used: Used, tail: Arc<Tail>, told: Vec<u8>, line: Option<String> },
    Leave { line: String },
}

/// What is still to be told.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    empty: Notify,
    /// What was undone, and when: servers still know of it.
    undone: Mutex<VecDeque<(Instant, String)>>,
}

#[derive(Debug, Default)]
struct State {
    pending: HashMap<Name, Op>,
    order: VecDeque<Name>,
    /// What is being told.
    busy: HashSet<Name>,
    workers: usize,
}

impl State {
    fn next(&mut self) -> Option<(Name, Op)> {
        while let Some(name) = self.order.pop_front() {
            // What is being told waits for its answer: whoever has it looks for more.
            if !self.busy.contains(&name)
                && let Some(op) = self.pending.remove(&name)
            {
                self.busy.insert(name.clone());
                return Some((name, op));
            }
        }
        None
    }

    /// It was told, or has to be told again.
    fn told(&mut self, name: Name, again: Option<Op>) {
        self.busy.remove(&name);
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
        if state.workers < AT_ONCE {
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
        if !own.queue.state.lock().pending.contains_key(&name) {
            Self::push(own, name, op);
        }
    }

    /// What was undone before a moment, which is not undone any more.
    pub(super) fn undone_before(&self, moment: Option<Instant>) -> Vec<String> {
        let mut undone = self.undone.lock();
        let over = moment.map_or(0, |moment| undone.partition_point(|(at, _)| *at < moment));
        undone.drain(..over).map(|(_, name)| name).collect()
    }

    /// Ends when there is nothing to tell.
    pub(super) async fn is_empty(&self) {
        loop {
            let mut emptied = std::pin::pin!(self.empty.notified());
            emptied.as_mut().enable();
            {
                let state = self.state.lock();
                if state.pending.is_empty() && state.busy.is_empty() {
                    return;
                }
            }
            emptied.await;
        }
    }
}

async fn work(own: Arc<Own>) {
    loop {
        let next = {
            let mut state = own.queue.state.lock();
            let next = state.next();
            if next.is_none() {
                state.workers -= 1;
            }
            next
        };
        let Some((name, op)) = next else { break };
        if own.lives.is_unheard(Instant::now()) {
            own.queue.state.lock().told(name, Some(op));
            tokio::time::sleep(AGAIN.mul_f64(0.5 + chance())).await;
            continue;
        }
        match own.tell(&name, &op).await {
            Ok(()) => {
                if let (Name::Lease(name), Op::Progress { how: How::Undo, .. }) = (&name, &op) {
                    own.queue.undone.lock().push_back((Instant::now(), name.clone()));
                }
                own.queue.state.lock().told(name, None);
            }
            Err(failure) => {
                tracing::debug!(%failure, "a store's server did not take what was used: telling it again");
                own.queue.state.lock().told(name, Some(op));
                tokio::time::sleep(AGAIN.mul_f64(0.5 + chance())).await;
            }
        }
        own.queue.empty.notify_waiters();
    }
    own.queue.empty.notify_waiters();
}

/// A number below 1, by chance, so that not all gateways come back at the same moment.
fn chance() -> f64 {
    f64::from(getrandom::u32().unwrap_or(0)) / f64::from(u32::MAX)
}

impl Own {
    async fn tell(&self, name: &Name, op: &Op) -> Result<(), Failure> {
        let (script, keys, args) = match (name, op) {
            (Name::Place(number), Op::Leave { line }) => {
                let keys = self.first_keys(&self.gateway, line.clone());
                (&self.scripts.leave, keys, vec![Vec::new(), number.to_string().into_bytes()])
            }
            (Name::Lease(name), Op::Progress { how, used, tail, told, line }) => {
                let line = line.clone().unwrap_or_else(|| self.link.key("line:"));
                let mut keys = self.first_keys(&self.gateway, line);
                keys.extend(tail.keys.iter().cloned());
                let how = match how {
                    How::Land => "land",
                    How::End => "end",
                    How::Undo => "undo",
                };
                let mut args = vec![told.clone(), name.clone().into_bytes(), how.into()];
                args.extend(amounts(*used));
                args.extend(tail.counts.iter().chain(&tail.amounts).cloned());
                (&self.scripts.settle, keys, args)
            }
            // Nothing else is pushed.
            _ => return Ok(()),
        };
        self.link.run(script, &keys, &args).await.map(drop)
    }
}

/// What was used, as scripts are told it.
pub(super) fn amounts(used: Used) -> [Vec<u8>; 3] {
    [u64::from(used.counts), used.tokens, used.cost].map(|number| number.to_string().into_bytes())
}
