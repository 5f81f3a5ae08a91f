//! Keys: made, listed, changed, rotated and deleted at run time.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};
use sluice_config::settings::KeyFields;
use sluice_control::keys::KeyView;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::audit::Changed;
use super::envelope::{List, Refusal, Refused};
use super::patch;
use crate::App;

/// A key with its secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewKey {
    /// The secret: give it to the key's holder; only its hash is kept.
    key: String,
    #[serde(flatten)]
    fields: KeyView,
}

/// What a key is changed by.
#[derive(Debug)]
pub(crate) struct KeyPatch;

impl PartialSchema for KeyPatch {
    fn schema() -> RefOr<Schema> {
        let says = "A JSON merge patch of a key's fields: what is left out stays, and null makes it what it is by default.";
        patch::of(KeyFields::schema(), says)
    }
}

impl ToSchema for KeyPatch {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        KeyFields::schemas(schemas);
    }
}

type Body = Result<Json<Map<String, Value>>, JsonRejection>;

/// Every key, those of the configuration too.
#[utoipa::path(get, path = "/admin/v1/keys", tag = "Admin", security(("admin_token" = [])),
    responses((status = 200, body = List<KeyView>), (status = 401, body = Refused)))]
pub(crate) async fn list(State(app): State<App>) -> Json<List<KeyView>> {
    Json(List::whole(app.control.list_keys()))
}

/// Makes a key.
#[utoipa::path(post, path = "/admin/v1/keys", tag = "Admin", security(("admin_token" = [])),
    request_body(content = KeyFields, example = json!({ "name": "ci", "allow": ["claude", "openai", "gemini"], "concurrency": 8, "limits": [{ "per": "day", "cost": "20" }] })),
    responses((status = 201, description = "The key, with its secret", body = NewKey), (status = 400, body = Refused), (status = 401, body = Refused), (status = 409, body = Refused)))]
pub(crate) async fn create(
    State(app): State<App>,
    body: Body,
) -> Result<(StatusCode, Extension<Changed>, Json<NewKey>), Refusal> {
    let (fields, key) = app.control.create_key(body?.0).await?;
    Ok((StatusCode::CREATED, Extension(Changed::to(&fields)), Json(NewKey { key, fields })))
}

/// One key, by id or name.
#[utoipa::path(get, path = "/admin/v1/keys/{id}", tag = "Admin", security(("admin_token" = [])),
    params(("id" = String, Path, description = "The key's id or name")),
    responses((status = 200, body = KeyView), (status = 401, body = Refused), (status = 404, body = Refused)))]
pub(crate) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<KeyView>, Refusal> {
    Ok(Json(app.control.show_key(&id)?))
}

/// Changes a key's fields by a JSON merge patch.
#[utoipa::path(patch, path = "/admin/v1/keys/{id}", tag = "Admin", security(("admin_token" = [])),
    params(("id" = String, Path, description = "The key's id or name")),
    request_body(content = KeyPatch, example = json!({ "concurrency": 4 })),
    responses((status = 200, body = KeyView), (status = 400, body = Refused), (status = 401, body = Refused), (status = 404, body = Refused), (status = 409, body = Refused)))]
pub(crate) async fn change(
    State(app): State<App>,
    Path(id): Path<String>,
    body: Body,
) -> Result<(Extension<Changed>, Json<KeyView>), Refusal> {
    let before = before(&app, &id);
    let view = app.control.change_key(&id, &body?.0).await?;
    Ok((Extension(before.and(&view)), Json(view)))
}

/// Deletes a key; it stops at once.
#[utoipa::path(delete, path = "/admin/v1/keys/{id}", tag = "Admin", security(("admin_token" = [])),
    params(("id" = String, Path, description = "The key's id or name")),
    responses((status = 204, description = "It is deleted"), (status = 401, body = Refused), (status = 404, body = Refused), (status = 409, body = Refused)))]
pub(crate) async fn delete(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Extension<Changed>), Refusal> {
    let before = before(&app, &id);
    app.control.delete_key(&id).await?;
    Ok((StatusCode::NO_CONTENT, Extension(before)))
}

/// Replaces a key's secret; the old one stops at once.
#[utoipa::path(post, path = "/admin/v1/keys/{id}/rotate", tag = "Admin", security(("admin_token" = [])),
    params(("id" = String, Path, description = "The key's id or name")),
    responses((status = 200, description = "The key, with its new secret", body = NewKey), (status = 401, body = Refused), (status = 404, body = Refused), (status = 409, body = Refused)))]
pub(crate) async fn rotate(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<(Extension<Changed>, Json<NewKey>), Refusal> {
    let before = before(&app, &id);
    let (fields, key) = app.control.rotate_key(&id).await?;
    Ok((Extension(before.and(&fields)), Json(NewKey { key, fields })))
}

/// The key before it is changed, for the audit line.
fn before(app: &App, id: &str) -> Changed {
    app.control.show_key(id).map_or_else(|_| Changed::default(), |view| Changed::from(&view))
}
