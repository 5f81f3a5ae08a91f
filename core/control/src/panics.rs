//! A panic in the middle of a request: it is settled like any other end, once, and all that it held is free.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use sluice_api::cost::{CostModel, PriceAsk, Priced};
use sluice_api::dialect::{Api, Family, Operation};
use sluice_api::error::{Error, Kind};
use sluice_api::limiter::{Bucket, Denial, Limiter, Principal, Subject, Take, Takes};
use sluice_api::plugin::{NoSettings, async_trait};
use sluice_api::provider::{Body, Call, CallCx, ModelPlace, Offer, Prepared, Provider, ProviderInfo};
use sluice_api::record::{Cost, Outcome, RecordQuery};
use sluice_api::register;
use sluice_api::scheduler::{Ask, Candidate, Outcome as AttemptOutcome, Scheduler};
use sluice_config::read::Sources;
use sluice_config::{check, read};
use sluice_fixtures::GIVES_BADLY;
use sluice_line::ask::ClientRoute;
use sluice_line::gateway::Gateway;
use sluice_line::line;
use sluice_schedulers as _;

use crate::Control;

#[derive(Debug)]
struct Panics(ProviderInfo);

#[async_trait]
impl Provider for Panics {
    fn info(&self) -> &ProviderInfo {
        &self.0
    }

    fn offer(&self, _operation: Operation, model: &str) -> Option<Offer> {
        assert!(model != "at-routing", "as it is meant to");
        Some(Offer::new(&[Api::Anthropic], ModelPlace::Body))
    }

    async fn prepare(&self, _cx: &CallCx<'_>, call: Call) -> Result<Prepared, Error> {
        assert!(*call.model != *"at-the-attempt", "as it is meant to");
        Ok(Request::new(Bytes::copy_from_slice(call.model.as_bytes())).into())
    }

    async fn send(&self, _cx: &CallCx<'_>, prepared: Prepared) -> Result<Response<Body>, Error> {
        let panics = prepared.request.body() == "in-the-body";
        let frames = [START, STOP].into_iter().map(move |event| {
            assert!(!panics || event == START, "as it is meant to");
            Ok(Frame::data(Bytes::from_static(event.as_bytes())))
        });
        Ok(Response::new(BodyExt::boxed_unsync(StreamBody::new(stream::iter(frames)))))
    }
}

/// A stream's first event, and its last.
const START: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n";
const STOP: &str = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

register! {
    dyn Provider: "test-panics",
    summary: "Panics where it is asked",
    settings: NoSettings,
    build: |_, section| {
        section.read::<NoSettings>()?;
        let info = ProviderInfo::new("test-panics", section.name, &[Family::Claude]);
        Ok(Arc::new(Panics(info)))
    },
}

/// How often a slot was taken.
static TAKEN: AtomicU64 = AtomicU64::new(0);

/// One slot for each request.
#[derive(Debug)]
struct Slots;

impl Limiter for Slots {
    fn takes(&self, subject: &Subject<'_>, takes: &mut Takes) {
        for key in subject.parties.iter().filter(|party| matches!(party.principal, Principal::Key(_))) {
            // Whoever only looks names no model.
            TAKEN.fetch_add(u64::from(!subject.model.is_empty()), Ordering::SeqCst);
            takes.push(Take::one(takes.bucket(key.principal.clone()), 9));
        }
    }

    fn refusal(&self, _refused: &Denial) -> Error {
        Error::new(Kind::RateLimited, "a test was refused")
    }
}

register! {
    dyn Limiter: "test-slots",
    summary: "One slot for each request",
    settings: NoSettings,
    build: |_, section| {
        section.read::<NoSettings>()?;
        Ok(Arc::new(Slots))
    },
}

/// A price list that can't be read at the end, and a scheduler that fails when it is told.
#[derive(Debug)]
struct AtTheEnd;

impl CostModel for AtTheEnd {
    fn price(&self, _ask: &PriceAsk<'_>) -> Option<Priced> {
        panic!("as it is meant to")
    }
}

impl Scheduler for AtTheEnd {
    fn pick(&self, _ask: &Ask<'_>, _candidates: &[Candidate<'_>]) -> Option<usize> {
        Some(0)
    }

    fn observe(&self, _account: &str, _outcome: AttemptOutcome) {
        panic!("as it is meant to")
    }
}

register! {
    dyn CostModel: "test-cost-panics",
    summary: "Panics when it is asked for a price",
    settings: NoSettings,
    build: |_, section| {
        section.read::<NoSettings>()?;
        Ok(Arc::new(AtTheEnd))
    },
}

register! {
    dyn Scheduler: "test-scheduler-panics",
    summary: "Panics when it is told how an attempt ended",
    settings: NoSettings,
    build: |_, section| {
        section.read::<NoSettings>()?;
        Ok(Arc::new(AtTheEnd))
    },
}

