//! What a key's holder may know of it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{HeaderMap, Uri};
use serde::Serialize;
use sluice_api::error::{Error, Kind};
use sluice_api::store::StoreError;
use sluice_config::address::ClientAddress;
use sluice_config::key::Key;
use sluice_limits::levels::filled;
use sluice_line::inbound::Asking;
use sluice_line::snapshot::Snapshot;
use utoipa::ToSchema;

use crate::App;
use crate::limits::{LimitNow, LimitOf};
use crate::near::{ANTHROPIC, Visitor, refuse_asking, refuse_with, style_of};
use crate::signin;

/// What a client is told to wait when the store is out of reach, which nobody knows the end of.
const SOON: Duration = Duration::from_secs(1);

/// A key, as its holder sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// Its name.
    name: String,
    /// Its group.
    group: Option<String>,
    /// Its limits and those of its group, with what is left of them.
    limits: Vec<LimitNow>,
    /// Requests at once.
    concurrency: Concurrency,
    /// IANA name of the time zone of days, weeks and months, in its limits and in `/v1/usage`.
    timezone: String,
}

/// Requests of a key at once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Concurrency {
    /// How many it may have; null = no bound.
    limit: Option<u32>,
    /// How many it has now, over all gateways, where they are counted.
    held: u64,
    /// How many wait in line.
    waiting: u64,
}

/// What is known of the key that asks.
#[utoipa::path(
    get, path = "/v1/me", tag = "Key",
    security(("client_key" = []), ("client_bearer" = [])),
    responses((status = 200, description = "The key", body = Me), (status = 401, description = "No known key was sent"), (status = 503, description = "The store is out of reach"))
)]
pub(crate) async fn me(
    State(app): State<App>,
    client: Option<Extension<ClientAddress>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let asking = Asking::of(&headers, uri.query());
    let style = style_of(uri.path(), headers.contains_key(&ANTHROPIC));
    let snapshot = app.gateway.snapshot();
    let key = match signin::holder(&app, &headers, &asking) {
        Ok(key) => key,
        Err(error) => {
            let visitor = Visitor { asking: &asking, path: uri.path(), client: client.as_deref() };
            return refuse_asking(&app, style, &error, &visitor);
        }
    };
    let (limits, concurrency) = match standing(&app, &snapshot, &key).await {
        Ok(standing) => standing,
        Err(error) => {
            tracing::error!(request_id = %asking.request_id, %error, "the store did not tell what a key has used");
            let message = "the gateway's store is out of reach: try again later";
            let error = Error::new(Kind::StoreUnavailable, message).retry_after(SOON);
            return refuse_with(style, &error, &asking.request_id);
        }
    };
    let me = Me {
        name: key.name.to_string(),
        group: key.group.as_ref().map(|group| group.name.to_string()),
        limits,
        concurrency,
        timezone: snapshot.stats.timezone.iana_name().unwrap_or("UTC").to_owned(),
    };
    let mut response = Json(me).into_response();
    sluice_line::refused::identify(response.headers_mut(), false, &asking.request_id);
    response
}

