//! Settings of `[store]` with `kind = "redis"`.

mod urls;

use std::path::PathBuf;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};
use sluice_api::settings::{Problem, Secret, Section, Span};
use utoipa::ToSchema;

use crate::link::{Link, Servers};
use urls::Urls;

/// Settings of the store of many gateways.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedisSettings {
    /// Folder on this machine for what waits to be written there; made where it is missing. One for each gateway.
    #[serde(default = "path")]
    #[schema(value_type = String, default = json!("sluice-data"))]
    path: PathBuf,
    /// URL of the server, redis:// or rediss:// (with TLS); a list of them is a cluster, of which some nodes are named.
    url: Urls,
    /// What its keys begin with: the same for gateways that share everything, another one for others on the same server.
    /// 1 to 64 letters, digits, `-`, `_`, `.`, `:` or `/`.
    #[serde(default = "prefix")]
    #[schema(default = prefix)]
    prefix: String,
    /// Longest wait for one operation, up to 60 s; ten times as long for what is large.
    #[serde(default = "timeout")]
    #[schema(default = timeout)]
    timeout: Span,
    /// Records kept at most, at about 300 bytes of the server's memory each; beyond it the oldest go before their time.
    /// Their sums stay.
    #[serde(default = "records")]
    #[schema(default = records)]
    records: u64,
    /// What becomes of requests while the store is out of reach: "reject" refuses them; "admit" serves them, with limits that
    /// each gateway holds by itself from what it saw last, so that all of N gateways together may exceed a limit up to N
    /// times, and refuses those of keys in hard mode.
    #[serde(default)]
    #[schema(default = json!("reject"))]
    on_outage: OnOutage,
    /// File of certificates (PEM) that are trusted with rediss:// in place of the system's.
    #[schema(value_type = Option<String>)]
    ca: Option<PathBuf>,
}

/// What becomes of requests while the store is out of reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum OnOutage {
    /// They are refused.
    #[default]
    Reject,
    /// They are served, with limits held per gateway; those of keys in hard mode are refused.
    Admit,
}

/// The longest time-out: a request may wait for it.
const LONGEST: Duration = Duration::from_secs(60);

/// The longest prefix: it is a part of every key.
const PREFIX_LENGTH: usize = 64;

/// Where the store is: settings that were checked.
#[derive(Debug)]
pub(crate) struct Reach {
    /// The folder on this machine.
    pub(crate) path: PathBuf,
    /// Records kept at most.
    pub(crate) records: u64,
    /// Whether requests are served while the servers are out of reach.
    pub(crate) admits: bool,
    servers: Servers,
    prefix: String,
    timeout: Duration,
}

impl Reach {
    /// One to these servers, for tests.
    #[cfg(test)]
    pub(crate) fn new(servers: Servers, prefix: String, timeout: Duration) -> Self {
        Self { path: path(), records: records(), admits: false, servers, prefix, timeout }
    }

    /// The way there. It connects when it is first used.
    pub(crate) fn link(&self) -> Link {
        Link::to(&self.servers, &self.prefix, self.timeout)
    }
}

impl RedisSettings {
    /// Reads and checks them, with every mistake.
    pub(crate) fn read(section: &Section<'_>) -> Result<Reach, Vec<Problem>> {
        let (settings, mut problems) = section.read_right::<Self>();
        let Some(settings) = settings else { return Err(problems) };
        let mut wrong = |key: &str, message: &str| problems.extend(section.wrong(key, message));
        if settings.path.as_os_str().is_empty() {
            wrong("path", "the store's folder needs a name");
        }
        if !is_prefix(&settings.prefix) {
            wrong("prefix", "a prefix is 1 to 64 letters, digits, `-`, `_`, `.`, `:` or `/`");
        }
        if settings.timeout.0.is_zero() || settings.timeout.0 > LONGEST {
            wrong("timeout", "it must be more than 0, or every operation fails, and 60 s at most");
        }
        if settings.records == 0 {
            wrong("records", "at least one record must be kept");
        }
        let ca = settings.ca.as_ref().map(|ca| certificates(ca)).transpose();
        let ca = ca.unwrap_or_else(|why| {
            wrong("ca", &why);
            None
        });
        let servers = settings.servers(section, ca.as_deref(), &mut problems);
        match servers {
            Some(servers) if problems.is_empty() => Ok(Reach {
                path: settings.path,
                records: settings.records,
                admits: settings.on_outage == OnOutage::Admit,
                servers,
                prefix: settings.prefix,
                timeout: settings.timeout.0,
            }),
            _ => Err(problems),
        }
    }

    fn servers(
        &self,
        section: &Section<'_>,
        ca: Option<&[u8]>,
        problems: &mut Vec<Problem>,
    ) -> Option<Servers> {
        let urls: Vec<&str> = self.url.each().iter().map(Secret::expose).collect();
        let place = |index: usize| match &self.url {
            Urls::One(_) => section.at("url"),
            Urls::Several(_) => format!("{}[{index}]", section.at("url")),
        };
        let file =
            || section.values.get("url").map_or_else(|| section.file(), |value| section.origin.of(value));
        let mut found = Vec::new();
        for (index, url) in urls.iter().enumerate() {
            found.extend(urls::wrong(url).map(|why| Problem::at(file(), place(index), why)));
        }
        if urls.is_empty() {
            found.extend(section.wrong("url", "a cluster needs at least one URL"));
        }
        if !found.is_empty() {
            problems.extend(found);
            return None;
        }
        let servers = Servers::new(&urls, ca)
            .map_err(|(index, why)| problems.push(Problem::at(file(), place(index), why)))
            .ok()?;
        if matches!(self.url, Urls::Several(_)) && servers.databases().any(|number| number != 0) {
            problems.extend(section.wrong("url", "a cluster has no database but 0: leave its number out"));
        }
        if servers.are_mixed() {
            problems.extend(section.wrong(
                "url",
                "a cluster's nodes have TLS or have it not: write redis:// or rediss:// for all",
            ));
        }
        if self.ca.is_some() && !servers.are_encrypted() {
            problems.extend(
                section.wrong("ca", "only a server of rediss:// shows a certificate: write the URL with it"),
            );
        }
        Some(servers)
    }
}

fn is_prefix(prefix: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte);
    (1..=PREFIX_LENGTH).contains(&prefix.len()) && prefix.bytes().all(fits)
}

/// What a file of certificates has, where each of them can be trusted.
fn certificates(path: &std::path::Path) -> Result<Vec<u8>, String> {
    let name = path.display();
    let text = std::fs::read(path).map_err(|error| format!("the file {name} can't be read: {error}"))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let added = certificate.map_err(|error| error.to_string());
        let added = added.and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
        added.map_err(|why| format!("the file {name} has a certificate that can't be read: {why}"))?;
    }
    if roots.is_empty() {
        return Err(format!("the file {name} has no certificate: it must have one or more, as PEM"));
    }
    Ok(text)
}

fn path() -> PathBuf {
    PathBuf::from("sluice-data")
}

fn prefix() -> String {
    "sluice".to_owned()
}

fn records() -> u64 {
    1_000_000
}

fn timeout() -> Span {
    Span(Duration::from_secs(1))
}

#[cfg(test)]
mod tests;
