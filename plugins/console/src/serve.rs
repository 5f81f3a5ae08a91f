//! Which file a path is for, and in which form a browser gets it.

use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, LOCATION, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use sluice_api::plugin::Bytes;
use sluice_api::plugin::pages::{Asked, Listener, Page};

use crate::files::{BUILD, File, file};

/// What a page may do: run its own files, and ask the gateway that it came from. Nobody may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// For what is named by the hash of its contents: it never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// For pages: kept, and asked about each time.
const ASK: &str = "no-cache";

/// The page of a path.
pub(crate) fn page(asked: &Asked<'_>) -> Option<Page> {
    let mut parts = asked.path.trim_start_matches('/').splitn(3, '/');
    let (top, second, rest) = (parts.next()?, parts.next().unwrap_or_default(), parts.next());
    let (document, operators) = match top {
        "" => return front(asked),
        "console" => ("console.html", true),
        "my" => ("my.html", false),
        _ => return None,
    };
    if operators && asked.listener == Listener::Clients {
        return None;
    }
    match (second, rest) {
        ("build", None) => Some(build()),
        // A file of another build is gone, and the page itself is none: whoever asks for it must notice.
        (build, Some(name)) if is_build(build) => {
            let found = file(name).filter(|file| build == BUILD && !file.name.ends_with(".html"))?;
            Some(served(found, asked, FOR_EVER))
        }
        _ => Some(served(file(document)?, asked, ASK)),
    }
}

/// Where a browser begins.
fn front(asked: &Asked<'_>) -> Option<Page> {
    if asked.listener != Listener::Clients {
        return Some(served(file("front.html")?, asked, ASK));
    }
    Some(Page::new(StatusCode::SEE_OTHER, of_static([(LOCATION, "/my")]), Bytes::new()))
}

/// Which build this is, for pages that have been open for long.
fn build() -> Page {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    let body = format!("{{\"build\":\"{BUILD}\"}}");
    Page::new(StatusCode::OK, of_static(headers), body.into())
}

fn is_build(part: &str) -> bool {
    part.len() == BUILD.len() && part.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn served(file: &'static File, asked: &Asked<'_>, caching: &'static str) -> Page {
    let mut headers = of_static([
        (CONTENT_TYPE, file.kind),
        (CACHE_CONTROL, caching),
        (VARY, "accept-encoding"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ]);
    let is_packed = names(asked.headers, &ACCEPT_ENCODING, "gzip");
    // Other bytes, another tag: who has one form by it may not go on with the other.
    let (body, tag) = if is_packed { (file.packed, file.packed_tag) } else { (file.plain, file.tag) };
    headers.insert(ETAG, HeaderValue::from_static(tag));
    if ["*", tag].iter().any(|known| names(asked.headers, &IF_NONE_MATCH, known)) {
        return Page::new(StatusCode::NOT_MODIFIED, headers, Bytes::new());
    }
    if is_packed {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Page::new(StatusCode::OK, headers, Bytes::from_static(body))
}

fn of_static<const N: usize>(headers: [(HeaderName, &'static str); N]) -> HeaderMap {
    headers.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
}

/// Whether a header's list names a value, and does not say that it is worth nothing.
fn names(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    let all = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    let mut entries = all.flat_map(|line| line.split(','));
    entries.any(|entry| {
        let (value, weight) = entry.split_once(';').unwrap_or((entry, ""));
        let worthless = matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
        value.trim().trim_start_matches("W/") == wanted && !worthless
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use http::{HeaderMap, HeaderValue, StatusCode};
    use sluice_api::plugin::pages::{Asked, Listener, Page};

    use super::page;
    use crate::files::{BUILD, FILES, file};

    /// Bytes of all that the overview loads.
    const OVERVIEW_MAX: usize = 150 * 1024;

    fn get(path: &str, listener: Listener, headers: &[(&'static str, &str)]) -> Option<Page> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        page(&Asked::new(path, &map, listener))
    }

    #[test]
    fn each_page_is_where_its_people_are() {
        for (path, operators, clients) in [
            ("/", Some(200), Some(303)),
            ("/console", Some(200), None),
            ("/console/requests/17", Some(200), None),
            ("/my", Some(200), Some(200)),
            ("/my/", Some(200), Some(200)),
            ("/my/build", Some(200), Some(200)),
            ("/consoles", None, None),
            ("/myself", None, None),
            ("/v1/models", None, None),
        ] {
            let status = |listener| get(path, listener, &[]).map(|page| page.status.as_u16());
            assert_eq!(
                (status(Listener::Operators), status(Listener::Clients)),
                (operators, clients),
                "{path}"
            );
        }
    }

    #[test]
    fn files_are_kept_for_ever_and_those_of_another_build_are_gone() {
        let own = get(&format!("/console/{BUILD}/console.js"), Listener::Operators, &[]).unwrap();
        assert_eq!(own.headers["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(own.headers["content-type"], "text/javascript; charset=utf-8");
        let other = "0".repeat(BUILD.len());
        assert!(get(&format!("/console/{other}/console.js"), Listener::Operators, &[]).is_none());
        assert!(get(&format!("/console/{BUILD}/../console.js"), Listener::Operators, &[]).is_none());
        let page = get("/console", Listener::Operators, &[]).unwrap();
        assert_eq!(page.headers["cache-control"], "no-cache");
        assert!(std::str::from_utf8(&page.body).unwrap().contains(&format!("/console/{BUILD}/console.js")));
    }

    #[test]
    fn what_is_known_is_not_sent_again_and_what_is_sent_is_packed_where_that_is_read() {
        let plain = get("/console", Listener::Operators, &[]).unwrap();
        let tag = plain.headers["etag"].to_str().unwrap().to_owned();
        for known in ["*".to_owned(), tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}")] {
            let again = get("/console", Listener::Operators, &[("if-none-match", &known)]).unwrap();
            assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
        }
        for (accepts, packed) in
            [("gzip, br", true), ("br;q=1, gzip;q=0.5", true), ("gzip;q=0", false), ("br", false)]
        {
            let page = get("/console", Listener::Operators, &[("accept-encoding", accepts)]).unwrap();
            assert_eq!(page.headers.contains_key("content-encoding"), packed, "{accepts}");
            assert_eq!(page.headers["etag"] != *tag, packed, "{accepts}");
            if packed {
                let mut text = Vec::new();
                flate2::read::GzDecoder::new(&*page.body).read_to_end(&mut text).unwrap();
                assert_eq!(text, plain.body);
            }
        }
    }

    #[test]
    fn every_page_has_a_strict_policy_and_nothing_that_it_forbids() {
        for file in FILES.iter().filter(|file| file.name.ends_with(".html")) {
            let text = std::str::from_utf8(file.plain).unwrap();
            for forbidden in ["<style", " style=", "onclick", "javascript:", "http://", "https://"] {
                assert!(!text.contains(forbidden), "{} has {forbidden}", file.name);
            }
            assert!(
                text.matches("<script").count() == text.matches("<script type=\"module\" src=").count(),
                "{}",
                file.name
            );
        }
        let page = get("/my", Listener::Clients, &[]).unwrap();
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    }

    #[test]
    fn all_that_the_console_may_load_is_small() {
        let all: usize = FILES.iter().map(|file| file.packed.len()).sum();
        assert!(all <= OVERVIEW_MAX, "{all} bytes");
        assert!(file("vendor/uplot.js").is_some() && file("vendor/preact.js").is_some());
    }
}
