//! Clients that leave at a moment of their choice, and an upstream that would go on for ever.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex};

use crate::client::PATIENCE;
use crate::dialects::{Dialect, streaming};
use crate::gateway::{Gateway, KEY};
use crate::upstream::{Ground, Step, Upstream, chunk, stream_head};
use crate::visitor::{Speaks, Visitor};

/// Bytes of a second event, for those who leave in its middle.
const PART: usize = 9;

/// When a client leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaves {
    /// Once the upstream has its request, and before there is any answer.
    BeforeTheHead,
    /// Once the head is there.
    AfterTheHead,
    /// Once the first event is there.
    AfterAnEvent,
    /// Once a part of the second event is there.
    InMidEvent,
}

/// Every moment.
pub const MOMENTS: [Leaves; 4] =
    [Leaves::BeforeTheHead, Leaves::AfterTheHead, Leaves::AfterAnEvent, Leaves::InMidEvent];

/// Requests that have reached the upstream, by the turn that they name.
#[derive(Default)]
pub struct Arrived(Mutex<HashSet<String>>, Condvar);

impl Arrived {
    fn wait_for(&self, turn: &str) {
        let (_set, waited) =
            self.1.wait_timeout_while(self.0.lock().unwrap(), PATIENCE, |set| !set.contains(turn)).unwrap();
        assert!(!waited.timed_out(), "{turn} never arrived");
    }
}

/// An upstream of every dialect that sends as much as the client will wait for, and then never ends.
#[must_use]
pub fn endless(ground: Ground, arrived: Arc<Arrived>) -> Upstream {
    Upstream::on(ground, move |request| {
        let dialect = streaming().find(|dialect| request.header("x-api") == Some(dialect.api)).unwrap();
        arrived.0.lock().unwrap().insert(request.header("x-turn").unwrap().to_owned());
        arrived.1.notify_all();
        let first = dialect.first_event().len();
        let sent = match request.header("x-leaves").unwrap() {
            "BeforeTheHead" => return vec![Step::Hang],
            "InMidEvent" => first + PART,
            _ => first,
        };
        vec![stream_head("text/event-stream"), chunk(&dialect.stream.as_bytes()[..sent]), Step::Hang]
    })
}

/// Sends a request and comes as far as its moment to leave.
#[must_use]
pub fn come(
    gateway: &Gateway,
    arrived: &Arrived,
    turn: &str,
    dialect: &Dialect,
    (leaves, speaks): (Leaves, Speaks),
) -> Visitor {
    let (path, body) = dialect.stream_request;
    let moment = format!("{leaves:?}");
    let headers = [("x-api-key", KEY), ("x-turn", turn), ("x-api", dialect.api), ("x-leaves", &moment)];
    let mut visitor = Visitor::post(gateway, speaks, path, &headers, body.as_bytes());
    if leaves == Leaves::BeforeTheHead {
        arrived.wait_for(turn);
        return visitor;
    }
    assert_eq!(visitor.status(), Some(200), "{turn}");
    let wanted = match leaves {
        Leaves::AfterAnEvent => dialect.first_event().len(),
        Leaves::InMidEvent => dialect.first_event().len() + PART,
        _ => 0,
    };
    let mut had = 0;
    while had < wanted {
        had += visitor.piece().unwrap().unwrap().len();
    }
    visitor
}
