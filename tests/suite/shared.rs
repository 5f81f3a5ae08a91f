//! Several gateways on one Redis: what one of them counts, makes and hears of holds on all.

mod killed;
mod limits;
mod line;
mod many;
mod outage;
mod seen;

use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use sluice_tests::client::{Whole, receive, send};
use sluice_tests::gateway::{Gateway, KEY};
use sluice_tests::moment::pause;
use sluice_tests::redis::Redis;
use sluice_tests::upstream::{Step, Upstream, whole};

use crate::limits::{count, message};

/// How many gateways share a server.
const GATEWAYS: usize = 3;

/// Asks so often at once, each time another of the gateways, and gives what came of each.
fn at_once<T: Send>(gateways: &[Arc<Gateway>], asks: usize, ask: impl Fn(&Gateway) -> T + Sync) -> Vec<T> {
    let ask = &ask;
    std::thread::scope(|scope| {
        let asking: Vec<_> =
            gateways.iter().cycle().take(asks).map(|gateway| scope.spawn(move || ask(gateway))).collect();
        asking.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

/// How many are at an upstream at once, and the most that ever were.
#[derive(Default)]
struct AtOnce(Mutex<(usize, usize)>);

impl AtOnce {
    /// An upstream at which each stays for a moment.
    fn upstream(self: &Arc<Self>) -> Upstream {
        let there = Arc::clone(self);
        Upstream::start(move |_| there.stay())
    }

    fn stay(self: &Arc<Self>) -> Vec<Step> {
        {
            let mut there = self.0.lock().unwrap();
            there.0 += 1;
            there.1 = there.1.max(there.0);
        }
        let (answers, waits) = channel();
        let there = Arc::clone(self);
        std::thread::spawn(move || {
            pause(Duration::from_millis(5));
            // No longer there from before its answer goes.
            there.0.lock().unwrap().0 -= 1;
            let _ = answers.send(());
        });
        let answer = whole(200, "content-type: application/json\r\n", &message(1, 1));
        std::iter::once(Step::Wait(waits)).chain(answer).collect()
    }

    fn most(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

/// An upstream that answers.
fn answering() -> Upstream {
    Upstream::start(|_| whole(200, "content-type: application/json\r\n", &message(1, 1)))
}

fn body(model: &str) -> String {
    crate::limits::body(model, 100)
}

/// Asks for a message, and gives the status.
fn ask(gateway: &Gateway) -> u16 {
    gateway.post("/v1/messages", &body("m")).status
}

/// A client's request.
fn request(model: &str) -> Vec<u8> {
    let body = body(model);
    let length = body.len();
    format!("POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx-api-key: {KEY}\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// How long one who waits in a line does so at most: longer than any line here takes.
const PATIENT: Duration = Duration::from_secs(150);

/// The status of an answer, for which is waited as long as a line may take; nothing where nobody is there any more.
fn try_ask(gateway: &Gateway) -> Option<u16> {
    let mut stream = TcpStream::connect(&gateway.address).ok()?;
    stream.set_read_timeout(Some(PATIENT)).unwrap();
    stream.write_all(&request("m")).ok()?;
    receive(stream).map(|answer| answer.status)
}

fn ask_as(gateway: &Gateway, secret: &str) -> Whole {
    let headers = [("x-api-key", secret), ("content-type", "application/json")];
    send(&gateway.address, "POST", "/v1/messages", &headers, body("m").as_bytes())
}

/// What the holder of the tests' key is told of itself.
fn me(gateway: &Gateway) -> Value {
    send(&gateway.address, "GET", "/v1/me", &[("x-api-key", KEY)], b"").json()
}
