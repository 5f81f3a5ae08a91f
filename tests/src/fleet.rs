//! Upstreams of many accounts at one address, told apart by the first segment of the path; a test says how each answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::dialects::{DIALECTS, Dialect};
use crate::eventstream;
use crate::moment;
use crate::upstream::{Ground, Request, Script, Step, Upstream, stream, whole};

/// A running fleet.
pub struct Fleet {
    upstream: Upstream,
    told: Arc<Mutex<HashMap<String, Arc<Script>>>>,
    arrivals: Arc<Mutex<Vec<(String, Duration)>>>,
}

/// The account that a request is for.
fn name(request: &Request) -> String {
    request.line.split('/').nth(1).unwrap_or_default().to_owned()
}

impl Fleet {
    /// Starts one whose accounts answer by this script, as long as nothing else is told.
    #[must_use]
    pub fn start(usually: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self::on(Ground::Plain, usually)
    }

    /// Starts one on a ground.
    #[must_use]
    pub fn on(ground: Ground, usually: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let told = Arc::<Mutex<HashMap<String, Arc<Script>>>>::default();
        let arrivals = Arc::<Mutex<Vec<(String, Duration)>>>::default();
        let (scripts, seen) = (Arc::clone(&told), Arc::clone(&arrivals));
        let upstream = Upstream::on(ground, move |request| {
            let name = name(request);
            let script = scripts.lock().unwrap().get(&name).cloned();
            seen.lock().unwrap().push((name, moment::now()));
            script.map_or_else(|| usually(request), |script| script(request))
        });
        Self { upstream, told, arrivals }
    }

    /// The configuration of an account.
    #[must_use]
    pub fn account(&self, name: &str, provider: &str, more: &str) -> String {
        self.account_at(&self.upstream.address, name, provider, more)
    }

    /// The same, where it is reached by another address.
    #[must_use]
    pub fn account_at(&self, address: &str, name: &str, provider: &str, more: &str) -> String {
        self.upstream.account_at(&format!("{address}/{name}"), name, provider, more)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.upstream.address
    }

    /// The upstream that all of them are.
    #[must_use]
    pub fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// Says how an account answers from now on.
    pub fn tell(&self, name: &str, script: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static) {
        self.told.lock().unwrap().insert(name.to_owned(), Arc::new(script));
    }

    /// An account answers as usual from now on.
    pub fn heal(&self, name: &str) {
        self.told.lock().unwrap().remove(name);
    }

    /// When an account was asked, in order.
    #[must_use]
    pub fn arrivals(&self, name: &str) -> Vec<Duration> {
        let all = self.arrivals.lock().unwrap();
        all.iter().filter(|(asked, _)| asked == name).map(|(_, at)| *at).collect()
    }

    /// How often an account was asked.
    #[must_use]
    pub fn asked(&self, name: &str) -> usize {
        self.arrivals(name).len()
    }

    /// How often all of them were.
    #[must_use]
    pub fn asked_in_all(&self) -> usize {
        self.arrivals.lock().unwrap().len()
    }

    /// The last request that any of them was sent.
    #[must_use]
    pub fn last(&self) -> Request {
        self.upstream.last()
    }
}

/// Whether a request asks for a stream.
#[must_use]
pub fn asks_stream(request: &Request) -> bool {
    request.line.contains("stream") || String::from_utf8_lossy(&request.body).contains("\"stream\":true")
}

/// The dialect that a request is in.
///
/// # Panics
///
/// Where it is in none.
#[must_use]
pub fn spoken(request: &Request) -> &'static Dialect {
    let found = DIALECTS.iter().find(|dialect| match dialect.api {
        "gemini" => request.line.to_ascii_lowercase().contains("generatecontent"),
        "anthropic" => request.line.contains("/v1/messages") || request.line.contains("/invoke"),
        _ => request.line.contains(dialect.upstream.trim_start_matches("/v1")),
    });
    found.unwrap_or_else(|| panic!("no dialect has {}", request.line))
}

/// The sample of the request's dialect, whole or streamed as was asked.
#[must_use]
pub fn sample(request: &Request) -> Vec<Step> {
    answer(request, spoken(request).answer, spoken(request).stream, 13)
}

/// An answer, whole or in pieces of this size as was asked; in Bedrock's framing where that was.
#[must_use]
pub fn answer(request: &Request, all: &str, streamed: &str, size: usize) -> Vec<Step> {
    if request.line.ends_with("/invoke-with-response-stream") {
        return eventstream::answer(&eventstream::chunks(streamed), size);
    }
    if asks_stream(request) { stream("text/event-stream", streamed, size) } else { whole(200, "", all) }
}
