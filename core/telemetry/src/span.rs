//! Records as spans: the request as the client's call of the gateway, and below it each attempt as the gateway's call of
//! an upstream, by the conventions for GenAI of 2026.

use std::time::Duration;

use sluice_api::dialect::{Api, Operation};
use sluice_api::record::{Outcome, Record, Try, traced};

use crate::context::Parent;
use crate::message::{AnyValue, ERROR, KeyValue, Kind, Span, Status, Value};

/// Providers by their kinds, where the conventions have a name for them; others go by their kind.
const PROVIDERS: [(&str, &str); 9] = [
    ("azure-openai", "azure.ai.openai"),
    ("bedrock", "aws.bedrock"),
    ("ccr", "anthropic"),
    ("claude-console", "anthropic"),
    ("claude-official", "anthropic"),
    ("gemini", "gcp.gemini"),
    ("openai", "openai"),
    ("openai-compatible", "openai"),
    ("openai-responses", "openai"),
];

/// A trace that is recorded.
const SAMPLED: u32 = 1;

/// Whether a parent is another process's is known, and it is not.
const LOCAL_PARENT: u32 = 0x100;

/// It is known, and it is.
const REMOTE_PARENT: u32 = 0x300;

/// The spans of a request: none where its client does not record it. `random` gives the numbers of new spans and traces.
pub(crate) fn spans(record: &Record, mut random: impl FnMut() -> u64) -> Vec<Span> {
    let parent = record.traced.0.as_ref().and_then(|traced| Parent::read(traced.parent.as_deref()?));
    if parent.is_some_and(|parent| !parent.sampled) {
        return Vec::new();
    }
    let new = (u128::from(random()) << 64) | u128::from(random());
    let trace = parent.map_or(new, |parent| parent.trace).to_be_bytes().to_vec();
    let (own, above) =
        (random().to_be_bytes().to_vec(), parent.map(|parent| parent.span.to_be_bytes().to_vec()));
    let begin = |kind: Kind, span_id: Vec<u8>, model: &str, from: Duration, to: Duration| Span {
        trace_id: trace.clone(),
        span_id,
        name: format!("{} {model}", operation(record)).trim_end().to_owned(),
        kind: kind.into(),
        start_time_unix_nano: nanoseconds(record, from),
        end_time_unix_nano: nanoseconds(record, to),
        ..Span::default()
    };
    let mut request = begin(Kind::Server, own.clone(), &record.model, Duration::ZERO, record.duration);
    request.flags = SAMPLED | if above.is_some() { REMOTE_PARENT } else { LOCAL_PARENT };
    request.parent_span_id = above.unwrap_or_default();
    request.attributes = of_request(record);
    request.status = broke(record).then(|| Status { message: String::new(), code: ERROR });
    let mut all = vec![request];
    for attempt in attempts(record) {
        let traced::Attempt { model, began, ended, .. } = attempt.sent;
        let id = random().to_be_bytes().to_vec();
        let mut span = begin(Kind::Client, id, model, *began, ended.unwrap_or(record.duration));
        span.flags = SAMPLED | LOCAL_PARENT;
        span.parent_span_id.clone_from(&own);
        span.attributes = attempt.attributes();
        span.status = attempt.failure().map(|(_, message)| Status { message, code: ERROR });
        all.push(span);
    }
    all
}

/// A moment of a request, in nanoseconds of Unix time.
fn nanoseconds(record: &Record, after: Duration) -> u64 {
    u64::try_from(record.time.as_nanosecond() + after.as_nanos() as i128).unwrap_or_default()
}

/// What is done, by the conventions' names where they have one.
fn operation(record: &Record) -> &'static str {
    match (record.operation, record.api) {
        (Operation::Generate, Api::Gemini) | (Operation::Images, _) => "generate_content",
        (Operation::Generate, _) => "chat",
        (Operation::Embed | Operation::BatchEmbed, _) => "embeddings",
        (Operation::CountTokens, _) => "count_tokens",
        (Operation::Compact, _) => "compact",
    }
}

/// Whether the gateway did not do what it was asked for.
fn broke(record: &Record) -> bool {
    record.status >= 500 || record.status < 400 && record.is_error()
}

/// What kind of error a request ended in.
fn error_type(record: &Record) -> Option<String> {
    let named = || record.error.map_or_else(|| record.status.to_string(), |kind| kind.name().to_owned());
    record.is_error().then(named)
}

