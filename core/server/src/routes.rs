//! Which handler answers which path.

use axum::Router;
use axum::routing::{any, get, post};
use sluice_api::Api::{Anthropic, OpenaiChat, OpenaiEmbeddings, OpenaiImages, OpenaiResponses};
use sluice_api::Operation::{Compact, CountTokens, Embed, Generate, Images};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clients::{self, body};
use crate::{App, admin, me, models, near, operations};

/// Routes of the client APIs.
pub(crate) fn clients(app: &App) -> Router {
    let claude = claude();
    Router::new()
        .route("/", get(operations::hello))
        .route("/api/hello", get(operations::hello))
        .merge(claude.clone())
        .merge(openai("/v1"))
        .merge(gemini().merge(gemini_v1()))
        .merge(models())
        .merge(key_holder())
        .route("/responses", post(body(OpenaiResponses, Generate)).get(clients::websocket))
        .nest(
            "/api",
            claude
                .clone()
                .merge(key_holder())
                .merge(models())
                .route("/v1/chat/completions", post(body(OpenaiChat, Generate))),
        )
        .nest("/claude", claude.clone().merge(key_holder()).merge(models()))
        .nest("/api/claude", claude.merge(key_holder()).merge(models()))
        .nest(
            "/openai",
            openai("/v1")
                .merge(key_holder())
                .merge(models())
                .route("/responses", post(body(OpenaiResponses, Generate)).get(clients::websocket)),
        )
        .nest("/gemini", gemini().merge(gemini_v1()).merge(key_holder()).merge(models()))
        .nest("/azure/openai", azure())
        .with_state(app.clone())
}

fn claude() -> Router<App> {
    Router::new()
        .route("/v1/messages", post(body(Anthropic, Generate)))
        .route("/v1/messages/count_tokens", post(body(Anthropic, CountTokens)))
}

fn openai(version: &str) -> Router<App> {
    let at = |path: &str| format!("{version}{path}");
    Router::new()
        .route(&at("/chat/completions"), post(body(OpenaiChat, Generate)))
        .route(&at("/responses"), post(body(OpenaiResponses, Generate)).get(clients::websocket))
        .route(&at("/responses/compact"), post(body(OpenaiResponses, Compact)))
        .route(&at("/responses/input_tokens"), post(body(OpenaiResponses, CountTokens)))
        .route(&at("/embeddings"), post(body(OpenaiEmbeddings, Embed)))
        .route(&at("/images/generations"), post(body(OpenaiImages, Images)))
}

/// `/v1/models` in whichever shape the client reads, and Gemini's own list.
fn models() -> Router<App> {
    Router::new()
        .route("/v1/models", get(models::list))
        .route("/v1/models/{model}", get(models::one).post(clients::gemini))
}

fn gemini() -> Router<App> {
    Router::new()
        .route("/v1beta/models", get(models::list_gemini))
        .route("/v1beta/models/{model}", get(models::one_gemini).post(clients::gemini))
        .route("/v1beta/tunedModels/{model}", post(clients::gemini))
}

fn gemini_v1() -> Router<App> {
    Router::new().route("/v1/tunedModels/{model}", post(clients::gemini))
}

fn azure() -> Router<App> {
    Router::new()
        .route("/deployments/{deployment}/chat/completions", post(clients::azure(OpenaiChat, Generate)))
        .route("/deployments/{deployment}/embeddings", post(clients::azure(OpenaiEmbeddings, Embed)))
        .route("/deployments/{deployment}/images/generations", post(clients::azure(OpenaiImages, Images)))
        .route("/responses", post(body(OpenaiResponses, Generate)).get(clients::websocket))
        .route("/models", get(models::list_openai))
        .route("/v1/models", get(models::list_openai))
        .route("/v1/chat/completions", post(body(OpenaiChat, Generate)))
        .route("/v1/responses", post(body(OpenaiResponses, Generate)).get(clients::websocket))
        .route("/v1/embeddings", post(body(OpenaiEmbeddings, Embed)))
        .route("/v1/images/generations", post(body(OpenaiImages, Images)))
}

fn key_holder() -> Router<App> {
    Router::new().route("/v1/me", get(me::me)).route("/v1/key-info", get(me::me))
}

/// Routes of the operators: the admin API, and what a machine asks of a process.
pub(crate) fn operators(app: &App, docs: Router) -> Router {
    let (admin, _) = admin_router().split_for_parts();
    let guarded = admin.route_layer(axum::middleware::from_fn_with_state(app.clone(), admin::auth::guard));
    let (open, _) = open_router().split_for_parts();
    Router::new()
        .merge(guarded)
        .merge(open)
        .route("/admin", any(admin::auth::unknown))
        .route("/admin/{*rest}", any(admin::auth::unknown))
        .with_state(app.clone())
        .merge(docs)
}

/// What holds for every route: paths and methods that do not exist, and panics.
pub(crate) fn finish(router: Router, app: &App) -> Router {
    router
        .fallback_service(axum::routing::any(near::unknown).with_state(app.clone()))
        .method_not_allowed_fallback(near::method_not_allowed)
}

fn admin_router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(admin::keys::list, admin::keys::create))
        .routes(routes!(admin::keys::show, admin::keys::change, admin::keys::delete))
        .routes(routes!(admin::keys::rotate))
        .routes(routes!(admin::accounts::list))
        .routes(routes!(admin::accounts::show))
        .routes(routes!(admin::requests::list))
        .routes(routes!(admin::system::plugins))
        .routes(routes!(admin::system::config))
        .routes(routes!(admin::system::reload))
}

fn open_router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(operations::healthz))
        .routes(routes!(operations::readyz))
        .routes(routes!(operations::metrics))
}

#[derive(OpenApi)]
#[openapi(paths(me::me))]
struct KeyHolder;

/// The routes of operators and key holders, as an OpenAPI document.
#[must_use]
pub fn admin_openapi() -> utoipa::openapi::OpenApi {
    let (_, mut document) = admin_router().merge(open_router()).split_for_parts();
    document.merge(KeyHolder::openapi());
    document
}
