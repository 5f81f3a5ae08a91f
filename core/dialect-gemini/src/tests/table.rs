//! Each row of the table is what the code does.

use std::fmt::Write as _;

use sluice_api::dialect::{Api, Operation};
use sluice_neutral::fields::{Fate, Field};

use super::read_for;
use crate::fields::{FIELDS, find};

const TOWARD: [Api; 3] = [Api::Anthropic, Api::OpenaiChat, Api::OpenaiResponses];

/// A value that asks for something, by the field's place and name; `*` is any place.
const VALUES: &[(&str, &str, &str)] = &[
    ("", "contents", r#"[{"parts":[{"text":"other"}]}]"#),
    ("", "systemInstruction", r#"{"parts":[{"text":"be brief"}]}"#),
    ("", "tools", r#"[{"functionDeclarations":[{"name":"f"}]}]"#),
    ("", "toolConfig", r#"{"functionCallingConfig":{"mode":"ANY"}}"#),
    ("", "generationConfig", r#"{"temperature":1}"#),
    ("", "generateContentRequest", r#"{"contents":[{"parts":[{"text":"inner"}]}]}"#),
    ("", "model", r#""models/m""#),
    ("", "serviceTier", r#""FLEX""#),
    ("", "labels", r#"{"team":"blue"}"#),
    ("systemInstruction", "parts", r#"[{"text":"be brief"}]"#),
    ("contents", "role", r#""model""#),
    ("contents", "parts", r#"[{"text":"p"}]"#),
    ("contents.parts", "functionCall", r#"{"name":"f","args":{"a":1}}"#),
    ("contents.parts", "functionResponse", r#"{"name":"f","response":{"output":"x"}}"#),
    ("contents.parts", "executableCode", r#"{"language":"PYTHON","code":"1"}"#),
    ("contents.parts", "codeExecutionResult", r#"{"outcome":"OUTCOME_OK","output":"1"}"#),
    ("contents.parts", "audioTranscription", r#"{"text":"said"}"#),
    ("contents.parts", "thought", "true"),
    ("contents.parts", "thoughtSignature", r#""c2lnbmF0dXJl""#),
    ("contents.parts", "mediaResolution", r#"{"level":"MEDIA_RESOLUTION_LOW"}"#),
    ("contents.parts.mediaResolution", "level", r#""MEDIA_RESOLUTION_LOW""#),
    ("*", "inlineData", r#"{"mimeType":"image/png","data":"AAEC"}"#),
    ("*", "fileData", r#"{"mimeType":"image/png","fileUri":"https://example.com/a.png"}"#),
    ("*", "mimeType", r#""image/webp""#),
    ("*", "fileUri", r#""https://example.com/b.png""#),
    ("*", "data", r#""BBBB""#),
    ("contents.parts.functionCall", "args", r#"{"b":2}"#),
    ("contents.parts.functionCall", "partialArgs", r#"[{"jsonPath":"$.a","numberValue":1}]"#),
    ("contents.parts.functionResponse", "response", r#"{"error":"no"}"#),
    (
        "contents.parts.functionResponse",
        "parts",
        r#"[{"inlineData":{"mimeType":"image/png","data":"AAEC"}}]"#,
    ),
    ("*", "willContinue", "true"),
    ("generationConfig", "temperature", "0.5"),
    ("generationConfig", "topP", "0.5"),
    ("generationConfig", "topK", "5"),
    ("generationConfig", "seed", "7"),
    ("generationConfig", "presencePenalty", "1"),
    ("generationConfig", "frequencyPenalty", "1"),
    ("generationConfig", "maxOutputTokens", "9"),
    ("generationConfig", "stopSequences", r#"["END"]"#),
    ("generationConfig", "responseLogprobs", "true"),
    ("generationConfig", "logprobs", "2"),
    ("generationConfig", "candidateCount", "2"),
    ("generationConfig", "responseMimeType", r#""application/json""#),
    ("generationConfig", "responseSchema", r#"{"type":"STRING"}"#),
    ("generationConfig", "responseJsonSchema", r#"{"type":"string"}"#),
    ("generationConfig", "responseFormat", r#"[{"text":{"mimeType":"application/json"}}]"#),
    ("generationConfig", "responseModalities", r#"["TEXT"]"#),
    ("generationConfig", "mediaResolution", r#""MEDIA_RESOLUTION_LOW""#),
    ("generationConfig", "thinkingConfig", r#"{"thinkingLevel":"HIGH"}"#),
    ("generationConfig.thinkingConfig", "includeThoughts", "true"),
    ("generationConfig.thinkingConfig", "thinkingBudget", "1024"),
    ("generationConfig.thinkingConfig", "thinkingLevel", r#""LOW""#),
    ("generationConfig.responseFormat", "text", r#"{"mimeType":"application/json"}"#),
    ("generationConfig.responseFormat.text", "mimeType", r#""application/json""#),
    ("generationConfig.responseFormat.text", "schema", r#"{"type":"string"}"#),
    ("generationConfig.responseFormat.text", "jsonSchema", r#"{"type":"string"}"#),
    ("tools", "functionDeclarations", r#"[{"name":"f"}]"#),
    ("tools.functionDeclarations", "parameters", r#"{"type":"OBJECT","properties":{"a":{"type":"STRING"}}}"#),
    ("tools.functionDeclarations", "parametersJsonSchema", r#"{"type":"object"}"#),
    ("tools.functionDeclarations", "responseJsonSchema", r#"{"type":"string"}"#),
    ("tools.functionDeclarations", "behavior", r#""NON_BLOCKING""#),
    ("tools.googleSearch", "searchTypes", r#"{"imageSearch":{}}"#),
    ("*", "excludeDomains", r#"["example.com"]"#),
    ("toolConfig", "functionCallingConfig", r#"{"mode":"NONE"}"#),
    ("toolConfig.functionCallingConfig", "mode", r#""ANY""#),
    ("toolConfig.functionCallingConfig", "allowedFunctionNames", r#"["f"]"#),
    ("*", "googleSearch", "{}"),
    ("*", "urlContext", "{}"),
    ("*", "googleSearchRetrieval", "{}"),
    ("*", "enterpriseWebSearch", "{}"),
];

/// Fields that change nothing by themselves, and why.
const ALONE: &[(&str, &str)] = &[
    ("", "model"),                                   // the path's
    ("contents", "parts"),                           // without them there is no turn to compare with
    ("contents.parts.functionCall", "willContinue"), // with its pieces
    ("contents.parts.functionResponse", "name"),     // goes with the call
    ("generationConfig", "logprobs"),                // asks for something where they are asked for
    ("generationConfig", "responseModalities"),      // text is what is given
    ("contents.parts", "thoughtSignature"),          // Google's own is for Google alone
    ("contents.parts", "mediaResolution"),           // of an image
    ("generationConfig", "mediaResolution"),         // of images
    ("tools.googleSearch", "searchTypes"),           // its members say it
    ("contents.parts.executableCode", "language"),
];

/// What stands around a field, with the field's place as `$`: and what must stand beside it there.
const AROUND: &[(&str, &str, &str)] = &[
    ("", "{$}", r#""contents":[{"parts":[{"text":"t"}]}]"#),
    ("contents", r#"{"contents":[{"parts":[{"text":"s"}]},{$}]}"#, r#""parts":[{"text":"t"}]"#),
    ("contents.parts", r#"{"contents":[{"parts":[{"text":"s"}]},{"parts":[{$}]}]}"#, r#""text":"t""#),
    (
        "contents.parts.inlineData",
        r#"{"contents":[{"parts":[{"text":"s"}]},{"parts":[{"inlineData":{$}}]}]}"#,
        r#""mimeType":"image/png","data":"AAEC""#,
    ),
    (
        "contents.parts.fileData",
        r#"{"contents":[{"parts":[{"text":"s"}]},{"parts":[{"fileData":{$}}]}]}"#,
        r#""mimeType":"image/png","fileUri":"https://example.com/a.png""#,
    ),
    (
        "contents.parts.functionCall",
        r#"{"contents":[{"parts":[{"text":"s"}]},{"role":"model","parts":[{"functionCall":{$}}]}]}"#,
        r#""name":"f""#,
    ),
    (
        "contents.parts.functionResponse",
        r#"{"contents":[{"parts":[{"text":"s"}]},{"parts":[{"functionResponse":{$}}]}]}"#,
        r#""name":"f""#,
    ),
    (
        "contents.parts.functionResponse.parts",
        r#"{"contents":[{"parts":[{"text":"s"}]},{"parts":[{"functionResponse":{"name":"f","parts":[{$}]}}]}]}"#,
        "",
    ),
    (
        "contents.parts.functionResponse.parts.inlineData",
        r#"{"contents":[{"parts":[{"text":"s"}]},{"parts":[{"functionResponse":{"parts":[{"inlineData":{$}}]}}]}]}"#,
        r#""mimeType":"image/png","data":"AAEC""#,
    ),
    (
        "contents.parts.functionResponse.parts.fileData",
        r#"{"contents":[{"parts":[{"text":"s"}]},{"parts":[{"functionResponse":{"parts":[{"fileData":{$}}]}}]}]}"#,
        r#""mimeType":"image/png","fileUri":"https://example.com/a.png""#,
    ),
    (
        "contents.parts.executableCode",
        r#"{"contents":[{"parts":[{"text":"s"}]},{"parts":[{"executableCode":{$}}]}]}"#,
        "",
    ),
    (
        "contents.parts.codeExecutionResult",
        r#"{"contents":[{"parts":[{"text":"s"}]},{"parts":[{"codeExecutionResult":{$}}]}]}"#,
        "",
    ),
    (
        "contents.parts.audioTranscription",
        r#"{"contents":[{"parts":[{"text":"s"}]},{"parts":[{"audioTranscription":{$}}]}]}"#,
        "",
    ),
    (
        "contents.parts.mediaResolution",
        r#"{"contents":[{"parts":[{"text":"s"}]},{"parts":[{"inlineData":{"mimeType":"image/png","data":"AAEC"},"mediaResolution":{$}}]}]}"#,
        "",
    ),
    ("systemInstruction", r#"{"contents":[{"parts":[{"text":"t"}]}],"systemInstruction":{$}}"#, ""),
    ("generationConfig", r#"{"contents":[{"parts":[{"text":"t"}]}],"generationConfig":{$}}"#, ""),
    (
        "generationConfig.thinkingConfig",
        r#"{"contents":[{"parts":[{"text":"t"}]}],"generationConfig":{"thinkingConfig":{$}}}"#,
        "",
    ),
    (
        "generationConfig.responseFormat",
        r#"{"contents":[{"parts":[{"text":"t"}]}],"generationConfig":{"responseFormat":[{$}]}}"#,
        "",
    ),
    (
        "generationConfig.responseFormat.text",
        r#"{"contents":[{"parts":[{"text":"t"}]}],"generationConfig":{"responseFormat":[{"text":{$}}]}}"#,
        "",
    ),
    ("tools", r#"{"contents":[{"parts":[{"text":"t"}]}],"tools":[{$}]}"#, ""),
    (
        "tools.functionDeclarations",
        r#"{"contents":[{"parts":[{"text":"t"}]}],"tools":[{"functionDeclarations":[{$}]}]}"#,
        r#""name":"g""#,
    ),
    ("tools.googleSearch", r#"{"contents":[{"parts":[{"text":"t"}]}],"tools":[{"googleSearch":{$}}]}"#, ""),
    (
        "tools.googleSearch.searchTypes",
        r#"{"contents":[{"parts":[{"text":"t"}]}],"tools":[{"googleSearch":{"searchTypes":{$}}}]}"#,
        "",
    ),
    (
        "tools.googleSearchRetrieval",
        r#"{"contents":[{"parts":[{"text":"t"}]}],"tools":[{"googleSearchRetrieval":{$}}]}"#,
        "",
    ),
    (
        "tools.enterpriseWebSearch",
        r#"{"contents":[{"parts":[{"text":"t"}]}],"tools":[{"enterpriseWebSearch":{$}}]}"#,
        "",
    ),
    ("toolConfig", r#"{"contents":[{"parts":[{"text":"t"}]}],"toolConfig":{$}}"#, ""),
    (
        "toolConfig.functionCallingConfig",
        r#"{"contents":[{"parts":[{"text":"t"}]}],"toolConfig":{"functionCallingConfig":{$}}}"#,
        r#""mode":"AUTO""#,
    ),
];

/// A request with a field and one without; nothing where the field's parent is what the table decides on.
fn requests(row: &Field) -> Option<(String, String)> {
    let (_, around, beside) = AROUND.iter().find(|(place, ..)| *place == row.place)?;
    let of = |place: &str| VALUES.iter().find(|(known, name, _)| *known == place && *name == row.name);
    let known = of(row.place).or_else(|| of("*"));
    let value = known.map_or(r#""other""#, |(.., value)| value);
    let mut member = String::new();
    write!(member, "\"{}\":{value}", row.name).unwrap();
    if row.place == "contents" && row.is_kind {
        member = format!("\"role\":\"{}\"", row.name);
    }
    let one_of = row.is_kind && row.place == "contents.parts";
    let with = match *beside {
        "" => member,
        _ if one_of => member,
        _ if beside.contains(&format!("\"{}\":", row.name)) => {
            let others = beside.split(',').filter(|one| !one.contains(&format!("\"{}\":", row.name)));
            others.map(str::to_owned).chain([member]).collect::<Vec<_>>().join(",")
        }
        _ => format!("{beside},{member}"),
    };
    Some((around.replace('$', &with), around.replace('$', beside)))
}

/// Whether the table decides on an object around the field: then its members are never looked at.
fn is_decided_above(row: &Field, toward: Api) -> bool {
    let mut place = row.place;
    while !place.is_empty() {
        let (above, name) = place.rsplit_once('.').unwrap_or(("", place));
        let fate = find(above, name).map(|row| row.toward(toward));
        if fate.is_some_and(|fate| !matches!(fate, Fate::Carried | Fate::Adapted)) {
            return true;
        }
        place = above;
    }
    false
}

fn path(row: &Field) -> String {
    if row.place.is_empty() { row.name.to_owned() } else { format!("{}.{}", row.place, row.name) }
}

/// A path without positions.
fn plain(path: &str) -> String {
    path.split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest)).collect()
}

#[test]
fn each_row_is_what_the_code_does() {
    let mut seen = 0;
    for row in FIELDS
        .iter()
        .filter(|row| row.place != "schema" && row.place != "contents.parts.functionCall.partialArgs")
    {
        for toward in TOWARD.into_iter().filter(|toward| !is_decided_above(row, *toward)) {
            let (with, without) =
                requests(row).unwrap_or_else(|| panic!("nothing stands around {}", path(row)));
            let operation = if row.name == "generateContentRequest" {
                Operation::CountTokens
            } else {
                Operation::Generate
            };
            let read = read_for(&with, toward, operation);
            seen += 1;
            match (row.toward(toward), read) {
                (Fate::Refused, read) => {
                    let error = read.expect_err(&with);
                    assert_eq!(error.facts().param.as_deref().map(plain), Some(path(row)), "{with}");
                    let sentence = error.to_string();
                    assert!(sentence.contains(row.name), "{sentence}");
                }
                (Fate::Named, read) => {
                    let (_, named) = read.unwrap_or_else(|error| panic!("{with}: {error}"));
                    assert!(named.contains(&path(row)), "{toward} {named:?} {with}");
                }
                (Fate::Silent, read) => {
                    let (request, named) = read.unwrap_or_else(|error| panic!("{with}: {error}"));
                    assert!(!named.contains(&path(row)), "{named:?} {with}");
                    let (other, _) = read_for(&without, toward, operation).unwrap();
                    assert_eq!(format!("{request:?}"), format!("{other:?}"), "{with}");
                }
                (Fate::Carried | Fate::Adapted, read) => {
                    let (request, _) = read.unwrap_or_else(|error| panic!("{with}: {error}"));
                    let Ok((other, _)) = read_for(&without, toward, operation) else { continue };
                    let changes = format!("{request:?}") != format!("{other:?}");
                    let alone =
                        ALONE.contains(&(row.place, row.name)) || row.place == "contents" && row.is_kind;
                    assert!(changes || alone, "{} toward {toward}", path(row));
                }
            }
        }
    }
    assert!(seen > 300, "{seen}");
}

#[test]
fn each_row_stands_once_and_says_why() {
    for (index, row) in FIELDS.iter().enumerate() {
        let plain = TOWARD.iter().all(|toward| !matches!(row.toward(*toward), Fate::Adapted | Fate::Refused));
        assert!(plain || !row.note.is_empty(), "{}", path(row));
        let again =
            FIELDS.iter().skip(index + 1).find(|other| other.place == row.place && other.name == row.name);
        assert!(again.is_none(), "{}", path(row));
    }
}

#[test]
fn what_nobody_knows_is_named_but_a_kind_of_part_or_tool_is_refused() {
    let (_, named) =
        read(r#"{"contents":[{"parts":[{"text":"t","newModifier":1}],"new_one":2}],"brand_new":true}"#);
    assert_eq!(named, ["contents.newOne", "contents.parts.newModifier", "brandNew"]);
    for (body, param) in [
        (r#"{"contents":[{"parts":[{"hologram":{}}]}]}"#, "contents[0].parts[0]"),
        (r#"{"contents":[{"parts":[{"text":"t"}]}],"tools":[{"timeMachine":{}}]}"#, "tools[0]"),
        (r#"{"contents":[{"role":"ghost","parts":[]}]}"#, "contents[0].role"),
    ] {
        let error = super::read(body, Api::Anthropic).expect_err(body);
        assert_eq!(error.facts().param.as_deref(), Some(param), "{body}");
    }
}

fn read(body: &str) -> (String, Vec<String>) {
    let (request, named) = super::read(body, Api::OpenaiChat).unwrap();
    (format!("{request:?}"), named)
}
