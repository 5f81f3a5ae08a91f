//! Asking for leases, and for a place in a line.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use redis::Value;
use sluice_api::limiter::{Denial, Take, Why, Window};
use sluice_api::store::{Asked, Lease, Level, Line, Lined, Place, StoreError, Taken, Used};
use tokio::time::{Instant, timeout_at};

use super::encode::{Span, Tail, lease_name, level, line_key, texts};
use super::queue::{How, Name, Op, Queue};
use super::together::Question;
use super::{Own, alone};
use crate::link::Failure;

/// How long a request waits for what this gateway frees to be told.
const FREED_MAX: Duration = Duration::from_millis(100);

/// How often a request asks again whose slot this gateway has just freed.
const ASKED_AGAIN: usize = 3;

/// Why nothing was taken.
pub(super) enum Failed {
    /// The servers did not do what was asked of them.
    Away(Failure, Asked),
    /// They have answered something else.
    Odd(StoreError),
}

impl Own {
    /// Takes all that the leases say, or nothing: by what this gateway knows where the servers are out of reach, and it is to
    /// be served then.
    pub(super) async fn take_anyway(self: Arc<Self>, asked: Asked) -> Result<Taken, StoreError> {
        match Arc::clone(&self).take(asked).await {
            Ok(taken) => Ok(taken),
            Err(Failed::Away(failure, asked)) if self.alone.admits() => {
                if failure.is_outage() {
                    self.goes_alone(&failure);
                }
                // Others may have found them out of reach meanwhile, for which this one was never sent.
                self.alone.take(&self.link, asked).unwrap_or_else(|_| Err(failure.into()))
            }
            Err(Failed::Away(failure, _)) => Err(failure.into()),
            Err(Failed::Odd(error)) => Err(error),
        }
    }

    /// Takes all that the leases say, or nothing.
    async fn take(self: Arc<Self>, asked: Asked) -> Result<Taken, Failed> {
        let Asked { mut leases, line, mode, .. } = asked;
        let line = line.map(alone::there);
        let now = leases.iter().map(|lease| lease.since).max().unwrap_or(Timestamp::UNIX_EPOCH);
        let takes = || leases.iter().flat_map(|lease| &lease.takes);
        let named =
            |lease: &Lease| (lease_name(lease.id), Arc::new(Tail::new(&self.link, lease.takes.iter(), now)));
        let named: Vec<(String, Arc<Tail>)> = leases.iter().map(named).collect();
        let place = line.as_ref().and_then(|line| line.place.as_ref());
        place.into_iter().for_each(|place| self.bells.hush(place.number));
        let undo = |own: &Arc<Self>| {
            let line = line.as_ref().map(|line| line_key(&own.link, &line.key));
            for (name, tail) in &named {
                own.undo(name.clone(), Arc::clone(tail), (line.clone(), now));
            }
        };
        let slots: Vec<&String> = named.iter().flat_map(|(_, tail)| tail.slots()).collect();
        let (line_key, waits_there) = self.line_of(line.as_ref());
        let question =
            Question { line: line_key, waits: waits_there, told: self.told(now), leases: named.clone() };
        let answer = match self.ask(&slots, &Arc::new(question)).await {
            Ok(answer) => texts(answer).inspect_err(|_| undo(&self)).map_err(Failed::Odd)?,
            Err(failure) => {
                if failure.is_doubtful() {
                    undo(&self);
                }
                let mut asked = Asked::new(leases).of_mode(mode);
                asked.line = line;
                return Err(Failed::Away(failure, asked));
            }
        };
        let told: Vec<&str> = answer.iter().map(String::as_str).collect();
        match told.as_slice() {
            ["taken", ..] => {
                for (name, tail) in named {
                    self.running.begin(name, tail);
                }
                place.into_iter().for_each(|place| self.bells.forget(place.number));
                tell_levels(&mut leases, answer.get(1..).unwrap_or_default(), now);
                self.alone.given(&mut leases);
                Ok(Taken::All(leases))
            }
            ["waits", number] => waits(line.as_ref(), number).map_err(Failed::Odd).map(|place| {
                self.bells.wait(&place);
                Taken::Waits(place)
            }),
            ["refused", which, why, wait] => {
                let which: usize = which.parse().unwrap_or(0);
                let take = takes().nth(which.saturating_sub(1)).ok_or_else(|| Failed::Odd(odd(&answer)))?;
                let why = reason(why, wait, (take, now)).ok_or_else(|| Failed::Odd(odd(&answer)))?;
                Ok(Taken::Refused(Denial::new(take.clone(), why)))
            }
            _ => {
                undo(&self);
                Err(Failed::Odd(odd(&answer)))
            }
        }
    }

    /// Asks for leases with these slots. What this gateway has freed of them is told before: whoever comes right behind
    /// another never meets its slot. However often it is asked, it is all within the time of one operation.
    async fn ask(self: &Arc<Self>, slots: &[&String], question: &Arc<Question>) -> Result<Value, Failure> {
        let until = self.link.until();
        let mut asked = 0;
        loop {
            let ask = self.asks(question, until);
            // In this order they are sent on one connection.
            let (freeing, answer) = tokio::join!(biased; self.tell_of(slots, until), ask);
            let answer = answer?;
            asked += 1;
            if freeing.is_empty() || !is_held(&answer) || asked > ASKED_AGAIN {
                return Ok(answer);
            }
            let freed = until.min(Instant::now() + FREED_MAX);
            let _ = timeout_at(freed, self.queue.are_told(&freeing)).await;
            if Instant::now() >= until {
                return Ok(answer);
            }
        }
    }

