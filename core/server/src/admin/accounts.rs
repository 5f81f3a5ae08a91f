//! Accounts, as operators see and switch them.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sluice_api::error::{Error, Kind};
use sluice_control::KeyError;
use sluice_control::explain::{Explanation, Question};
use sluice_control::operate::{AccountView, Tested};
use sluice_control::overrides::AccountPatch;
use utoipa::ToSchema;

use super::audit::Changed;
use super::envelope::{List, Refusal, Refused};
use crate::App;

/// Every account, with its state.
#[utoipa::path(get, path = "/admin/v1/accounts", tag = "Admin", security(("admin_token" = [])),
    responses((status = 200, body = List<AccountView>), (status = 401, body = Refused)))]
pub(crate) async fn list(State(app): State<App>) -> Json<List<AccountView>> {
    Json(List::whole(app.control.account_views()))
}

/// One account, with its state.
#[utoipa::path(get, path = "/admin/v1/accounts/{name}", tag = "Admin", security(("admin_token" = [])),
    params(("name" = String, Path, description = "The account's name")),
    responses((status = 200, body = AccountView), (status = 401, body = Refused), (status = 404, body = Refused)))]
pub(crate) async fn show(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Json<AccountView>, Refusal> {
    app.control.account_view(&name).map(Json).ok_or_else(|| unknown(&name))
}

/// Changes an account: kept over restarts, until the file's own value changes.
#[utoipa::path(patch, path = "/admin/v1/accounts/{name}", tag = "Admin", security(("admin_token" = [])),
    params(("name" = String, Path, description = "The account's name")), request_body = AccountPatch,
    responses((status = 200, body = AccountView), (status = 400, body = Refused), (status = 401, body = Refused), (status = 404, body = Refused), (status = 503, body = Refused)))]
pub(crate) async fn change(
    State(app): State<App>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<(Extension<Changed>, Json<AccountView>), Refusal> {
    let patch = AccountPatch::read(&read(&body)?).map_err(KeyError::Invalid)?;
    let before = before(&app, &name);
    if !app.control.change_account(&name, patch).await? {
        return Err(unknown(&name));
    }
    let view = app.control.account_view(&name).ok_or_else(|| unknown(&name))?;
    Ok((Extension(before.and(&view)), Json(view)))
}

/// Ends every state that an account is in.
#[utoipa::path(post, path = "/admin/v1/accounts/{name}/recover", tag = "Admin", security(("admin_token" = [])),
    params(("name" = String, Path, description = "The account's name")),
    responses((status = 200, body = AccountView), (status = 401, body = Refused), (status = 404, body = Refused)))]
pub(crate) async fn recover(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<(Extension<Changed>, Json<AccountView>), Refusal> {
    let before = before(&app, &name);
    let view = app.control.recover_account(&name).ok_or_else(|| unknown(&name))?;
    Ok((Extension(before.and(&view)), Json(view)))
}

/// What an account is tried with.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Trial {
    /// The model to ask for; left out: one that the account's configuration or its provider names.
    model: Option<String>,
}

/// Sends one tiny request to an account, whatever state it is in.
#[utoipa::path(post, path = "/admin/v1/accounts/{name}/test", tag = "Admin", security(("admin_token" = [])),
    params(("name" = String, Path, description = "The account's name")), request_body = Option<Trial>,
    responses((status = 200, body = Tested), (status = 400, body = Refused), (status = 401, body = Refused), (status = 404, body = Refused)))]
pub(crate) async fn test(
    State(app): State<App>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<(Extension<Changed>, Json<Tested>), Refusal> {
    // Nothing may be sent as nothing, or as null.
    let trial: Trial = match body.trim_ascii() {
        b"" | b"null" => Trial::default(),
        _ => read(&body)?,
    };
    let tested = app.control.test_account(&name, trial.model.as_deref()).await;
    let told = |tested: Tested| (Extension(Changed::to(&tested)), Json(tested));
    tested.map(told).map_err(|error: Error| match error.kind() {
        Kind::ModelNotFound => unknown(&name),
        _ => Refusal::new(StatusCode::BAD_REQUEST, "invalid_field", error.to_string()).field("model"),
    })
}

/// Why a request would go where it goes, with none sent.
#[utoipa::path(post, path = "/admin/v1/explain", tag = "Admin", security(("admin_token" = [])),
    request_body = Question,
    responses((status = 200, body = Explanation), (status = 400, body = Refused), (status = 401, body = Refused), (status = 503, description = "The store is out of reach", body = Refused)))]
pub(crate) async fn explain(State(app): State<App>, body: Bytes) -> Result<Json<Explanation>, Refusal> {
    let question: Question = read(&body)?;
    Ok(Json(app.control.explain(&question).await?))
}

/// The account before it is changed, for the audit line.
fn before(app: &App, name: &str) -> Changed {
    app.control.account_view(name).map_or_else(Changed::default, |view| Changed::from(&view))
}

pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let refuse = |why: String| {
        let message = format!("the body can't be read: {why}");
        Refusal::new(StatusCode::BAD_REQUEST, "invalid_body", message)
    };
    // Fields may come as a list too, by serde, which is never meant.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(refuse("it is not a JSON object".to_owned()));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let refusal = refuse(error.inner().to_string());
        let path = error.path().to_string();
        // A field that is missing has no place.
        let missing = error
            .inner()
            .to_string()
            .strip_prefix("missing field `")
            .and_then(|rest| rest.split_once('`').map(|(field, _)| field.to_owned()));
        match missing.or_else(|| (path != ".").then_some(path)) {
            Some(field) => refusal.field(field),
            None => refusal,
        }
    })?;
    reader.end().map_err(|error| refuse(error.to_string()))?;
    Ok(read)
}

fn unknown(name: &str) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "not_found", format!("there is no account `{name}`"))
}
