//! One request answered: by its handler, or with a 500 where that panicked; with the request's id in any case.

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use futures_util::FutureExt as _;
use http::header::ALLOW;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri};
use sluice_api::error::{Error, Kind};
use sluice_wire::refusal::render::Style;
use tower::{BoxError, Service as _};

use crate::admin::{self, envelope::Refusal};
use crate::clients;
use crate::near::{ANTHROPIC, refuse_with, style_of};
use crate::routes::Routes;

/// Header that carries the request's id, on every answer.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers a request.
///
/// The client routes put the id on by themselves, so for them this costs a look; all else gets it here.
pub(crate) async fn answer<B>(routes: &Routes, request: Request<B>) -> Result<Response, Infallible>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let asked = Asked::of(&request);
    let call = routes.app.as_ref().and_then(|app| Some((app, clients::call(&request)?)));
    let handled = async {
        match call {
            // Straight to the line: the router would put parameters, a service and boxes between.
            Some((app, route)) => {
                Ok(Box::pin(clients::serve(Arc::clone(app), request.map(Body::new), route)).await)
            }
            None => routes.router.clone().call(request).await,
        }
    };
    let mut response = match AssertUnwindSafe(handled).catch_unwind().await {
        Ok(response) => response?,
        Err(panic) => asked.panicked(&*panic),
    };
    if response.status() == StatusCode::UNAUTHORIZED {
        // axum adds a route's methods to whatever a wrong one is answered with, also to a guard's refusal.
        response.headers_mut().remove(ALLOW);
    }
    if !response.headers().contains_key(&REQUEST_ID) {
        let claude = asked.style() == Style::Anthropic;
        sluice_line::refused::identify(response.headers_mut(), claude, &asked.request_id());
    }
    Ok(response)
}

/// A refusal before there is any handler, as errors look on the request's path.
pub(crate) fn refuse<B>(request: Request<B>, error: &Error) -> Response {
    Asked::of(&request).refuse(error)
}

/// What is kept of a request for an answer that no handler gives: reference counts, no copies.
struct Asked {
    uri: Uri,
    own_id: Option<HeaderValue>,
    anthropic: bool,
}

impl Asked {
    fn of<B>(request: &Request<B>) -> Self {
        Self {
            uri: request.uri().clone(),
            own_id: request.headers().get(&REQUEST_ID).cloned(),
            anthropic: request.headers().contains_key(&ANTHROPIC),
        }
    }

    fn style(&self) -> Style {
        style_of(self.uri.path(), self.anthropic)
    }

    fn request_id(&self) -> Arc<str> {
        let mut headers = HeaderMap::new();
        headers.extend(self.own_id.clone().map(|id| (REQUEST_ID, id)));
        sluice_line::inbound::request_id(&headers)
    }

    fn refuse(&self, error: &Error) -> Response {
        let response = refuse_with(self.style(), error, &self.request_id());
        if !admin::is_of(self.uri.path()) {
            return response;
        }
        let facts = error.facts();
        let code = if facts.kind == Kind::Forbidden { "forbidden" } else { "invalid_argument" };
        Refusal::new(response.status(), code, facts.message.clone()).render(&self.request_id())
    }

    /// The settlement has recorded the request while the panic went by; what is left is to tell the client, and why.
    fn panicked(&self, panic: &(dyn Any + Send)) -> Response {
        let why = panic.downcast_ref::<&str>().copied();
        let why =
            why.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it gave no reason");
        let (path, request_id) = (self.uri.path(), self.request_id());
        tracing::error!(%request_id, path, why, "a handler panicked");
        let message = "the gateway has a defect that this request met; tell its operator the request id";
        if admin::is_of(path) {
            return Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message).render(&request_id);
        }
        refuse_with(self.style(), &Error::new(Kind::Internal, message), &request_id)
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::routing::any;
    use http::Request;
    use serde_json::Value;

    use super::answer;
    use crate::routes::Routes;

    async fn ask(router: &Router, path: &str, id: Option<&str>) -> (u16, Option<String>, Value) {
        let mut request = Request::builder().uri(path);
        if let Some(id) = id {
            request = request.header("x-request-id", id);
        }
        let routes = Routes { router: router.clone(), app: None };
        let Ok(response) = answer(&routes, request.body(Body::empty()).unwrap()).await;
        let id = response.headers().get("x-request-id").map(|id| id.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, id, serde_json::from_slice(&body).unwrap_or_default())
    }

    #[tokio::test]
    async fn a_panic_is_a_500_in_the_clients_dialect_with_the_requests_id() {
        let panics = any(|| async { panic!("as it is meant to") as String });
        let router = Router::new().fallback(panics);
        for (path, id, status) in [
            ("/v1/messages", "/request_id", ("/error/type", Value::from("api_error"))),
            ("/v1/chat/completions", "/error/request_id", ("/error/code", "internal_error".into())),
            (
                "/v1beta/models/m:generateContent",
                "/error/details/0/requestId",
                ("/error/status", "INTERNAL".into()),
            ),
            (
                "/v1/models/m:generateContent",
                "/error/details/0/requestId",
                ("/error/status", "INTERNAL".into()),
            ),
            ("/admin/v1/keys", "/error/request_id", ("/error/code", "internal".into())),
        ] {
            let (code, sent, body) = ask(&router, path, Some("mine-1")).await;
            assert_eq!((code, sent.as_deref()), (500, Some("mine-1")), "{path}");
            assert_eq!(body.pointer(id), Some(&Value::from("mine-1")), "{path}: {body}");
            assert_eq!(body.pointer(status.0), Some(&status.1), "{path}: {body}");
        }
    }

    #[tokio::test]
    async fn every_answer_carries_the_id_the_clients_own_where_it_is_plain() {
        let router = Router::new().route("/", any(|| async { "" }));
        for path in ["/", "/nowhere"] {
            assert_eq!(ask(&router, path, Some("mine-1")).await.1.as_deref(), Some("mine-1"));
            for id in [None, Some("not plain")] {
                assert!(ask(&router, path, id).await.1.unwrap().starts_with("req_"));
            }
        }
    }
}
