//! Variables of the environment that look like settings and are none.

use sluice_api::settings::Problem;

use sluice_reading::Loaded;
use sluice_reading::texts;
use sluice_settings::plugins;
use sluice_settings::schema::Schema;
use sluice_settings::server::{Admin, Server, Telemetry, Upstream};
use sluice_settings::tables::{Cost, Limits, Scheduler, Stats, Store};

/// Warnings about them, each with the setting that may be meant.
pub(super) fn strangers(loaded: &Loaded) -> Vec<Problem> {
    let texts = texts(loaded);
    let named: Vec<&str> =
        texts.iter().filter(|text| text.path.ends_with(".env")).map(|text| text.text).collect();
    loaded.environment().strangers(&settings(), &named)
}

/// The key paths of all settings that stand in no list.
fn settings() -> Vec<String> {
    let own = [
        ("server", Schema::of::<Server>()),
        ("admin", Schema::of::<Admin>()),
        ("store", Schema::of::<Store>()),
        ("upstream", Schema::of::<Upstream>()),
        ("scheduler", Schema::of::<Scheduler>()),
        ("limits", Schema::of::<Limits>()),
        ("cost", Schema::of::<Cost>()),
        ("stats", Schema::of::<Stats>()),
        ("telemetry", Schema::of::<Telemetry>()),
    ];
    let of_plugins = plugins::linked().into_iter().filter_map(|plugin| {
        let table = match plugin.role {
            "store" | "scheduler" => plugin.role,
            "cost model" => "cost",
            "page" => plugin.kind,
            _ => return None,
        };
        Some((table, Schema::new(&plugin.settings)))
    });
    let tables = own.into_iter().chain(of_plugins);
    let paths = |(table, schema): (&str, Schema)| -> Vec<String> {
        schema.keys().into_iter().map(|key| format!("{table}.{key}")).collect()
    };
    tables.flat_map(paths).collect()
}
