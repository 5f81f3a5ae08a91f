//! One line for each action of an operator, at the target `audit`: who, from where, what, and what is changed by it.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use serde::Serialize;
use sluice_config::address::ClientAddress;

/// Routes that take a body and change nothing.
const QUESTIONS: [&str; 3] = ["/admin/v1/explain", "/admin/v1/reconcile", "/admin/v1/reprice"];

/// Whether a request may change something.
pub(super) fn acts(request: &Request) -> bool {
    !request.method().is_safe() && !QUESTIONS.contains(&request.uri().path())
}

/// What somebody has shown to be an operator.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    /// The admin token.
    Token,
    /// A session that began with it.
    Session,
}

/// What an action changed, each as the admin API shows it, so that no secret is in it. A handler adds it to its answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changed {
    before: Option<String>,
    after: Option<String>,
}

impl Changed {
    /// There was none before.
    pub(crate) fn to(after: &impl Serialize) -> Self {
        Self::default().and(after)
    }

    /// What there was before.
    pub(crate) fn from(before: &impl Serialize) -> Self {
        Self { before: serde_json::to_string(before).ok(), after: None }
    }

    /// What there is now.
    pub(crate) fn and(self, after: &impl Serialize) -> Self {
        Self { after: serde_json::to_string(after).ok(), ..self }
    }
}

/// Writes the line once the action has ended, also where it was refused; whoever only looks leaves none.
pub(crate) async fn tell(request: Request, next: Next) -> Response {
    if !acts(&request) {
        return next.run(request).await;
    }
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let client = request.extensions().get::<ClientAddress>().map(|client| client.0);
    let request_id = sluice_line::inbound::request_id(request.headers());
    let by = match request.extensions().get() {
        Some(By::Session) => "a session of the admin token",
        Some(By::Token) | None => "the admin token",
    };
    let mut answer = next.run(request).await;
    let changed = answer.extensions_mut().remove::<Changed>().unwrap_or_default();
    tracing::info!(
        target: "audit",
        %request_id,
        by,
        client = client.map(display),
        %method,
        path = uri.path(),
        query = uri.query(),
        status = answer.status().as_u16(),
        before = changed.before,
        after = changed.after,
        "an operator acted"
    );
    answer
}
