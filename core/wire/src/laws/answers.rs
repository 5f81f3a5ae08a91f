//! What is read of an answer that is no stream: what it is, what it refuses, what it lists.

use super::{cuts, made};
use crate::answer::framing::{Begins, Opening};
use crate::answer::listing;
use crate::refusal::{Refusal, names_account};
use crate::request::peek::model_name;
use sluice_json as json;

/// An answer begins the same however it is cut, an error stands for a status of errors, and a list has names that a
/// request may have.
pub fn answers(bytes: &[u8]) {
    let (lengths, rest) = cuts::split(bytes);
    for body in [rest, &made::stream(rest), &made::document(rest)] {
        let begins = |pieces: &[&[u8]]| {
            let mut opening = Opening::default();
            pieces.iter().find_map(|piece| opening.feed(piece))
        };
        let begun = begins(&[body]);
        assert_eq!(begins(&cuts::pieces(body, lengths)), begun);
        if let Ok(json::scanner::Top::Object { .. }) = json::members(body, |_| ()) {
            assert_eq!(begun, Some(Begins::Object));
        }
        let status = Refusal::read(body).status_code().as_u16();
        assert!((400..600).contains(&status), "{status}");
        let _ = names_account(body);
        assert!(listing::names(body).unwrap_or_default().iter().all(|name| model_name(name).is_ok()));
    }
}
