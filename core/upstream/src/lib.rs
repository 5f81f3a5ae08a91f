//! The ways upstream: connections, plain or TLS, straight or through a proxy; and what polls them, and others, sparingly.

mod address;
mod ample;
mod broken;
mod dial;
mod direct;
mod frame;
pub mod gate;
mod named;
mod names;
mod pool;
mod proxy;
pub mod reading;
mod secure;
mod sent;
mod sessions;
mod shared;
pub mod sifted;
mod spoken;
pub mod tasks;
pub mod timer;
mod watched;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{Request, Response};
use parking_lot::Mutex;
use sluice_api::error::{Error, Kind};
use sluice_api::provider::{Body, Transport};
use sluice_api::settings::Secret;
use sluice_config::resolved::AccountConfig;
use sluice_config::settings::HttpVersion;
use sluice_config::tls::Identity;

pub use sent::Stale;

use crate::tasks::Tasks;
use dial::Dial;
use direct::Direct;
use names::Names;
use pool::Pool;
use proxy::Proxy;
use secure::{Roots, Secure};
use sent::Sent;
use shared::{Shared, Sites};
use spoken::{Protocol, Spoken};

/// A transport that could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("the way upstream of account {account} can't be set up: {reason}")]
pub struct TransportError {
    /// The account.
    pub account: String,
    /// Why.
    pub reason: String,
}

/// What all transports share, so that a reload keeps their connections.
#[derive(Default)]
pub struct Transports {
    roots: Arc<Roots>,
    names: Arc<Names>,
    plain: Connections,
    secure: Mutex<HashMap<Arc<Identity>, Secured>>,
    ways: Mutex<HashMap<Outbound, Arc<Way>>>,
}

/// TLS as one identity, and the connections made by it.
#[derive(Clone)]
struct Secured {
    tls: Arc<Secure>,
    connections: Connections,
}

/// The open connections of one identity, or of none.
#[derive(Clone, Debug, Default)]
struct Connections {
    pool: Arc<Pool>,
    sites: Arc<Sites>,
    spoken: Arc<Spoken>,
}

/// What makes two accounts go different ways.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Outbound {
    proxy: Option<Secret>,
    connect_timeout: Duration,
    http: HttpVersion,
    identity: Arc<Identity>,
}

impl Transports {
    /// The transport of an account. With a proxy everything goes through it, and if it fails there is no direct try.
    pub fn for_account(&self, account: &AccountConfig) -> Result<Arc<Way>, TransportError> {
        let outbound = Outbound {
            proxy: account.proxy.clone(),
            connect_timeout: account.timeouts.connect,
            http: account.http,
            identity: Arc::clone(&account.identity),
        };
        let mut ways = self.ways.lock();
        if let Some(known) = ways.get(&outbound) {
            return Ok(Arc::clone(known));
        }
        let way = Arc::new(self.way(&outbound).map_err(|reason| {
            let account = account.name.clone();
            TransportError { account, reason }
        })?);
        ways.insert(outbound, Arc::clone(&way));
        Ok(way)
    }

    fn way(&self, outbound: &Outbound) -> Result<Way, String> {
        let secured = self.secure(&outbound.identity);
        let tls = Arc::clone(&secured.tls);
        let dial = |secure, proxy| Dial {
            timeout: outbound.connect_timeout,
            secure,
            names: Arc::clone(&self.names),
            proxy,
        };
        let Some(proxy) = &outbound.proxy else {
            return Ok(Way {
                plain: Site::new(outbound.http, dial(None, None), &self.plain),
                secure: Site::new(outbound.http, dial(Some(tls), None), &secured.connections),
                own: None,
            });
        };
        let proxy = Some(Arc::new(Proxy::new(proxy, Arc::clone(&tls))?));
        let own = <[Connections; 2]>::default();
        let [plain, secure] = &own;
        Ok(Way {
            plain: Site::new(HttpVersion::One, dial(None, proxy.clone()), plain),
            secure: Site::new(HttpVersion::One, dial(Some(tls), proxy), secure),
            own: Some(own),
        })
    }

    fn secure(&self, identity: &Arc<Identity>) -> Secured {
        let make = || {
            let tls = Arc::new(Secure::new(Arc::clone(identity), Arc::clone(&self.roots)));
            Secured { tls, connections: Connections::default() }
        };
        self.secure.lock().entry(Arc::clone(identity)).or_insert_with(make).clone()
    }

    /// Drops connections that have been idle for too long or that the upstream has closed, and ways that no account
    /// goes any more; opens connections to servers in use that have none ready.
    pub fn sweep(&self) {
        self.ways.lock().retain(|_, way| Arc::strong_count(way) > 1);
        self.plain.sweep();
        self.secure.lock().retain(|_, secured| {
            secured.connections.sweep();
            Arc::strong_count(&secured.tls) > 1
        });
        self.ways.lock().values().for_each(|way| way.keep_up());
    }
}

