//! Whatever upstreams send and clients ask: streams keep to the client's grammar, and who is at fault is told.

use http::StatusCode;
use serde_json::Value;
use sluice_api::dialect::{Api, Form, Operation};
use sluice_api::error::{Error, Kind};
use sluice_neutral::dialect::{Asked, Sent};
use sluice_neutral::loss::Losses;

use super::requests::{DIALECTS, upstream};
use super::streams::{head, pairs, pieces};
use super::{asks, forms};
use crate::laws::grammar::{End, checked};
use crate::laws::made::Choices;
use crate::translation::{Translation, dialect};

/// Whatever an upstream streams, its client is told a stream of its own grammar, the same however it is cut; it ends whole
/// or in a failure.
pub fn streams(bytes: &[u8]) {
    pairs(|[client, speaks], translation| {
        for stream in [forms::stream(speaks, bytes).as_bytes(), bytes] {
            let whole = told(translation, &[stream]);
            let heard = checked(client, &whole);
            let shown = || format!("{client:?} {speaks:?}\n{}\n{}", text(stream), text(&whole));
            assert_ne!(heard.end, End::Open, "{}", shown());
            assert_eq!(text(&told(translation, &pieces(stream, bytes))), text(&whole), "{}", shown());
        }
    });
}

/// What a client is told of a stream that comes in these pieces; where it is not whole, the gateway says so.
fn told(translation: &Translation, pieces: &[&[u8]]) -> Vec<u8> {
    let mut stream = translation.stream(&head(), Form::Sse);
    let mut out: Vec<u8> = pieces.iter().flat_map(|piece| stream.feed(piece)).collect();
    let mut failure = stream.failure();
    if failure.is_none() {
        out.extend(stream.finish());
        failure = stream.failure();
    }
    if let Some(error) = &failure {
        assert_eq!(error.kind(), Kind::Upstream, "{error}");
    }
    if !stream.is_whole() {
        out.extend(stream.fail(&failure.unwrap_or_else(|| Error::new(Kind::Upstream, "it broke off"))));
    }
    out
}

/// Whatever an upstream answers or refuses with is told in the client's dialect, or is the upstream's failure.
pub fn documents(bytes: &[u8]) {
    let made = forms::document(bytes);
    pairs(|[client, speaks], translation| {
        let Ok(reader) = dialect(client) else { return };
        for body in [made.as_bytes(), bytes] {
            let shown = || format!("{client:?} {speaks:?} {}", text(body));
            match translation.whole(body, &head(), Form::Whole) {
                Ok(told) => {
                    // A call that nobody can make is told as Gemini tells it, which is a failure for who reads it.
                    let failed = text(&told).contains("MALFORMED_FUNCTION_CALL");
                    let read = reader.answer(&told, &Sent::default());
                    assert!(read.is_ok() || failed, "{}\n{}", shown(), text(&told));
                }
                Err(error) => assert_eq!(error.kind(), Kind::Upstream, "{error} {}", shown()),
            }
            match translation.whole(body, &head(), Form::Sse) {
                Ok(told) => assert!(matches!(checked(client, &told).end, End::Whole(_)), "{}", shown()),
                Err(error) => assert_eq!(error.kind(), Kind::Upstream, "{error} {}", shown()),
            }
            // What is the account's own matter never comes here.
            let status = [400, 404, 429, 500, 503, 529].get(Choices(bytes).below(6)).copied().unwrap_or(500);
            let refused =
                translation.refused(StatusCode::from_u16(status).unwrap_or_default(), body, "req_1");
            refusal(client, refused.status, &refused.body);
        }
    });
}

/// A refusal as each dialect's clients read it.
fn refusal(client: Api, status: StatusCode, body: &[u8]) {
    let read: Value = serde_json::from_slice(body).unwrap_or_default();
    let said = |at: &str| read.pointer(at).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    let right = match client {
        Api::Anthropic => read["type"] == "error" && said("/error/type") && read["request_id"] == "req_1",
        Api::Gemini => read["error"]["code"] == status.as_u16() && said("/error/status"),
        _ => {
            said("/error/type") && read["error"].get("code").is_some() && read["error"].get("param").is_some()
        }
    };
    assert!(right && said("/error/message") && !status.is_success(), "{client:?} {status} {}", text(body));
}

/// Whatever a client asks is translated, or refused as its own mistake; what is sent can be read as a client of that dialect
/// would have asked it.
pub fn requests(bytes: &[u8]) {
    for (client, ..) in DIALECTS {
        let Ok(own) = dialect(client) else { continue };
        let made = asks::request(client, bytes);
        for body in [made.as_bytes(), bytes] {
            for (speaks, provider, models) in DIALECTS.into_iter().filter(|(speaks, ..)| *speaks != client) {
                let Ok(other) = dialect(speaks) else { continue };
                for thinks in [false, true] {
                    let mut losses = Losses::toward(speaks);
                    let asked = Asked { body, operation: Operation::Generate };
                    let written = own.read(&asked, &mut losses).and_then(|(request, _)| {
                        other.write(&request, &upstream(provider, models, thinks), &mut losses)
                    });
                    let shown = || format!("{client:?} {speaks:?} {}", text(body));
                    let sent = match written {
                        Ok((sent, _)) => sent,
                        Err(error) => {
                            assert_eq!(error.kind(), Kind::BadRequest, "{error} {}", shown());
                            continue;
                        }
                    };
                    let asked = Asked { body: &sent, operation: Operation::Generate };
                    let again = other.read(&asked, &mut Losses::toward(speaks));
                    // That a tool is asked for which is not there is told by who is asked for it.
                    let chosen = again.as_ref().err().and_then(|error| error.facts().param.clone());
                    let chosen = chosen.is_some_and(|field| field.starts_with("tool_choice"));
                    assert!(again.is_ok() || chosen, "{}\n{}\n{again:?}", shown(), text(&sent));
                }
            }
        }
    }
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}
