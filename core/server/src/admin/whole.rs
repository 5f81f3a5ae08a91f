//! What an operator changes is changed whole or not at all, whenever the client leaves.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::App;

/// Runs a request that may change something to its end, as a task that a stop waits for; one that only looks ends with
/// its client.
pub(crate) async fn whole(State(app): State<App>, request: Request, next: Next) -> Response {
    if !super::audit::acts(&request) {
        return next.run(request).await;
    }
    app.gateway.tasks().to_its_end(next.run(request)).await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use axum::routing::any;
    use futures_util::FutureExt as _;
    use http::Request;
    use tokio::sync::Semaphore;
    use tower::ServiceExt as _;

    use super::whole;

    #[tokio::test]
    async fn what_may_change_something_runs_to_its_end_though_its_client_leaves() {
        let app = crate::me::tests::app().await;
        let (go, done) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicU32::new(0)));
        let (waits, says) = (Arc::clone(&go), Arc::clone(&done));
        let handler = move || async move {
            waits.acquire().await.unwrap().forget();
            says.fetch_add(1, Ordering::SeqCst);
        };
        let routes = Router::new().route("/", any(handler.clone())).route("/admin/v1/reprice", any(handler));
        let router = routes.layer(from_fn_with_state(app.clone(), whole));
        let changes = ["GET", "DELETE", "PATCH", "POST"].map(|method| (method, "/"));
        for (method, path) in changes.into_iter().chain([("POST", "/admin/v1/reprice")]) {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            assert!(
                router.clone().oneshot(request).now_or_never().is_none(),
                "{method} {path} waits, and is dropped"
            );
        }
        go.add_permits(9);
        app.gateway.tasks().end().await;
        assert_eq!(done.load(Ordering::SeqCst), 3, "all but those that only looked");
    }
}
