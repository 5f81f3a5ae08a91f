//! Listeners, waits and logs, as they are written.

use serde::{Deserialize, Serialize};
use sluice_api::settings::{Secret, Size, Span};
use utoipa::ToSchema;

use crate::defaults::span;

/// Where and how clients are served.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Address and port that clients connect to; port 0 takes a free one.
    pub listen: String,
    /// Largest request body, also after decompression.
    pub max_body: Size,
    /// All request bodies held at once; beyond it requests get 503. At least `max_body`.
    pub max_buffered: Size,
    /// A client that has not sent its headers by then is dropped.
    pub header_timeout: Span,
    /// Longest wait between two pieces of a request's body; all of it may take four times as long, and a second more for
    /// each 4 KiB.
    pub body_timeout: Span,
    /// A client that takes nothing of its answer for so long is gone: its request ends, and with it the one upstream.
    pub send_timeout: Span,
    /// Connections that one address may have at once, a network of 64 bits of IPv6 counting as one; 0 = no bound. The
    /// machine's own and those of `trusted_proxies` are not counted, so name a proxy that stands in front there.
    pub max_connections_per_address: u32,
    /// Certificate chain and key, PEM files; unset: plain HTTP/1.1 and h2c. Renewed files are taken on a reload.
    pub tls: Option<Tls>,
    /// When the process is told to stop, /readyz says 503 at once, and requests are still taken for so long: time for
    /// whatever distributes them to notice.
    pub shutdown_delay: Span,
    /// How long running requests may take to end after that; then they are cut. Each further time that the process is
    /// told to stop ends the wait that is on.
    pub shutdown_grace: Span,
    /// Further names that clients may call this gateway by. On a loopback address it answers only to localhost,
    /// addresses and these, so that no page in a browser reaches it by a name of its own; on any other to every name,
    /// unless some stand here. "*" is every name.
    pub hosts: Vec<String>,
    /// Networks of proxies in front, like "10.0.0.0/8" or one address: the client's address is then the last one in
    /// x-forwarded-for that is none of theirs. Without it the address is the connection's own.
    pub trusted_proxies: Vec<String>,
    /// Answers carry x-sluice-account, x-sluice-provider and x-sluice-attempts.
    pub reveal_route: bool,
    /// Bearer token that guards /metrics; unset: it is open.
    #[schema(default = json!(null))]
    pub metrics_token: Option<Secret>,
}

/// TLS files.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Path of the certificate chain, PEM.
    pub cert: String,
    /// Path of the private key, PEM.
    pub key: String,
}

/// The admin API.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// Token of the admin API, at least 16 characters; unset: one is made at the first start and kept in the store's
    /// folder, in the file `admin-token` that its owner alone may read; `sluice admin-token` shows it.
    #[schema(default = json!(null))]
    pub token: Option<Secret>,
    /// Address for operators alone; unset: the clients' own.
    pub listen: Option<String>,
}

/// The way to upstreams; each setting is also allowed on an account.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Upstream {
    /// Path of certificate authorities that are trusted beside the system's, PEM.
    pub ca: Option<String>,
    /// Path of the certificate chain that is shown to upstreams that ask for one, PEM; needs `client_key`.
    pub client_cert: Option<String>,
    /// Path of its private key, PEM.
    pub client_key: Option<String>,
    /// What is spoken. auto: HTTP/1.1, and HTTP/2 only with servers that speak nothing else. 2: HTTP/2 where the server
    /// speaks it (over TLS by ALPN; without TLS it must), on as many connections as the requests need. Through a proxy
    /// it is HTTP/1.1. Whichever it is, no request waits for another's stream.
    pub http: HttpVersion,
    /// Longest wait for a connection.
    pub connect_timeout: Span,
    /// Longest wait for the first byte of an answer; one that is not streamed comes only when it is whole.
    pub first_byte_timeout: Span,
    /// Longest wait between two chunks of an answer; its whole length has no bound.
    pub idle_timeout: Span,
}

/// What is spoken to an upstream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, ToSchema)]
pub enum HttpVersion {
    /// HTTP/1.1, and HTTP/2 with servers that speak nothing else.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// HTTP/1.1 alone.
    #[serde(rename = "1.1")]
    One,
    /// HTTP/2 where the server speaks it.
    #[serde(rename = "2")]
    Two,
}

/// Logs and traces.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// What is logged: error, warn, info, debug, trace, off, or a filter like "info,sluice=debug". What operators
    /// do is at the target `audit`: "warn,audit=info" keeps it.
    pub log: String,
    /// How log lines look.
    pub format: Format,
    /// By whom /metrics tells tokens and cost, beside the model: key, group. Each name is a label then, of 10,000 at most.
    pub usage_by: Vec<UsageBy>,
    /// URL of an OpenTelemetry collector that takes traces over OTLP as HTTP with protobuf, like "http://127.0.0.1:4318";
    /// /v1/traces is added where it is not there. Each request is a span below its client's, by traceparent, where the
    /// client records that; each attempt is one below it, by the conventions for GenAI. No text of a conversation is in
    /// them. Empty: none are sent.
    pub otlp_endpoint: String,
}

/// By whom tokens and cost are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UsageBy {
    /// By client key.
    Key,
    /// By group of keys.
    Group,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON object a line.
    Json,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            max_body: Size(32 << 20),
            max_buffered: Size(512 << 20),
            header_timeout: span("10s"),
            body_timeout: span("30s"),
            send_timeout: span("60s"),
            max_connections_per_address: 4096,
            tls: None,
            shutdown_delay: span("0s"),
            shutdown_grace: span("30s"),
            hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            reveal_route: false,
            metrics_token: None,
        }
    }
}

impl Default for Upstream {
    fn default() -> Self {
        Self {
            ca: None,
            client_cert: None,
            client_key: None,
            http: HttpVersion::Auto,
            connect_timeout: span("10s"),
            first_byte_timeout: span("600s"),
            idle_timeout: span("300s"),
        }
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            log: "info".to_owned(),
            format: Format::Text,
            usage_by: Vec::new(),
            otlp_endpoint: String::new(),
        }
    }
}
