//! Secrets of clients that are so short that they can be guessed.

use figment::value::Dict;
use sluice_api::settings::Problem;
use sluice_reading::Loaded;

use crate::section::{entries, read_table};
use sluice_settings::key::KeySecret;
use sluice_settings::schema::Schema;

/// Characters that a secret should have: nothing slows down who tries.
const SECRET_MIN: usize = 16;

/// Keys whose secret is short. It is theirs to say: one that is made by the gateway is long.
pub(super) fn of_keys(loaded: &Loaded) -> Vec<Problem> {
    let secrets = Schema::of::<KeySecret>();
    let short = entries(loaded, "keys", &mut Vec::new()).into_iter().filter(|entry| {
        let of_secret = |(key, _): &(String, _)| secrets.keys().contains(&key.as_str());
        let written: Dict = entry.values.clone().into_iter().filter(of_secret).collect();
        let read = read_table::<KeySecret>(&entry.section(loaded).with(&written), &mut Vec::new());
        read.and_then(|secret| secret.key).is_some_and(|key| key.expose().chars().count() < SECRET_MIN)
    });
    let message = format!(
        "it has fewer than {SECRET_MIN} characters and can be guessed: use a longer one, like `openssl rand -hex 32` makes"
    );
    short.map(|entry| Problem::at(entry.file(loaded), entry.at("key"), message.clone())).collect()
}
