//! Defaults, written as operators would write them.

use sluice_api::settings::Span;

/// A span of time like `10s`.
pub(crate) fn span(text: &str) -> Span {
    Span::parse(text).unwrap_or(Span(std::time::Duration::ZERO))
}
