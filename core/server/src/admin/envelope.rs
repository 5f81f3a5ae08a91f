//! What answers of the admin API look like.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::response::{IntoResponse, Response};
use http::header::ALLOW;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use sluice_api::error::Error;
use sluice_api::settings::Problem;
use sluice_api::store::StoreError;
use sluice_control::{GroupError, KeyError};
use utoipa::ToSchema;

/// A list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    /// The entries.
    pub(crate) data: Vec<T>,
    /// Where the next page starts; null at the end.
    pub(crate) next_cursor: Option<String>,
}

impl<T> List<T> {
    pub(crate) fn whole(data: Vec<T>) -> Self {
        Self { data, next_cursor: None }
    }
}

/// An error of the admin API.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Refused {
    error: Box<RefusedError>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct RefusedError {
    /// A name for programs.
    code: &'static str,
    /// A sentence for people.
    message: String,
    /// The field that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// Every problem, where a configuration was refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<Problem>,
    /// The request's id.
    request_id: String,
}

/// An error with its status. Handlers return it; [`finish`] renders it, which knows the request's id.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    headers: HeaderMap,
    body: Refused,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let error = RefusedError {
            code,
            message: message.into(),
            field: None,
            problems: Vec::new(),
            request_id: String::new(),
        };
        Self { status, headers: HeaderMap::new(), body: Refused { error: Box::new(error) } }
    }

    /// Names the field that is wrong.
    pub(crate) fn field(mut self, field: impl Into<String>) -> Self {
        self.body.error.field = Some(field.into());
        self
    }

    /// Every problem of fields that are wrong; the first of them is named.
    fn invalid(problems: Vec<Problem>, message: String) -> Self {
        let field = problems.first().map(|problem| problem.path.clone()).unwrap_or_default();
        let mut refusal = Self::new(StatusCode::BAD_REQUEST, "invalid_field", message).field(field);
        refusal.body.error.problems = problems;
        refusal
    }

    /// Names the methods that the route takes.
    pub(crate) fn allow(mut self, methods: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(methods).ok().map(|methods| (ALLOW, methods)));
        self
    }

    /// With a header.
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The answer to the request with this id.
    pub(crate) fn render(mut self, request_id: &str) -> Response {
        request_id.clone_into(&mut self.body.error.request_id);
        let mut response = (self.status, Json(self.body)).into_response();
        response.headers_mut().extend(self.headers);
        sluice_line::refused::identify(response.headers_mut(), false, request_id);
        response
    }

    /// The same mistake for a client of another route, in whatever form it reads.
    pub(crate) fn told_to_a_client(self) -> Error {
        let error = *self.body.error;
        Error::bad_request(error.field.as_deref(), error.message)
    }

    /// A configuration that was refused.
    pub(crate) fn problems(problems: Vec<Problem>) -> Self {
        let message = match problems.as_slice() {
            [one] => one.to_string(),
            all => format!("the configuration has {} problems; the one in force stays", all.len()),
        };
        let mut refusal = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_configuration", message);
        refusal.body.error.problems = problems;
        refusal
    }
}

impl IntoResponse for Refusal {
    /// Only carries it to [`finish`].
    fn into_response(self) -> Response {
        let mut carrier = self.status.into_response();
        carrier.extensions_mut().insert(self);
        carrier
    }
}

/// Puts the request's id on an answer, and renders it where it is a refusal.
pub(crate) fn finish(mut answer: Response, request_id: &str) -> Response {
    if let Some(refusal) = answer.extensions_mut().remove::<Refusal>() {
        return refusal.render(request_id);
    }
    if answer.status().is_client_error() {
        // axum's own: a segment of the path that is not UTF-8 once decoded.
        return Refusal::new(answer.status(), "invalid_argument", "the path can't be read")
            .render(request_id);
    }
    sluice_line::refused::identify(answer.headers_mut(), false, request_id);
    answer
}

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Self {
        let message = error.to_string();
        match error {
            KeyError::NotFound(_) => Self::new(StatusCode::NOT_FOUND, "not_found", message),
            KeyError::ManagedByConfig(_) => Self::new(StatusCode::CONFLICT, "managed_by_config", message),
            KeyError::NameTaken(_) => Self::new(StatusCode::CONFLICT, "name_taken", message).field("name"),
            KeyError::Invalid(problems) => Self::invalid(problems, message),
            KeyError::Store(_) | KeyError::NotForgotten(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", message)
            }
            KeyError::Internal(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message),
        }
    }
}

impl From<GroupError> for Refusal {
    fn from(error: GroupError) -> Self {
        let message = error.to_string();
        match error {
            GroupError::NotFound(_) => Self::new(StatusCode::NOT_FOUND, "not_found", message),
            GroupError::ManagedByConfig(_) => Self::new(StatusCode::CONFLICT, "managed_by_config", message),
            GroupError::NameTaken(_) => Self::new(StatusCode::CONFLICT, "name_taken", message).field("name"),
            GroupError::HasKeys { .. } => Self::new(StatusCode::CONFLICT, "group_has_keys", message),
            GroupError::Invalid(problems) => Self::invalid(problems, message),
            GroupError::Store(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", message),
            GroupError::Internal(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", error.to_string())
    }
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_body", rejection.body_text())
    }
}
