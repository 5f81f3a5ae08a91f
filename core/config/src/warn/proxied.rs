//! HTTP/2 for accounts that have a proxy, through which HTTP/1.1 is spoken.

use sluice_api::settings::Problem;
use sluice_reading::Loaded;
use sluice_settings::server::HttpVersion;

use crate::resolved::Resolved;
use crate::section::entries;

/// Warnings about them: at the account's own word, or where it has none at its proxy.
pub(super) fn told(loaded: &Loaded, config: &Resolved) -> Vec<Problem> {
    let entries = entries(loaded, "accounts", &mut Vec::new());
    let two = config.accounts.iter().filter(|account| account.http == HttpVersion::Two);
    let told = two.filter(|account| account.proxy.is_some()).filter_map(|account| {
        let entry = entries.iter().find(|entry| entry.name == account.name)?;
        let (key, whose) = match entry.values.contains_key("http") {
            true => ("http", ""),
            false => ("proxy", " of [upstream]"),
        };
        let message = format!(
            "HTTP/1.1 is spoken through a proxy, and so http = \"2\"{whose} changes nothing for this account: set http \
             = \"1.1\" here, or leave its proxy out"
        );
        Some(Problem::at(entry.file(loaded), entry.at(key), message))
    });
    told.collect()
}
