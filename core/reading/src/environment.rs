//! Settings from the environment: `SLUICE_SERVER__LISTEN` is `server.listen`.

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};
use sluice_api::settings::{Problem, nearest};

/// What the variables begin with.
const PREFIX: &str = "SLUICE_";

/// What stands between the levels of a setting.
const LEVELS: &str = "__";

/// Variables of the command line, which are no settings.
const COMMAND_LINE: [&str; 3] = ["SLUICE_CONFIG", "SLUICE_URL", "SLUICE_ADMIN_TOKEN"];

/// The source's name, as problems tell it.
pub(crate) const NAME: &str = "environment";

/// Variables with `__` in their name. Those without belong to the command line.
#[derive(Clone, Debug, Default)]
pub struct Environment(Vec<(String, String)>);

impl Environment {
    /// Those of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let all = std::env::vars_os();
        let readable =
            all.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self(readable.filter(|(name, _)| name.starts_with(PREFIX)).collect())
    }

    /// The file that `SLUICE_CONFIG` names.
    pub(crate) fn config(&self) -> Option<&str> {
        let named = self.0.iter().find(|(name, value)| name == "SLUICE_CONFIG" && !value.is_empty());
        named.map(|(_, path)| path.as_str())
    }

    /// The variables that are settings: name, key path and value.
    fn settings(&self) -> impl Iterator<Item = (&str, Vec<String>, &str)> {
        self.0.iter().filter_map(|(name, value)| {
            let path = name.strip_prefix(PREFIX).filter(|path| path.contains(LEVELS))?;
            Some((name.as_str(), path.split(LEVELS).map(str::to_lowercase).collect(), value.as_str()))
        })
    }

    /// The names of the variables that are settings, in order.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.settings().map(|(name, ..)| name).collect();
        names.sort_unstable();
        names
    }

    /// The text of a setting.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        self.settings().find(|(_, keys, _)| keys.join(".") == path).map(|(.., value)| value)
    }

    /// The variable that says the value at a key path.
    #[must_use]
    pub fn variable(&self, path: &str) -> Option<&str> {
        let says = self.settings().filter_map(|(name, keys, _)| {
            let own = keys.join(".");
            let rest = path.strip_prefix(own.as_str())?;
            (rest.is_empty() || rest.starts_with(['.', '['])).then_some((own.len(), name))
        });
        says.max().map(|(_, name)| name)
    }

    /// Warnings about variables that look like settings and are none. `known` are key paths of settings, `named` the
    /// variables that a configuration takes secrets from.
    #[must_use]
    pub fn strangers(&self, known: &[String], named: &[&str]) -> Vec<Problem> {
        let settings: Vec<String> = known.iter().map(|path| variable_of(path)).collect();
        let all: Vec<&str> = settings.iter().map(String::as_str).chain(COMMAND_LINE).collect();
        let strange = self.0.iter().filter(|(name, value)| {
            let settled = name.contains(LEVELS) || COMMAND_LINE.contains(&name.as_str());
            !settled && !named.contains(&name.as_str()) && !is_of_kubernetes(name, value)
        });
        let mut warnings: Vec<Problem> = strange.map(|(name, _)| stranger(name, &all)).collect();
        warnings.sort_by(|one, other| one.variable.cmp(&other.variable));
        warnings
    }
}

/// A setting's variable.
fn variable_of(path: &str) -> String {
    format!("{PREFIX}{}", path.replace('.', LEVELS).to_uppercase())
}

fn stranger(name: &str, all: &[&str]) -> Problem {
    let message =
        "this variable is ignored: settings have `__` between their levels, like SLUICE_SERVER__LISTEN";
    let end = name.strip_prefix(PREFIX).unwrap_or(name);
    // `SLUICE_LISTEN` means the setting that is called so, where one is.
    let mut same = all.iter().filter(|setting| setting.rsplit(LEVELS).next() == Some(end));
    let meant = same.next().map(|setting| (*setting).to_owned());
    let meant = meant.or_else(|| {
        // Without what all begin with, which would make all alike.
        let ends = all.iter().filter_map(|setting| setting.strip_prefix(PREFIX));
        nearest(end, ends).map(|end| format!("{PREFIX}{end}"))
    });
    let mut problem = Problem::at(NAME, "", message);
    problem.variable = Some(name.to_owned());
    problem.nearest = meant;
    problem
}