/// What a client's call of the gateway was.
fn of_request(record: &Record) -> Vec<KeyValue> {
    let mut all = Attributes::default();
    all.text("sluice.request_id", Some(&*record.request_id));
    all.text("sluice.api", Some(record.api.name()));
    all.text("sluice.model", Some(&*record.model));
    all.text("sluice.key", Some(&*record.key));
    all.text("sluice.group", record.group.as_deref());
    all.text("sluice.user", record.user.as_deref());
    all.text("sluice.outcome", Some(&record.outcome.to_string()));
    all.whole("sluice.attempts", Some(record.attempts.into()));
    // Money is no float: the text is exact.
    all.text("sluice.cost", record.cost.own.map(|cost| cost.to_string()).as_deref());
    all.fraction("sluice.overhead", Some(record.overhead));
    all.text("client.address", record.client.map(|address| address.to_string()).as_deref());
    all.whole("http.response.status_code", Some(record.status.into()).filter(|status| *status > 0));
    all.text("error.type", error_type(record).as_deref());
    all.0
}

/// An attempt on an account.
struct Attempt<'a> {
    record: &'a Record,
    sent: &'a traced::Attempt,
    /// What came of it, where that was noted: of a request with one attempt that did not fail it is the record itself.
    noted: Option<&'a Try>,
    /// Whether it is the one that the record tells of.
    last: bool,
}

fn attempts(record: &Record) -> impl Iterator<Item = Attempt<'_>> {
    let all = record.traced.0.as_ref().map_or(&[][..], |traced| &traced.attempts);
    let each =
        move |(at, sent)| Attempt { record, sent, noted: record.tries.get(at), last: at + 1 == all.len() };
    all.iter().enumerate().map(each)
}

impl Attempt<'_> {
    /// The type of its error, and what was said.
    fn failure(&self) -> Option<(String, String)> {
        match self.noted {
            Some(noted) => {
                let fault = noted.fault.as_deref()?;
                let of = noted.status.filter(|status| *status >= 400);
                let of = of.map_or_else(|| fault.to_owned(), |status| status.to_string());
                Some((of, noted.error.clone().unwrap_or_default()))
            }
            None if self.record.outcome == Outcome::ClientGone => None,
            None => error_type(self.record).map(|of| (of, String::new())),
        }
    }

    fn attributes(&self) -> Vec<KeyValue> {
        let Self { record, sent, .. } = *self;
        let mut all = Attributes::default();
        all.text("gen_ai.operation.name", Some(operation(record)));
        let name = PROVIDERS.iter().find(|(kind, _)| *kind == sent.provider);
        all.text("gen_ai.provider.name", Some(name.map_or(sent.provider, |(_, name)| name)));
        all.text("gen_ai.request.model", Some(&*sent.model));
        all.truth("gen_ai.request.stream", record.stream);
        all.text("server.address", sent.server.as_ref().map(|server| &*server.host));
        all.whole("server.port", sent.server.as_ref().map(|server| server.port.into()));
        all.text("sluice.account", Some(&*sent.account));
        let status = self.noted.map_or(Some(record.status), |noted| noted.status);
        all.whole("http.response.status_code", status.filter(|status| *status > 0).map(u64::from));
        all.text("error.type", self.failure().map(|(of, _)| of).as_deref());
        if self.last {
            self.tell_answer(&mut all);
        }
        all.0
    }

    fn tell_answer(&self, all: &mut Attributes) {
        let Self { record, sent, .. } = *self;
        all.text("sluice.pool", record.pool.as_deref());
        all.text("gen_ai.conversation.id", record.session.as_deref());
        all.text("gen_ai.response.model", record.reported_model.as_deref());
        let first = record.first_byte.filter(|_| record.stream).map(|first| first.saturating_sub(sent.began));
        all.fraction("gen_ai.response.time_to_first_chunk", first);
        let Some(usage) = &record.usage else { return };
        let some = |count: u64| Some(count).filter(|count| *count > 0);
        // Caches are a part of the input there.
        all.whole("gen_ai.usage.input_tokens", Some(usage.all_input()));
        all.whole("gen_ai.usage.output_tokens", Some(usage.output));
        all.whole("gen_ai.usage.cache_read.input_tokens", some(usage.cache_read));
        all.whole("gen_ai.usage.cache_write.input_tokens", some(usage.cache_write()));
        all.whole("gen_ai.usage.reasoning.output_tokens", some(usage.reasoning));
        all.truth("sluice.usage_estimated", usage.estimated);
    }
}

/// Attributes; what is not known is left out.
#[derive(Default)]
struct Attributes(Vec<KeyValue>);

impl Attributes {
    fn put(&mut self, key: &str, value: Value) {
        self.0.push(KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) });
    }

    fn text(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.put(key, Value::Text(value.to_owned()));
        }
    }

    fn whole(&mut self, key: &str, value: Option<u64>) {
        if let Some(value) = value {
            self.put(key, Value::Whole(i64::try_from(value).unwrap_or(i64::MAX)));
        }
    }

    /// In seconds.
    fn fraction(&mut self, key: &str, span: Option<Duration>) {
        if let Some(span) = span {
            self.put(key, Value::Fraction(span.as_secs_f64()));
        }
    }

    /// Told only where it is so.
    fn truth(&mut self, key: &str, value: bool) {
        if value {
            self.put(key, Value::Truth(true));
        }
    }
}
