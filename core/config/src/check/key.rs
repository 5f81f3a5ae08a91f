//! Groups and keys.

use figment::value::Dict;
use sluice_api::settings::{PLACEHOLDERS, Problem};
use sluice_reading::Loaded;

use super::fields::{self, Known};
use super::names::Names;
use super::reach::Reach;
use crate::key::KeyHash;
use crate::key::{GroupConfig, KeyConfig};
use crate::section::{Entry, entries, read_table};
use sluice_settings::key::{Group, KeySecret};
use sluice_settings::schema::Schema;

/// The groups, and the names of all of them, also of those that are wrong.
pub(super) fn groups(
    loaded: &Loaded,
    retention_days: u32,
    problems: &mut Vec<Problem>,
) -> (Vec<GroupConfig>, Vec<String>) {
    let mut groups = Vec::new();
    let mut names = Vec::new();
    let mut seen = Names::of("group", loaded);
    for entry in entries(loaded, "groups", problems) {
        names.push(entry.name.clone());
        let Some(group) = read_table::<Group>(&entry.section(loaded), problems) else { continue };
        seen.note(&entry, &group.name, problems);
        let file = entry.file(loaded);
        fields::check_limits_of_group(&group, retention_days, &mut |key, message| {
            problems.push(Problem::at(file.clone(), entry.at(key), message));
        });
        groups.push(GroupConfig { fields: group, file });
    }
    (groups, names)
}

pub(super) fn keys(
    loaded: &Loaded,
    known: &Known<'_>,
    reach: &Reach,
    problems: &mut Vec<Problem>,
) -> Vec<KeyConfig> {
    let secrets = Schema::of::<KeySecret>();
    let mut keys: Vec<KeyConfig> = Vec::new();
    let mut seen = Names::of("key", loaded);
    for entry in entries(loaded, "keys", problems) {
        let (written, values): (Dict, Dict) =
            entry.values.clone().into_iter().partition(|(key, _)| secrets.keys().contains(&key.as_str()));
        let file = entry.file(loaded);
        let secret = read_table(&entry.section(loaded).with(&written), problems);
        // One that is there and wrong is told already.
        let told = !written.is_empty() && secret.as_ref().is_some_and(KeySecret::is_empty);
        let hash = secret.filter(|_| !told).and_then(|secret| hash(secret, &entry, &file, problems));
        let section = entry.section(loaded).with(&values);
        if !entry.name.is_empty() {
            seen.note(&entry, &entry.name, problems);
        }
        let Some(fields) = read_table(&section, problems) else { continue };
        match fields::check(&section, &fields, known) {
            Err(more) => problems.extend(more),
            Ok(()) => {
                for glob in reach.missed(fields.models.written()) {
                    let message = format!("`{glob}` matches no model that any account serves");
                    problems
                        .push(Problem::at(file.clone(), entry.at("models"), message).allowed(reach.names()));
                }
                if let Some(other) = keys.iter().find(|other| hash.is_some() && other.hash == hash) {
                    let message = format!("it has the same secret as the key `{}`", other.fields.name);
                    problems.push(Problem::at(file.clone(), entry.at("key"), message));
                }
                keys.push(KeyConfig { fields, hash, file });
            }
        }
    }
    keys
}

/// Whether a hash is that of a secret which an example had, in small letters or in capitals.
fn is_known(hash: &KeyHash) -> bool {
    let words = PLACEHOLDERS.into_iter().chain(["test"]);
    let mut forms = words.flat_map(|word| [word.to_owned(), word.to_uppercase()]);
    forms.any(|word| KeyHash::of(word.as_bytes()) == *hash)
}

fn hash(secret: KeySecret, entry: &Entry, file: &str, problems: &mut Vec<Problem>) -> Option<KeyHash> {
    let mut wrong = |key: &str, message: &str| {
        let problem = Problem::at(file, entry.at(key), message);
        problems.push(problem.allowed("key = a secret, or hash = \"sha256:…\""));
        None
    };
    match (secret.key, secret.hash) {
        (Some(_), Some(_)) => wrong("key", "a key has either `key` or `hash`, one of them"),
        (None, None) => wrong("key", "a key needs its secret: `key`, or `hash`"),
        (Some(secret), None) => match KeyHash::of(secret.expose().as_bytes()) {
            hash if is_known(&hash) => wrong("key", "it is a word from an example, which everybody knows"),
            hash => Some(hash),
        },
        (None, Some(hash)) => match KeyHash::parse(hash.expose()) {
            None => wrong("hash", "a hash is `sha256:` and 64 hexadecimal digits"),
            Some(hash) if is_known(&hash) => {
                wrong("hash", "it is the hash of a word from an example, which everybody knows")
            }
            hash => hash,
        },
    }
}
