//! Limits and queues as they are written on a command line: `name=value`, with commas between.

use serde_json::{Map, Value, json};

/// What a limit may have; `model` may stand there several times.
const OF_LIMIT: [&str; 5] = ["per", "requests", "tokens", "cost", "model"];

/// A limit, as the gateway is told of it.
pub(super) fn limit(text: &str) -> Result<Value, String> {
    let mut limit = Map::new();
    let mut models = Vec::new();
    for (name, value) in pairs(text)? {
        match name {
            "model" => models.push(value),
            "per" | "cost" => put(&mut limit, name, json!(value))?,
            "requests" | "tokens" => put(&mut limit, name, json!(number(name, &value)?))?,
            _ => return Err(format!("a limit has no `{name}`, but {}", OF_LIMIT.join(", "))),
        }
    }
    if !limit.contains_key("per") {
        return Err("a limit says per what it is: per=day, per=1m, …".to_owned());
    }
    if !models.is_empty() {
        limit.insert("models".to_owned(), json!(models));
    }
    Ok(limit.into())
}

/// A queue, likewise.
pub(super) fn queue(text: &str) -> Result<Value, String> {
    let mut queue = Map::new();
    for (name, value) in pairs(text)? {
        match name {
            "size" => put(&mut queue, name, json!(number(name, &value)?))?,
            "wait" => put(&mut queue, name, json!(value))?,
            _ => return Err(format!("a queue has no `{name}`, but size and wait")),
        }
    }
    Ok(queue.into())
}

/// What stands between commas. A piece without a name belongs to the one before it: a glob may have a comma.
fn pairs(text: &str) -> Result<Vec<(&str, String)>, String> {
    let mut pairs: Vec<(&str, String)> = Vec::new();
    for piece in text.split(',') {
        match (piece.split_once('='), pairs.last_mut()) {
            (Some((name, value)), _) => pairs.push((name.trim(), value.trim().to_owned())),
            (None, Some((_, before))) => *before += &format!(",{piece}"),
            (None, None) => return Err(format!("`{piece}` is no name=value")),
        }
    }
    Ok(pairs)
}

fn put(fields: &mut Map<String, Value>, name: &str, value: Value) -> Result<(), String> {
    match fields.insert(name.to_owned(), value) {
        Some(_) => Err(format!("`{name}` stands there twice")),
        None => Ok(()),
    }
}

fn number(name: &str, value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("{name} is a whole number, and `{value}` is none"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{limit, queue};

    #[test]
    fn limits_are_read_as_they_are_configured() {
        for (text, read) in [
            ("per=day,cost=20", json!({ "per": "day", "cost": "20" })),
            ("per=1m, requests=60, tokens=2", json!({ "per": "1m", "requests": 60, "tokens": 2 })),
            (
                "per=week,cost=4.5,model={a,b}-*,model=!a-1",
                json!({ "per": "week", "cost": "4.5", "models": ["{a,b}-*", "!a-1"] }),
            ),
        ] {
            assert_eq!(limit(text), Ok(read), "{text}");
        }
        assert_eq!(queue("size=16,wait=20s"), Ok(json!({ "size": 16, "wait": "20s" })));
    }

    #[test]
    fn what_is_no_limit_is_told() {
        for (text, says) in [
            ("cost=20", "per what"),
            ("day", "no name=value"),
            ("per=day,costs=1", "no `costs`"),
            ("per=day,requests=many", "a whole number"),
            ("per=day,per=week", "twice"),
        ] {
            assert!(limit(text).unwrap_err().contains(says), "{text}");
        }
        assert!(queue("length=1").unwrap_err().contains("no `length`"));
    }
}
