//! One connection to a server, and what is known to be wrong with it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use redis::aio::MultiplexedConnection;
use redis::{Cmd, PushInfo, PushKind, RedisResult, Value};
use tokio::sync::Notify;

use super::servers::{Place, Servers};

/// Commands that wait for the connection's own task: beyond them whoever sends one waits.
const QUEUE: usize = 1024;

/// Time-outs without an answer in between after which it is asked whether the other side is there.
const DOUBTFUL: u32 = 2;

/// What hears what a server tells unasked.
pub(super) type Push = Arc<dyn Fn(PushInfo) + Send + Sync>;

/// Why a connection is of no more use.
#[derive(Clone, Debug)]
pub(super) enum End {
    /// It is lost, or does not lead where it should.
    Lost(String),
    /// The owner is at another place.
    Moved(Place),
}

/// A connection.
pub(super) struct Line {
    /// Where it leads.
    pub(super) place: Place,
    connection: MultiplexedConnection,
    trouble: Arc<Trouble>,
}

/// What is wrong with a connection, told to whoever keeps it.
#[derive(Default)]
struct Trouble {
    end: Mutex<Option<End>>,
    missed: AtomicU32,
    told: Notify,
    silent: AtomicBool,
    /// It is silent from now on.
    fell_silent: Notify,
}

impl Line {
    /// Connects to a place, and logs in.
    pub(super) async fn connect(
        servers: &Servers,
        place: &Place,
        timeout: Duration,
        push: &Push,
    ) -> RedisResult<Self> {
        let trouble = Arc::<Trouble>::default();
        let (heard, push, server) = (Arc::clone(&trouble), Arc::clone(push), place.clone());
        let listen = move |info: PushInfo| -> Result<(), redis::aio::SendError> {
            if info.kind == PushKind::Disconnection {
                heard.end(End::Lost(format!("{server} closed the connection")));
            }
            push(info);
            Ok(())
        };
        let config = redis::AsyncConnectionConfig::new()
            .set_connection_timeout(Some(timeout))
            // Who sends says how long it waits.
            .set_response_timeout(None)
            .set_pipeline_buffer_size(QUEUE)
            .set_push_sender(listen);
        let client = servers.client(place)?;
        let connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        Ok(Self { place: place.clone(), connection, trouble })
    }

    /// Sends a command, and waits for its answer as long as the caller does.
    pub(super) async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        let answer = refused(self.connection.clone().send_packed_command(command).await?);
        self.trouble.missed.store(0, Ordering::Relaxed);
        answer
    }

    /// Sends commands with nothing between them; each has an answer of its own.
    pub(super) async fn send_together(
        &self,
        commands: &redis::Pipeline,
    ) -> RedisResult<Vec<RedisResult<Value>>> {
        let count = commands.len();
        let answers = self.connection.clone().send_packed_commands(commands, 0, count).await?;
        Ok(answers.into_iter().map(refused).collect())
    }

    /// Listens to channels; what they tell is pushed.
    pub(super) async fn subscribe(&self, channels: &[String]) -> RedisResult<()> {
        self.connection.clone().subscribe(channels).await
    }

    /// Whether the other side answers within this time.
    pub(super) async fn answers_within(&self, timeout: Duration) -> bool {
        matches!(tokio::time::timeout(timeout, self.send(&redis::cmd("PING"))).await, Ok(Ok(_)))
    }

    /// Notes that an answer did not come in time.
    pub(super) fn missed(&self) {
        if self.trouble.missed.fetch_add(1, Ordering::Relaxed) + 1 >= DOUBTFUL {
            self.trouble.told.notify_one();
        }
    }

    /// Whether so many answers in a row did not come that nothing but an answer helps.
    pub(super) fn is_doubtful(&self) -> bool {
        self.trouble.missed.load(Ordering::Relaxed) >= DOUBTFUL
    }

    /// Notes that the other side is not there any more, and that nothing that was sent is answered.
    pub(super) fn falls_silent(&self) {
        self.trouble.silent.store(true, Ordering::Release);
        self.trouble.fell_silent.notify_waiters();
    }

    /// Ends when it is known that nothing is answered any more.
    pub(super) async fn silence(&self) {
        let mut fell_silent = std::pin::pin!(self.trouble.fell_silent.notified());
        fell_silent.as_mut().enable();
        if !self.trouble.silent.load(Ordering::Acquire) {
            fell_silent.await;
        }
    }

    /// Notes that it is of no more use.
    pub(super) fn end(&self, end: End) {
        self.trouble.end(end);
    }

    /// Why it is of no more use, where it is.
    pub(super) fn ended(&self) -> Option<End> {
        self.trouble.end.lock().clone()
    }

    /// Whether it is of no more use.
    pub(super) fn is_over(&self) -> bool {
        self.trouble.end.lock().is_some()
    }

    /// Ends when something is wrong with it.
    pub(super) async fn trouble(&self) {
        self.trouble.told.notified().await;
    }
}

impl Trouble {
    fn end(&self, end: End) {
        self.end.lock().get_or_insert(end);
        self.told.notify_one();
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({})", self.place)
    }
}

/// An answer that is a refusal as the error that it is.
fn refused(answer: Value) -> RedisResult<Value> {
    match answer {
        Value::ServerError(error) => Err(error.into()),
        other => Ok(other),
    }
}
