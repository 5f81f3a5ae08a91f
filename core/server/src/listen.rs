//! Accepting connections, within a bound, and draining them.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use sluice_api::error::Error;
use sluice_control::Control;
use sluice_upstream::tasks::Tasks;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::answer::refuse;
use crate::connection::{Ends, serve_http1, serve_http2};
use crate::entrance::{Entrance, Settings};
use crate::routes::Routes;
use sluice_sockets::opening::{Again, Opened, Protocol, open};
use sluice_sockets::places::{Place, Places};
use sluice_sockets::socket::{Socket, Watch};
use sluice_sockets::streams::Streams;
use sluice_sockets::waiting::Arrivals;

/// Connections that a listener has at once; further ones wait in the system's queue. More than any use of one process
/// (an idle one costs some kilobytes, a busy one some tens), so that only a flood meets it, and meets it before the
/// memory does.
const CONNECTIONS_MAX: usize = 16_384;

/// Connections that may wait to be accepted: a burst of clients must not be reset. The system has a bound of its own.
const BACKLOG: u32 = 4096;

/// How long to wait before accepting again when the system has no file handle left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long connections that were cut have to tell their clients and to drop what they hold; they have
/// [`CUT_FLUSH`](crate::connection::CUT_FLUSH) for it, so this only bounds a wait for one that is never polled.
const CUT_WAIT: Duration = Duration::from_secs(3);

