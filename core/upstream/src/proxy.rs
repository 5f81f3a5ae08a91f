//! Proxies: what is said to one so that it connects to an upstream.

use std::future::ready;
use std::io;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Uri};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use sluice_api::error::{Error, Kind};
use sluice_api::settings::Secret;
use tower::{ServiceExt as _, service_fn};
use url::Url;

use super::address::bare;
use super::reading::Io;
use super::secure::Secure;

/// A connection through a proxy, or why there is none.
type Connected = Result<Box<dyn Io>, Error>;

/// An account's proxy.
pub(super) struct Proxy {
    known: Intercept,
    kind: Spoken,
    /// TLS towards the proxy itself.
    secure: Arc<Secure>,
}

/// What is spoken to a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spoken {
    Http,
    Https,
    /// SOCKS5, where this machine looks names up.
    Socks5,
    /// The same, where the proxy does.
    Socks5h,
}

impl Proxy {
    /// The proxy of this URL.
    ///
    /// # Errors
    ///
    /// When the URL can't be used; the reason never repeats it, as it may hold a password.
    pub(super) fn new(url: &Secret, secure: Arc<Secure>) -> Result<Self, String> {
        let unusable = || "the proxy's URL can't be used".to_owned();
        let url = Url::parse(url.expose()).map_err(|_| unusable())?;
        let kind = match url.scheme() {
            "http" => Spoken::Http,
            "https" => Spoken::Https,
            "socks5" => Spoken::Socks5,
            "socks5h" => Spoken::Socks5h,
            _ => return Err(unusable()),
        };
        let anywhere = Uri::from_static("http://upstream");
        let known = Matcher::builder().all(url.as_str()).build().intercept(&anywhere);
        Ok(Self { known: known.ok_or_else(unusable)?, kind, secure })
    }

    /// Where it is: a bare host, and a port.
    pub(super) fn address(&self) -> (&str, u16) {
        let usual = match self.kind {
            Spoken::Http => 80,
            Spoken::Https => 443,
            Spoken::Socks5 | Spoken::Socks5h => 1080,
        };
        (bare(self.known.uri().host().unwrap_or_default()), self.known.uri().port_u16().unwrap_or(usual))
    }

    /// What makes the way to it secure, where TLS is spoken to the proxy itself.
    pub(super) fn secure(&self) -> Option<&Arc<Secure>> {
        (self.kind == Spoken::Https).then_some(&self.secure)
    }

    /// Whether it passes on requests that are not secure, each with its whole URL, and connects to nobody for them.
    pub(super) fn passes_on(&self) -> bool {
        matches!(self.kind, Spoken::Http | Spoken::Https)
    }

    /// What it wants to see on each request that it passes on.
    pub(super) fn credentials(&self) -> Option<&HeaderValue> {
        self.known.basic_auth()
    }

    /// Whether it is told addresses, and not names.
    pub(super) fn wants_addresses(&self) -> bool {
        self.kind == Spoken::Socks5
    }

    /// Asks it, over a connection to it, to connect to an authority. No async function: the compiler would not see that
    /// its future may go to another thread.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub(super) fn connect(&self, stream: Box<dyn Io>, to: &str) -> BoxFuture<'static, Connected> {
        let to = match Uri::builder().scheme("https").authority(to).path_and_query("/").build() {
            Ok(to) => to,
            Err(error) => return ready(Err(failed(&error))).boxed(),
        };
        let mut stream = Some(TokioIo::new(stream));
        let over = service_fn(move |_: Uri| {
            ready(stream.take().ok_or_else(|| io::Error::other("a proxy has one connection")))
        });
        let known = self.known.uri().clone();
        if self.passes_on() {
            let tunnel = Tunnel::new(known, over);
            let tunnel = match self.credentials() {
                Some(credentials) => tunnel.with_auth(credentials.clone()),
                None => tunnel,
            };
            return tunnel.oneshot(to).map(connected).boxed();
        }
        let socks = SocksV5::new(known, over);
        let socks = match self.known.raw_auth() {
            Some((user, password)) => socks.with_auth(user.to_owned(), password.to_owned()),
            None => socks,
        };
        socks.oneshot(to).map(connected).boxed()
    }
}

fn connected<E: std::error::Error + 'static>(told: Result<TokioIo<Box<dyn Io>>, E>) -> Connected {
    told.map(TokioIo::into_inner).map_err(|error| failed(&error))
}

/// The innermost cause is the one that says something.
fn failed(error: &(dyn std::error::Error + 'static)) -> Error {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Error::new(Kind::Upstream, format!("the proxy has made no connection to the upstream: {cause}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sluice_api::settings::Secret;
    use sluice_config::tls::Identity;

    use super::Proxy;
    use crate::secure::Secure;

    #[test]
    fn a_proxy_is_where_its_url_says() {
        for (url, at, passes_on) in [
            ("http://127.0.0.1:3128", ("127.0.0.1", 3128), true),
            ("https://u:p%40ss@proxy.example", ("proxy.example", 443), true),
            ("http://B\u{fc}cher.example", ("xn--bcher-kva.example", 80), true),
            ("socks5h://u:p@[::1]:1081", ("::1", 1081), false),
            ("socks5://host/", ("host", 1080), false),
        ] {
            let secure = Arc::new(Secure::new(Arc::new(Identity::default()), Arc::default()));
            let proxy = Proxy::new(&Secret::new(url), secure).unwrap();
            assert_eq!((proxy.address(), proxy.passes_on()), (at, passes_on), "{url}");
            assert_eq!(proxy.credentials().is_some(), url.starts_with("https"), "{url}");
        }
    }
}
