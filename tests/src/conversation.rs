//! An upstream of any dialect that has a conversation with a tool: it thinks, says a word, calls the tool in three rounds, twice
//! at once in the second, and is done. What it says is the same in every dialect.

use crate::script::{Request, Step};
use crate::turn::{Call, Turn};

/// Rounds of calls before it is done.
pub const ROUNDS: usize = 3;

/// The calls of each round, and none in the end. They are numbered through: so many results are there when a round begins.
const CALLS: [&[usize]; ROUNDS + 1] = [&[0], &[1, 2], &[3], &[]];

/// What it says where it is asked for JSON, and by which words it is asked.
const STRUCTURED: &str = "{\"place\":\"Z\u{fc}rich\",\"amount\":100.50}";
const AS_JSON: &str = "As JSON.";

/// The arguments of a call, as they are written: their digits are to come through.
fn arguments(call: usize) -> String {
    format!("{{\"place\":\"Z\\u00fcrich\",\"round\":{call},\"amount\":100.50}}")
}

/// How many results of its calls a request has.
#[must_use]
pub fn results(body: &str) -> usize {
    let marks = ["\"tool_result\"", "\"role\":\"tool\"", "\"function_call_output\"", "\"functionResponse\""];
    marks.iter().map(|mark| body.replace("\": ", "\":").matches(mark).count()).max().unwrap_or_default()
}

fn next(body: &str) -> Turn {
    if body.contains(AS_JSON) {
        return Turn::new(0, STRUCTURED);
    }
    let results = results(body);
    let begins = |number: usize| CALLS[..number].iter().map(|calls| calls.len()).sum::<usize>();
    let Some(number) = (0..CALLS.len()).find(|number| begins(*number) == results) else {
        panic!("no round begins with {results} results");
    };
    let says =
        if number < ROUNDS { format!("Looking {number}.") } else { "Done: \u{fc}n\u{ef}code.".to_owned() };
    let mut turn = Turn::new(number, &says);
    turn.calls.extend(CALLS[number].iter().map(|call| Call::new(*call, "look_up", &arguments(*call))));
    turn
}

/// The next answer, in the dialect of the path that is asked, streamed where that is asked for.
#[must_use]
pub fn answer(request: &Request) -> Vec<Step> {
    next(&String::from_utf8_lossy(&request.body)).answer(request)
}