/// Serves each listener with its routes until it is told to stop, then drains. Each time that it is told so again ends
/// the wait that is on: for load balancers that are to learn of it, or for what still runs.
pub(crate) async fn run(
    control: Arc<Control>,
    listeners: Vec<(SocketAddr, Routes)>,
    listening: impl FnOnce(&[SocketAddr]),
    mut told_to_stop: impl AsyncFnMut(),
) -> io::Result<()> {
    let gateway = control.gateway();
    let asked = Arc::clone(gateway);
    let serving = Serving::new(Settings::new(move || asked.server_settings()), gateway.tasks().clone());
    let mut addresses = Vec::new();
    for (address, routes) in listeners {
        let listener = listen(address)
            .map_err(|error| io::Error::new(error.kind(), format!("can't listen on {address}: {error}")))?;
        addresses.push(listener.local_addr()?);
        serving.tasks.spawn(serving.clone().accept(listener, routes, CONNECTIONS_MAX));
    }
    listening(&addresses);
    told_to_stop().await;
    gateway.drain();
    tracing::info!("told to stop: not ready any longer");
    let settings = gateway.server_settings();
    tokio::select! {
        biased;
        () = tokio::time::sleep(settings.shutdown_delay) => {}
        () = told_to_stop() => tracing::info!("told again to stop: nothing new is waited for"),
    }
    tracing::info!("draining: no new requests, running ones may end");
    let enough = async {
        tokio::select! {
            () = tokio::time::sleep(settings.shutdown_grace) => "the grace was over",
            () = told_to_stop() => "it was told again to stop",
        }
    };
    serving.drain(enough, || gateway.cut()).await;
    control.finish().await;
    Ok(())
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait until connections of before are forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A connection before its first request.
struct Incoming<S> {
    stream: S,
    entrance: Entrance,
    watch: Watch,
    /// When that request has to be there.
    due: Instant,
}

/// What all connections share.
#[derive(Clone)]
struct Serving {
    settings: Settings,
    tasks: Tasks,
    draining: CancellationToken,
    cut: CancellationToken,
}

impl Serving {
    fn new(settings: Settings, tasks: Tasks) -> Self {
        let (draining, cut) = (CancellationToken::new(), CancellationToken::new());
        Self { settings, tasks, draining, cut }
    }

    async fn accept(self, listener: TcpListener, routes: Routes, most: usize) {
        let places = Places::new(most);
        let local = listener.local_addr().is_ok_and(|own| own.ip().to_canonical().is_loopback());
        let serving = Arc::new(self);
        loop {
            let accepted = tokio::select! {
                () = serving.draining.cancelled() => return,
                accepted = accept_one(&listener, &places) => accepted,
            };
            match accepted {
                Ok((stream, peer, one)) => {
                    let Some(place) = serving.place(&places, one, peer.ip()) else { continue };
                    let entrance = Entrance {
                        routes: routes.clone(),
                        settings: serving.settings.clone(),
                        peer: peer.ip(),
                        local,
                        places: Arc::clone(&places),
                        unread: Arc::default(),
                    };
                    serving.tasks.spawn(Arc::clone(&serving).connection(stream, entrance, place));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// The place of a new connection, unless its address has as many as it may. This machine's own and trusted
    /// proxies' connections are not counted: they are many clients'.
    fn place(&self, places: &Arc<Places>, one: OwnedSemaphorePermit, peer: IpAddr) -> Option<Place> {
        let settings = self.settings.now();
        let most = settings.max_connections_per_address;
        let peer = peer.to_canonical();
        let counted = most > 0 && !peer.is_loopback() && !settings.trusted_proxies.contain(peer);
        let place = places.give(one, counted.then_some(peer), most);
        place.inspect_err(|most| places.tell_refused(peer, *most)).ok()
    }

    /// Serves a connection; its place is given back at the end.
    async fn connection(self: Arc<Self>, stream: TcpStream, entrance: Entrance, _place: Place) {
        let settings = self.settings.now();
        let (stream, watch) = match Socket::new(stream, settings.send_timeout) {
            Ok(both) => both,
            Err(error) => return tracing::debug!(%error, "a connection could not be set up"),
        };
        // One time for all that comes before the first request: handshake, protocol, head.
        let due = Instant::now() + settings.header_timeout;
        let incoming = Incoming { stream, entrance, watch, due };
        match &settings.tls {
            None => self.serve(incoming).await,
            // Boxed, so that connections without TLS need not have its size.
            Some(tls) => self.serve_tls(TlsAcceptor::from(Arc::clone(tls)), incoming).await,
        }
    }

    fn serve_tls(
        &self,
        acceptor: TlsAcceptor,
        incoming: Incoming<Socket>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            let Incoming { mut stream, entrance, watch, due } = incoming;
            let first = tokio::select! {
                first = timeout_at(due, stream.first()) => first,
                () = self.draining.cancelled() => return,
            };
            // A method of HTTP, whose client would be told of TLS in TLS, and understand nothing.
            if matches!(first, Ok(Ok(Some(b'A'..=b'Z')))) {
                let entrance = Entrance { routes: Routes { router: plain_refused(), app: None }, ..entrance };
                return self.serve(Incoming { stream, entrance, watch, due }).await;
            }
            let handshake = tokio::select! {
                handshake = timeout_at(due, acceptor.accept(stream)) => handshake,
                () = self.draining.cancelled() => return,
            };
            match handshake {
                Ok(Ok(stream)) => self.serve(Incoming { stream, entrance, watch, due }).await,
                Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            }
        })
    }

    async fn serve<S>(&self, incoming: Incoming<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Incoming { mut stream, entrance, watch, due } = incoming;
        let draining = self.draining.child_token();
        let opened = tokio::select! {
            opened = timeout_at(due, open(&mut stream)) => opened,
            () = draining.cancelled() => return,
        };
        let (protocol, first) = match opened {
            Ok(Ok(Some(opened))) => opened,
            Ok(Ok(None)) => return,
            Ok(Err(error)) => return tracing::debug!(%error, "a connection broke off"),
            Err(_) => return tracing::debug!("a client sent no request in time"),
        };
        let cut = self.cut.child_token();
        let settings = self.settings.now();
        let arrivals = Arc::new(Arrivals::new(settings.header_timeout, due));
        let stream = Opened::new(stream, Again::new(first, Arc::clone(&arrivals)));
        match protocol {
            Protocol::Http1 => {
                serve_http1(stream, entrance, arrivals, Ends { watch, draining, cut }).await;
            }
            // Boxed, so that the many connections of HTTP/1.1 need not have its size.
            Protocol::Http2 => {
                let streams = Streams::new(self.tasks.clone(), settings.send_timeout, cut.clone(), due);
                Box::pin(serve_http2(stream, entrance, streams, Ends { watch, draining, cut })).await;
            }
        }
    }

    /// Takes no new requests, lets running ones end, and what runs beside them too; cuts those that are left when it is
    /// `enough`, which says why: what they hold is dropped and so settled. `cutting` is called before they are polled
    /// for it.
    async fn drain(&self, enough: impl Future<Output = &'static str>, cutting: impl FnOnce()) {
        self.draining.cancel();
        let because = tokio::select! {
            biased;
            () = self.tasks.end() => return,
            because = enough => because,
        };
        // Connections, streams of HTTP/2 beside their connection's, and what runs beside requests.
        let cut = self.tasks.running();
        cutting();
        self.cut.cancel();
        let settled = timeout(CUT_WAIT, self.tasks.end()).await.is_ok();
        tracing::warn!(
            because,
            tasks = cut,
            settled,
            "connections were cut: their requests were still running"
        );
    }
}

/// Tells each request that TLS is spoken here.
fn plain_refused() -> Router {
    Router::new().fallback(|request: Request<Body>| async move {
        let message =
            "this address speaks TLS alone, and the request came without: use https:// in the base URL";
        refuse(request, &Error::bad_request(None, message))
    })
}

/// The next connection, once there is a place for it.
async fn accept_one(
    listener: &TcpListener,
    places: &Places,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let one = places.free().await?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, one))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::time::Duration;

    use axum::Router;
    use axum::body::{Body, Bytes};
    use axum::routing::get;
    use futures_util::{StreamExt as _, stream};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use sluice_config::address::TrustedProxies;
    use sluice_config::resolved::ServerConfig;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::Semaphore;
    use tokio::time::timeout;

    use super::{CONNECTIONS_MAX, Places, Routes, Serving, Settings, Tasks};

    /// How long anything may take before a test fails instead of hanging.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// Longer than anything takes that happens at once, on a busy machine too.
    const AWHILE: Duration = Duration::from_millis(300);

    const HEADER_TIMEOUT: Duration = Duration::from_millis(100);

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

    async fn start(router: Router, most: usize) -> (Serving, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let settings = Arc::new(ServerConfig { header_timeout: HEADER_TIMEOUT, ..ServerConfig::default() });
        let serving = Serving::new(Settings::new(move || Arc::clone(&settings)), Tasks::default());
        serving.tasks.spawn(serving.clone().accept(listener, Routes { router, app: None }, most));
        (serving, address)
    }

    fn greeting() -> Router {
        Router::new()
            .route("/", get(|| async { "hello" }))
            .route("/panic", get(|| async { panic!("as it is meant to") as String }))
    }

    async fn connect(address: SocketAddr, sends: &[u8]) -> TcpStream {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(sends).await.unwrap();
        client
    }

    /// Reads one answer, whose body is `hello` or which has none worth reading.
    async fn answer(client: &mut TcpStream, ends: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(ends) {
            let mut some = [0; 1024];
            let count = timeout(PATIENCE, client.read(&mut some)).await.unwrap().unwrap();
            assert!(count > 0, "the connection was closed after {text:?}");
            text.push_str(std::str::from_utf8(&some[..count]).unwrap());
        }
        text
    }

    async fn is_closed(client: &mut TcpStream) -> bool {
        let mut rest = Vec::new();
        // A reset is a closed connection too.
        timeout(PATIENCE, client.read_to_end(&mut rest)).await.is_ok()
    }

    #[tokio::test]
    async fn a_client_that_does_not_send_its_head_in_time_is_dropped() {
        let (_serving, address) = start(greeting(), CONNECTIONS_MAX).await;
        for sends in [
            &b""[..],
            b"PRI",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            // An empty SETTINGS frame after the preface: a client that would speak HTTP/2, and asks for nothing.
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
            b"GET / HTTP/1.1\r\nhost:",
        ] {
            let mut client = connect(address, sends).await;
            assert!(is_closed(&mut client).await, "{sends:?}");
        }
    }

    #[tokio::test]
    async fn a_connection_may_rest_between_requests_but_not_within_a_head() {
        let (_serving, address) = start(greeting(), CONNECTIONS_MAX).await;
        let mut client = connect(address, REQUEST).await;
        answer(&mut client, "hello").await;
        for _ in 0..2 {
            tokio::time::sleep(HEADER_TIMEOUT * 3).await;
            client.write_all(REQUEST).await.unwrap();
            answer(&mut client, "hello").await;
        }
        client.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
        assert!(is_closed(&mut client).await);
    }

    #[tokio::test]
    async fn a_connection_beyond_the_bound_waits_for_a_place() {
        let (_serving, address) = start(greeting(), 1).await;
        let mut first = connect(address, REQUEST).await;
        answer(&mut first, "hello").await;
        let mut second = connect(address, REQUEST).await;
        assert!(timeout(AWHILE, second.read_u8()).await.is_err(), "it was served beside the first");
        drop(first);
        answer(&mut second, "hello").await;
    }

    #[tokio::test]
    async fn an_address_has_so_many_connections_but_for_this_machine_and_trusted_proxies() {
        let settings = Arc::new(ServerConfig {
            max_connections_per_address: 1,
            trusted_proxies: TrustedProxies::network("10.0.0.0/8").into_iter().collect(),
            ..ServerConfig::default()
        });
        let serving = Serving::new(Settings::new(move || Arc::clone(&settings)), Tasks::default());
        let places = Places::new(100);
        for (peer, all) in
            [("192.0.2.1", false), ("2001:db8::1", false), ("127.0.0.1", true), ("10.0.0.1", true)]
        {
            let peer = peer.parse().unwrap();
            let first = serving.place(&places, places.free().await.unwrap(), peer);
            let second = serving.place(&places, places.free().await.unwrap(), peer);
            assert_eq!((first.is_some(), second.is_some()), (true, all), "{peer}");
        }
    }

    #[tokio::test]
    async fn a_panic_takes_nothing_with_it() {
        let (_serving, address) = start(greeting(), CONNECTIONS_MAX).await;
        let mut client = connect(address, b"GET /panic HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        assert!(answer(&mut client, "}").await.starts_with("HTTP/1.1 500 "));
        client.write_all(REQUEST).await.unwrap();
        assert!(answer(&mut client, "hello").await.starts_with("HTTP/1.1 200 "));
    }

    /// A route whose body says one word and never ends; its place is given back when it is dropped.
    fn endless(places: &Arc<Semaphore>) -> Router {
        let places = Arc::clone(places);
        Router::new().route(
            "/",
            get(move || async move {
                let place = places.acquire_owned().await.unwrap();
                let word = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"hello"))]);
                let never = stream::once(async move {
                    let _place = place;
                    std::future::pending().await
                });
                Body::from_stream(word.chain(never))
            }),
        )
    }

    #[tokio::test]
    async fn what_still_runs_after_the_grace_is_cut_and_dropped() {
        let places = Arc::new(Semaphore::new(2));
        let (serving, address) = start(endless(&places), CONNECTIONS_MAX).await;
        let mut client = connect(address, REQUEST).await;
        answer(&mut client, "hello\r\n").await;

        let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        Tasks::default().spawn(connection);
        let request =
            http::Request::get("http://localhost/").body(http_body_util::Empty::<Bytes>::new()).unwrap();
        let _answer = timeout(PATIENCE, sender.send_request(request)).await.unwrap().unwrap();
        assert_eq!(places.available_permits(), 0);

        timeout(PATIENCE, serving.drain(async { "it is enough" }, || ())).await.unwrap();
        assert_eq!(places.available_permits(), 2);
        assert!(is_closed(&mut client).await);
        assert!(TcpStream::connect(address).await.is_err());
    }
}
