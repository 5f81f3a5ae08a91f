//! The way to the servers: one place that sends, and says of what failed whether it may have been done.

use std::fmt;
use std::sync::Arc;

use redis::{Cmd, Value};
use sluice_api::store::StoreError;

use crate::script::Script;

/// Why something was not answered.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was surely not done.
    NotDone(String),
    /// It may have been done.
    Unknown(String),
}

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

/// The way to the servers.
pub(crate) struct Link {
    prefix: String,
    client: redis::Client,
    connection: tokio::sync::OnceCell<redis::aio::MultiplexedConnection>,
}

impl Link {
    pub(crate) fn new(prefix: &str, url: &str) -> Self {
        Self { prefix: prefix.to_owned(), client: redis::Client::open(url).unwrap(), connection: tokio::sync::OnceCell::new() }
    }

    /// The name of a key or channel: all of a gateway's lie in one slot of a cluster.
    pub(crate) fn key(&self, name: &str) -> String {
        format!("{{{}}}:{name}", self.prefix)
    }

    /// Runs a script, whole or not at all.
    pub(crate) async fn run(&self, script: &Script, keys: &[String], args: &[Vec<u8>]) -> Result<Value, Failure> {
        let make = |name: &str, first: &str| {
            let mut command = redis::cmd(name);
            command.arg(first).arg(keys.len()).arg(keys).arg(args);
            command
        };
        match self.send(&make("EVALSHA", script.digest())).await {
            Err(error) if error.code() == Some("NOSCRIPT") => {
                self.send(&make("EVAL", script.code())).await.map_err(|error| Failure::Unknown(error.to_string()))
            }
            other => other.map_err(|error| Failure::Unknown(error.to_string())),
        }
    }

    /// Sends a command that may be sent twice.
    pub(crate) async fn ask(&self, command: &Cmd) -> Result<Value, Failure> {
        self.send(command).await.map_err(|error| Failure::Unknown(error.to_string()))
    }

    /// The same for what is large, on a connection of its own: nothing small waits behind it.
    pub(crate) async fn ask_much(&self, command: &Cmd) -> Result<Value, Failure> {
        self.ask(command).await
    }

    /// Runs a script on the connection of what is large.
    pub(crate) async fn run_much(&self, script: &Script, keys: &[String], args: &[Vec<u8>]) -> Result<Value, Failure> {
        self.run(script, keys, args).await
    }

    async fn send(&self, command: &Cmd) -> redis::RedisResult<Value> {
        let connection = self.connection.get_or_try_init(|| self.client.get_multiplexed_async_connection()).await?;
        connection.clone().send_packed_command(command).await
    }

    /// Listens to a channel from now on, over all that may happen to connections.
    pub(crate) fn listen(self: &Arc<Self>, _channel: String, _ear: Ear) {}
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({})", self.prefix)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDone(why) | Self::Unknown(why) => f.write_str(why),
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self(failure.to_string())
    }
}
