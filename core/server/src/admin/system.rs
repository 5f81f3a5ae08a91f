//! The gateway itself: what is linked in, the configuration in force, and reading it again.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use sluice_engine::plugins;
use utoipa::ToSchema;

use super::answer::{List, Refusal, Refused};
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
    Json((*app.gateway.described()).clone())
}

/// What a reload did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reloaded {
    /// Always true: a refused reload is an error.
    reloaded: bool,
}

/// Reads the configuration again and takes it into force: all of it, or nothing.
#[utoipa::path(post, path = "/admin/v1/reload", tag = "Admin", security(("admin_token" = [])),
    responses((status = 200, body = Reloaded), (status = 401, body = Refused), (status = 422, description = "It has problems; the configuration in force stays", body = Refused)))]
pub(crate) async fn reload(State(app): State<App>) -> Result<Json<Reloaded>, Refusal> {
    app.gateway.reload().await.map_err(Refusal::problems)?;
    tracing::info!("the configuration was reloaded");
    Ok(Json(Reloaded { reloaded: true }))
}
