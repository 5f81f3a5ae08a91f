//! The whole store against the suite that every one is put to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sluice_api::plugin::async_trait;
use sluice_api::store::Store;
use sluice_conformance::{Stores, every_test};

use super::server::Server;
use crate::counts::Time;
use crate::link::Servers;
use crate::settings::Reach;
use crate::store::Redis;

/// Far longer than any answer takes, whatever else runs on the machine.
const HANGS: Duration = Duration::from_secs(60);

/// Stores of a server, or of a cluster, each with a prefix of its own.
struct OnServer {
    servers: Vec<Server>,
    time: Time,
    next: AtomicU64,
    last: Mutex<Option<Arc<Redis>>>,
}

impl OnServer {
    fn new(server: Server, time: Time) -> Self {
        Self::among(vec![server], time)
    }

    fn among(servers: Vec<Server>, time: Time) -> Self {
        Self { servers, time, next: AtomicU64::new(0), last: Mutex::new(None) }
    }

    /// The store of a case as a process finds it.
    async fn open(&self, number: u64) -> Arc<dyn Store> {
        let urls: Vec<String> = self.servers.iter().map(Server::url).collect();
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        let servers = Servers::new(&urls, None).unwrap();
        let reach = Reach::new(servers, format!("case-{number}"), HANGS);
        let store = Arc::new(Redis::with(reach, self.time));
        store.open().await.unwrap();
        *self.last.lock() = Some(Arc::clone(&store));
        store
    }
}

#[async_trait]
impl Stores for OnServer {
    async fn fresh(&self) -> Arc<dyn Store> {
        self.open(self.next.fetch_add(1, Ordering::Relaxed) + 1).await
    }

    async fn again(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        store.close().await;
        self.open(self.next.load(Ordering::Relaxed)).await
    }

    async fn settled(&self, _: &Arc<dyn Store>) {
        let last = self.last.lock().clone();
        if let Some(last) = last {
            last.settled().await;
        }
    }
}

mod redis {
    //! On Debian's Redis.

    use super::{OnServer, Server, Time, every_test};

    every_test!(OnServer::new(Server::start(), Time::Servers));

    // Values go by the servers' clock whatever is told.
    every_test! {
        OnServer::new(Server::start(), Time::Told);
        no_window_has_more_than_its_limit
    }
}

mod valkey {
    //! On a Valkey, which is newer.

    use super::{OnServer, Server, Time, every_test};

    every_test!(OnServer::new(Server::valkey(), Time::Servers));

    every_test! {
        OnServer::new(Server::valkey(), Time::Told);
        no_window_has_more_than_its_limit
    }
}

mod cluster {
    //! On three nodes, where each prefix has its own, and a script may use no key but those that it names.

    use super::super::cluster::three;
    use super::{OnServer, Time, every_test};

    every_test!(OnServer::among(three(), Time::Servers));
}
