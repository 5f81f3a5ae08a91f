//! The cookie of a session, and the header that shows that a page of ours has sent it along.

use http::header::{CACHE_CONTROL, COOKIE, FORWARDED, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use crate::sessions::{LASTS, Role};

/// Has to come with a cookie: no form and no picture of another site can send it, and no script of one may.
pub const OURS: HeaderName = HeaderName::from_static("x-sluice-console");

/// On whatever is told to a session: it stays in no cache, where the next one would find it.
pub const UNKEPT: (HeaderName, HeaderValue) = (CACHE_CONTROL, HeaderValue::from_static("no-store"));

/// What is said where a cookie comes without our header.
pub const NOT_OURS: &str = "a session's cookie alone does not do: send the secret itself as Authorization: Bearer (on /docs by its button Authorize), or x-sluice-console: 1 with the cookie, as a page of this gateway does";

/// What a proxy says that it was asked by: the first one of a row stands next to the browser.
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

impl Role {
    /// The cookie's name. Two of them: an operator may hold a key, too. By TLS browsers take the prefix as a promise that
    /// no neighbour below the same domain has set it.
    const fn cookie(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Operator, false) => "sluice-operator",
            (Self::Operator, true) => "__Host-sluice-operator",
            (Self::Holder, false) => "sluice-holder",
            (Self::Holder, true) => "__Host-sluice-holder",
        }
    }

    /// As whom a path asks: `/session/operator` or `/session/holder`.
    #[must_use]
    pub fn of(uri: &Uri) -> Self {
        if uri.path().ends_with("/operator") { Self::Operator } else { Self::Holder }
    }
}

/// Whether the request comes from a page of ours.
#[must_use]
pub fn is_ours(headers: &HeaderMap) -> bool {
    headers.get(OURS).is_some_and(|value| value == "1")
}

/// What the request has of a role's cookie.
#[must_use]
pub fn sent(headers: &HeaderMap, role: Role, secure: bool) -> Option<&str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == role.cookie(secure)).map(|(_, value)| value)
}

/// Whether the browser has come by TLS: to us, or to what stands before us. A client's own word would bind itself alone.
#[must_use]
pub fn is_secure(headers: &HeaderMap, tls: bool) -> bool {
    let is_https = |proto: &str| proto.trim().trim_matches('"').eq_ignore_ascii_case("https");
    let first = |name| {
        let line = headers.get(name).and_then(|line: &HeaderValue| line.to_str().ok());
        line.and_then(|line| line.split(',').next())
    };
    let forwarded = || {
        first(FORWARDED).is_some_and(|hop| {
            let mut pairs = hop.split(';').filter_map(|pair| pair.trim().split_once('='));
            pairs.any(|(name, value)| name.eq_ignore_ascii_case("proto") && is_https(value))
        })
    };
    tls || first(PROTO).map_or_else(forwarded, is_https)
}

/// Sets a cookie for as long as its session; an empty one is taken away.
#[must_use]
pub fn set(role: Role, value: &str, secure: bool) -> Option<(HeaderName, HeaderValue)> {
    let (name, seconds) = (role.cookie(secure), if value.is_empty() { 0 } else { LASTS.as_secs() });
    let secure = if secure { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    let mut line = HeaderValue::try_from(text).ok()?;
    line.set_sensitive(true);
    Some((SET_COOKIE, line))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header::COOKIE};

    use super::{is_secure, sent, set};
    use crate::sessions::Role;

    #[test]
    fn a_cookie_is_found_among_others_and_is_its_roles() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; sluice-operator=x"));
        headers.append(COOKIE, HeaderValue::from_static("sluice-holder=y;b=2"));
        headers.append(COOKIE, HeaderValue::from_static("__Host-sluice-operator=z"));
        let found = |role, secure| sent(&headers, role, secure);
        assert_eq!((found(Role::Operator, false), found(Role::Holder, false)), (Some("x"), Some("y")));
        // Where there is TLS, what anybody below the same domain may have set is not looked at.
        assert_eq!((found(Role::Operator, true), found(Role::Holder, true)), (Some("z"), None));
        assert_eq!(sent(&HeaderMap::new(), Role::Operator, false), None);
    }

    #[test]
    fn no_script_reads_it_and_no_other_site_sends_it() {
        let (_, line) = set(Role::Operator, "v", true).unwrap();
        assert_eq!(
            line,
            "__Host-sluice-operator=v; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure"
        );
        assert!(line.is_sensitive());
        let (_, line) = set(Role::Holder, "", false).unwrap();
        assert_eq!(line, "sluice-holder=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
    }

    #[test]
    fn what_proxies_say_of_tls_is_read_as_they_write_it() {
        for (name, value, secure) in [
            ("x-forwarded-proto", "https", true),
            ("x-forwarded-proto", "HTTPS", true),
            ("x-forwarded-proto", "https, http", true),
            ("x-forwarded-proto", "http, https", false),
            ("forwarded", "for=192.0.2.1;proto=https;by=x, proto=http", true),
            ("forwarded", "For=\"[2001:db8::1]\"; Proto=\"HTTPS\"", true),
            ("forwarded", "proto=http, proto=https", false),
            ("forwarded", "for=https", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.append(name, HeaderValue::from_static(value));
            assert_eq!(is_secure(&headers, false), secure, "{name}: {value}");
            assert!(is_secure(&headers, true));
        }
        assert!(!is_secure(&HeaderMap::new(), false));
    }
}
