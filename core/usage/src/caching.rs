//! For how long a request of OpenAI's asks its prompt to be kept in a cache: Chat Completions' answers don't tell it.

use std::borrow::Cow;
use std::fmt;

use memchr::memmem;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// The longer of the two times that OpenAI sells, as it is written; the shorter is half an hour, which needs no saying.
const LONG: &str = "12h";

/// The same among a body's bytes: a quick look that spares nearly all requests the walk through what they say.
const LONG_WRITTEN: &[u8] = b"\"12h\"";

/// What marks where in a prompt a cached part ends.
const BREAKPOINT: &str = "prompt_cache_breakpoint";

/// What holds for the whole request.
const OPTIONS: &str = "prompt_cache_options";

/// Whether whatever is written to a cache is to be kept for the longer time, and nothing of it for the shorter one.
#[must_use]
pub fn is_long(body: &[u8]) -> bool {
    if memmem::find(body, LONG_WRITTEN).is_none() {
        return false;
    }
    let mut marks = Marks::default();
    let mut body = serde_json::Deserializer::from_slice(body);
    let walked = Walk { marks: &mut marks, whole: true }.deserialize(&mut body).and_then(|()| body.end());
    if walked.is_err() {
        return false;
    }
    // A mark that says no time has that of the whole request.
    let whole_is_long = marks.whole.as_deref() == Some(LONG);
    let long = marks.long || whole_is_long;
    let short = marks.short || (marks.whole.is_some() || marks.plain) && !whole_is_long;
    long && !short
}

/// What has been asked for.
#[derive(Debug, Default)]
struct Marks {
    /// For the whole request.
    whole: Option<String>,
    long: bool,
    short: bool,
    /// By a mark that says no time.
    plain: bool,
}

/// A mark, or the options: nothing else of them is looked at.
#[derive(Deserialize)]
struct Asked {
    ttl: Option<String>,
}

/// Walks through a body, and keeps nothing of it: it may be large.
struct Walk<'a> {
    marks: &'a mut Marks,
    /// Whether it is the whole body.
    whole: bool,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<Cow<'de, str>>()? {
            match &*name {
                BREAKPOINT => match members.next_value::<Option<Asked>>()? {
                    Some(Asked { ttl: Some(ttl) }) if ttl == LONG => self.marks.long = true,
                    Some(Asked { ttl: Some(_) }) => self.marks.short = true,
                    Some(Asked { ttl: None }) => self.marks.plain = true,
                    None => {}
                },
                OPTIONS if self.whole => {
                    self.marks.whole = members.next_value::<Option<Asked>>()?.and_then(|asked| asked.ttl);
                }
                _ => members.next_value_seed(Walk { marks: self.marks, whole: false })?,
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Walk { marks: self.marks, whole: false })?.is_some() {}
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::is_long;
    use serde_json::json;

    #[test]
    fn a_prompt_is_kept_long_where_its_marks_and_its_options_say_nothing_else() {
        let marked = |ttls: &[&str]| {
            let part = |ttl: &&str| {
                let mut mark = json!({ "mode": "explicit" });
                if !ttl.is_empty() {
                    mark["ttl"] = json!(ttl);
                }
                json!({ "role": "user", "content": [{ "type": "text", "text": "x", "prompt_cache_breakpoint": mark }] })
            };
            ttls.iter().map(part).collect::<Vec<_>>()
        };
        for (options, marks, long) in [
            (json!(null), &["12h"][..], true),
            (json!(null), &["12h", "12h"], true),
            (json!(null), &["12h", "30m"], false),
            (json!(null), &["12h", ""], false),
            (json!(null), &["30m"], false),
            (json!(null), &[], false),
            (json!({ "mode": "implicit", "ttl": "12h" }), &[], true),
            (json!({ "mode": "explicit", "ttl": "12h" }), &["", "12h"], true),
            (json!({ "mode": "explicit", "ttl": "12h" }), &["30m"], false),
            (json!({ "ttl": "30m" }), &["12h"], false),
            (json!({ "mode": "explicit" }), &["12h"], true),
        ] {
            let body = json!({ "model": "m", "prompt_cache_options": options, "messages": marked(marks) })
                .to_string();
            assert_eq!(is_long(body.as_bytes()), long, "{body}");
        }
        for body in [r#"{"messages":[{"role":"user","content":"12h"}]}"#, r#"{"ttl":"12h""#, "", "\"12h\""] {
            assert!(!is_long(body.as_bytes()), "{body}");
        }
    }
}
