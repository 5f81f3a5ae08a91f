//! Signing in from a page: a secret is sent once, and a cookie stands for it that no script can read.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::header::{COOKIE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_api::error::{Error, Kind};
use sluice_api::settings::Secret;
use sluice_config::address::ClientAddress;
use sluice_config::key::{Key, KeyHash, new_secret};
use sluice_ledger::{Realm, RefusedCredentials};
use sluice_line::inbound::{Asking, request_id};
use sluice_signin::cookie::{NOT_OURS, UNKEPT, is_ours, is_secure, sent, set};
use sluice_signin::sessions::Role;
use subtle::ConstantTimeEq as _;
use utoipa::ToSchema;

use crate::App;
use crate::admin::envelope::{Refusal, Refused, finish};

/// What is signed in with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// The admin token, or a key of this gateway.
    #[schema(value_type = String)]
    secret: Secret,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedIn {
    /// The name of the key; null of an operator's.
    name: Option<String>,
    /// When it ends, unless it is ended before.
    #[schema(value_type = String, format = DateTime)]
    ends: Timestamp,
}

/// Begins a session: sets a cookie that stands for the secret, for 12 hours.
///
/// Requests with the cookie must carry `x-sluice-console: 1`, this one too. Programs need none of it: they send the
/// secret itself. There are sessions only where the gateway has pages. After several failures in a row an address waits,
/// half a minute at most.
#[utoipa::path(post, path = "/session/{who}", tag = "Sessions",
    params(("who" = String, Path, description = "`operator`, with the admin token, or `holder`, with a key", example = "operator")),
    request_body = SignIn,
    responses((status = 200, description = "It has begun", body = SignedIn), (status = 401, description = "The secret is none of this gateway's", body = Refused),
        (status = 403, description = "It is no page of ours that asks", body = Refused), (status = 404, description = "The gateway has no pages", body = Refused),
        (status = 429, description = "Too many failures in a row", body = Refused)))]
pub(crate) async fn begin(
    State(app): State<App>,
    client: Option<Extension<ClientAddress>>,
    (uri, headers): (Uri, HeaderMap),
    body: Result<Json<SignIn>, JsonRejection>,
) -> Result<Response, Refusal> {
    if !is_ours(&headers) {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "forbidden", NOT_OURS));
    }
    let (now, role) = (app.gateway.now(), Role::of(&uri));
    let address = client.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Extension(client)| client.0);
    if let Some(wait) = app.sessions.wait(role, address, now) {
        return Err(too_often(wait.as_secs() + 1));
    }
    let secret = body?.0.secret;
    let Some((hash, name)) = whose(&app, role, secret.expose().trim(), now) else {
        app.sessions.failed(role, address, now);
        let realm = if role == Role::Operator { Realm::Admin } else { Realm::Client };
        let request_id = &request_id(&headers);
        let refused = RefusedCredentials { realm, request_id, asked: uri.path(), client: Some(address) };
        app.gateway.records().refused(&refused);
        return Err(unknown(role));
    };
    app.sessions.succeeded(role, address);
    let secret = new_secret().map_err(|_| {
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the system has no randomness to give")
    })?;
    // As random as a key, and not to be taken for one.
    let cookie = secret.rsplit('-').next().unwrap_or_default();
    let secure = is_secure(&headers, tls(&app));
    // The browser forgets the cookie that it came with: nobody shall go on with that one.
    if let Some(before) = sent(&headers, role, secure) {
        app.sessions.end(before);
    }
    let ends = app.sessions.begin(cookie, role, hash, now);
    tracing::info!(target: "audit", role = ?role, key = name.as_deref(), client = %address, "somebody signed in");
    let mut answer = Json(SignedIn { name: name.map(|name| name.to_string()), ends }).into_response();
    answer.headers_mut().extend(set(role, cookie, secure));
    Ok(answer)
}

/// The session that the request's cookie stands for.
#[utoipa::path(get, path = "/session/{who}", tag = "Sessions",
    params(("who" = String, Path, description = "`operator` or `holder`", example = "operator")),
    responses((status = 200, description = "It is there", body = SignedIn), (status = 401, description = "There is none, or it has ended", body = Refused), (status = 403, description = "It is no page of ours that asks", body = Refused), (status = 404, description = "The gateway has no pages", body = Refused)))]
pub(crate) async fn show(
    State(app): State<App>,
    (uri, headers): (Uri, HeaderMap),
) -> Result<Json<SignedIn>, Refusal> {
    let role = Role::of(&uri);
    let found = session(&app, &headers, role).ok_or_else(|| {
        Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", "nobody is signed in here, or no longer")
    })?;
    if !is_ours(&headers) {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "forbidden", NOT_OURS));
    }
    Ok(Json(SignedIn { name: found.key.map(|key| key.name.to_string()), ends: found.ends }))
}

/// Ends the session that the request's cookie stands for, and takes the cookie away.
#[utoipa::path(delete, path = "/session/{who}", tag = "Sessions",
    params(("who" = String, Path, description = "`operator` or `holder`", example = "operator")),
    responses((status = 204, description = "There is none any longer"), (status = 403, description = "It is no page of ours that asks", body = Refused)))]
