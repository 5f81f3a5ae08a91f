//! What is linked in: the registries, read.

use sluice_api::cost::CostModel;
use sluice_api::limiter::Limiter;
use sluice_api::plugin::pages::Pages;
use sluice_api::plugin::{Plugin, SettingsSchema, inventory};
use sluice_api::provider::Provider;
use sluice_api::scheduler::Scheduler;
use sluice_api::store::Store;

use crate::schema::Schema;

/// The traits that plugins implement, as `sluice plugins` names them.
pub const ROLES: [&str; 6] = ["provider", "scheduler", "limiter", "cost model", "store", "page"];

/// One plugin that is linked in.
#[derive(Clone)]
pub struct Linked {
    /// Which trait it implements.
    pub role: &'static str,
    /// The name that configuration selects it by.
    pub kind: &'static str,
    /// What it is, in one line.
    pub summary: &'static str,
    /// Crate and version.
    pub origin: String,
    /// Its settings.
    pub settings: SettingsSchema,
}

/// A setting of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its key.
    pub name: String,
    /// What it is, in one line.
    pub what: String,
    /// Whether it must be there.
    pub required: bool,
    /// Whether it is a secret.
    pub secret: bool,
}

impl Linked {
    /// Its settings, in the order of their names.
    #[must_use]
    pub fn settings_list(&self) -> Vec<Setting> {
        let schema = Schema::new(&self.settings);
        let mut names = schema.keys();
        names.sort_unstable();
        let setting = |name: &str| Setting {
            name: name.to_owned(),
            what: schema.description(name),
            required: schema.requires(name),
            secret: schema.top().key(name).is_some_and(|place| place.is_secret()),
        };
        names.into_iter().map(setting).collect()
    }

    /// The JSON Schema of its settings, with what it refers to inside.
    #[must_use]
    pub fn json_schema(&self) -> serde_json::Value {
        self.settings.alone()
    }
}

/// Everything that is linked in, by role and kind.
#[must_use]
pub fn linked() -> Vec<Linked> {
    let mut all = Vec::new();
    collect::<dyn Provider>("provider", &mut all);
    collect::<dyn Scheduler>("scheduler", &mut all);
    collect::<dyn Limiter>("limiter", &mut all);
    collect::<dyn CostModel>("cost model", &mut all);
    collect::<dyn Store>("store", &mut all);
    collect::<dyn Pages>("page", &mut all);
    all
}

fn collect<T: ?Sized + 'static>(role: &'static str, all: &mut Vec<Linked>)
where
    Plugin<T>: inventory::Collect,
{
    let mut some: Vec<Linked> = inventory::iter::<Plugin<T>>
        .into_iter()
        .map(|plugin| Linked {
            role,
            kind: plugin.kind,
            summary: plugin.summary,
            origin: plugin.origin.to_string(),
            settings: (plugin.schema)(),
        })
        .collect();
    some.sort_by_key(|plugin| plugin.kind);
    all.extend(some);
}
