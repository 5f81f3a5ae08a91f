//! For how long a request of OpenAI's asks its prompt to be kept in a cache: Chat Completions' answers don't tell it.

use memchr::memmem;
use serde_json::Value;

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
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return false };
    let whole = body.get(OPTIONS).and_then(|options| options.get("ttl")).and_then(Value::as_str);
    let mut marks = Marks { whole, long: whole == Some(LONG), short: whole.is_some_and(|ttl| ttl != LONG) };
    marks.look(&body);
    marks.long && !marks.short
}

/// What has been asked for.
struct Marks<'a> {
    /// For the whole request: what a mark that says nothing of its own is kept for.
    whole: Option<&'a str>,
    long: bool,
    short: bool,
}

impl Marks<'_> {
    fn look(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(mark) = members.get(BREAKPOINT).filter(|mark| mark.is_object()) {
                    let asked = mark.get("ttl").and_then(Value::as_str).or(self.whole);
                    let is_long = asked == Some(LONG);
                    self.long |= is_long;
                    self.short |= !is_long;
                }
                members.values().for_each(|inner| self.look(inner));
            }
            Value::Array(list) => list.iter().for_each(|inner| self.look(inner)),
            _ => {}
        }
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
