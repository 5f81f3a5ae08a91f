//! Which handler answers which path.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::map_response;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, any, get, post};
use sluice_api::plugin::pages::Listener;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::catalogue::{Asks, CLIENT_ROUTES, ClientDoc};
use crate::methods::OperatorRoutes;
use crate::{App, admin, clients, me, models, near, operations, pages, signin};

/// The routes of a listener.
#[derive(Clone)]
pub(crate) struct Routes {
    pub(crate) router: Router,
    /// What calls of the client APIs are served with, where the listener takes them.
    pub(crate) app: Option<App>,
}

/// Routes of the client APIs: those of [`CLIENT_ROUTES`], and no others.
///
/// Each stands with its whole path: nested routers would rewrite the URI of every request below a prefix.
pub(crate) fn clients(app: &App, listener: Listener) -> Router {
    routes_of(app, listener, |_| true).merge(sessions(app, listener))
}

/// Those of a key's holder, for the operators' own listener, which has the holder's page too.
pub(crate) fn holders(app: &App) -> Router {
    let own =
        |route: &ClientDoc| matches!(route.asks, Asks::Key | Asks::Usage | Asks::Requests | Asks::Models);
    routes_of(app, Listener::Operators, own).merge(sessions(app, Listener::Operators))
}

/// Signing in: of operators where their routes are.
fn sessions(app: &App, listener: Listener) -> Router {
    let session = || get(signin::show).post(signin::begin).delete(signin::end);
    let mut router = Router::new().route("/session/holder", session());
    if listener == Listener::Operators {
        router = router.route("/session/operator", session());
    }
    let router =
        router.layer(from_fn_with_state(app.clone(), signin::around)).layer(map_response(pages::guard));
    router.with_state(app.clone())
}

fn routes_of(app: &App, listener: Listener, wanted: impl Fn(&ClientDoc) -> bool) -> Router {
    let mut paths: BTreeMap<String, BTreeMap<&str, &ClientDoc>> = BTreeMap::new();
    for route in CLIENT_ROUTES.iter().filter(|route| wanted(route)) {
        // The verbs after a model share a route of the router, whose parameters are whole segments; its name may have
        // slashes.
        let path = route.path.split_once(':').map_or(route.path, |(path, _)| path);
        let path = path.replace("{model}", "{*model}");
        paths.entry(path).or_default().insert(route.method, route);
    }
    let mut router = Router::new();
    for (path, methods) in paths {
        let handlers = methods.values().map(|route| handler(route, listener));
        router = router.route(&path, handlers.fold(MethodRouter::new(), MethodRouter::merge));
    }
    router.with_state(app.clone())
}

fn handler(route: &'static ClientDoc, listener: Listener) -> MethodRouter<App> {
    match (route.asks, route.api) {
        (Asks::Call(_), _) if route.names_verb() => post(clients::gemini),
        (Asks::Call(operation), Some(api)) if route.path.contains("{deployment}") => {
            post(clients::azure(api, operation))
        }
        (Asks::Call(operation), Some(api)) => post(clients::body(api, operation)),
        (Asks::Models, api) => get(models::list(api.map(Into::into))).layer(from_fn(signin::unkept)),
        (Asks::Model, api) => get(models::one(api.map(Into::into))),
        (Asks::Key, _) => get(me::me).layer(from_fn(signin::unkept)),
        (Asks::Usage, _) => get(admin::usage::of_key).layer(from_fn(signin::unkept)),
        (Asks::Requests, _) => get(admin::requests::of_key).layer(from_fn(signin::unkept)),
        (Asks::WebSocket, _) => get(clients::websocket),
        (Asks::Hello, _) => {
            let front = move |State(app): State<App>, request: Request| pages::front(app, listener, request);
            get(front).layer(map_response(pages::guard))
        }
        // An operation is asked through an API: see `every_route_has_a_handler`.
        (Asks::Call(_), None) => MethodRouter::new(),
    }
}

/// Whether the process is alive and ready: on every listener, so that what probes the clients' one finds it there.
pub(crate) fn probes(app: &App) -> Router {
    let (probes, _) = probes_router().split_for_parts();
    probes.layer(map_response(pages::guard)).with_state(app.clone())
}

