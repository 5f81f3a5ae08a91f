//! The ledger held against a vendor's own reports.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use sluice_api::record::{Dimension, RecordQuery};
use sluice_reconcile::{File, Kept, Ledger, Report, Told, Vendor, compare, read};
use sluice_upstream::tasks::Tasks;
use utoipa::ToSchema;

use super::accounts;
use super::envelope::{Refusal, Refused};
use crate::App;

/// Largest body: a month by the minute is about 15 MB.
const BODY_MAX: usize = 32 * 1024 * 1024;

/// Records that are read at a time.
const PAGE: usize = 1_000;

/// A day that records are kept.
const DAY: Duration = Duration::from_hours(24);

/// What is held against the ledger.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reconciling {
    /// Whose reports they are.
    provider: Vendor,
    /// Names of the accounts that they are of. Default: those of provider claude-console for Anthropic, of openai and
    /// openai-responses for OpenAI.
    #[serde(default)]
    accounts: Vec<String>,
    /// The reports: pages of one, one of usage and one of cost, or all of them.
    files: Vec<File>,
}

/// The ledger held against a vendor's reports of usage and cost, by day of UTC, model and class.
///
/// Reports are answers of the vendor's API, or exports as CSV. Anthropic's: `/v1/organizations/usage_report/messages`,
/// best with `group_by[]=model`, and `/v1/organizations/cost_report`, best with `group_by[]=description`; or the Console's
/// exports of usage and cost. OpenAI's: `/v1/organization/usage/completions` and `…/embeddings`, best with
/// `group_by=model`, and `/v1/organization/costs`, best with `group_by=line_item`; or the dashboard's exports. A request
/// counts where it began. Costs are those with the accounts' multipliers. Only the time that the reports tell of is
/// compared. Nothing is changed.
#[utoipa::path(post, path = "/admin/v1/reconcile", tag = "Admin", security(("admin_token" = [])),
    request_body = Reconciling,
    responses((status = 200, body = Report), (status = 400, description = "The body is wrong, or a file is no report", body = Refused), (status = 401, body = Refused), (status = 413, description = "The body is too large", body = Refused), (status = 503, body = Refused)))]
pub(crate) async fn reconcile(State(app): State<App>, body: Body) -> Result<Json<Report>, Refusal> {
    let body = to_bytes(body, BODY_MAX).await.map_err(|_| {
        let message = format!("the body is over {BODY_MAX} bytes, or broke off: give fewer days at once");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
    })?;
    // Large files would keep a worker from its connections.
    let told = Tasks::aside(move || {
        let Reconciling { provider, accounts, files } = accounts::read(&body)?;
        match read(provider, &files) {
            Ok(told) => Ok((told, accounts)),
            Err(error) => {
                let message = error.to_string();
                Err(Refusal::new(StatusCode::BAD_REQUEST, "unreadable_report", message).field("files"))
            }
        }
    });
    let (told, accounts) = told.await?;
    let gateway = &app.gateway;
    let mut ledger = Ledger::new(&told);
    gateway.records().brought(&**gateway.store()).await?;
    let mut query = asked(&told, accounts);
    loop {
        let page = gateway.store().records().page(&query).await?;
        page.records.iter().for_each(|record| ledger.add(record));
        match page.next {
            Some(next) => query.before = Some(next),
            None => break,
        }
    }
    let now = gateway.now();
    let kept = DAY.saturating_mul(gateway.snapshot().stats.retention_days);
    let from = now.checked_sub(kept).unwrap_or(jiff::Timestamp::MIN);
    Ok(Json(compare(&ledger, Kept { now, from })))
}

/// The records of the time that is told of.
fn asked(told: &Told, accounts: Vec<String>) -> RecordQuery {
    let mut query = RecordQuery::newest(PAGE);
    (query.from, query.to) = told.span().map(|span| (span.from, span.to)).unzip();
    match accounts.is_empty() {
        true => {
            let kinds = told.vendor().providers().iter();
            kinds.for_each(|kind| query.filter.also(Dimension::Provider, (*kind).to_owned()));
        }
        false => accounts.into_iter().for_each(|name| query.filter.also(Dimension::Account, name)),
    }
    query
}
