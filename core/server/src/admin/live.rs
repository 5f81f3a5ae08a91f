//! What goes on now.

use axum::Json;
use axum::extract::State;
use http::Uri;
use sluice_ledger::live::{LiveView, WINDOW_MAX};

use super::envelope::{Refusal, Refused};
use super::query::pairs;
use super::requests::wrong;
use crate::App;

/// Seconds that are looked at where nothing is said.
const WINDOW: u32 = 60;

/// What goes on now: figures of the requests that ended in the last seconds, overall, by model and by account.
///
/// Of this gateway alone. A window of up to a minute is exact to a second; a longer one begins up to ten seconds earlier,
/// and its rates are of what it covers.
#[utoipa::path(get, path = "/admin/v1/live", tag = "Admin", security(("admin_token" = [])),
    params(("window" = Option<u32>, Query, minimum = 1, maximum = 600, description = "Its length in seconds; default 60")),
    responses((status = 200, body = LiveView), (status = 400, body = Refused), (status = 401, body = Refused)))]
pub(crate) async fn live(State(app): State<App>, uri: Uri) -> Result<Json<LiveView>, Refusal> {
    let mut window = None;
    for (name, value) in pairs(&uri) {
        if name != "window" {
            let message = format!("there is no parameter `{name}`: there is `window`, in seconds");
            return Err(wrong(&name, message));
        }
        let seconds = value.parse().ok().filter(|seconds| (1..=WINDOW_MAX).contains(seconds));
        if window.is_some() || seconds.is_none() {
            let message = format!("`window` is one whole number of seconds, from 1 to {WINDOW_MAX}");
            return Err(wrong("window", message));
        }
        window = seconds;
    }
    Ok(Json(app.control.live(window.unwrap_or(WINDOW)).await))
}
