//! The demonstration: everything that it prints works as it is printed.

use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;

use serde_json::Value;
use sluice_tests::client::send;
use sluice_tests::gateway::{Folder, Gateway, binary};

/// What the simulated provider says.
const WORDS: &str =
    "Hello from Sluice's simulated provider. Everything between you and me is the real gateway.";

/// A client API as the demonstration prints it, by a part of its path.
struct Printed {
    path: &'static str,
    /// Where the text stands in a whole answer, and in an event.
    text: (&'static str, &'static str),
    /// What a complete stream ends with, or has in its last event.
    end: &'static str,
}

const PRINTED: [Printed; 4] = [
    Printed {
        path: "/v1/messages",
        text: ("/content/0/text", "/delta/text"),
        end: "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    },
    Printed {
        path: "/v1/chat/completions",
        text: ("/choices/0/message/content", "/choices/0/delta/content"),
        end: "data: [DONE]\n\n",
    },
    Printed {
        path: "/v1/responses",
        text: ("/output/0/content/0/text", "/delta"),
        end: "event: response.completed\ndata: {",
    },
    Printed {
        path: "/v1beta/models/",
        text: ("/candidates/0/content/parts/0/text", "/candidates/0/content/parts/0/text"),
        end: "\"finishReason\":\"STOP\"",
    },
];

/// The lines of curl, once all of them are printed.
pub(crate) fn lines(demo: &Gateway) -> Vec<String> {
    let found = || -> Vec<String> {
        let printed = demo.printed();
        printed.lines().filter(|line| line.starts_with("curl ")).map(ToOwned::to_owned).collect()
    };
    demo.until("eight lines of curl", |_| found().len() == 8);
    found()
}

/// The texts of a stream's events, joined.
fn streamed(body: &str, at: &str) -> String {
    let events = body.lines().filter_map(|line| line.strip_prefix("data: "));
    let parsed = events.filter_map(|data| serde_json::from_str::<Value>(data).ok());
    // The last events of Responses say the whole text again, in fields of other names.
    parsed.filter_map(|event| Some(event.pointer(at)?.as_str()?.to_owned())).collect()
}

#[test]
fn each_line_of_curl_gets_the_whole_answer_plain_and_streamed() {
    let demo = Gateway::demo();
    let mut seen = Vec::new();
    for line in lines(&demo) {
        let output =
            Command::new("sh").arg("-c").arg(format!("{line} -w '\\n%{{http_code}}'")).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let (body, status) = printed.rsplit_once('\n').unwrap();
        assert_eq!((status, output.status.code()), ("200", Some(0)), "{line}\n{printed}");
        let (at, api) = PRINTED
            .iter()
            .enumerate()
            .find(|(_, api)| line.contains(api.path))
            .unwrap_or_else(|| panic!("{line} is of no client API"));
        let streams = line.contains("\"stream\":true") || line.contains(":streamGenerateContent");
        if streams {
            assert_eq!(streamed(body, api.text.1), WORDS, "{line}");
            assert!(body.contains(api.end), "{line}: {body}");
            let last = body.trim_end().rsplit("\n\n").next().unwrap().trim();
            assert!(last.contains(api.end.trim()), "{line} ends otherwise: {last}");
        } else {
            let answer: Value = serde_json::from_str(body).unwrap();
            assert_eq!(answer.pointer(api.text.0).and_then(Value::as_str), Some(WORDS), "{line}: {answer}");
        }
        seen.push((at, streams));
        // It works as well without what was added here.
        assert!(Command::new("sh").arg("-c").arg(&line).output().unwrap().status.success(), "{line}");
    }
    seen.sort_unstable();
    let each: Vec<(usize, bool)> = (0..PRINTED.len()).flat_map(|at| [(at, false), (at, true)]).collect();
    assert_eq!(seen, each, "each client API, whole and streamed");
}

#[test]
fn the_base_url_the_key_the_token_and_the_pages_that_are_printed_work() {
    let demo = Gateway::demo();
    let base = demo.told("base URL");
    assert_eq!(base, format!("http://{}", demo.address));
    let key = demo.told("API key");
    let me = send(&demo.address, "GET", "/v1/me", &[("x-api-key", &key)], b"");
    assert_eq!((me.status, me.json()["name"].as_str()), (200, Some("demo")), "{}", me.text());
    let bearer = format!("Bearer {}", demo.told("admin token"));
    let keys = send(&demo.address, "GET", "/admin/v1/keys", &[("authorization", &bearer)], b"");
    assert_eq!((keys.status, keys.json()["data"][0]["name"].as_str()), (200, Some("demo")));
    let reloaded = send(&demo.address, "POST", "/admin/v1/reload", &[("authorization", &bearer)], b"");
    assert_eq!(reloaded.status, 200, "{}", reloaded.text());
    for (page, holds) in [("Swagger UI", "swagger-ui"), ("console", "<title>Sluice")] {
        let page = Command::new("curl").args(["-sSLf", &demo.told(page)]).output().unwrap();
        assert!(String::from_utf8_lossy(&page.stdout).contains(holds), "{holds}");
    }
}

#[test]
fn a_busy_port_gives_way_to_a_free_one_and_nothing_is_left_behind() {
    // Whoever has the usual port: it is busy.
    let _busy = TcpListener::bind("127.0.0.1:8080");
    let folder = Arc::new(Folder::new());
    let mut command = Command::new(binary());
    let demo = Gateway::run(Arc::clone(&folder), command.arg("demo").env("TMPDIR", &folder.0));
    assert_ne!(demo.address, "127.0.0.1:8080");
    assert_eq!(send(&demo.address, "GET", "/healthz", &[], b"").status, 200);
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 1, "its store is in the temporary folder");
    demo.signal("INT");
    assert!(demo.wait().0.success());
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0, "its store is thrown away");
}

