//! The gateway itself: what is linked in, the configuration in force, and reading it again.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sluice_config::settings::plugins;
use sluice_control::Loss;
use utoipa::{IntoParams, ToSchema};

use super::envelope::{List, Refusal, Refused};
use crate::App;

/// A plugin that is linked in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginView {
    /// Which trait it implements: provider, scheduler, limiter, cost model or store.
    role: &'static str,
    /// The name that configuration selects it by.
    kind: &'static str,
    /// What it is.
    summary: &'static str,
    /// The crate and version it comes from.
    origin: String,
    /// JSON Schema of its settings.
    #[schema(value_type = Object)]
    settings: Value,
}

/// What is linked in, with a JSON Schema of each one's settings.
#[utoipa::path(get, path = "/admin/v1/plugins", tag = "Admin", security(("admin_token" = [])),
    responses((status = 200, body = List<PluginView>), (status = 401, body = Refused)))]
pub(crate) async fn plugins() -> Json<List<PluginView>> {
    let view = |linked: plugins::Linked| PluginView {
        role: linked.role,
        kind: linked.kind,
        summary: linked.summary,
        settings: linked.json_schema(),
        origin: linked.origin,
    };
    Json(List::whole(plugins::linked().into_iter().map(view).collect()))
}

/// The configuration in force, secrets masked, with where each value came from.
#[utoipa::path(get, path = "/admin/v1/config", tag = "Admin", security(("admin_token" = [])),
    responses((status = 200, description = "The configuration", body = Object), (status = 401, body = Refused)))]
pub(crate) async fn config(State(app): State<App>) -> Json<Value> {
    Json((*app.control.described()).clone())
}

/// What a reload did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reloaded {
    /// Always true: a refused reload is an error.
    reloaded: bool,
}

/// How to reload.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HowToReload {
    /// Take it into force also where it leaves no account, or no key, of those that there were.
    #[serde(default)]
    #[param(default = false)]
    force: bool,
}

/// Reads the configuration again and takes it into force: all of it, or nothing.
///
/// A file that was read before and is gone or empty now is refused, and so is what leaves no account or no key where
/// there were some, unless it is forced.
#[utoipa::path(post, path = "/admin/v1/reload", tag = "Admin", security(("admin_token" = [])),
    params(HowToReload),
    responses((status = 200, body = Reloaded), (status = 400, description = "A parameter is wrong", body = Refused), (status = 401, body = Refused), (status = 422, description = "It has problems; the configuration in force stays", body = Refused)))]
pub(crate) async fn reload(
    State(app): State<App>,
    how: Result<Query<HowToReload>, QueryRejection>,
) -> Result<Json<Reloaded>, Refusal> {
    let Query(how) = how.map_err(|rejection| {
        Refusal::new(StatusCode::BAD_REQUEST, "invalid_argument", rejection.body_text())
    })?;
    let loss = if how.force { Loss::Meant } else { Loss::Refused };
    app.control.reload(loss).await.map_err(Refusal::problems)?;
    Ok(Json(Reloaded { reloaded: true }))
}