impl Connections {
    fn sweep(&self) {
        self.pool.sweep();
        self.sites.sweep();
        self.spoken.sweep();
    }
}

impl std::fmt::Debug for Transports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transports")
    }
}

/// A way upstream.
#[derive(Debug)]
pub struct Way {
    plain: Site,
    secure: Site,
    /// Its connections without and with TLS, where nobody shares them: those through its proxy.
    own: Option<[Connections; 2]>,
}

/// A way upstream for a sender that sees to stale connections itself.
#[derive(Debug)]
pub struct OneTry<'a> {
    /// The way.
    pub way: &'a Way,
    /// What becomes of it there where a connection has gone stale.
    pub stale: Stale,
}

/// A request on its way.
type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send + 'a>>;

/// Servers that are reached by one scheme.
#[derive(Debug)]
struct Site {
    http: HttpVersion,
    spoken: Arc<Spoken>,
    direct: Direct,
    shared: Shared,
}

impl Site {
    fn new(http: HttpVersion, dial: Dial, connections: &Connections) -> Self {
        Self {
            http,
            spoken: Arc::clone(&connections.spoken),
            direct: Direct { pool: Arc::clone(&connections.pool), dial: dial.clone(), http },
            shared: Shared { sites: Arc::clone(&connections.sites), dial },
        }
    }

    async fn send(&self, request: Request<Bytes>, stale: Stale) -> Result<Response<Body>, Error> {
        let Some(authority) = request.uri().authority().cloned() else {
            return Err(Error::new(Kind::Internal, "a provider made a request without an authority"));
        };
        let protocol = self.spoken.with(&authority, self.http);
        let sent = match protocol {
            Protocol::Http1 => self.direct.send(&authority, request, stale).await,
            // Boxed, so that requests over HTTP/1.1 need not have its size.
            Protocol::Http2 => Box::pin(self.shared.send(authority.clone(), request, stale)).await,
        };
        match sent {
            Sent::Answered(answered) => answered,
            Sent::SpeaksOther(back) => Box::pin(self.send_by_other(protocol, authority, back, stale)).await,
        }
    }

    /// Sends by the other protocol than this one, which the server does not speak.
    async fn send_by_other(
        &self,
        protocol: Protocol,
        authority: Authority,
        back: Option<Request<Bytes>>,
        stale: Stale,
    ) -> Result<Response<Body>, Error> {
        self.spoken.learn(&authority, protocol.other());
        let Some(request) = back else {
            let message = "the upstream wants this request over another HTTP";
            return Err(Error::new(Kind::Upstream, message).unanswered());
        };
        let sent = match protocol.other() {
            Protocol::Http1 => self.direct.send(&authority, request, stale).await,
            Protocol::Http2 => self.shared.send(authority.clone(), request, stale).await,
        };
        match sent {
            Sent::Answered(answered) => answered,
            Sent::SpeaksOther(_) => {
                self.spoken.forget(&authority);
                let message = "the upstream answers neither over HTTP/1.1 nor over HTTP/2";
                Err(Error::new(Kind::Upstream, message))
            }
        }
    }
}

impl Way {
    /// Drops what is over of its own connections, and opens such as the next request would wait for.
    fn keep_up(&self) {
        self.own.iter().flatten().for_each(Connections::sweep);
        for Site { direct, shared, .. } in [&self.plain, &self.secure] {
            let cold = direct.pool.cold();
            if !cold.is_empty() {
                Tasks::upkeep(direct.clone().warm(cold));
            }
            shared.sites.warm(&shared.dial, &shared.sites.cold());
        }
    }

    /// Boxed here, once: a future that is handed through others by value stands in each of them.
    fn send(&self, request: Request<Bytes>, stale: Stale) -> Sending<'_> {
        let site = if request.uri().scheme() == Some(&Scheme::HTTP) { &self.plain } else { &self.secure };
        Box::pin(site.send(request, stale))
    }
}

// Written out as `async_trait` has it, so that there is one box and not one around another.
impl Transport for Way {
    fn send<'way, 'sending>(&'way self, request: Request<Bytes>) -> Sending<'sending>
    where
        'way: 'sending,
        Self: 'sending,
    {
        self.send(request, Stale::Again)
    }
}

impl Transport for OneTry<'_> {
    fn send<'once, 'sending>(&'once self, request: Request<Bytes>) -> Sending<'sending>
    where
        'once: 'sending,
        Self: 'sending,
    {
        self.way.send(request, self.stale)
    }
}