/// Whether Kubernetes sets a variable by itself, for a service that is called `sluice` or `sluice-…`.
fn is_of_kubernetes(name: &str, value: &str) -> bool {
    let address = value.starts_with("tcp://") || value.starts_with("udp://");
    let of_port =
        ["_TCP", "_UDP", "_TCP_PROTO", "_UDP_PROTO", "_TCP_PORT", "_UDP_PORT", "_TCP_ADDR", "_UDP_ADDR"];
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || (name.ends_with("_PORT") && address)
        || (name.contains("_PORT_") && of_port.iter().any(|end| name.ends_with(end)))
}

impl Provider for Environment {
    fn metadata(&self) -> Metadata {
        Metadata::named(NAME)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let mut all = Dict::new();
        for (_, keys, value) in self.settings() {
            insert(&mut all, &keys, parse(value));
        }
        Ok(Profile::Default.collect(all))
    }
}

/// Only what can be nothing but another type is parsed as one: a secret like `0123` or `1e5` stays text.
fn parse(text: &str) -> Value {
    let structured = text.starts_with(['[', '{']);
    let number = text.parse::<u64>().is_ok_and(|number| number.to_string() == text);
    if structured || number || matches!(text, "true" | "false") {
        return text.parse().unwrap_or_else(|_| Value::from(text));
    }
    Value::from(text)
}

fn insert(into: &mut Dict, keys: &[String], value: Value) {
    match keys {
        [] => {}
        [key] => {
            into.insert(key.clone(), value);
        }
        [key, rest @ ..] => {
            let entry = into.entry(key.clone()).or_insert_with(|| Value::from(Dict::new()));
            if let Value::Dict(_, inner) = entry {
                insert(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Environment;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Environment(owned.collect())
    }

    #[test]
    fn a_variable_that_is_no_setting_is_told_with_the_one_that_may_be_meant() {
        let known = ["server.listen".to_owned(), "server.max_body".to_owned(), "store.path".to_owned()];
        for (name, meant) in [
            ("SLUICE_SERVER_LISTEN", Some("SLUICE_SERVER__LISTEN")),
            ("SLUICE_LISTEN", Some("SLUICE_SERVER__LISTEN")),
            ("SLUICE_MAX_BODY", Some("SLUICE_SERVER__MAX_BODY")),
            ("SLUICE_CONFG", Some("SLUICE_CONFIG")),
            ("SLUICE_XYZZY", None),
        ] {
            let told = environment(&[(name, "8080")]).strangers(&known, &[]);
            assert_eq!(told.len(), 1, "{name}");
            assert_eq!((told[0].variable.as_deref(), told[0].nearest.as_deref()), (Some(name), meant));
        }
    }

    #[test]
    fn variables_of_the_command_line_of_secrets_and_of_kubernetes_are_not_told() {
        let all = [
            ("SLUICE_CONFIG", "x"),
            ("SLUICE_URL", "x"),
            ("SLUICE_ADMIN_TOKEN", "x"),
            ("SLUICE_CI_KEY", "x"),
            ("SLUICE_SERVER__LISTEN", "x"),
            ("SLUICE_SERVICE_HOST", "10.0.0.1"),
            ("SLUICE_SERVICE_PORT_HTTP", "80"),
            ("SLUICE_PORT", "tcp://10.0.0.1:80"),
            ("SLUICE_PORT_80_TCP_ADDR", "10.0.0.1"),
            ("SLUICE_ADMIN_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ];
        assert_eq!(environment(&all).strangers(&[], &["SLUICE_CI_KEY"]), []);
    }

    #[test]
    fn a_key_path_has_its_variable() {
        let environment = environment(&[("SLUICE_SERVER__TLS", "{}"), ("SLUICE_SERVER__TLS__KEY", "k")]);
        for (path, variable) in [
            ("server.tls", Some("SLUICE_SERVER__TLS")),
            ("server.tls.cert", Some("SLUICE_SERVER__TLS")),
            ("server.tls.key", Some("SLUICE_SERVER__TLS__KEY")),
            ("server", None),
        ] {
            assert_eq!(environment.variable(path), variable, "{path}");
        }
    }
}
