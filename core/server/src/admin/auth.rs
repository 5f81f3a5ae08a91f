//! Who may use the admin API: deny by default.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::answer::Refusal;
use crate::App;
use crate::operations::has_bearer;

/// Lets a request through that carries the admin token.
pub(crate) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    if has_bearer(request.headers(), app.admin_token.expose()) {
        return next.run(request).await;
    }
    let message = "this is the admin API: send the admin token as Authorization: Bearer";
    Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", message).of(request.headers()).into_response()
}

/// A path of the admin API that does not exist; it is only told to those who have the token.
pub(crate) async fn unknown(State(app): State<App>, request: Request) -> Response {
    let refusal = if has_bearer(request.headers(), app.admin_token.expose()) {
        let message = format!(
            "there is no `{}` for {} here: /docs lists what there is",
            request.uri().path(),
            request.method()
        );
        Refusal::new(StatusCode::NOT_FOUND, "not_found", message)
    } else {
        let message = "this is the admin API: send the admin token as Authorization: Bearer";
        Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    };
    refusal.of(request.headers()).into_response()
}
