//! Groups: made, listed, changed and deleted at run time.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use http::StatusCode;
use serde_json::{Map, Value};
use sluice_config::settings::GroupFields;
use sluice_control::groups::GroupView;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::audit::Changed;
use super::envelope::{List, Refusal, Refused};
use super::patch;
use crate::App;

/// What a group is changed by.
#[derive(Debug)]
pub(crate) struct GroupPatch;

impl PartialSchema for GroupPatch {
    fn schema() -> RefOr<Schema> {
        let says = "A JSON merge patch of a group's fields: what is left out stays, and null makes it what it is by \
                    default. A group keeps its name.";
        patch::of(GroupFields::schema(), says)
    }
}

impl ToSchema for GroupPatch {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        GroupFields::schemas(schemas);
    }
}

type Body = Result<Json<Map<String, Value>>, JsonRejection>;

/// Every group, those of the configuration too.
#[utoipa::path(get, path = "/admin/v1/groups", tag = "Admin", security(("admin_token" = [])),
    responses((status = 200, body = List<GroupView>), (status = 401, body = Refused)))]
pub(crate) async fn list(State(app): State<App>) -> Json<List<GroupView>> {
    Json(List::whole(app.control.list_groups().await))
}

/// Makes a group.
#[utoipa::path(post, path = "/admin/v1/groups", tag = "Admin", security(("admin_token" = [])),
    request_body(content = GroupFields, example = json!({ "name": "research", "concurrency": 50, "limits": [{ "per": "month", "cost": "500" }] })),
    responses((status = 201, description = "The group", body = GroupView), (status = 400, body = Refused), (status = 401, body = Refused), (status = 409, body = Refused)))]
pub(crate) async fn create(
    State(app): State<App>,
    body: Body,
) -> Result<(StatusCode, Extension<Changed>, Json<GroupView>), Refusal> {
    let view = app.control.create_group(body?.0).await?;
    Ok((StatusCode::CREATED, Extension(Changed::to(&view)), Json(view)))
}

/// One group.
#[utoipa::path(get, path = "/admin/v1/groups/{name}", tag = "Admin", security(("admin_token" = [])),
    params(("name" = String, Path, description = "The group's name")),
    responses((status = 200, body = GroupView), (status = 401, body = Refused), (status = 404, body = Refused)))]
pub(crate) async fn show(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Json<GroupView>, Refusal> {
    Ok(Json(app.control.show_group(&name).await?))
}

/// Changes a group's fields by a JSON merge patch; its keys are bound by them at once, and what was used still counts.
#[utoipa::path(patch, path = "/admin/v1/groups/{name}", tag = "Admin", security(("admin_token" = [])),
    params(("name" = String, Path, description = "The group's name")),
    request_body(content = GroupPatch, example = json!({ "concurrency": 20 })),
    responses((status = 200, body = GroupView), (status = 400, body = Refused), (status = 401, body = Refused), (status = 404, body = Refused), (status = 409, body = Refused)))]
pub(crate) async fn change(
    State(app): State<App>,
    Path(name): Path<String>,
    body: Body,
) -> Result<(Extension<Changed>, Json<GroupView>), Refusal> {
    let before = before(&app, &name).await;
    let view = app.control.change_group(&name, &body?.0).await?;
    Ok((Extension(before.and(&view)), Json(view)))
}

/// Deletes a group that has no keys.
#[utoipa::path(delete, path = "/admin/v1/groups/{name}", tag = "Admin", security(("admin_token" = [])),
    params(("name" = String, Path, description = "The group's name")),
    responses((status = 204, description = "It is deleted"), (status = 401, body = Refused), (status = 404, body = Refused), (status = 409, description = "It is the configuration's, or has keys", body = Refused)))]
pub(crate) async fn delete(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<(StatusCode, Extension<Changed>), Refusal> {
    let before = before(&app, &name).await;
    app.control.delete_group(&name).await?;
    Ok((StatusCode::NO_CONTENT, Extension(before)))
}

/// The group before it is changed, for the audit line.
async fn before(app: &App, name: &str) -> Changed {
    app.control.show_group(name).await.map_or_else(|_| Changed::default(), |view| Changed::from(&view))
}
