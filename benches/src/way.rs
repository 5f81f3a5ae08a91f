//! The ways that requests take: how clients come, how the upstream is reached, and over how many accounts.

/// A way through a proxy. Each has a nginx and a Sluice of its own, so that none bears what another took.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Way {
    /// Its name, and that of its files.
    pub(crate) name: &'static str,
    /// How clients come: plain or by TLS, always with HTTP/1.1.
    pub(crate) front: Wire,
    /// How Sluice reaches the upstream.
    pub(crate) upstream: Wire,
    /// The provider of Sluice's accounts.
    pub(crate) provider: &'static str,
    /// Accounts of Sluice, and servers of nginx; all of them are the same upstream.
    pub(crate) accounts: usize,
    /// Whether Sluice's key, its group and its account have limits, five in all.
    pub(crate) limited: bool,
    /// Whether a route leads every client to Sluice's account, whatever that speaks.
    pub(crate) translates: bool,
}

/// What is spoken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wire {
    /// HTTP/1.1.
    Plain,
    /// HTTP/1.1 over TLS.
    Tls,
    /// HTTP/2 over TLS.
    Http2,
}

impl Way {
    /// Plain on both sides, one account.
    pub(crate) const PLAIN: Self = Self {
        name: "plain",
        front: Wire::Plain,
        upstream: Wire::Plain,
        provider: "claude-console",
        accounts: 1,
        limited: false,
        translates: false,
    };
    /// With limits.
    pub(crate) const LIMITED: Self = Self { name: "limited", limited: true, ..Self::PLAIN };
    /// Clients come by TLS.
    pub(crate) const FRONT: Self = Self { name: "front", front: Wire::Tls, ..Self::PLAIN };
    /// The upstream is behind TLS.
    pub(crate) const TLS: Self = Self { name: "tls", upstream: Wire::Tls, ..Self::PLAIN };
    /// The upstream is behind TLS and speaks HTTP/2.
    pub(crate) const HTTP2: Self = Self { name: "http2", upstream: Wire::Http2, ..Self::PLAIN };
    /// Fifty accounts.
    pub(crate) const FIFTY: Self = Self { name: "fifty", accounts: 50, ..Self::PLAIN };
    /// Two accounts, one of which stands in where the other fails.
    pub(crate) const PAIR: Self = Self { name: "pair", accounts: 2, ..Self::PLAIN };
    /// For clients of other dialects too.
    pub(crate) const TURNED: Self = Self { name: "turned", translates: true, ..Self::PLAIN };
    /// The same with an account that speaks Chat alone.
    pub(crate) const TURNED_CHAT: Self =
        Self { name: "turned-chat", provider: "openai-compatible", ..Self::TURNED };
    /// An account of OpenAI's.
    pub(crate) const OPENAI: Self = Self { name: "openai", provider: "openai", ..Self::PLAIN };
}

impl Wire {
    /// What nginx speaks in its place: Debian's knows no HTTP/2 to upstreams.
    pub(crate) fn of_nginx(self) -> Self {
        match self {
            Self::Plain => Self::Plain,
            Self::Tls | Self::Http2 => Self::Tls,
        }
    }
}
