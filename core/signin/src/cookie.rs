//! The cookie of a session, and the header that shows that a page of ours has sent it along.

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use crate::sessions::{LASTS, Role};

/// Has to come with a cookie: no form and no picture of another site can send it, and no script of one may.
pub const OURS: HeaderName = HeaderName::from_static("x-sluice-console");

/// What a proxy says that it was asked by.
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

impl Role {
    /// The cookie's name. Two of them: an operator may hold a key, too.
    const fn cookie(self) -> &'static str {
        match self {
            Self::Operator => "sluice-operator",
            Self::Holder => "sluice-holder",
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
pub fn sent(headers: &HeaderMap, role: Role) -> Option<&str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == role.cookie()).map(|(_, value)| value)
}

/// Whether the browser has come by TLS: to us, or to what stands before us. A client's own word would bind itself alone.
#[must_use]
pub fn is_secure(headers: &HeaderMap, tls: bool) -> bool {
    tls || headers.get(PROTO).is_some_and(|proto| proto == "https")
}

/// Sets a cookie for as long as its session; an empty one is taken away.
#[must_use]
pub fn set(role: Role, value: &str, secure: bool) -> Option<(HeaderName, HeaderValue)> {
    let (name, seconds) = (role.cookie(), if value.is_empty() { 0 } else { LASTS.as_secs() });
    let secure = if secure { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    let mut line = HeaderValue::try_from(text).ok()?;
    line.set_sensitive(true);
    Some((SET_COOKIE, line))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header::COOKIE};

    use super::{sent, set};
    use crate::sessions::Role;

    #[test]
    fn a_cookie_is_found_among_others_and_is_its_roles() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; sluice-operator=x"));
        headers.append(COOKIE, HeaderValue::from_static("sluice-holder=y;b=2"));
        assert_eq!((sent(&headers, Role::Operator), sent(&headers, Role::Holder)), (Some("x"), Some("y")));
        assert_eq!(sent(&HeaderMap::new(), Role::Operator), None);
    }

    #[test]
    fn no_script_reads_it_and_no_other_site_sends_it() {
        let (_, line) = set(Role::Operator, "v", true).unwrap();
        assert_eq!(line, "sluice-operator=v; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure");
        assert!(line.is_sensitive());
        let (_, line) = set(Role::Holder, "", false).unwrap();
        assert_eq!(line, "sluice-holder=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
    }
}