    /// The key of the line of whoever asks, and how many may wait there and its place, as scripts are told them.
    fn line_of(&self, line: Option<&Line>) -> (String, [Vec<u8>; 2]) {
        let key = line.map_or_else(|| self.link.key("line:"), |line| line_key(&self.link, &line.key));
        let size = line.map(|line| line.size.to_string()).unwrap_or_default();
        let place = line.and_then(|line| line.place.as_ref()).map(|place| place.number.to_string());
        (key, [size, place.unwrap_or_default()].map(String::into_bytes))
    }

    /// Gives back what may have been taken, or may yet be.
    pub(super) fn undo(
        self: &Arc<Self>,
        name: String,
        tail: Arc<Tail>,
        (line, now): (Option<String>, Timestamp),
    ) {
        let told = self.told(now);
        let undo = Op::Progress { how: How::Undo, used: Used::NOTHING, tail, told, line, alone: false };
        Queue::push(self, Name::Lease(name), undo);
    }

    /// Waits in a line until one of these slots is free; by this name it is given up where nobody knows whether it does.
    pub(super) async fn line_up(
        self: Arc<Self>,
        name: String,
        line: Line,
        slots: Vec<Take>,
    ) -> Result<Lined, StoreError> {
        if let Some(lined) = self.alone.line_up(&line, &slots) {
            return Ok(lined);
        }
        let line = alone::there(line);
        let now = Timestamp::UNIX_EPOCH;
        let tail = Arc::new(Tail::new(&self.link, slots.iter(), now));
        let (key, waits_there) = self.line_of(Some(&line));
        let mut keys = self.first_keys(&self.gateway, key);
        let mut args = vec![self.told(now), self.gateway.clone().into_bytes()];
        args.extend(waits_there);
        args.push(name.clone().into_bytes());
        keys.extend(tail.keys.iter().cloned());
        args.extend(tail.counts.iter().chain(&tail.takes).cloned());
        line.place.iter().for_each(|place| self.bells.hush(place.number));
        let answer = match self.link.run(&self.scripts.line_up, &keys, &args).await {
            Ok(answer) => texts(answer)?,
            Err(failure) => {
                if failure.is_doubtful() {
                    self.undo(name, tail, (Some(line_key(&self.link, &line.key)), now));
                }
                if self.alone.admits() && failure.is_outage() {
                    self.goes_alone(&failure);
                }
                return self.alone.line_up(&line, &slots).ok_or_else(|| failure.into());
            }
        };
        let told: Vec<&str> = answer.iter().map(String::as_str).collect();
        match told.as_slice() {
            ["free"] => Ok(Lined::Free),
            ["full"] => Ok(Lined::Full),
            ["waits", number] => {
                let place = waits(Some(&line), number)?;
                self.bells.wait(&place);
                Ok(Lined::Waits(place))
            }
            _ => Err(odd(&answer)),
        }
    }
}

/// Whether an answer says that what runs is in the way.
fn is_held(answer: &Value) -> bool {
    let Value::Array(told) = answer else { return false };
    let says =
        |at: usize, word: &[u8]| matches!(told.get(at), Some(Value::BulkString(found)) if found == word);
    says(0, b"refused") && says(2, b"reserved")
}

fn waits(line: Option<&Line>, number: &str) -> Result<Place, StoreError> {
    let number = number.parse().ok();
    let place = line.zip(number).map(|(line, number)| Place::new(Arc::clone(&line.key), number));
    place.ok_or_else(|| StoreError("it gave a place to a request that does not wait".to_owned()))
}

fn reason(why: &str, wait: &str, (take, now): (&Take, Timestamp)) -> Option<Why> {
    let wait: i64 = wait.parse().ok()?;
    Some(match (why, take.window) {
        ("much", _) => Why::TooMuch,
        ("reserved", _) => Why::Reserved,
        ("line", _) => Why::Line,
        ("used", Window::Calendar { to, .. }) => Why::Used(Some(Duration::from_micros(
            Span::between(now, to).map_or(0, |left| left.0.unsigned_abs()),
        ))),
        ("used", _) => Why::Used((wait >= 0).then(|| Duration::from_micros(wait.unsigned_abs()))),
        _ => return None,
    })
}

/// How full each bucket was with what was taken.
fn tell_levels(leases: &mut [Lease], told: &[String], now: Timestamp) {
    let mut told = told.chunks(3);
    for lease in leases {
        let levels: Vec<Level> =
            lease.takes.iter().map(|take| level(told.next().unwrap_or_default(), take.window, now)).collect();
        lease.levels = levels;
    }
}

fn odd(answer: &[String]) -> StoreError {
    StoreError(format!("it answered something else than was asked: {answer:?}"))
}
