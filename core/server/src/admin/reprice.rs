//! What past usage would have cost.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use http::StatusCode;
use sluice_api::cost::CostModel;
use sluice_ledger::usage::{RepriceAsked, Repriced, WrongQuery};

use super::accounts::read;
use super::envelope::{Refusal, Refused};
use crate::App;

/// Bytes of a question: price files of the field have 2 MB, and more as JSON text.
const ASKED_MAX: usize = 8 * 1024 * 1024;

/// What past usage would have cost by other prices, or with other models. Nothing is changed by it.
///
/// Every record in the time is asked of the list as it was asked when it ended: the same usage, tier, speed, place, time and
/// account's multiplier. So the list that was in force then gives what was recorded. Rows are by day, key and model; sums are
/// exact.
#[utoipa::path(post, path = "/admin/v1/reprice", tag = "Admin", security(("admin_token" = [])),
    request_body(content = RepriceAsked, example = json!({
        "from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00Z",
        "prices": "[models.claude-sonnet-5]\ninput = \"2\"\noutput = \"10\"\n",
        "models": { "claude-opus-5": "claude-sonnet-5" }
    })),
    responses((status = 200, body = Repriced, example = json!({
        "data": [{ "day": "2026-11-28", "key": "team", "key_id": "key_019acb3f0e9c7d3a", "model": "claude-opus-5",
            "priced_as": "claude-sonnet-5", "requests": 12, "cost": "1.25", "new_cost": "0.5", "difference": "-0.75",
            "unpriced_requests": 0, "new_unpriced_requests": 0 }],
        "total": { "requests": 12, "cost": "1.25", "new_cost": "0.5", "difference": "-0.75", "unpriced_requests": 0,
            "new_unpriced_requests": 0 },
        "timezone": "UTC"
    })), (status = 400, body = Refused), (status = 401, body = Refused), (status = 413, description = "The body has more bytes than are taken", body = Refused),
        (status = 503, body = Refused)))]
pub(crate) async fn reprice(State(app): State<App>, request: Request) -> Result<Json<Repriced>, Refusal> {
    let too_large = |_| {
        let message = format!(
            "the body is not whole, or has more than {ASKED_MAX} bytes: leave out of the price file what is not asked for"
        );
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message).field("prices")
    };
    let body = axum::body::to_bytes(request.into_body(), ASKED_MAX).await.map_err(too_large)?;
    let mut asked: RepriceAsked = read(&body)?;
    drop(body);
    let snapshot = app.gateway.snapshot();
    let by = match asked.prices.take() {
        None => Arc::clone(&snapshot.cost),
        Some(text) => laid_over(&app, Arc::clone(&snapshot.cost), text).await?,
    };
    let wrong = |WrongQuery { field, message }| {
        Refusal::new(StatusCode::BAD_REQUEST, "invalid_argument", message).field(&field)
    };
    let gateway = &app.gateway;
    let zone = snapshot.stats.timezone.clone();
    drop(snapshot);
    let (from, when) = ((gateway.records(), &**gateway.store()), (gateway.now(), &zone));
    asked.answer(from, &*by, when).await?.map(Json).map_err(wrong)
}

/// The prices in force with a file laid over them. Reading a large one takes some tenths of a second.
async fn laid_over(
    app: &App,
    prices: Arc<dyn CostModel>,
    text: String,
) -> Result<Arc<dyn CostModel>, Refusal> {
    let wrong =
        |message: String| Refusal::new(StatusCode::BAD_REQUEST, "invalid_argument", message).field("prices");
    let laid = app.gateway.tasks().spawn_blocking(move || prices.laid_over("prices", &text)).await;
    let laid = laid.map_err(|_| wrong("the cost model could not take this price file".to_owned()))?;
    match laid {
        None => Err(wrong(
            "the cost model that is configured takes no price files: leave `prices` out".to_owned(),
        )),
        Some(laid) => laid.map_err(|problem| wrong(problem.to_string())),
    }
}
