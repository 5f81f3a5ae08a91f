//! The way to the servers: one place that sends, and says of what failed whether it may have been done.

mod ears;
mod failure;
mod fault;
mod keeper;
mod line;
mod parcel;
mod pause;
mod post;
mod seek;
mod servers;
mod task;
mod wording;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Value};
use tokio::time::Instant;

use crate::script::Script;
use ears::{Audience, Ears};
use line::Push;
use parcel::Parcel;
use post::Post;
use seek::Seek;

pub(crate) use ears::{Ear, Heard};
pub(crate) use failure::Failure;
pub(crate) use pause::pause;
pub(crate) use servers::Servers;

/// How many times longer what is large may take.
const MUCH: u32 = 10;

/// The way to the servers.
pub(crate) struct Link {
    prefix: String,
    little: Post,
    much: Post,
    ears: Ears,
}

impl Link {
    /// One to these servers, on which all names begin with the prefix, and nothing takes longer than this, but ten times
    /// as long where it is large. It connects when it is first used, which must be in a runtime.
    pub(crate) fn to(servers: &Servers, prefix: &str, timeout: Duration) -> Self {
        let key = named(prefix, "layout");
        let seek = |timeout, push| Seek { servers: servers.clone(), key: key.clone(), timeout, push };
        let nobody: Push = Arc::new(|_| {});
        let audience = Arc::<Audience>::default();
        Self {
            prefix: prefix.to_owned(),
            little: Post::new("small", seek(timeout, Arc::clone(&nobody))),
            much: Post::new("large", seek(timeout * MUCH, nobody)),
            ears: Ears::new(seek(timeout, audience.push()), audience),
        }
    }

    /// One to the server of a URL.
    #[cfg(test)]
    pub(crate) fn new(prefix: &str, url: &str) -> Self {
        Self::to(&Servers::new(&[url], None).unwrap(), prefix, Duration::from_secs(1))
    }

    /// The name of a key or channel: all of a gateway's lie in one slot of a cluster.
    pub(crate) fn key(&self, name: &str) -> String {
        named(&self.prefix, name)
    }

    /// Runs a script, whole or not at all. It begins with `#!lua`: where memory is short it is then refused before it
    /// starts. One whose future is dropped may have run.
    pub(crate) async fn run(
        &self,
        script: &Script,
        keys: &[String],
        args: &[Vec<u8>],
    ) -> Result<Value, Failure> {
        self.little.deliver(&Parcel::Script(script, keys, args)).await
    }

    /// How long one operation may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.little.timeout()
    }

    /// The time of what is asked now, for whoever asks more than once.
    pub(crate) fn until(&self) -> Instant {
        self.little.until()
    }

    /// Runs a script as [`Link::run`] does, by a moment of the caller's.
    pub(crate) async fn run_until(
        &self,
        script: &Script,
        (keys, args): (&[String], &[Vec<u8>]),
        until: Instant,
    ) -> Result<Value, Failure> {
        self.little.deliver_until(&Parcel::Script(script, keys, args), until).await
    }

    /// Sends a command that may be sent twice.
    pub(crate) async fn ask(&self, command: &Cmd) -> Result<Value, Failure> {
        self.little.deliver(&Parcel::Command(command)).await
    }

    /// The same by a moment of the caller's, who asks more than once.
    pub(crate) async fn ask_until(&self, command: &Cmd, until: Instant) -> Result<Value, Failure> {
        self.little.deliver_until(&Parcel::Command(command), until).await
    }

    /// As [`Link::ask`] for what is large, on a connection of its own: nothing small waits behind it.
    pub(crate) async fn ask_much(&self, command: &Cmd) -> Result<Value, Failure> {
        self.much.deliver(&Parcel::Command(command)).await
    }

    /// Runs a script on the connection of what is large.
    pub(crate) async fn run_much(
        &self,
        script: &Script,
        keys: &[String],
        args: &[Vec<u8>],
    ) -> Result<Value, Failure> {
        self.much.deliver(&Parcel::Script(script, keys, args)).await
    }

    /// Listens to a channel from now on, over all that may happen to connections. There must be a runtime. An ear that
    /// has the link itself keeps it for ever.
    pub(crate) fn listen(self: &Arc<Self>, channel: String, ear: Ear) {
        self.ears.listen(channel, ear);
    }
}

/// A name of which the part that decides its slot is the prefix alone.
fn named(prefix: &str, name: &str) -> String {
    format!("{{{prefix}}}:{name}")
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({})", self.prefix)
    }
}
