//! What a model remembers of its thinking in a form that it alone can read, carried by clients of other dialects.
//!
//! A signature, an encrypted item: the next turn must bring it back to where it was made, and never anywhere else. Toward a
//! client of another dialect it stands in that dialect's own place for such things, sealed: with where it is from. It is no
//! secret and needs none: who made it looks at it himself.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sluice_api::dialect::Api;

/// What a sealed text begins with, once it is decoded.
const MARK: &[u8] = b"sluice\x01";

/// How a sealed text begins as it stands in a request.
pub const MARKED: &str = "c2x1aWNlA";

/// What a model remembers, opaque to everybody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal<'a> {
    /// The dialect of the account that made it.
    pub origin: Api,
    /// Which account that was, where that is known ([`account`]).
    pub account: Option<u32>,
    /// As its origin wrote it.
    pub payload: Cow<'a, str>,
}

/// A number for an account's name.
#[must_use]
pub fn account(name: &str) -> u32 {
    // FNV-1a: it only has to be the same on every gateway.
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

impl<'a> Seal<'a> {
    /// Reads what stands in a dialect's own place: sealed by a gateway, or else of that dialect itself.
    #[must_use]
    pub fn read(dialect: Api, text: Cow<'a, str>) -> Self {
        match opened(&text) {
            Some(seal) => seal,
            None => Self { origin: dialect, account: None, payload: text },
        }
    }

    /// As it stands in a place of this dialect's: as it is at home, sealed elsewhere. It is base64 of the standard
    /// alphabet then, which every client takes.
    #[must_use]
    pub fn written(&self, dialect: Api) -> Cow<'_, str> {
        if dialect == self.origin {
            return Cow::Borrowed(&self.payload);
        }
        let mut bytes = MARK.to_vec();
        bytes.push(letter(self.origin));
        bytes.extend(self.account.unwrap_or_default().to_be_bytes());
        bytes.extend(self.payload.as_bytes());
        Cow::Owned(STANDARD.encode(bytes))
    }

    /// Whether an account of a dialect can read it. What an OpenAI account has encrypted no other can read.
    #[must_use]
    pub fn is_for(&self, dialect: Api, name: &str) -> bool {
        let bound = dialect == Api::OpenaiResponses;
        self.origin == dialect && !(bound && self.account.is_some_and(|made| made != account(name)))
    }
}

const fn letter(api: Api) -> u8 {
    match api {
        Api::Anthropic => b'a',
        Api::OpenaiResponses => b'r',
        Api::Gemini => b'g',
        _ => b'c',
    }
}

fn opened(text: &str) -> Option<Seal<'static>> {
    // What is not ours is not decoded to its end: it may be long.
    text.starts_with(MARKED).then_some(())?;
    let bytes = STANDARD.decode(text).ok()?;
    let (letter, rest) = bytes.strip_prefix(MARK)?.split_first()?;
    let origin = match letter {
        b'a' => Api::Anthropic,
        b'r' => Api::OpenaiResponses,
        b'g' => Api::Gemini,
        b'c' => Api::OpenaiChat,
        _ => return None,
    };
    let (account, payload) = rest.split_first_chunk()?;
    let account = Some(u32::from_be_bytes(*account)).filter(|account| *account != 0);
    let payload = Cow::Owned(String::from_utf8(payload.to_vec()).ok()?);
    Some(Seal { origin, account, payload })
}

#[cfg(test)]
mod tests {
    use super::{Seal, account};
    use sluice_api::dialect::Api;
    use std::borrow::Cow;

    #[test]
    fn what_is_sealed_comes_back_as_it_was_and_goes_where_it_is_from_alone() {
        let own =
            Seal { origin: Api::Gemini, account: Some(account("g")), payload: Cow::Borrowed("CiQB/+==é") };
        assert_eq!(own.written(Api::Gemini), "CiQB/+==é");
        let sealed = own.written(Api::Anthropic).into_owned();
        assert!(
            sealed.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)),
            "{sealed}"
        );
        let back = Seal::read(Api::Anthropic, Cow::Owned(sealed));
        assert_eq!(back, own);
        assert!(back.is_for(Api::Gemini, "other") && !back.is_for(Api::Anthropic, "g"));
        let bound = Seal { origin: Api::OpenaiResponses, ..own };
        assert!(bound.is_for(Api::OpenaiResponses, "g") && !bound.is_for(Api::OpenaiResponses, "h"));
    }

    #[test]
    fn what_a_client_has_from_elsewhere_is_of_its_own_dialect() {
        for text in ["EqQBCgIYAhIM", "c2x1aWNlAWFhYWE=", "c2x1aWNlAQ==", "", "é"] {
            let read = Seal::read(Api::Anthropic, Cow::Borrowed(text));
            assert!(read.account.is_none() || text == "c2x1aWNlAWFhYWE=", "{text}");
            assert_eq!(
                (read.origin, read.written(Api::Anthropic)),
                (Api::Anthropic, Cow::Borrowed(text)),
                "{text}"
            );
        }
    }
}
