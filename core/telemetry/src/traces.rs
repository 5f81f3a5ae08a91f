//! Sending: batches over HTTP, again where a collector is not there for now; nobody waits for it.

use std::borrow::Borrow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use prost::Message as _;
use reqwest::header::{CONTENT_TYPE, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};
use sluice_api::record::Record;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::message::{
    AnyValue, KeyValue, Request, Resource, ResourceSpans, Response, Scope, ScopeSpans, Value,
};
use crate::queue::{BATCH, Queue};
use crate::span::spans;

/// How long spans wait for more to go with them.
const EVERY: Duration = Duration::from_secs(1);

/// The longest wait for a collector's answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Waits between tries, doubling from the first to the last.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// How long the end of the process waits for what is still to be sent.
const FINISH: Duration = Duration::from_secs(5);

/// Bytes of a collector's answer that are looked at.
const ANSWER_MAX: usize = 64 << 10;

/// What the program is called in traces.
const NAME: &str = "sluice";

/// Traces on their way to a collector.
#[derive(Debug)]
pub struct Traces {
    client: Client,
    /// Where spans are posted to.
    endpoint: Url,
    queue: Mutex<Queue>,
    /// Woken when a batch is there.
    batch: Notify,
    /// Spans that were lost.
    dropped: AtomicU64,
    /// Held by whoever sends.
    turn: tokio::sync::Mutex<()>,
    /// The process ends: nothing is tried again.
    ending: CancellationToken,
}

/// Why spans were not taken.
enum Refused {
    /// They may be later.
    ForNow(String),
    /// They never will be.
    ForGood(String),
}

impl Traces {
    /// Traces to the collector that takes them at this URL.
    ///
    /// # Errors
    ///
    /// When it is no URL, or TLS can't be set up.
    pub fn new(endpoint: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let client = Client::builder().redirect(Policy::none()).no_proxy().timeout(ANSWER).build()?;
        Ok(Self {
            client,
            endpoint: endpoint.parse()?,
            queue: Mutex::default(),
            batch: Notify::new(),
            dropped: AtomicU64::new(0),
            turn: tokio::sync::Mutex::default(),
            ending: CancellationToken::new(),
        })
    }

    /// Takes requests that have ended; never waits. What there is no room for is lost, and counted.
    pub fn take(&self, records: &[impl Borrow<Record>]) {
        let made = records.iter().flat_map(|record| spans(record.borrow(), random));
        let made: Vec<Vec<u8>> = made.map(|span| span.encode_to_vec()).collect();
        let mut queue = self.queue.lock();
        let lost = made.into_iter().filter_map(|span| (!queue.push(span)).then_some(())).count();
        let waiting = queue.len();
        drop(queue);
        self.lose(lost);
        if waiting >= BATCH {
            self.batch.notify_one();
        }
    }

    /// Spans that were lost, because a collector was not there for too long or did not want them.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Sends what is there, again and again, as long as the process runs.
    pub async fn run(&self) {
        loop {
            tokio::select! {
                () = self.batch.notified() => {}
                () = sleep(EVERY) => {}
            }
            let _turn = self.turn.lock().await;
            while let Some(batch) = self.next() {
                self.deliver(batch).await;
            }
        }
    }

    /// Sends what is left, for some seconds at most.
    pub async fn finish(&self) {
        self.ending.cancel();
        let rest = async {
            let _turn = self.turn.lock().await;
            while let Some(batch) = self.next() {
                self.deliver(batch).await;
            }
        };
        if timeout(FINISH, rest).await.is_err() {
            let spans = self.queue.lock().len();
            tracing::warn!(
                spans,
                "the collector of traces did not take the last ones in time: they are lost"
            );
        }
    }

    fn next(&self) -> Option<Vec<Vec<u8>>> {
        Some(self.queue.lock().batch()).filter(|batch| !batch.is_empty())
    }

    fn lose(&self, spans: usize) {
        self.dropped.fetch_add(spans as u64, Ordering::Relaxed);
    }

    /// Sends a batch, until it is taken or refused for good.
    async fn deliver(&self, spans: Vec<Vec<u8>>) {
        let count = spans.len();
        let body = request(spans).encode_to_vec();
        let mut pause = PAUSES.0;
        loop {
            match self.post(body.clone()).await {
                Ok(rejected) => {
                    self.lose(rejected);
                    if pause > PAUSES.0 {
                        tracing::info!("the collector of traces takes them again");
                    }
                    return;
                }
                Err(Refused::ForNow(reason)) if !self.ending.is_cancelled() => {
                    if pause == PAUSES.0 {
                        tracing::warn!(
                            reason,
                            "traces can't be sent for now: they wait, as far as there is room"
                        );
                    }
                    let _ = timeout(pause, self.ending.cancelled()).await;
                    pause = (pause * 2).min(PAUSES.1);
                }
                Err(Refused::ForNow(reason) | Refused::ForGood(reason)) => {
                    self.lose(count);
                    tracing::warn!(reason, spans = count, "traces were not taken: they are lost");
                    return;
                }
            }
        }
    }

    /// Posts a request; how many of its spans were not wanted.
    async fn post(&self, body: Vec<u8>) -> Result<usize, Refused> {
        let request = self.client.post(self.endpoint.clone()).body(body);
        let request = request
            .header(CONTENT_TYPE, "application/x-protobuf")
            .header(USER_AGENT, concat!("sluice/", env!("CARGO_PKG_VERSION")));
        let mut answer = request.send().await.map_err(|error| Refused::ForNow(innermost(&error)))?;
        let status = answer.status();
        if !status.is_success() {
            let reason = format!("the collector answered {status}");
            // As OTLP has it: what else is refused would be refused again.
            let later = [
                StatusCode::TOO_MANY_REQUESTS,
                StatusCode::BAD_GATEWAY,
                StatusCode::SERVICE_UNAVAILABLE,
                StatusCode::GATEWAY_TIMEOUT,
            ];
            return Err(if later.contains(&status) {
                Refused::ForNow(reason)
            } else {
                Refused::ForGood(reason)
            });
        }
        // The answer to spans that were taken decides nothing: how many it says that it did not want is counted.
        let mut told = Vec::new();
        while let Ok(Some(piece)) = answer.chunk().await {
            told.extend_from_slice(&piece);
            if told.len() > ANSWER_MAX {
                return Ok(0);
            }
        }
        let partial = Response::decode(&*told).ok().and_then(|answer| answer.partial_success);
        let Some(partial) = partial else { return Ok(0) };
        let rejected = usize::try_from(partial.rejected_spans).unwrap_or_default();
        if rejected > 0 {
            let reason = partial.error_message;
            tracing::warn!(reason, spans = rejected, "the collector did not want some traces: they are lost");
        }
        Ok(rejected)
    }
}

/// A number that no other span has; never 0.
fn random() -> u64 {
    let (_, random) = Uuid::now_v7().as_u64_pair();
    random
}

/// A request of spans that are written already.
fn request(spans: Vec<Vec<u8>>) -> Request {
    let text = |key: &str, value: &str| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(Value::Text(value.to_owned())) }),
    };
    let version = env!("CARGO_PKG_VERSION");
    let attributes = vec![text("service.name", NAME), text("service.version", version)];
    let scope = Scope { name: NAME.to_owned(), version: version.to_owned() };
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans }];
    Request { resource_spans: vec![ResourceSpans { resource: Some(Resource { attributes }), scope_spans }] }
}

/// What went wrong at the bottom of it, without the URL.
fn innermost(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    if error.is_timeout() { "it did not answer in time".to_owned() } else { innermost.to_string() }
}
