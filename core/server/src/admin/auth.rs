//! Who may use the admin API: deny by default, whatever the path and the method.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use sluice_config::address::ClientAddress;
use sluice_ledger::{Realm, RefusedCredentials};

use super::audit::By;
use super::envelope::{Refusal, finish};
use crate::App;
use crate::operations::has_bearer;
use crate::signin::{self, Operator};

/// Lets a request through that carries the admin token, or has the session of who had it, and finishes its answer.
///
/// Around every path below `/admin`, also those that do not exist and methods that a route does not take: without the
/// token nobody learns which there are.
pub(crate) async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let request_id = sluice_line::inbound::request_id(request.headers());
    let by_token = has_bearer(request.headers(), app.admin_token.expose());
    let session = if by_token { Operator::Nobody } else { signin::operator(&app, request.headers()) };
    let answer = if by_token || matches!(session, Operator::Signed) {
        request.extensions_mut().insert(if by_token { By::Token } else { By::Session });
        next.run(request).await
    } else if matches!(session, Operator::NotOurs) {
        signin::not_ours().into_response()
    } else {
        let asked = request.uri().path();
        let client = request.extensions().get::<ClientAddress>().map(|client| client.0);
        let refused = RefusedCredentials { realm: Realm::Admin, request_id: &request_id, asked, client };
        app.gateway.records().refused(&refused);
        let message = "this is the admin API: send the admin token as Authorization: Bearer";
        Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", message).into_response()
    };
    finish(answer, &request_id)
}

/// A path of the admin API that does not exist.
pub(crate) async fn unknown(request: Request) -> Refusal {
    let message = format!("there is no `{}` here: /docs lists what there is", request.uri().path());
    Refusal::new(StatusCode::NOT_FOUND, "not_found", message)
}

/// The path exists, but not for this method.
pub(crate) async fn wrong_method(State(app): State<App>, request: Request) -> Refusal {
    let (path, method) = (request.uri().path(), request.method());
    let allow = app.operators.methods(path).unwrap_or_default();
    let message = format!("`{path}` does not take {method}: it takes {allow}");
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message).allow(allow)
}
