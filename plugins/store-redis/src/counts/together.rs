//! Requests that come while others are being asked for are asked for together: for each of them a server has a fraction of the
//! work then, and one that comes alone waits for nobody.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use redis::Value;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};

use super::Own;
use super::encode::Tail;
use super::spawn::beside;
use crate::link::Failure;

/// How many scripts that take are on the way at once: what comes meanwhile is gathered. A server does them one after the other, so
/// that more of them gain it nothing, and make what is gathered smaller; with fewer whoever comes waits for one to be back, which over
/// a network of milliseconds takes far longer than to do it. With four the wait is a quarter of that way at most, and under load
/// that keeps a server busy hundreds that ask at once still fill each script.
const AT_ONCE: usize = 4;

/// How many requests one script takes for: others wait for a server no longer than about a millisecond meanwhile.
const TOGETHER: usize = 32;

/// How many takes one script has of all its requests: a server's work goes with them, and Lua hands a function a few thousand values
/// at most. One request alone may have more.
const TAKES: usize = 500;

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
pub(super) struct Together {
    state: Mutex<State>,
    /// How many steps are not over, with what becomes of answers that nobody waits for.
    steps: AtomicUsize,
    /// The last of them is over.
    over: Notify,
}

#[derive(Debug, Default)]
struct State {
    askers: VecDeque<Asker>,
    on_the_way: usize,
}

/// A step that may take something, until it is known what, and by whom that is given back.
pub(super) struct Step(Arc<Own>);

/// One of those that ask. However it ends, others may come in its place.
struct Way {
    own: Arc<Own>,
    ended: bool,
}

impl Question {
    fn takes(&self) -> usize {
        self.leases.iter().map(|(_, tail)| tail.which.len()).sum()
    }
}

impl State {
    /// Those that are asked for next, by one script.
    fn next(&mut self) -> Vec<Asker> {
        let mut next: Vec<Asker> = Vec::new();
        let mut takes = 0;
        while next.len() < TOGETHER
            && let Some(asker) = self.askers.pop_front()
        {
            // Whoever had no more time has said so, and was not asked for.
            if asker.answer.is_closed() {
                continue;
            }
            takes += asker.question.takes();
            let fits = |first: &Asker| takes <= TAKES && first.question.told == asker.question.told;
            if !next.first().is_none_or(fits) {
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
        let mut state = self.state.lock();
        state.askers.push_back(asker);
        let goes = state.on_the_way < AT_ONCE;
        state.on_the_way += usize::from(goes);
        goes
    }

    /// One has no more time; whether it was not asked for yet, and now never will be.
    fn leaves(&self, question: &Arc<Question>) -> bool {
        let mut state = self.state.lock();
        let before = state.askers.len();
        state.askers.retain(|asker| !Arc::ptr_eq(&asker.question, question));
        state.askers.len() < before
    }

    /// Ends when no step may take anything any more, and what nobody waited for is to be given back.
    pub(super) async fn is_over(&self) {
        loop {
            let mut over = std::pin::pin!(self.over.notified());
            over.as_mut().enable();
            if self.steps.load(Ordering::Acquire) == 0 {
                return;
            }
            over.await;
        }
    }
}

impl Step {
    pub(super) fn begin(own: &Arc<Own>) -> Self {
        own.together.steps.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(own))
    }

    pub(super) const fn own(&self) -> &Arc<Own> {
        &self.0
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if self.0.together.steps.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.together.over.notify_waiters();
        }
    }
}

impl Way {
    const fn new(own: Arc<Own>) -> Self {
        Self { own, ended: false }
    }

    /// Those that are asked for next; where there are none it has ended.
    fn next(&mut self) -> Vec<Asker> {
        let mut state = self.own.together.state.lock();
        let next = state.next();
        if next.is_empty() {
            // In one step: whoever joins later finds that nobody is on the way.
            state.on_the_way -= 1;
            self.ended = true;
        }
        next
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let mut state = self.own.together.state.lock();
        // Where it is dropped with its runtime nothing can be begun; those who ask go with it, or begin another.
        let again = std::thread::panicking() && !state.askers.is_empty();
        if !again {
            state.on_the_way -= 1;
        }
        drop(state);
        if again {
            beside(go(Self::new(Arc::clone(&self.own))));
        }
    }
}

impl Own {
    /// Asks for a request, together with others that are asked for now. By a moment at the latest there is an answer, or
    /// none. Where it was never sent that says nothing of the servers, but that there is too much to ask.
    pub(super) async fn asks(
        self: &Arc<Self>,
        question: &Arc<Question>,
        until: Instant,
    ) -> Result<Value, Failure> {
        let (answer, answered) = oneshot::channel();
        if self.together.joins(Asker { question: Arc::clone(question), until, answer }) {
            beside(go(Way::new(Arc::clone(self))));
        }
        match timeout_at(until, answered).await {
            Ok(answer) => answer.unwrap_or_else(|_| Err(Failure::Unknown("the gateway ends".to_owned()))),
            Err(_) if self.together.leaves(question) => {
                Err(Failure::Refused("others were asked for all the while".to_owned()))
            }
            Err(_) => Err(Failure::Unknown("no answer came in time".to_owned())),
        }
    }
}

/// Asks as long as there is something to ask.
async fn go(mut way: Way) {
    loop {
        let next = way.next();
        let Some(until) = next.iter().map(|asker| asker.until).max() else { return };
        let (keys, args) = written(&way.own, &next);
        let scripts = &way.own.scripts;
        let mut each = match way.own.link.run_until(&scripts.take, (&keys, &args), until).await {
            Ok(Value::Array(each)) => Ok(each.into_iter()),
            Ok(_) => Ok(Vec::new().into_iter()),
            Err(failure) => Err(failure),
        };
        for asker in next {
            let answer = match &mut each {
                Ok(each) => judged(each.next().unwrap_or(Value::Nil)),
                Err(failure) => Err(failure.clone()),
            };
            // Whoever had no more time gives back what it may have been given.
            let _ = asker.answer.send(answer);
        }
    }
}

/// An answer to one, or why there is none for it alone.
fn judged(answer: Value) -> Result<Value, Failure> {
    let Value::Array(told) = &answer else { return Ok(answer) };
    match told.as_slice() {
        [Value::BulkString(how), Value::BulkString(why)] => {
            let why = || String::from_utf8_lossy(why).into_owned();
            match how.as_slice() {
                b"broken" => Err(Failure::Refused(why())),
                b"never" => Err(Failure::Never(why())),
                _ => Ok(answer),
            }
        }
        _ => Ok(answer),
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
        asked.push(number(asker.question.takes()));
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

#[cfg(test)]
impl super::Counts {
    /// As if so many scripts were on the way as may be: nobody else asks until these are over.
    pub(crate) fn asks_all_the_while(&self) -> Vec<impl Send + use<>> {
        let mut state = self.own.together.state.lock();
        let free = AT_ONCE - state.on_the_way;
        state.on_the_way = AT_ONCE;
        (0..free).map(|_| Way::new(Arc::clone(&self.own))).collect()
    }

    /// How many wait to be asked for.
    pub(crate) fn asked_next(&self) -> usize {
        self.own.together.state.lock().askers.len()
    }
}
