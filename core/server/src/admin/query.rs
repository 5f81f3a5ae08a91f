//! The query of a URL, as pairs of names and values.

use http::Uri;

/// The pairs, in order; what is escaped is written out.
pub(crate) fn pairs(uri: &Uri) -> Vec<(String, String)> {
    let text = |part: &str| {
        // As forms and browsers write a space.
        let spaced = part.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    let query = uri.query().unwrap_or_default();
    let some = query.split('&').filter(|pair| !pair.is_empty());
    some.map(|pair| {
        pair.split_once('=').map_or((text(pair), String::new()), |(name, value)| (text(name), text(value)))
    })
    .collect()
}
