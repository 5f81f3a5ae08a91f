//! Requests that come while others are being asked for are asked for together: for each of them a server has a fraction of the
//! work then, and one that comes alone waits for nobody.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use redis::Value;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::Own;
use super::encode::Tail;
use super::spawn::beside;
use crate::link::Failure;

/// How many scripts that take are on the way at once: what comes meanwhile is gathered.
const AT_ONCE: usize = 2;

/// How many requests one script takes for: others wait for a server no longer than about a millisecond meanwhile.
const TOGETHER: usize = 32;

/// How long each is asked for by itself after a server has refused something for good: whose fault that was it does not say.
const APART: Duration = Duration::from_secs(30);

/// What is asked for a request.
#[derive(Debug)]
pub(super) struct Question {
    /// The key of the line in which it may wait.
    pub(super) line: String,
    /// How many may wait there, or nothing; its place, or nothing.
    pub(super) waits: [Vec<u8>; 2],
    /// The time that the script is told.
    pub(super) told: Vec<u8>,
    /// Each lease by its name, with what it takes.
    pub(super) leases: Vec<(String, Arc<Tail>)>,
}

/// Who waits for an answer.
#[derive(Debug)]
struct Asker {
    question: Arc<Question>,
    until: Instant,
    answer: oneshot::Sender<Result<Value, Failure>>,
}

/// What is to be asked.
#[derive(Debug, Default)]
pub(super) struct Together(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    askers: VecDeque<Asker>,
    on_the_way: usize,
    /// Until when each is asked for by itself.
    apart: Option<Instant>,
}

impl State {
    /// Those that are asked for next, by one script.
    fn next(&mut self, now: Instant) -> Vec<Asker> {
        let most = if self.apart.is_some_and(|until| now < until) { 1 } else { TOGETHER };
        let mut next: Vec<Asker> = Vec::new();
        while next.len() < most
            && let Some(asker) = self.askers.pop_front()
        {
            // Whoever had no more time has said so, and was not asked for.
            if asker.answer.is_closed() {
                continue;
            }
            if next.first().is_some_and(|first| first.question.told != asker.question.told) {
                self.askers.push_front(asker);
                break;
            }
            next.push(asker);
        }
        next
    }
}

impl Together {
    /// One is to be asked for; whether somebody must be found who asks.
    fn joins(&self, asker: Asker) -> bool {
        let mut state = self.0.lock();
        state.askers.push_back(asker);
        let goes = state.on_the_way < AT_ONCE;
        state.on_the_way += usize::from(goes);
        goes
    }

    /// One has no more time; whether it was not asked for yet, and now never will be.
    fn leaves(&self, question: &Arc<Question>) -> bool {
        let mut state = self.0.lock();
        let before = state.askers.len();
        state.askers.retain(|asker| !Arc::ptr_eq(&asker.question, question));
        state.askers.len() < before
    }
}

impl Own {
    /// Asks for a request, together with others that are asked for now. By a moment at the latest there is an answer, or
    /// none.
    pub(super) async fn asks(
        self: &Arc<Self>,
        question: &Arc<Question>,
        until: Instant,
    ) -> Result<Value, Failure> {
        let (answer, answered) = oneshot::channel();
        if self.together.joins(Asker { question: Arc::clone(question), until, answer }) {
            beside(go(Arc::clone(self)));
        }
        match timeout_at(until, answered).await {
            Ok(answer) => answer.unwrap_or_else(|_| Err(Failure::Unknown("the gateway ends".to_owned()))),
            Err(_) if self.together.leaves(question) => {
                Err(Failure::NotDone("others were asked for all the while".to_owned()))
            }
            Err(_) => Err(Failure::Unknown("no answer came in time".to_owned())),
        }
    }
}

/// Asks as long as there is something to ask.
async fn go(own: Arc<Own>) {
    loop {
        let next = {
            let mut state = own.together.0.lock();
            let next = state.next(Instant::now());
            if next.is_empty() {
                state.on_the_way -= 1;
                return;
            }
            next
        };
        let Some(until) = next.iter().map(|asker| asker.until).max() else { return };
        let (keys, args) = written(&own, &next);
        let answer = own.link.run_until(&own.scripts.take, (&keys, &args), until).await;
        if matches!(answer, Err(Failure::Never(_))) && next.len() > 1 {
            own.together.0.lock().apart = Some(Instant::now() + APART);
        }
        let mut each = match answer {
            Ok(Value::Array(each)) => Ok(each.into_iter()),
            Ok(_) => Ok(Vec::new().into_iter()),
            Err(failure) => Err(failure),
        };
        for asker in next {
            let answer = match &mut each {
                Ok(each) => Ok(each.next().unwrap_or(Value::Nil)),
                Err(failure) => Err(failure.clone()),
            };
            // Whoever had no more time gives back what it may have been given.
            let _ = asker.answer.send(answer);
        }
    }
}

/// Keys and arguments of the script that takes for all of these.
fn written<'a>(own: &Own, askers: &'a [Asker]) -> (Vec<String>, Vec<Vec<u8>>) {
    let told = askers.first().map(|asker| asker.question.told.clone()).unwrap_or_default();
    let mut keys = own.own_keys(&own.gateway);
    keys.extend(askers.iter().map(|asker| asker.question.line.clone()));
    let (mut known, mut counts, mut asked) = (HashMap::new(), Vec::new(), Vec::new());
    for asker in askers {
        let Question { waits, leases, .. } = &*asker.question;
        asked.extend(waits.iter().cloned());
        asked.push(number(leases.iter().map(|(_, tail)| tail.which.len()).sum()));
        for (_, tail) in leases {
            let call = |(own, count): (&'a [String], &'a [Vec<u8>])| {
                let next = known.len() + 1;
                let at = *known.entry(own.first()).or_insert_with(|| {
                    keys.extend(own.iter().cloned());
                    counts.extend(count.iter().cloned());
                    next
                });
                number(at)
            };
            let called: Vec<Vec<u8>> = tail.each_count().map(call).collect();
            asked.extend(tail.takes_of(&called));
        }
        asked.push(number(leases.len()));
        asked.extend(
            leases.iter().flat_map(|(name, tail)| [name.clone(), tail.written()].map(String::into_bytes)),
        );
    }
    let mut args = vec![told, own.gateway.clone().into_bytes(), number(askers.len()), number(known.len())];
    args.append(&mut counts);
    args.append(&mut asked);
    (keys, args)
}

fn number(number: usize) -> Vec<u8> {
    number.to_string().into_bytes()
}