async fn started(plugins: &str) -> Arc<Gateway> {
    let text = format!(
        "store.kind = \"test-store\"\n{plugins}\n[[accounts]]\nname = \"a\"\nprovider = \"test-panics\"\n\
        [[keys]]\nname = \"k\"\nkey = \"k\"\n"
    );
    let loaded = read::load_text(&text).unwrap();
    let resolved = check::check(&loaded).unwrap();
    let control = Control::start(&loaded, resolved, Sources::Text(text)).await.unwrap();
    Arc::clone(control.gateway())
}

/// A request for a stream of this model.
fn asking(model: &str) -> (Request<Full<Bytes>>, ClientRoute) {
    let body = format!("{{\"model\":\"{model}\",\"stream\":true,\"max_tokens\":9,\"messages\":[]}}");
    let request = Request::post("http://g/v1/messages").header("x-api-key", "k");
    let route = ClientRoute::body(Api::Anthropic, Operation::Generate);
    (request.body(Full::new(body.into())).unwrap(), route)
}

#[tokio::test]
async fn a_plugin_that_panics_at_the_end_takes_no_record_along() {
    let gateway = started(
        "cost.kind = \"test-cost-panics\"\nscheduler.kind = \"test-scheduler-panics\"\nlimits.kinds = []",
    )
    .await;
    let (request, route) = asking("fine");
    let answer = line::serve(&gateway, request, route).await.into_body().collect().await.unwrap();
    assert_eq!(answer.to_bytes(), format!("{START}{STOP}"));
    let page = gateway.records().page(&**gateway.store(), &RecordQuery::newest(10)).await.unwrap();
    assert_eq!(page.records.len(), 1, "one record");
    let record = &page.records[0];
    assert_eq!((&record.outcome, record.cost, record.status), (&Outcome::Completed, Cost::default(), 200));
    assert_eq!(record.usage.map(|usage| usage.input), Some(9));
    assert_eq!(gateway.snapshot().roster.accounts[0].state.in_flight(), 0);
}

#[tokio::test]
async fn a_panic_in_the_middle_of_an_answer_ends_it_in_an_error_and_settles_it_once() {
    let gateway = started("cost.kind = \"test-cost\"\nlimits.kinds = []").await;
    let (request, route) = asking("in-the-body");
    let answer = line::serve(&gateway, request, route).await.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(answer.to_vec()).unwrap();
    let told = text.strip_prefix(START).unwrap();
    assert!(told.starts_with("event: error\ndata: {") && told.contains("send the request again"), "{told}");
    let page = gateway.records().page(&**gateway.store(), &RecordQuery::newest(10)).await.unwrap();
    let outcomes: Vec<Outcome> = page.records.iter().map(|record| record.outcome.clone()).collect();
    assert_eq!(outcomes, [Outcome::GatewayError]);
    assert_eq!(gateway.snapshot().roster.accounts[0].state.in_flight(), 0);
}

#[tokio::test]
async fn a_panic_settles_a_request_once_and_frees_all_that_it_held() {
    let gateway = started("cost.kind = \"test-cost\"\nlimits.kinds = [\"test-slots\"]").await;
    let slots = Bucket::new("test-slots", Principal::Key("k".into()));
    let panics = || Outcome::GatewayError;
    // Where it goes is known before anything is taken.
    let mut so_far = 0;
    for (number, (model, outcome, given_badly)) in [
        ("at-routing", panics(), false),
        ("at-the-attempt", panics(), false),
        // The store panics too: at the end of a request, and in the midst of another panic.
        ("fine", Outcome::Completed, true),
        ("at-the-attempt", panics(), true),
    ]
    .into_iter()
    .enumerate()
    {
        if given_badly {
            gateway.store().put(GIVES_BADLY, "", "").await.unwrap();
        }
        let (request, route) = asking(model);
        let own = Arc::clone(&gateway);
        let served = async move { line::serve(&own, request, route).await.into_body().collect().await };
        let ended = gateway.tasks().spawn(served).await;
        assert_eq!(ended.is_err_and(|error| error.is_panic()), outcome == panics(), "{model}");
        let page = gateway.records().page(&**gateway.store(), &RecordQuery::newest(10)).await.unwrap();
        assert_eq!(page.records.len(), number + 1, "{model}: one record each");
        assert_eq!((&*page.records[0].model, &page.records[0].outcome), (model, &outcome));
        assert_eq!(gateway.snapshot().roster.accounts[0].state.in_flight(), 0, "{model}");
        let (taken, held) = (TAKEN.load(Ordering::SeqCst), gateway.store().held(&slots).await.unwrap());
        so_far += u64::from(model != "at-routing");
        assert_eq!((taken, held), (so_far, 0), "{model}: what was taken is given back, once");
    }
}
