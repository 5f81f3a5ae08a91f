//! A connection that is kept: made anew for ever, and while there is none everybody is told so at once.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::failure::Failure;
use super::line::{End, Line};
use super::pause::pause;
use super::seek::{Known, Seek};
use super::task::Task;

/// How often it is asked whether the other side is there.
const ASKED: Duration = Duration::from_secs(1);

/// A connection that lived for so long was a good one: the next is tried at once.
const GOOD: Duration = Duration::from_secs(1);

/// Questions in a row without an answer after which a connection is given up.
const SILENT: u32 = 2;

/// Keeps a connection; it ends with this.
pub(super) struct Keeper {
    kept: Arc<Kept>,
    task: OnceLock<Task>,
}

struct Kept {
    name: &'static str,
    seek: Seek,
    state: watch::Sender<State>,
}

/// Whether there is a connection.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// One is being made, as it was lost just now or never there: it is waited for.
    Seeking,
    /// There is one.
    Up(Arc<Line>),
    /// There is none, for this reason, and making one failed: nobody waits for the next try.
    Down(Arc<str>),
}

impl Keeper {
    /// One that finds its server so; the name is for the log.
    pub(super) fn new(name: &'static str, seek: Seek) -> Self {
        let state = watch::Sender::new(State::Seeking);
        Self { kept: Arc::new(Kept { name, seek, state }), task: OnceLock::new() }
    }

    /// What becomes of the connection. There must be a runtime.
    pub(super) fn watch(&self) -> watch::Receiver<State> {
        self.task.get_or_init(|| Task::start(Arc::clone(&self.kept).keep()));
        self.kept.state.subscribe()
    }

    /// The connection, which is waited for only where it may be there at once.
    pub(super) async fn line(&self, until: Instant) -> Result<Arc<Line>, Failure> {
        if let State::Up(line) = &*self.kept.state.borrow()
            && !line.is_over()
        {
            return Ok(Arc::clone(line));
        }
        let mut state = self.watch();
        loop {
            match &*state.borrow_and_update() {
                State::Up(line) if !line.is_over() => return Ok(Arc::clone(line)),
                State::Down(why) => return Err(Failure::NotDone(why.to_string())),
                // One that is over is about to be replaced: what is sent on it would be lost.
                State::Up(_) | State::Seeking => {}
            }
            if !matches!(tokio::time::timeout_at(until, state.changed()).await, Ok(Ok(()))) {
                return Err(Failure::NotDone(self.kept.late()));
            }
        }
    }

    /// Gives a connection up; the next one is waited for.
    pub(super) fn give_up(&self, line: &Arc<Line>, end: End) {
        line.end(end);
        self.kept.state.send_if_modified(|state| {
            let is_it = matches!(state, State::Up(kept) if Arc::ptr_eq(kept, line));
            if is_it {
                *state = State::Seeking;
            }
            is_it
        });
    }
}

impl Kept {
    async fn keep(self: Arc<Self>) {
        let (mut known, mut failed) = (Known::default(), 0);
        loop {
            let why = match self.seek.owner(&mut known).await {
                Ok(line) => {
                    let line = Arc::new(line);
                    self.up(&line);
                    let since = Instant::now();
                    let end = self.tend(line).await;
                    if since.elapsed() >= GOOD {
                        failed = 0;
                    }
                    match end {
                        End::Moved(place) => {
                            failed = 0;
                            known.owner = Some(place);
                            "the keys are at another node now".to_owned()
                        }
                        End::Lost(why) => why,
                    }
                }
                Err(why) => {
                    failed = failed.max(1);
                    why
                }
            };
            self.away(why, failed);
            pause(failed).await;
            failed += 1;
        }
    }

    /// What is said of a connection that was not made in time.
    fn late(&self) -> String {
        let servers = &self.seek.servers;
        let hint = if servers.are_encrypted() { ": does it speak TLS?" } else { "" };
        format!("no connection to {servers:?} was made in time{hint}")
    }

    fn up(&self, line: &Arc<Line>) {
        let before = self.state.send_replace(State::Up(Arc::clone(line)));
        if matches!(before, State::Down(_)) {
            tracing::info!(server = %line.place, connection = self.name, "the store is back");
        }
    }

    /// Says that there is no connection; who asks waits for the next one only after a good one.
    fn away(&self, why: String, failed: u32) {
        if failed == 0 {
            self.state.send_replace(State::Seeking);
            return;
        }
        let before = self.state.send_replace(State::Down(why.as_str().into()));
        if !matches!(before, State::Down(_)) {
            tracing::warn!(why, connection = self.name, "the store is out of reach");
        }
    }

    /// Looks after a connection until it is of no more use.
    async fn tend(&self, line: Arc<Line>) -> End {
        let mut silent = 0;
        loop {
            let _ = tokio::time::timeout(ASKED, line.trouble()).await;
            let answers = tokio::select! {
                biased;
                end = ended(&line) => return end,
                answers = line.answers_within(self.seek.timeout) => answers,
            };
            silent = if answers { 0 } else { silent + 1 };
            if silent >= SILENT || (silent > 0 && line.is_doubtful()) {
                line.falls_silent();
                return End::Lost(format!("{} does not answer", line.place));
            }
        }
    }
}

/// Ends when a connection has.
async fn ended(line: &Line) -> End {
    loop {
        if let Some(end) = line.ended() {
            return end;
        }
        line.trouble().await;
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keeper({:?})", self.kept.state.borrow())
    }
}
