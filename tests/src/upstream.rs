//! An upstream that answers as a test tells it, over whatever it speaks, and remembers what it was sent.

mod http1;
mod http2;
mod streams;

use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::thread;

use crate::client::PATIENCE;
use crate::gateway;
use crate::link::Link;
use crate::place::Folder;
pub use crate::script::{Request, Script, Step, chunk, end, stream, stream_head, whole};
use crate::tls::Certificate;
pub use http2::{Begins, Ends, Manner};

/// What an upstream speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// HTTP/1.1 without TLS.
    Plain,
    /// HTTP/1.1 over TLS.
    Tls,
    /// HTTP/2 over TLS.
    Http2,
    /// HTTP/2 without TLS, with prior knowledge.
    ClearHttp2,
}

/// Every ground that the defaults reach, and HTTP/2 as it is usual.
pub const GROUNDS: [Ground; 3] = [Ground::Plain, Ground::Tls, Ground::Http2];

/// A running upstream.
pub struct Upstream {
    /// Where it listens.
    pub address: String,
    ground: Ground,
    /// Where the certificate of who signed its own is, for a gateway to read.
    folder: Folder,
    state: Arc<State>,
}

/// What an upstream's connections have in common.
#[derive(Default)]
struct State {
    seen: Mutex<Vec<Request>>,
    open: Mutex<usize>,
    changed: Condvar,
    connections: Mutex<Vec<Weak<Connection>>>,
    /// Error codes of the streams that were reset by the other side.
    resets: Mutex<Vec<u32>>,
    pings: AtomicUsize,
    resumed: AtomicUsize,
}

/// A connection as all of its threads know it.
struct Connection {
    number: usize,
    /// Its socket, whatever is spoken on it.
    socket: TcpStream,
    /// Set when it says nothing any more.
    silent: AtomicBool,
}

/// An answer that is open, until this is dropped.
struct Open<'a>(&'a State);

impl State {
    fn opened(&self) -> Open<'_> {
        *self.open.lock().unwrap() += 1;
        self.changed.notify_all();
        Open(self)
    }

    fn connected(&self, socket: TcpStream) -> Arc<Connection> {
        let mut connections = self.connections.lock().unwrap();
        let silent = AtomicBool::default();
        let connection = Arc::new(Connection { number: connections.len() + 1, socket, silent });
        // Its end closes the socket: a long run has more of them than files may be open.
        connections.push(Arc::downgrade(&connection));
        connection
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        *self.0.open.lock().unwrap() -= 1;
        self.0.changed.notify_all();
    }
}

impl Connection {
    fn is_silent(&self) -> bool {
        self.silent.load(Ordering::SeqCst)
    }
}

impl Upstream {
    /// Starts one without TLS that answers each request by a script.
    #[must_use]
    pub fn start(script: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self::on(Ground::Plain, script)
    }

    /// Starts one on a ground.
    #[must_use]
    pub fn on(ground: Ground, script: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self::serve(ground, Manner::default(), Arc::new(script))
    }

    /// Starts one that speaks HTTP/2 in a manner of its own.
    #[must_use]
    pub fn http2(manner: Manner, script: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self::serve(Ground::Http2, manner, Arc::new(script))
    }