pub(crate) async fn end(
    State(app): State<App>,
    (uri, headers): (Uri, HeaderMap),
) -> Result<Response, Refusal> {
    if !is_ours(&headers) {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "forbidden", NOT_OURS));
    }
    let (role, secure) = (Role::of(&uri), is_secure(&headers, tls(&app)));
    if let Some(cookie) = sent(&headers, role, secure) {
        app.sessions.end(cookie);
    }
    let mut answer = StatusCode::NO_CONTENT.into_response();
    answer.headers_mut().extend(set(role, "", secure));
    Ok(answer)
}

/// Around the routes of sessions: none begins without pages, but each may end; and what is refused looks as the admin
/// API's does.
pub(crate) async fn around(State(app): State<App>, request: Request, next: Next) -> Response {
    let request_id = request_id(request.headers());
    let answer = if has_pages(&app) || request.method() == Method::DELETE {
        next.run(request).await
    } else {
        let message = "there are no sessions here: they are for pages, and this gateway has none that are on";
        Refusal::new(StatusCode::NOT_FOUND, "not_found", message).into_response()
    };
    let mut answer = finish(answer, &request_id);
    answer.headers_mut().extend([UNKEPT]);
    answer
}

/// Around routes that a session may use: what it was told stays in no cache, where the next one would find it.
pub(crate) async fn unkept(request: Request, next: Next) -> Response {
    let by_cookie = is_ours(request.headers()) && request.headers().contains_key(COOKIE);
    let mut answer = next.run(request).await;
    if by_cookie {
        answer.headers_mut().extend([UNKEPT]);
    }
    answer
}

fn has_pages(app: &App) -> bool {
    app.gateway.snapshot().pages.iter().any(|pages| pages.is_on())
}

/// A session that is in force.
pub(crate) struct Found {
    /// Whose it is, of a holder's.
    pub(crate) key: Option<Arc<Key>>,
    ends: Timestamp,
}

/// The session of a request: of a token and a key that are still what they were when it began. It ends where pages are
/// switched off.
pub(crate) fn session(app: &App, headers: &HeaderMap, role: Role) -> Option<Found> {
    let now = app.gateway.now();
    let cookie = sent(headers, role, is_secure(headers, tls(app)))?;
    if !has_pages(app) {
        app.sessions.end(cookie);
        return None;
    }
    let (hash, ends) = app.sessions.find(cookie, role, now)?;
    let key = match role {
        Role::Operator => (hash == KeyHash::of(app.admin_token.expose().as_bytes())).then_some(None)?,
        Role::Holder => Some(in_force(app.gateway.snapshot().keys.by_hash(&hash)?, now)?),
    };
    Some(Found { key, ends })
}

/// The key of a request of its holder: what is sent of keys first, then the session.
///
/// # Errors
///
/// 401 where there is neither; 403 where the session's cookie comes from no page of ours.
pub(crate) fn holder(app: &App, headers: &HeaderMap, asking: &Asking<'_>) -> Result<Arc<Key>, Error> {
    let refused = match asking.authenticate(&app.gateway.snapshot(), app.gateway.now()) {
        Ok(key) => return Ok(key),
        Err(error) => error,
    };
    match session(app, headers, Role::Holder).and_then(|found| found.key) {
        Some(key) if is_ours(headers) => Ok(key),
        Some(_) => Err(Error::new(Kind::Forbidden, NOT_OURS)),
        None => Err(refused),
    }
}

/// Whether a request of the admin API has a session, and may use it.
pub(crate) enum Operator {
    /// It may.
    Signed,
    /// The cookie came from no page of ours.
    NotOurs,
    /// There is no session.
    Nobody,
}

/// Whether a request of the admin API has a session.
pub(crate) fn operator(app: &App, headers: &HeaderMap) -> Operator {
    match session(app, headers, Role::Operator) {
        Some(_) if is_ours(headers) => Operator::Signed,
        Some(_) => Operator::NotOurs,
        None => Operator::Nobody,
    }
}

/// The refusal of a cookie that comes from no page of ours.
pub(crate) fn not_ours() -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, "forbidden", NOT_OURS)
}

/// What a secret is, if it is one of ours: its hash, and a key's name.
fn whose(app: &App, role: Role, secret: &str, now: Timestamp) -> Option<(KeyHash, Option<Arc<str>>)> {
    let hash = KeyHash::of(secret.as_bytes());
    match role {
        Role::Operator => {
            bool::from(secret.as_bytes().ct_eq(app.admin_token.expose().as_bytes())).then_some((hash, None))
        }
        Role::Holder => {
            let key = in_force(app.gateway.snapshot().keys.by_hash(&hash)?, now)?;
            Some((hash, Some(Arc::clone(&key.name))))
        }
    }
}

fn in_force(key: Arc<Key>, now: Timestamp) -> Option<Arc<Key>> {
    key.expires.is_none_or(|end| end > now).then_some(key)
}

fn tls(app: &App) -> bool {
    app.gateway.snapshot().server.tls.is_some()
}

fn unknown(role: Role) -> Refusal {
    let message = match role {
        Role::Operator => "this is not the admin token of this gateway",
        Role::Holder => "this is no key of this gateway, or it has expired",
    };
    Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", message).field("secret")
}

fn too_often(seconds: u64) -> Refusal {
    let message = format!("too many failures in a row from your address: try again in {seconds} s");
    let wait = HeaderValue::from(seconds);
    Refusal::new(StatusCode::TOO_MANY_REQUESTS, "too_many_failures", message).with(RETRY_AFTER, wait)
}
