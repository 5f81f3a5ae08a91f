//! A proxy before a server, which does to the way what networks do: cuts it, delays and swallows answers.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::event::Counter;

/// The way to a server, whole until it is told otherwise. It ends with the test.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    wire: Arc<Mutex<Wire>>,
}

#[derive(Default)]
struct Wire {
    to: u16,
    ended: bool,
    refuses: bool,
    swallows: bool,
    delay: Duration,
    /// Whose answer is cut, and how often still.
    cut_answer_of: Option<(Vec<u8>, u64)>,
    cut: u64,
    passed: Counter,
    refused: Counter,
    open: Vec<(TcpStream, TcpStream)>,
}

impl Proxy {
    /// The way to the server of a port of this machine.
    pub(crate) fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            wire: Arc::new(Mutex::new(Wire { to: port, ..Wire::default() })),
        };
        let wire = Arc::clone(&proxy.wire);
        std::thread::spawn(move || accept(&listener, &wire));
        proxy
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/?protocol=resp3", self.port)
    }

    /// Leads to another server from the next connection on.
    pub(crate) fn lead_to(&self, port: u16) {
        self.wire.lock().to = port;
    }

    /// Cuts every connection that is open now.
    pub(crate) fn cut(&self) {
        for (client, server) in self.wire.lock().open.drain(..) {
            let _ = client.shutdown(Shutdown::Both);
            let _ = server.shutdown(Shutdown::Both);
        }
    }

    /// Whether new connections are closed as soon as they are made.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.wire.lock().refuses = refuses;
    }

    /// Whether answers get lost, while connections stay open and requests go through.
    pub(crate) fn swallow(&self, swallows: bool) {
        self.wire.lock().swallows = swallows;
    }

    /// How much later than it came each answer goes on.
    pub(crate) fn delay(&self, delay: Duration) {
        self.wire.lock().delay = delay;
    }

    /// The next so many requests that contain these bytes reach the server, and the connection of each is cut in place
    /// of its answer.
    pub(crate) fn cut_answers_of(&self, contains: &[u8], times: u64) {
        self.wire.lock().cut_answer_of = Some((contains.to_vec(), times));
    }

    /// How many answers were cut.
    pub(crate) fn answers_cut(&self) -> u64 {
        self.wire.lock().cut
    }

    /// How many connections were closed as soon as they were made.
    pub(crate) fn refused(&self) -> u64 {
        self.wire.lock().refused.now()
    }

    /// Ends when so many were closed.
    pub(crate) fn refuses_until(&self, count: u64) -> impl Future<Output = ()> + use<> {
        self.wire.lock().refused.reaches(count)
    }

    /// Ends when one more connection is let through than were before.
    pub(crate) fn passes_another(&self) -> impl Future<Output = ()> + use<> {
        self.wire.lock().passed.grows(1)
    }

    /// How many connections were let through.
    pub(crate) fn connections(&self) -> u64 {
        self.wire.lock().passed.now()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.wire.lock().ended = true;
        self.cut();
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn accept(listener: &TcpListener, wire: &Arc<Mutex<Wire>>) {
    while let Ok((client, _)) = listener.accept() {
        let to = {
            let wire = wire.lock();
            if wire.ended {
                return;
            }
            if wire.refuses {
                wire.refused.one_more();
                continue;
            }
            wire.to
        };
        let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { continue };
        for stream in [&client, &server] {
            let _ = stream.set_nodelay(true);
        }
        let way = |stream: &TcpStream| stream.try_clone().unwrap();
        {
            let mut wire = wire.lock();
            wire.passed.one_more();
            wire.open.push((way(&client), way(&server)));
        }
        let asked = Arc::new(Mutex::new(false));
        let (from, to) = (way(&client), way(&server));
        let (there, told) = (Arc::clone(wire), Arc::clone(&asked));
        std::thread::spawn(move || requests(from, to, &there, &told));
        let back = Arc::clone(wire);
        std::thread::spawn(move || answers(server, client, &back, &asked));
    }
}

/// Carries requests, and notes when one went by whose answer is to be cut.
fn requests(mut from: TcpStream, mut to: TcpStream, wire: &Mutex<Wire>, cut: &Mutex<bool>) {
    let mut chunk = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut chunk) {
        let chunk = &chunk[..read];
        {
            // Held while it is written, so that its answer finds the note.
            let mut cut = cut.lock();
            if to.write_all(chunk).is_err() {
                break;
            }
            let mut wire = wire.lock();
            if let Some((contains, left @ 1..)) = &mut wire.cut_answer_of
                && chunk.windows(contains.len()).any(|part| part == contains.as_slice())
            {
                *left -= 1;
                *cut = true;
            }
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Carries answers, or does to them what was asked for. The server is read to its end: what was sent to it, it does.
fn answers(mut from: TcpStream, mut to: TcpStream, wire: &Mutex<Wire>, cut: &Mutex<bool>) {
    let mut chunk = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut chunk) {
        if std::mem::take(&mut *cut.lock()) {
            wire.lock().cut += 1;
            let _ = to.shutdown(Shutdown::Both);
            continue;
        }
        let (swallows, delay) = {
            let wire = wire.lock();
            (wire.swallows, wire.delay)
        };
        if !delay.is_zero() {
            std::thread::park_timeout(delay);
        }
        if !swallows {
            let _ = to.write_all(&chunk[..read]);
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
