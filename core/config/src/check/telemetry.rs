//! `[telemetry]`: what is logged, and how; where traces go.

use sluice_api::settings::Problem;
use sluice_reading::Loaded;
use tracing_subscriber::EnvFilter;
use url::Url;

use crate::resolved::TelemetryConfig;
use crate::section::{file_of, table};
use sluice_settings::server::Telemetry;

/// Levels that a log filter names.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Where a collector takes traces, as OTLP has it.
const TRACES: &str = "/v1/traces";

/// What is logged, measured and traced.
pub(super) fn check(loaded: &Loaded, problems: &mut Vec<Problem>) -> TelemetryConfig {
    let telemetry: Telemetry = table(loaded, "telemetry", problems);
    let at = |path: &'static str, message: String| Problem::at(file_of(loaded, path), path, message);
    let path = "telemetry.log";
    if let Err(error) = EnvFilter::try_new(&telemetry.log) {
        problems.push(at(path, format!("the filter `{}` can't be read: {error}", telemetry.log)));
    }
    if let Some(word) = no_level(&telemetry.log) {
        let problem = at(path, "a level is wanted".to_owned()).found(format!("`{word}`"));
        problems.push(problem.allowed(LEVELS.join(", ")).nearest(word, LEVELS));
    }
    let endpoint = telemetry.otlp_endpoint.trim();
    let traces = (!endpoint.is_empty()).then(|| collector(endpoint)).transpose();
    let traces = traces.unwrap_or_else(|why| {
        problems.push(at("telemetry.otlp_endpoint", why.to_owned()));
        None
    });
    TelemetryConfig {
        log: telemetry.log.clone(),
        format: telemetry.format,
        usage_by: telemetry.usage_by.clone(),
        traces,
    }
}

/// Where a collector takes traces. What is wrong is said without the URL, as it may hold a password.
fn collector(endpoint: &str) -> Result<Url, &'static str> {
    let mut url = Url::parse(endpoint).map_err(|_| "it is not a URL like http://127.0.0.1:4318")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("its scheme must be http or https: OTLP over gRPC is not spoken");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it has a user or a password in it: let a collector of your own hold them");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it has more than a path behind its host: write it like http://127.0.0.1:4318");
    }
    let path = url.path().trim_end_matches('/');
    let path = if path.ends_with(TRACES) { path.to_owned() } else { format!("{path}{TRACES}") };
    url.set_path(&path);
    Ok(url)
}

/// A lone word that is no level: the filter's parser takes it for a module, and then nothing else is logged.
fn no_level(filter: &str) -> Option<&str> {
    let words = filter.split(',').map(str::trim).filter(|word| !word.contains(['=', '[', ':']));
    let level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
    words.into_iter().find(|word| !level(word))
}

#[cfg(test)]
mod tests {
    use super::collector;

    #[test]
    fn traces_go_where_otlp_says_below_the_url_of_a_collector() {
        for (endpoint, found) in [
            ("http://h:4318", Ok("http://h:4318/v1/traces")),
            ("https://h/", Ok("https://h/v1/traces")),
            ("https://h/otlp/", Ok("https://h/otlp/v1/traces")),
            ("http://h/v1/traces", Ok("http://h/v1/traces")),
            ("h:4318", Err("scheme")),
            ("grpc://h:4317", Err("gRPC")),
            ("http://", Err("not a URL")),
            ("collector", Err("not a URL")),
            ("http://u:planted@h", Err("password")),
            ("http://h?key=planted", Err("more than a path")),
        ] {
            let got = collector(endpoint);
            match found {
                Ok(url) => assert_eq!(got.as_ref().map(url::Url::as_str), Ok(url), "{endpoint}"),
                Err(why) => {
                    let message = got.unwrap_err();
                    assert!(message.contains(why) && !message.contains("planted"), "{endpoint}: {message}");
                }
            }
        }
    }
}
