//! Settings of `[store]` with `kind = "embedded"`.

use std::path::PathBuf;

use serde::Deserialize;
use sluice_api::settings::{Problem, Section};
use utoipa::ToSchema;

/// Keys of a store that gateways share: whoever writes one has forgotten the kind, most likely.
const SHARED: [&str; 6] = ["url", "prefix", "timeout", "records", "on_outage", "ca"];

/// Settings of the embedded store.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmbeddedSettings {
    /// Folder that holds the database; made where it is missing.
    #[serde(default = "path")]
    #[schema(value_type = String, default = json!("sluice-data"))]
    pub(crate) path: PathBuf,
}

impl EmbeddedSettings {
    /// Reads them.
    pub(crate) fn read(section: &Section<'_>) -> Result<Self, Vec<Problem>> {
        let (settings, problems) = section.read_right::<Self>();
        let mut problems: Vec<Problem> = problems.into_iter().map(hinted).collect();
        // A list is looked at element by element: its key is unknown once.
        problems.dedup_by(|one, before| (&one.path, &one.message) == (&before.path, &before.message));
        if settings.as_ref().is_some_and(|settings| settings.path.as_os_str().is_empty()) {
            problems.extend(section.wrong("path", "the store's folder needs a name"));
        }
        match settings {
            Some(settings) if problems.is_empty() => Ok(settings),
            _ => Err(problems),
        }
    }
}

/// A key that belongs to a shared store, with a hint that it does.
fn hinted(mut problem: Problem) -> Problem {
    let shared = problem.unknown().filter(|name| SHARED.contains(name));
    if let Some(name) = shared {
        problem.message =
            format!("`{name}` is for a store that gateways share: write kind = \"redis\" beside it");
        problem.nearest = None;
    }
    problem
}

fn path() -> PathBuf {
    PathBuf::from("sluice-data")
}

#[cfg(test)]
mod tests {
    use super::EmbeddedSettings;
    use sluice_api::plugin::testing::with_section;

    fn told(toml: &str) -> Vec<String> {
        let read = with_section(toml, EmbeddedSettings::read);
        let problems = read.err().unwrap_or_default();
        problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect()
    }

    #[test]
    fn a_folder_is_all_there_is() {
        for toml in ["", "path = \"d\""] {
            assert_eq!(told(toml), Vec::<String>::new(), "{toml}");
        }
    }

    #[test]
    fn what_is_a_shared_stores_is_told_as_such_and_all_else_is_unknown() {
        for (toml, path, says) in [
            ("url = \"redis://:planted@h\"", "url", "kind = \"redis\""),
            ("url = [\"redis://h:1\", \"rediss://:planted@h:2\"]", "url", "kind = \"redis\""),
            ("prefix = \"sluice\"", "prefix", "kind = \"redis\""),
            ("timeout = \"1s\"", "timeout", "kind = \"redis\""),
            ("on_outage = \"reject\"", "on_outage", "kind = \"redis\""),
            ("ca = \"f\"", "ca", "kind = \"redis\""),
            ("path = \"\"", "path", "needs a name"),
            ("pth = \"d\"", "pth", "unknown key"),
        ] {
            let told = told(toml);
            let found = told.iter().any(|problem| problem.contains(path) && problem.contains(says));
            assert!(found && told.len() == 1 && !told.join("").contains("planted"), "{toml}: {told:?}");
        }
    }
}
