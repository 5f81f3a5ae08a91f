//! What an upstream tells, read without a mistake in it being one of the whole.

use sluice_neutral::json::Members;
use sluice_neutral::loss::At;
use sluice_neutral::request::Text;

/// A member that is a text; nothing where it is something else.
pub(crate) fn text<'a>(members: &Members<'a>, name: &'static str) -> Option<Text<'a>> {
    members.text(name, At::ROOT).ok().flatten()
}
