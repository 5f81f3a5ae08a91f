//! `[upstream]`: the way to upstreams, and what accounts say of their own of it.

use std::path::Path;
use std::sync::Arc;

use sluice_api::settings::Problem;
use sluice_reading::Loaded;

use super::limits::Wrong;
use crate::resolved::Timeouts;
use crate::section::{file_of, table};
use crate::tls::Identity;
use sluice_settings::account::Account;
use sluice_settings::server::{HttpVersion, Upstream};

/// What is wrong with a wait for an upstream that is no wait.
pub(super) const NO_WAIT: &str = "it must be more than 0, or every request fails";

/// The way upstream of accounts that say nothing of their own.
pub(super) struct General {
    pub(super) timeouts: Timeouts,
    pub(super) http: HttpVersion,
    written: Upstream,
    /// `None` where it is wrong, which is told already.
    identity: Option<Arc<Identity>>,
}

pub(super) fn check(loaded: &Loaded, problems: &mut Vec<Problem>) -> General {
    let written: Upstream = table(loaded, "upstream", problems);
    let mut wrong = |key: &str, message: String| {
        let path = format!("upstream.{key}");
        problems.push(Problem::at(file_of(loaded, &path), path, message));
    };
    for (key, span) in [
        ("connect_timeout", written.connect_timeout),
        ("first_byte_timeout", written.first_byte_timeout),
        ("idle_timeout", written.idle_timeout),
    ] {
        if span.0.is_zero() {
            wrong(key, NO_WAIT.to_owned());
        }
    }
    let timeouts = Timeouts {
        connect: written.connect_timeout.0,
        first_byte: written.first_byte_timeout.0,
        idle: written.idle_timeout.0,
    };
    let files = Files::of(&written.ca, &written.client_cert, &written.client_key);
    let identity = files.load(&mut wrong);
    General { timeouts, http: written.http, written, identity }
}

impl General {
    /// Whom an account trusts and what it shows of itself; `None` where that is wrong.
    pub(super) fn identity_of(&self, account: &Account, wrong: &mut Wrong<'_>) -> Option<Arc<Identity>> {
        let own = Files::of(&account.ca, &account.client_cert, &account.client_key);
        if own.is_empty() {
            return self.identity.clone();
        }
        // A certificate goes with its key, so that the two are never taken from different tables.
        let (cert, key) = match (own.cert, own.key) {
            (None, None) => (&self.written.client_cert, &self.written.client_key),
            _ => (&account.client_cert, &account.client_key),
        };
        Files::of(own.ca.map_or(&self.written.ca, |_| &account.ca), cert, key).load(wrong)
    }
}

/// Files of one identity, as they are written.
struct Files<'a> {
    ca: Option<&'a str>,
    cert: Option<&'a str>,
    key: Option<&'a str>,
}

impl<'a> Files<'a> {
    fn of(ca: &'a Option<String>, cert: &'a Option<String>, key: &'a Option<String>) -> Self {
        Self { ca: ca.as_deref(), cert: cert.as_deref(), key: key.as_deref() }
    }

    fn is_empty(&self) -> bool {
        self.ca.is_none() && self.cert.is_none() && self.key.is_none()
    }

    fn load(&self, wrong: &mut Wrong<'_>) -> Option<Arc<Identity>> {
        let own = match (self.cert, self.key) {
            (Some(cert), Some(key)) => Some((Path::new(cert), Path::new(key))),
            (None, None) => None,
            (Some(_), None) => {
                wrong("client_key", "client_cert needs the key that belongs to it".to_owned());
                return None;
            }
            (None, Some(_)) => {
                wrong("client_cert", "client_key needs the certificate that it belongs to".to_owned());
                return None;
            }
        };
        match Identity::load(self.ca.map(Path::new), own) {
            Ok(identity) => Some(Arc::new(identity)),
            Err(error) => {
                wrong(error.setting, error.to_string());
                None
            }
        }
    }
}
