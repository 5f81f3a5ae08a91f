//! Warnings: what is allowed and surely not meant.

mod limits;
mod proxied;
mod routes;
mod secrets;
mod speak;
mod text;
mod variables;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use sluice_api::settings::Problem;
use sluice_reading::Loaded;

use crate::resolved::Resolved;

/// Everything that is allowed and surely not meant, in the order of the tables. `config` is what the configuration came
/// to, where it has no problem; `now` tells which keys have expired.
#[must_use]
pub fn warnings(loaded: &Loaded, config: Option<&Resolved>, now: Timestamp) -> Vec<Problem> {
    let mut all = nothing(loaded, config);
    all.extend(variables::strangers(loaded));
    all.extend(text::told(loaded));
    if let Some(config) = config {
        all.extend(routes::shadowed(loaded, config));
        all.extend(speak::of_routes(loaded, config));
        all.extend(speak::of_keys(loaded, config));
        all.extend(secrets::of_keys(loaded));
        all.extend(limits::idle(loaded, config));
        all.extend(proxied::told(loaded, config));
        all.extend(expired(config, now));
    }
    all.into_iter().map(|warning| loaded.placed(warning)).collect()
}

/// That no request can be served, whatever it asks.
fn nothing(loaded: &Loaded, config: Option<&Resolved>) -> Vec<Problem> {
    let accounts = loaded.table("accounts").and_then(|accounts| accounts.as_array());
    if accounts.is_none_or(<[_]>::is_empty) {
        let (file, message) = match loaded.files().last() {
            Some(file) => (file.name(), "no account is configured: every request is refused"),
            None => (
                "configuration".to_owned(),
                "nothing is configured: there is no sluice.toml, sluice.yaml or sluice.json in this folder, none is \
                 named by --config or SLUICE_CONFIG, and no provider's own variable is set; every request is refused",
            ),
        };
        return vec![Problem::at(file, "accounts", message)];
    }
    let none_enabled = config.is_some_and(|config| config.accounts.iter().all(|account| !account.enabled));
    let message = "no account is enabled: every request is refused";
    let file =
        || loaded.files().last().map_or_else(|| "configuration".to_owned(), sluice_reading::FileRead::name);
    none_enabled.then(|| Problem::at(file(), "accounts", message)).into_iter().collect()
}

fn expired(config: &Resolved, now: Timestamp) -> Vec<Problem> {
    let over = config
        .keys
        .iter()
        .filter_map(|key| Some((key, key.fields.expires.filter(|expires| *expires <= now)?)));
    let told = over.map(|(key, expires)| {
        let message = format!("the key has expired, on {expires}: nobody can use it");
        Problem::at(key.file.clone(), format!("keys.{}.expires", key.fields.name), message)
    });
    told.collect()
}
