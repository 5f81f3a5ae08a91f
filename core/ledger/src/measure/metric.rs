//! The names of all metrics, what each is, and what Prometheus tells of it.

use super::series::Kind;

/// Every metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metric {
    /// 1, with the version that runs.
    BuildInfo,
    /// Requests with a valid key, by api, model, account and status.
    Requests,
    /// Seconds from the request's head to the answer's last byte.
    Duration,
    /// Seconds from the request's head to the answer's first byte.
    FirstByte,
    /// Seconds that the gateway itself took.
    Overhead,
    /// Tokens, by model and class.
    Tokens,
    /// US dollars, by model.
    Cost,
    /// Requests of which no price is known, by model.
    Unpriced,
    /// Members of upstreams' usage that nobody knows, by client API and name.
    UnknownUsage,
    /// Requests whose upstream told a usage that contradicts itself, by client API and account.
    InconsistentUsage,
    /// Tokens, by key and class.
    KeyTokens,
    /// US dollars, by key.
    KeyCost,
    /// Tokens, by group and class.
    GroupTokens,
    /// US dollars, by group.
    GroupCost,
    /// Requests in flight, by account.
    InFlight,
    /// Requests that were refused, by reason.
    Refusals,
    /// Credentials that were refused, by whose they were.
    CredentialsRefused,
    /// 1 for the state that an account is in, else 0.
    AccountState,
    /// Seconds that the store took, by operation.
    Store,
    /// Requests that were admitted while the store was out of reach.
    OutageRequests,
    /// Leases of which the store is still to be told.
    OutageUnsettled,
    /// Records that the store can't write.
    RecordsSetAside,
    /// Lines that the log had no room for.
    LogLinesDropped,
    /// Spans of traces that were lost.
    SpansDropped,
}

impl Metric {
    /// Its name, what it is, and what Prometheus tells of it.
    pub(super) const fn about(self) -> (&'static str, Kind, &'static str) {
        match self {
            Self::BuildInfo => {
                ("sluice_build_info", Kind::Gauge, "Always 1; the version that runs is a label.")
            }
            Self::Requests => (
                "sluice_requests_total",
                Kind::Counter,
                "Requests with a valid key, by client API, model, account and status.",
            ),
            Self::Duration => (
                "sluice_request_duration_seconds",
                Kind::Histogram,
                "Time from a request's head to its answer's last byte.",
            ),
            Self::FirstByte => (
                "sluice_time_to_first_byte_seconds",
                Kind::Histogram,
                "Time from a request's head to its answer's first byte.",
            ),
            Self::Overhead => (
                "sluice_overhead_seconds",
                Kind::Histogram,
                "The gateway's own part of a request's time, before it goes upstream.",
            ),
            Self::Tokens => ("sluice_tokens_total", Kind::Counter, "Tokens used, by model and class."),
            Self::Cost => (
                "sluice_cost_dollars_total",
                Kind::Counter,
                "US dollars that requests cost, by model, those without a price left out.",
            ),
            Self::Unpriced => (
                "sluice_unpriced_requests_total",
                Kind::Counter,
                "Requests that used something of which no price is known, by model.",
            ),
            Self::UnknownUsage => (
                "sluice_unknown_usage_fields_total",
                Kind::Counter,
                "Fields of upstreams' usage that are not known, and so not priced, by client API and name.",
            ),
            Self::InconsistentUsage => (
                "sluice_inconsistent_usage_total",
                Kind::Counter,
                "Requests whose upstream told a usage that contradicts itself, by client API and account.",
            ),
            Self::KeyTokens => {
                ("sluice_key_tokens_total", Kind::Counter, "Tokens used, by client key and class.")
            }
            Self::KeyCost => (
                "sluice_key_cost_dollars_total",
                Kind::Counter,
                "US dollars that requests cost, by client key, those without a price left out.",
            ),
            Self::GroupTokens => {
                ("sluice_group_tokens_total", Kind::Counter, "Tokens used, by group of keys and class.")
            }
            Self::GroupCost => (
                "sluice_group_cost_dollars_total",
                Kind::Counter,
                "US dollars that requests cost, by group of keys, those without a price left out.",
            ),
            Self::InFlight => ("sluice_in_flight", Kind::Gauge, "Requests that an account has now."),
            Self::Refusals => (
                "sluice_refusals_total",
                Kind::Counter,
                "Requests that the gateway refused, by reason; those without a valid key too.",
            ),
            Self::CredentialsRefused => (
                "sluice_credentials_refused_total",
                Kind::Counter,
                "Requests whose credentials were refused, by whose they were: a client's, the admin's, those of /metrics.",
            ),
            Self::AccountState => {
                ("sluice_account_state", Kind::Gauge, "1 for the state that an account is in, else 0.")
            }
            Self::Store => {
                ("sluice_store_seconds", Kind::Histogram, "Time that an operation of the store took.")
            }
            Self::OutageRequests => (
                "sluice_outage_requests_total",
                Kind::Counter,
                "Requests that were admitted while the store was out of reach, by what this gateway knew.",
            ),
            Self::OutageUnsettled => (
                "sluice_outage_unsettled_leases",
                Kind::Gauge,
                "Leases of an outage whose use the store is still to be told: of a key and its group, or of an account.",
            ),
            Self::RecordsSetAside => (
                "sluice_records_set_aside_total",
                Kind::Counter,
                "Records that the store can't write: they are in a file beside it, and in no sum.",
            ),
            Self::LogLinesDropped => (
                "sluice_log_lines_dropped_total",
                Kind::Counter,
                "Log lines that were lost because standard error was read too slowly.",
            ),
            Self::SpansDropped => (
                "sluice_spans_dropped_total",
                Kind::Counter,
                "Spans of traces that were lost because their collector did not take them.",
            ),
        }
    }
}