    fn serve(ground: Ground, manner: Manner, script: Arc<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let folder = Folder::new();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::<State>::default();
        let upstream = Self { address, ground, folder, state: Arc::clone(&state) };
        let clear = matches!(ground, Ground::Plain | Ground::ClearHttp2);
        let config = (!clear).then(|| {
            let certificate = Certificate::of_the_suite(&upstream.folder.0);
            certificate.server(match ground {
                Ground::Http2 if manner.http1 => &["h2", "http/1.1"],
                Ground::Http2 | Ground::ClearHttp2 => &["h2"],
                Ground::Plain | Ground::Tls => &["http/1.1"],
            })
        });
        let manner = Arc::new(manner);
        thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let _ = socket.set_nodelay(true);
                let connection = state.connected(socket.try_clone().unwrap());
                let (script, manner) = (Arc::clone(&script), Arc::clone(&manner));
                let (config, state) = (config.clone(), Arc::clone(&state));
                thread::spawn(move || {
                    let Ok(link) = secured(socket, config) else { return };
                    state.resumed.fetch_add(usize::from(link.is_resumed()), Ordering::SeqCst);
                    let _ = match link.protocol().as_deref() {
                        None if ground == Ground::ClearHttp2 => {
                            http2::serve(&link, &connection, &manner, &script, &state)
                        }
                        Some("h2") => http2::serve(&link, &connection, &manner, &script, &state),
                        _ => http1::serve(&link, &connection, &*script, &state),
                    };
                    link.close();
                });
            }
        });
        upstream
    }

    /// The configuration of an account that is served by it.
    #[must_use]
    pub fn account(&self, name: &str, provider: &str, more: &str) -> String {
        self.account_at(&self.address, name, provider, more)
    }

    /// The same, where it is reached by another address, or under a path. Over TLS it is said whom to trust, and over
    /// HTTP/2 that this is to be spoken, where `more` says nothing of it.
    #[must_use]
    pub fn account_at(&self, address: &str, name: &str, provider: &str, more: &str) -> String {
        let is_http2 = matches!(self.ground, Ground::Http2 | Ground::ClearHttp2);
        let speaks = if is_http2 && !more.contains("http = ") { "http = \"2\"\n" } else { "" };
        if matches!(self.ground, Ground::Plain | Ground::ClearHttp2) {
            return gateway::account(name, provider, address, &(speaks.to_owned() + more));
        }
        let trusts = format!("ca = {:?}\n", self.folder.0.join("authority.pem"));
        let account = gateway::account(name, provider, address, &(trusts + speaks + more));
        account.replace("base_url = \"http:", "base_url = \"https:")
    }

    /// What it was sent so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Request> {
        self.state.seen.lock().unwrap().clone()
    }

    /// The last request that it was sent.
    #[must_use]
    pub fn last(&self) -> Request {
        self.state.seen.lock().unwrap().last().cloned().expect("a request reached the upstream")
    }

    /// Connections that were made to it.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.state.connections.lock().unwrap().len()
    }

    /// Connections that are open.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.state.connections.lock().unwrap().iter().filter(|known| known.strong_count() > 0).count()
    }

    /// Streams that were reset by the other side, by their error codes.
    #[must_use]
    pub fn resets(&self) -> Vec<u32> {
        self.state.resets.lock().unwrap().clone()
    }

    /// Pings that came.
    #[must_use]
    pub fn pings(&self) -> usize {
        self.state.pings.load(Ordering::SeqCst)
    }

    /// Connections whose TLS resumed an earlier session.
    #[must_use]
    pub fn resumed(&self) -> usize {
        self.state.resumed.load(Ordering::SeqCst)
    }

    /// Lets every connection that there is fall silent: it stays open, and nothing more comes of it.
    pub fn silence(&self) {
        for connection in self.state.connections.lock().unwrap().iter().filter_map(Weak::upgrade) {
            connection.silent.store(true, Ordering::SeqCst);
        }
    }

    /// Cuts every connection that there is.
    pub fn cut(&self) {
        for connection in self.state.connections.lock().unwrap().iter().filter_map(Weak::upgrade) {
            let _ = connection.socket.shutdown(Shutdown::Both);
        }
    }

    /// Waits until at most this many answers are open.
    pub fn wait_until_open(&self, most: usize) {
        self.wait_while(|open| open > most);
    }

    /// Waits until at least this many answers are open.
    pub fn wait_for_open(&self, least: usize) {
        self.wait_while(|open| open < least);
    }

    fn wait_while(&self, holds: impl Fn(usize) -> bool) {
        let open = self.state.open.lock().unwrap();
        let (open, waited) =
            self.state.changed.wait_timeout_while(open, PATIENCE, |open| holds(*open)).unwrap();
        let count = *open;
        // Its threads go on with it, also where the test does not.
        drop(open);
        assert!(!waited.timed_out(), "{count} answers are open");
    }
}

fn secured(socket: TcpStream, config: Option<Arc<rustls::ServerConfig>>) -> std::io::Result<Link> {
    match config {
        Some(config) => Link::accept(socket, config),
        None => Ok(socket.into()),
    }
}