/// Routes of the operators: the admin API, metrics, and the document.
pub(crate) fn operators(app: &App, docs: Router) -> Router {
    let (admin, _) = admin_router().split_for_parts();
    let admin = admin
        .route("/admin", any(admin::auth::unknown))
        .route("/admin/{*rest}", any(admin::auth::unknown))
        // Before the layer: the guard stands around wrong methods too.
        .method_not_allowed_fallback(admin::auth::wrong_method)
        .layer(from_fn(admin::audit::tell))
        .layer(from_fn_with_state(app.clone(), admin::whole::whole))
        .layer(from_fn_with_state(app.clone(), admin::auth::guard))
        .layer(from_fn(signin::unkept));
    let (metrics, _) = metrics_router().split_for_parts();
    let operators = admin.merge(metrics).with_state(app.clone()).merge(docs);
    operators.layer(map_response(pages::guard))
}

/// What holds for every route: pages, and paths and methods that do not exist.
pub(crate) fn finish(router: Router, app: &App, listener: Listener) -> Router {
    let other = move |State(app): State<App>, request: Request| async move {
        match pages::found(&app, listener, &request) {
            Some(page) => pages::guard(page).await,
            None => near::unknown(State(app), request).await,
        }
    };
    let router = router.fallback_service(any(other).with_state(app.clone()));
    let app = app.clone();
    router.method_not_allowed_fallback(move |request| near::wrong_method(app.clone(), request))
}

fn admin_router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(admin::keys::list, admin::keys::create))
        .routes(routes!(admin::keys::show, admin::keys::change, admin::keys::delete))
        .routes(routes!(admin::keys::rotate))
        .routes(routes!(admin::groups::list, admin::groups::create))
        .routes(routes!(admin::groups::show, admin::groups::change, admin::groups::delete))
        .routes(routes!(admin::accounts::list))
        .routes(routes!(admin::accounts::show, admin::accounts::change))
        .routes(routes!(admin::accounts::recover))
        .routes(routes!(admin::accounts::test))
        .routes(routes!(admin::accounts::explain))
        .routes(routes!(admin::requests::list))
        .routes(routes!(admin::requests::show))
        .routes(routes!(admin::live::live))
        .routes(routes!(admin::concurrency::concurrency))
        .routes(routes!(admin::limits::limits))
        .routes(routes!(admin::export::export))
        .routes(routes!(admin::usage::usage))
        .routes(routes!(admin::reprice::reprice))
        .routes(routes!(admin::reconcile::reconcile))
        .routes(routes!(admin::prices::prices))
        .routes(routes!(admin::system::plugins))
        .routes(routes!(admin::system::config))
        .routes(routes!(admin::system::reload))
}

fn probes_router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(operations::healthz)).routes(routes!(operations::readyz))
}

fn metrics_router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(operations::metrics))
}

/// Which methods the routes of the operators take, from the declarations that their document is made of.
pub(crate) fn operator_routes() -> OperatorRoutes {
    let (_, document) = operator_routers().split_for_parts();
    OperatorRoutes::of(document)
}

fn operator_routers() -> OpenApiRouter<App> {
    admin_router().merge(probes_router()).merge(metrics_router())
}

#[derive(OpenApi)]
#[openapi(paths(
    me::me,
    admin::usage::of_key,
    admin::requests::of_key,
    signin::begin,
    signin::show,
    signin::end
))]
struct KeyHolder;

/// The routes of operators and key holders, as an OpenAPI document.
#[must_use]
pub fn admin_openapi() -> utoipa::openapi::OpenApi {
    let (_, mut document) = operator_routers().split_for_parts();
    document.merge(KeyHolder::openapi());
    document
}

#[cfg(test)]
mod tests {
    use super::operator_routes;
    use crate::catalogue::{Asks, CLIENT_ROUTES};

    #[test]
    fn every_route_has_a_handler() {
        for route in CLIENT_ROUTES {
            assert!(!matches!((route.asks, route.api), (Asks::Call(_), None)), "{}", route.path);
            assert!(matches!(route.method, "GET" | "POST"), "{}", route.path);
        }
    }

    #[test]
    fn the_methods_of_the_operators_routes_are_known() {
        let routes = operator_routes();
        for (path, methods) in [
            ("/admin/v1/keys", Some("GET, HEAD, POST")),
            ("/admin/v1/keys/x", Some("GET, HEAD, PATCH, DELETE")),
            ("/admin/v1/keys/x/rotate", Some("POST")),
            ("/admin/v1/groups", Some("GET, HEAD, POST")),
            ("/admin/v1/groups/x", Some("GET, HEAD, PATCH, DELETE")),
            ("/healthz", Some("GET, HEAD")),
            ("/metrics", Some("GET, HEAD")),
            ("/nowhere", None),
        ] {
            assert_eq!(routes.methods(path), methods, "{path}");
        }
    }
}
