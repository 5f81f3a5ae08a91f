//! What was read: where a configuration comes from, and how much of it there is.

use std::fmt;

use figment::value::Value;
use serde::Serialize;
use sluice_reading::Environment;

use crate::resolved::LogFormat;
use crate::section::file_of;
use sluice_settings::server::Format;

pub use sluice_reading::{Loaded, Sources, load, load_text};

/// Where a configuration comes from, and how much of it there is, right or wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Read {
    /// Files in order.
    pub files: Vec<String>,
    /// Variables of the environment that are settings.
    pub variables: Vec<String>,
    /// Accounts.
    pub accounts: usize,
    /// Groups.
    pub groups: usize,
    /// Keys of the files.
    pub keys: usize,
    /// Routes.
    pub routes: usize,
}

impl Read {
    /// What was read of a configuration.
    #[must_use]
    pub fn of(loaded: &Loaded) -> Self {
        let count = |table: &str| loaded.table(table).and_then(Value::as_array).map_or(0, <[_]>::len);
        Self {
            files: loaded.files().iter().map(sluice_reading::FileRead::name).collect(),
            variables: loaded.environment().names().into_iter().map(ToOwned::to_owned).collect(),
            accounts: count("accounts"),
            groups: count("groups"),
            keys: count("keys"),
            routes: count("routes"),
        }
    }

    /// The files and variables, for sentences.
    #[must_use]
    pub fn sources(&self) -> String {
        let all: Vec<&str> = self.files.iter().chain(&self.variables).map(String::as_str).collect();
        if all.is_empty() { "no file".to_owned() } else { all.join(", ") }
    }
}

impl fmt::Display for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let counts =
            [(self.accounts, "account"), (self.groups, "group"), (self.keys, "key"), (self.routes, "route")];
        let counts: Vec<String> = counts.into_iter().map(|(count, what)| many(count, what)).collect();
        write!(f, "read {}: {}", self.sources(), counts.join(", "))
    }
}

/// Where the configuration has the admin token; nothing where it has none.
#[must_use]
pub fn admin_token_place(loaded: &Loaded) -> Option<String> {
    const PATH: &str = "admin.token";
    loaded.table("admin")?.find_ref("token")?;
    let file = file_of(loaded, PATH);
    Some(match loaded.environment().variable(PATH) {
        Some(variable) => format!("the variable {variable}"),
        None => format!("{PATH} in {}", loaded.place(&file, PATH)),
    })
}

/// The format in which a start should complain, before it is known whether the configuration is right: `loaded` is
/// nothing where a file could not be read, and then the environment alone can say it.
#[must_use]
pub fn wanted_format(loaded: Option<&Loaded>) -> LogFormat {
    let named = match loaded {
        Some(loaded) => {
            loaded.table("telemetry").and_then(|telemetry| telemetry.find_ref("format")?.as_str())
        }
        None => None,
    };
    let environment = Environment::of_process();
    match named.or_else(|| environment.text("telemetry.format")) {
        Some("json") => Format::Json,
        _ => Format::Text,
    }
}
