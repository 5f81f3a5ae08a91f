//! Pages for operators (`/console`) and for the holders of keys (`/my`): files of `web`, out of the binary.
//!
//! They ask the public routes for all that they show; nothing of the gateway is known here.

mod files;
mod serve;

use std::sync::Arc;

use serde::Deserialize;
use sluice_api::plugin::pages::{Asked, Page, Pages};
use sluice_api::register;
use utoipa::ToSchema;

/// The pages for browsers: `/console` for operators, where the admin API is; `/my` for the holder of a key.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConsoleSettings {
    /// Whether there are pages. Without them nobody can sign in either: programs send the token or the key itself.
    enabled: bool,
}

impl Default for ConsoleSettings {
    fn default() -> Self {
        Self { enabled: true }
    }
}

#[derive(Debug)]
struct Console(ConsoleSettings);

impl Pages for Console {
    fn is_on(&self) -> bool {
        self.0.enabled
    }

    fn page(&self, asked: &Asked<'_>) -> Option<Page> {
        if self.0.enabled { serve::page(asked) } else { None }
    }
}

register! {
    dyn Pages: "console",
    summary: "Pages for operators, /console, and for the holders of keys, /my",
    settings: ConsoleSettings,
    build: |_, section| Ok(Arc::new(Console(section.read()?))),
}
