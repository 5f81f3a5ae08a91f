//! Listens to channels, on one connection for all, over whatever becomes of it.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use redis::{PushInfo, PushKind, Value};
use tokio::sync::Notify;

use super::keeper::{Keeper, State};
use super::line::{End, Line, Push};
use super::seek::Seek;
use super::task::Task;
use super::wording::worded;

/// What a channel tells.
#[derive(Debug)]
pub(crate) enum Heard<'a> {
    /// A message.
    Message(&'a [u8]),
    /// It is listened to from now on: what came before may have been missed.
    Listening,
}

/// Who listens to a channel. It must not block.
pub(crate) type Ear = Box<dyn Fn(Heard<'_>) + Send + Sync>;

/// Those who listen.
#[derive(Default)]
pub(super) struct Audience {
    ears: Mutex<Vec<Arc<(String, Ear)>>>,
    grown: Notify,
}

/// The connection that hears, and who listens.
pub(super) struct Ears {
    keeper: Arc<Keeper>,
    audience: Arc<Audience>,
    timeout: Duration,
    task: OnceLock<Task>,
}

impl Audience {
    /// What hands on what a server tells.
    pub(super) fn push(self: &Arc<Self>) -> Push {
        let audience = Arc::clone(self);
        Arc::new(move |info| audience.hear(&info))
    }

    fn hear(&self, info: &PushInfo) {
        let (Some(Value::BulkString(channel)), second) = (info.data.first(), info.data.get(1)) else {
            return;
        };
        match (&info.kind, second) {
            (PushKind::Message, Some(Value::BulkString(message))) => {
                self.tell(channel, || Heard::Message(message));
            }
            (PushKind::Subscribe, _) => self.tell(channel, || Heard::Listening),
            _ => {}
        }
    }

    fn tell<'a>(&self, channel: &[u8], heard: impl Fn() -> Heard<'a>) {
        let ears = self.ears.lock().clone();
        for ear in ears.iter().filter(|ear| ear.0.as_bytes() == channel) {
            (ear.1)(heard());
        }
    }
}

impl Ears {
    /// Those of this audience, of which the seek must know.
    pub(super) fn new(seek: Seek, audience: Arc<Audience>) -> Self {
        let timeout = seek.timeout;
        Self { keeper: Arc::new(Keeper::new("channels", seek)), audience, timeout, task: OnceLock::new() }
    }

    /// Listens to a channel from now on. There must be a runtime.
    pub(super) fn listen(&self, channel: String, ear: Ear) {
        self.audience.ears.lock().push(Arc::new((channel, ear)));
        self.audience.grown.notify_one();
        let (keeper, audience, timeout) = (&self.keeper, &self.audience, self.timeout);
        self.task.get_or_init(|| Task::start(subscribe(Arc::clone(keeper), Arc::clone(audience), timeout)));
    }
}

/// Subscribes each connection to all channels, and to those that come later.
async fn subscribe(keeper: Arc<Keeper>, audience: Arc<Audience>, timeout: Duration) {
    let mut state = keeper.watch();
    let mut heard: Option<(Arc<Line>, usize)> = None;
    loop {
        let now = state.borrow_and_update().clone();
        if let State::Up(line) = now {
            let done = match &heard {
                Some((last, done)) if Arc::ptr_eq(last, &line) => *done,
                _ => 0,
            };
            let channels: Vec<String> =
                audience.ears.lock().iter().skip(done).map(|ear| ear.0.clone()).collect();
            if !channels.is_empty()
                && let Err(why) = listen(&line, &channels, timeout).await
            {
                keeper.give_up(&line, End::Lost(why));
            }
            heard = Some((line, done + channels.len()));
        } else {
            heard = None;
        }
        tokio::select! {
            changed = state.changed() => if changed.is_err() { return },
            () = audience.grown.notified() => {}
        }
    }
}

async fn listen(line: &Line, channels: &[String], timeout: Duration) -> Result<(), String> {
    let heard = tokio::time::timeout(timeout, line.subscribe(channels)).await;
    heard
        .map_err(|_| "it confirms no channel".to_owned())?
        .map_err(|error| format!("it lets nobody listen: {}", worded(&error)))
}

impl fmt::Debug for Ears {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.keeper.fmt(f)
    }
}
