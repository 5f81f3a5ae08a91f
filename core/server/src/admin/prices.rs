//! What the price list in force has for a model.

use axum::Json;
use axum::extract::State;
use http::{StatusCode, Uri};
use jiff::Timestamp;
use sluice_api::cost::ListedAsk;
use sluice_api::cost::tariff::listed::ListedModel;

use super::envelope::{List, Refusal, Refused};
use super::query::pairs;
use super::requests::wrong;
use crate::App;

/// Entries on a page, unless asked otherwise, and at most.
const PAGE: (usize, usize) = (100, 1000);

/// What is asked for.
struct Asked {
    model: Option<String>,
    provider: String,
    time: Timestamp,
    limit: usize,
    /// The name after which the page starts.
    cursor: String,
}

/// What models cost by the list in force, rate by rate.
///
/// Of one model: the entry that it is priced by, and how that was found. Without one: all entries of the list, by name.
/// Prices are US dollars, as decimals: for a million tokens, or for one of what is billed by the call. A rate that the list
/// does not have itself says by which rule it is billed; a class or tier that is not there has no price, or is billed as
/// the standard tier.
#[utoipa::path(get, path = "/admin/v1/prices", tag = "Admin", security(("admin_token" = [])),
    params(
        ("model" = Option<String>, Query, description = "The model, as upstream is asked for it", example = "claude-haiku-5-5"),
        ("provider" = Option<String>, Query, description = "The kind of the provider that serves it: some have prices of their own", example = "claude-console"),
        ("at" = Option<String>, Query, format = DateTime, description = "RFC 3339: the time of the request; default now"),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 1000, description = "Entries on a page; default 100"),
        ("cursor" = Option<String>, Query, description = "Where the page starts: `next_cursor` of the one before"),
    ),
    responses((status = 200, body = List<ListedModel>), (status = 400, body = Refused), (status = 401, body = Refused),
        (status = 404, description = "The list has no price for the model", body = Refused)))]
pub(crate) async fn prices(State(app): State<App>, uri: Uri) -> Result<Json<List<ListedModel>>, Refusal> {
    let asked = asked(pairs(&uri), app.gateway.now())?;
    let cost = &app.gateway.snapshot().cost;
    let listed = |model: &str| cost.listed(&ListedAsk::new(&asked.provider, model, asked.time));
    if let Some(model) = &asked.model {
        let Some(found) = listed(model) else {
            let message = format!("the list has no price for `{model}`: what it costs is not known");
            return Err(Refusal::new(StatusCode::NOT_FOUND, "not_found", message).field("model"));
        };
        return Ok(Json(List::whole(vec![found])));
    }
    let mut names = cost.entries();
    names.retain(|name| *name > asked.cursor);
    names.sort_unstable();
    let next_cursor = names.get(asked.limit).and(names.get(asked.limit - 1)).cloned();
    let data = names.iter().take(asked.limit).filter_map(|name| listed(name)).collect();
    Ok(Json(List { data, next_cursor }))
}

fn asked(parameters: Vec<(String, String)>, now: Timestamp) -> Result<Asked, Refusal> {
    let mut asked =
        Asked { model: None, provider: String::new(), time: now, limit: PAGE.0, cursor: String::new() };
    for (name, value) in parameters {
        match name.as_str() {
            "model" if value.is_empty() => {
                return Err(wrong("model", "`model` is empty: name one, or leave it out"));
            }
            "model" => asked.model = Some(value),
            "provider" => asked.provider = value,
            "at" => {
                let wanted = "`at` is a time like 2026-12-01T00:00:00Z (RFC 3339)";
                asked.time = value.parse().map_err(|_| wrong("at", wanted))?;
            }
            "limit" => {
                let limit = value.parse().ok().filter(|number| (1..=PAGE.1).contains(number));
                let wanted = || wrong("limit", format!("`limit` is a number from 1 to {}", PAGE.1));
                asked.limit = limit.ok_or_else(wanted)?;
            }
            "cursor" => asked.cursor = value,
            other => {
                let message = format!(
                    "there is no parameter `{other}`: there are model, provider, at, limit and cursor"
                );
                return Err(wrong(other, message));
            }
        }
    }
    Ok(asked)
}