/// What the document files the client routes under.
const CLIENT_TAGS: [&str; 6] = ["Claude", "OpenAI", "Gemini", "Azure", "Models", "Key"];

/// The body that is tried out for a media type, by its name.
fn bodies(operation: &Value) -> Vec<(String, String)> {
    let content = &operation["requestBody"]["content"]["application/json"];
    match content["examples"].as_object() {
        Some(named) => named.iter().map(|(name, one)| (name.clone(), one["value"].to_string())).collect(),
        None => vec![("the one".to_owned(), content["example"].to_string())],
    }
}

/// A path with its parameters filled in with their examples, and a query of those that stand there.
fn filled(path: &str, operation: &Value) -> String {
    let mut path = path.to_owned();
    let mut query = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let (name, example) = (parameter["name"].as_str().unwrap(), parameter["example"].as_str());
        match (parameter["in"].as_str(), example) {
            (Some("path"), Some(example)) => path = path.replace(&format!("{{{name}}}"), example),
            (Some("query"), Some(example)) => query.push(format!("{name}={example}")),
            _ => {}
        }
    }
    assert!(!path.contains('{'), "{path}: a parameter has no example");
    if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
}

#[test]
fn every_example_of_the_document_is_answered_by_the_demonstration() {
    let demo = Gateway::demo();
    let key = demo.told("API key");
    let document = send(&demo.address, "GET", "/openapi.json", &[], b"").json();
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            // A route that is there to refuse, like a GET for WebSockets, has no 200 to check.
            let tag = operation["tags"][0].as_str().unwrap();
            if !CLIENT_TAGS.contains(&tag) || operation["responses"]["200"].is_null() {
                continue;
            }
            let target = filled(path, operation);
            let sent = match method.as_str() {
                "get" => vec![(String::new(), String::new())],
                _ => bodies(operation),
            };
            assert!(!sent.is_empty(), "{method} {path} has no example");
            for (name, body) in sent {
                let headers = [("x-api-key", key.as_str()), ("content-type", "application/json")];
                let answer = send(&demo.address, &method.to_uppercase(), &target, &headers, body.as_bytes());
                assert_eq!(answer.status, 200, "{method} {target} {name} {body}: {}", answer.text());
                assert!(answer.complete && !answer.body.is_empty(), "{method} {target} {name}");
                tried += 1;
            }
        }
    }
    assert!(tried > 90, "{tried}");
}

#[test]
fn every_demonstration_has_a_key_and_a_token_of_its_own() {
    let (one, other) = (Gateway::demo(), Gateway::demo());
    for title in ["API key", "admin token"] {
        assert_ne!(one.told(title), other.told(title), "{title}");
    }
    let key = one.told("API key");
    assert_eq!(send(&one.address, "GET", "/v1/me", &[("x-api-key", &key)], b"").status, 200);
    assert_eq!(send(&other.address, "GET", "/v1/me", &[("x-api-key", &key)], b"").status, 401);
}
