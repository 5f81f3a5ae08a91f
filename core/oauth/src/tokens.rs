//! A bearer token and what it is renewed with: how long it is used, and how it is kept.

use std::time::Duration;

use http::HeaderValue;
use serde::{Deserialize, Serialize};

use jiff::Timestamp;
use sluice_api::settings::Secret;

/// How long before its end a token is renewed, beside the requests that still use it: longer than any renewal may take.
const MARGIN: Duration = Duration::from_secs(60);

/// Tokens that live for less than this many margins are renewed that part of their life before their end, or each
/// request would renew them.
const LIVES: u32 = 4;

/// What a token endpoint gave.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) access: Secret,
    /// Where it gave one.
    pub(super) refresh: Option<Secret>,
    /// How long the bearer token is good, where that was told.
    pub(super) lifetime: Option<Duration>,
}

/// A bearer token, and what it is renewed with.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    access: Option<Access>,
    refresh: Option<Secret>,
    expires_at: Option<Timestamp>,
    renew_at: Option<Timestamp>,
    /// The upstream has refused the bearer token.
    refused: bool,
}

/// A bearer token, and the header's value that carries it.
#[derive(Clone, Debug)]
struct Access {
    token: Secret,
    header: HeaderValue,
}

/// The form in which tokens are kept in the vault.
#[derive(Serialize, Deserialize)]
struct Kept {
    access_token: String,
    refresh_token: Option<String>,
    expires_at: Option<Timestamp>,
    renew_at: Option<Timestamp>,
}

impl Access {
    /// `None` where no header can carry the token.
    fn of(token: Secret) -> Option<Self> {
        let mut header = HeaderValue::try_from(format!("Bearer {}", token.expose())).ok()?;
        header.set_sensitive(true);
        Some(Self { token, header })
    }
}

impl Tokens {
    /// Tokens as they are configured; `None` where no header can carry the bearer token.
    pub(super) fn configured(
        access: Option<Secret>,
        refresh: Option<Secret>,
        expires_at: Option<Timestamp>,
    ) -> Option<Self> {
        let access = match access {
            Some(token) => Some(Access::of(token)?),
            None => None,
        };
        let renew_at = expires_at.filter(|_| refresh.is_some()).and_then(|at| at.checked_sub(MARGIN).ok());
        Some(Self { access, refresh, expires_at, renew_at, refused: false })
    }

    /// Tokens that a token endpoint gave in answer to a request of this time; where it gave no refresh token, the one
    /// that was used stays good (RFC 6749, section 6). `None` where no header can carry the bearer token.
    pub(super) fn granted(grant: Grant, now: Timestamp, before: &Self) -> Option<Self> {
        let Grant { access, refresh, lifetime } = grant;
        let expires_at = lifetime.and_then(|life| now.checked_add(life).ok());
        let ahead = lifetime.map_or(MARGIN, |life| MARGIN.min(life / LIVES));
        Some(Self {
            access: Some(Access::of(access)?),
            refresh: refresh.or_else(|| before.refresh.clone()),
            expires_at,
            renew_at: expires_at.and_then(|at| at.checked_sub(ahead).ok()),
            refused: false,
        })
    }

    /// Tokens from the vault; `None` where what it holds are none.
    pub(super) fn kept(secret: &Secret) -> Option<Self> {
        let kept: Kept = serde_json::from_str(secret.expose()).ok()?;
        Some(Self {
            access: Some(Access::of(Secret::new(kept.access_token))?),
            refresh: kept.refresh_token.map(Secret::new),
            expires_at: kept.expires_at,
            renew_at: kept.renew_at,
            refused: false,
        })
    }

    /// The form in which the vault keeps them.
    pub(super) fn keep(&self) -> Option<Secret> {
        let kept = Kept {
            access_token: self.access.as_ref()?.token.expose().to_owned(),
            refresh_token: self.refresh.as_ref().map(|token| token.expose().to_owned()),
            expires_at: self.expires_at,
            renew_at: self.renew_at,
        };
        serde_json::to_string(&kept).ok().map(Secret::new)
    }

    /// The header's value, where there is a bearer token.
    pub(super) fn header(&self) -> Option<&HeaderValue> {
        self.access.as_ref().map(|access| &access.header)
    }

    /// What they are renewed with.
    pub(super) fn refresh(&self) -> Option<&Secret> {
        self.refresh.as_ref()
    }

    /// Notes that the upstream has refused the bearer token.
    pub(super) fn refuse(&mut self) {
        self.refused = true;
    }

    /// Whether there is a bearer token that has not ended and was not refused.
    pub(super) fn is_valid(&self, now: Timestamp) -> bool {
        self.access.is_some() && !self.refused && self.expires_at.is_none_or(|at| now < at)
    }

    /// Whether it needs no renewal yet.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        self.is_valid(now) && self.renew_at.is_none_or(|at| now < at)
    }

    /// Has them renewed ahead no sooner than this.
    pub(super) fn not_before(&mut self, at: Timestamp) {
        self.renew_at = Some(at);
    }

    /// Whether the bearer token is the same.
    pub(super) fn same_access(&self, other: &Self) -> bool {
        self.header() == other.header()
    }

    /// Whether what they are renewed with is the same.
    pub(super) fn same_refresh(&self, other: &Self) -> bool {
        self.refresh == other.refresh
    }
}