/// How full the limits of a key and its group are, and how many requests it has at once.
async fn standing(
    app: &App,
    snapshot: &Snapshot,
    key: &Key,
) -> Result<(Vec<LimitNow>, Concurrency), StoreError> {
    let store = app.gateway.store();
    let parties: Vec<_> =
        [key.party()].into_iter().chain(key.group.as_ref().map(|group| group.party())).collect();
    let at = app.gateway.both_clocks(&snapshot.stats.timezone);
    let filled = filled(store, &snapshot.limiters, &parties, at).await?;
    let mut limits = Vec::new();
    for (of, filled) in [LimitOf::Key, LimitOf::Group].into_iter().zip(&filled) {
        limits.extend(filled.limits.iter().map(|limit| LimitNow::new(of, limit)));
    }
    let waiting = match key.queue {
        Some(_) => store.waiting(vec![Arc::clone(&key.id)]).await?.first().copied(),
        None => None,
    };
    let concurrency = Concurrency {
        limit: (key.concurrency > 0).then_some(key.concurrency),
        held: filled.first().and_then(|own| own.held).unwrap_or_default(),
        waiting: waiting.unwrap_or_default(),
    };
    Ok((limits, concurrency))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use axum::body::to_bytes;
    use axum::extract::State;
    use http::{HeaderMap, HeaderValue};
    use jiff::Timestamp;
    use serde_json::Value;
    use sluice_api::limiter::{Bucket, Take};
    use sluice_api::plugin::{NoSettings, async_trait};
    use sluice_api::record::RecordStore;
    use sluice_api::register;
    use sluice_api::settings::Secret;
    use sluice_api::store::{Asked, Lease, Level, Line, Lined, Place, Store, StoreError, Taken, Turn, Used};
    use sluice_config::{check, read};
    use sluice_control::Control;
    use sluice_limiters as _;
    use sluice_memory::RecordsInMemory;
    use sluice_prices as _;
    use sluice_schedulers as _;

    use super::me;
    use crate::routes::operator_routes;
    use crate::{App, Parts};

    /// A store that opens and is out of reach ever after.
    #[derive(Debug)]
    struct Gone(RecordsInMemory);

    fn gone<T>() -> Result<T, StoreError> {
        Err(StoreError("it is gone".to_owned()))
    }

    #[async_trait]
    impl Store for Gone {
        fn records(&self) -> &dyn RecordStore {
            &self.0
        }

        async fn take_all(&self, _asked: Asked) -> Result<Taken, StoreError> {
            gone()
        }

        fn settle(&self, _lease: Lease, _used: Used, _now: Timestamp) {}

        fn land(&self, _lease: &mut Lease, _used: Used, _now: Timestamp) {}

        async fn line_up(&self, _line: Line, _slots: Vec<Take>) -> Result<Lined, StoreError> {
            gone()
        }

        fn turn(&self, _place: &Place) -> Turn {
            Box::pin(std::future::pending())
        }

        fn leave(&self, _place: Place) {}

        async fn waiting(&self, _keys: Vec<Arc<str>>) -> Result<Vec<u64>, StoreError> {
            gone()
        }

        async fn levels(&self, _takes: Vec<Take>, _now: Timestamp) -> Result<Vec<Level>, StoreError> {
            gone()
        }

        async fn held(&self, _bucket: &Bucket) -> Result<u64, StoreError> {
            gone()
        }

        async fn put(&self, _kind: &str, _id: &str, _document: &str) -> Result<(), StoreError> {
            gone()
        }

        async fn delete(&self, _kind: &str, _id: &str) -> Result<bool, StoreError> {
            gone()
        }

        async fn list(&self, _kind: &str) -> Result<Vec<(String, String)>, StoreError> {
            Ok(Vec::new())
        }

        async fn remember(
            &self,
            _kind: &str,
            _values: Vec<sluice_api::store::Remembered>,
        ) -> Result<(), StoreError> {
            Err(StoreError("it is gone".to_owned()))
        }

        async fn recall(&self, _kind: &str, _id: &str) -> Result<Option<String>, StoreError> {
            Err(StoreError("it is gone".to_owned()))
        }

        async fn forget(&self, _now: jiff::Timestamp, _most: usize) -> Result<usize, StoreError> {
            Err(StoreError("it is gone".to_owned()))
        }

        async fn ready(&self) -> Result<(), StoreError> {
            gone()
        }
    }

    register! {
        dyn Store: "gone",
        summary: "Out of reach",
        settings: NoSettings,
        build: |_, section| {
            section.read::<NoSettings>()?;
            Ok(Arc::new(Gone(RecordsInMemory::default())))
        },
    }

    pub(crate) async fn app() -> App {
        let text = "store.kind = \"gone\"\n[[keys]]\nname = \"k\"\nkey = \"secret\"\nconcurrency = 2\n";
        let loaded = read::load_text(text).unwrap();
        let resolved = check::check(&loaded).unwrap();
        let control = Control::start(&loaded, resolved, read::Sources::Text(String::new())).await.unwrap();
        let gateway = Arc::clone(control.gateway());
        Arc::new(Parts {
            gateway,
            control,
            admin_token: Secret::new("t"),
            operators: operator_routes(),
            sessions: sluice_signin::sessions::Sessions::default(),
        })
    }

    #[tokio::test]
    async fn a_store_out_of_reach_is_a_503_in_the_clients_dialect() {
        let app = app().await;
        let headers = HeaderMap::from_iter([
            (http::header::AUTHORIZATION, HeaderValue::from_static("Bearer secret")),
            (http::HeaderName::from_static("x-request-id"), HeaderValue::from_static("mine-1")),
        ]);
        for (path, says, id) in [
            ("/v1/me", ("/error/code", "store_unavailable"), "/error/request_id"),
            ("/claude/v1/me", ("/error/type", "api_error"), "/request_id"),
            ("/gemini/v1/me", ("/error/status", "UNAVAILABLE"), "/error/details/0/requestId"),
        ] {
            let response = me(State(app.clone()), None, path.parse().unwrap(), headers.clone()).await;
            assert_eq!(response.status(), 503, "{path}");
            let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body.pointer(says.0).and_then(Value::as_str), Some(says.1), "{body}");
            assert_eq!(body.pointer(id).and_then(Value::as_str), Some("mine-1"), "{body}");
        }
    }
}
