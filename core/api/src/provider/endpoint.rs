//! Where an account's requests go: a base URL, parsed once, and the URIs built on it.

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};
use percent_encoding::percent_decode_str;

use crate::error::{Error, Kind};

/// A base URL without its trailing slash.
#[derive(Clone, Debug)]
pub struct Endpoint {
    scheme: Scheme,
    authority: Authority,
    path: String,
}

impl Endpoint {
    /// Reads a base URL; `versions` are trailing segments, like `/v1`, that it may carry and that requests add anyway.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong with it. It never repeats the URL, which may hold a password.
    pub fn parse(base: &str, versions: &[&str]) -> Result<Self, String> {
        let uri: Uri =
            base.trim().parse().map_err(|_| "it is not a URL like https://host/path".to_owned())?;
        let parts = uri.into_parts();
        let scheme = match parts.scheme {
            Some(scheme) if scheme == Scheme::HTTP || scheme == Scheme::HTTPS => scheme,
            Some(_) => return Err("its scheme must be http or https".to_owned()),
            None => return Err("it has no scheme: write https:// or http:// before the host".to_owned()),
        };
        let authority = parts.authority.ok_or_else(|| "it has no host".to_owned())?;
        if authority.as_str().contains('@') {
            return Err("it has a user or password in it: use the account's credential settings".to_owned());
        }
        let whole = parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
        if whole.query().is_some() {
            return Err("it has a query".to_owned());
        }
        let mut path = whole.path().trim_end_matches('/');
        for version in versions {
            path = path.strip_suffix(version).unwrap_or(path);
        }
        Ok(Self { scheme, authority, path: path.to_owned() })
    }

    /// The URI of a path on this endpoint. The path is appended as it is: names in it are encoded already.
    ///
    /// # Errors
    ///
    /// When the path or query can't stand in a URI.
    pub fn uri(&self, path: &str, query: Option<&str>) -> Result<Uri, Error> {
        let mut whole =
            String::with_capacity(self.path.len() + path.len() + query.map_or(0, |query| query.len() + 1));
        whole.push_str(&self.path);
        whole.push_str(path);
        if let Some(query) = query.filter(|query| !query.is_empty()) {
            whole.push('?');
            whole.push_str(query);
        }
        let unusable = |_| Error::new(Kind::BadRequest, "the request's path or query can't be used upstream");
        let path = PathAndQuery::try_from(whole).map_err(unusable)?;
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path);
        Uri::from_parts(parts).map_err(|_| Error::new(Kind::Internal, "an upstream URI could not be built"))
    }
}

/// A query without the arguments of this name, however it is encoded.
#[must_use]
pub fn query_without(query: Option<&str>, name: &str) -> String {
    let is_named = |pair: &&str| {
        let written = pair.split('=').next().unwrap_or_default();
        percent_decode_str(written).eq(name.bytes())
    };
    let kept = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && !is_named(pair));
    kept.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, query_without};

    #[test]
    fn a_base_url_keeps_its_path_and_loses_its_version() {
        for (base, uri) in [
            ("https://api.x.com", "https://api.x.com/v1/m"),
            ("https://api.x.com/", "https://api.x.com/v1/m"),
            ("https://api.x.com/v1", "https://api.x.com/v1/m"),
            ("https://api.x.com/v1/", "https://api.x.com/v1/m"),
            ("http://127.0.0.1:9/a/b", "http://127.0.0.1:9/a/b/v1/m"),
        ] {
            assert_eq!(Endpoint::parse(base, &["/v1"]).unwrap().uri("/v1/m", None).unwrap().to_string(), uri);
        }
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        for base in ["", "api.x.com", "/v1", "ftp://x", "https://u:p@x", "https://x?a=b"] {
            assert!(Endpoint::parse(base, &[]).is_err(), "{base}");
        }
    }

    #[test]
    fn an_argument_is_taken_out_of_a_query() {
        assert_eq!(query_without(Some("a=1&alt=json&b"), "alt"), "a=1&b");
        assert_eq!(query_without(Some("a=1&%61lt=json&$alt=x"), "alt"), "a=1&$alt=x");
        assert_eq!(query_without(None, "alt"), "");
    }
}
