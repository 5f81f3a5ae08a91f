//! What clients of Gemini send, as it is read.

use sluice_api::dialect::{Api, Operation};
use sluice_neutral::effort::Effort;
use sluice_neutral::request::{Choice, Content, Format, Input, Part, Request, Role, Source, Takes};
use sluice_neutral::seal::{Seal, account};

use super::{read, read_for};

/// What a part is, in few words.
fn words(part: &Part<'_>) -> String {
    match &part.content {
        Content::Text(text) => format!("text {text}"),
        Content::Image(media) => {
            format!("image {} {:?} {:?}", media.media_type, media.detail, source(&media.source))
        }
        Content::Document(media) => {
            format!("document {} {:?} {:?}", media.media_type, media.name, source(&media.source))
        }
        Content::Audio(media) => format!("audio {} {:?}", media.media_type, source(&media.source)),
        Content::Thinking(thinking) => {
            format!("thinking {:?} {:?}", thinking.text, thinking.seal.as_ref().map(|seal| &seal.payload))
        }
        Content::Call(call) => match &call.input {
            Input::Json(text) => format!("call {} {} {text}", call.id, call.name),
            Input::Plain(text) => format!("call {} {} plain {text}", call.id, call.name),
        },
        Content::Outcome(outcome) => {
            let parts: Vec<String> = outcome.parts.iter().map(words).collect();
            format!("outcome {} {} {} {parts:?}", outcome.id, outcome.name, outcome.failed)
        }
        Content::Refusal(text) => format!("refusal {text}"),
    }
}

fn source<'s>(source: &'s Source<'_>) -> (&'static str, &'s str) {
    match source {
        Source::Inline(text) => ("inline", text),
        Source::Url(text) => ("url", text),
        Source::Plain(text) => ("plain", text),
    }
}

fn turns(request: &Request<'_>) -> Vec<(Role, Vec<String>)> {
    request.turns.iter().map(|turn| (turn.role, turn.parts.iter().map(words).collect())).collect()
}

/// The parts of a conversation of one turn of the user's.
fn parts(list: &str) -> Vec<String> {
    let body = format!(r#"{{"contents":[{{"parts":{list}}}]}}"#);
    let (request, _) = read(&body, Api::OpenaiChat).unwrap_or_else(|error| panic!("{list}: {error}"));
    request.turns.first().map(|turn| turn.parts.iter().map(words).collect()).unwrap_or_default()
}

#[test]
fn parts_are_read_by_what_they_hold() {
    for (list, told) in [
        (r#"[{"text":"a\n"},{"text":""},{"text":"b"}]"#, &["text a\n", "text b"][..]),
        (r#"{"text":"alone"}"#, &["text alone"]),
        (
            r#"[{"inline_data":{"mime_type":"image/png","data":"-_8"},"media_resolution":{"level":"MEDIA_RESOLUTION_HIGH"}}]"#,
            &[r#"image image/png Some("high") ("inline", "+/8=")"#],
        ),
        (
            r#"[{"fileData":{"fileUri":"https://e.com/a.png"}}]"#,
            &[r#"image image/png None ("url", "https://e.com/a.png")"#],
        ),
        (
            r#"[{"inlineData":{"mimeType":"application/pdf","data":"AAEC","displayName":"d.pdf"}}]"#,
            &[r#"document application/pdf Some("d.pdf") ("inline", "AAEC")"#],
        ),
        (
            r#"[{"inlineData":{"mimeType":"text/plain","data":"aGk"}}]"#,
            &[r#"document text/plain None ("plain", "hi")"#],
        ),
        (
            r#"[{"inlineData":{"mimeType":"audio/wav","data":"AAEC"}}]"#,
            &[r#"audio audio/wav ("inline", "AAEC")"#],
        ),
        (
            r#"[{"executableCode":{"language":"PYTHON","code":"1+1"}},{"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"2"}}]"#,
            &["text ```python\n1+1\n```", "text ```\n2\n```"],
        ),
        (
            r#"[{"functionCall":{"name":"f","args":{"n":1.50}}},{"functionCall":{"id":"own","name":"g"}}]"#,
            &[r#"call call_unnamed_0001 f {"n":1.50}"#, "call own g {}"],
        ),
        (
            r#"[{"functionCall":{"name":"f","partialArgs":[{"jsonPath":"$.a","stringValue":"x"}]}}]"#,
            &[r#"call call_unnamed_0001 f {"a":"x"}"#],
        ),
        (r#"[{"toolCall":{"id":"1","toolType":"GOOGLE_SEARCH_WEB"}},{"text":"t"}]"#, &["text t"]),
    ] {
        assert_eq!(parts(list), told, "{list}");
    }
}

#[test]
fn the_closest_look_is_told_as_the_closest_that_there_is_and_named() {
    let body = r#"{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"AAEC"},"mediaResolution":{"level":"MEDIA_RESOLUTION_ULTRA_HIGH"}}]}]}"#;
    let (request, named) = read(body, Api::OpenaiResponses).unwrap();
    assert_eq!(turns(&request)[0].1, [r#"image image/png Some("original") ("inline", "AAEC")"#]);
    assert_eq!(named, ["contents.parts.mediaResolution"]);
}

#[test]
fn what_a_function_said_is_read_by_its_convention() {
    for (response, told) in [
        (r#"{"output":"12C"}"#, r#"false ["text 12C"]"#),
        (r#"{"error":"timeout"}"#, r#"true ["text timeout"]"#),
        (r#"{"output":{"c":12.0}}"#, r#"false ["text {\"output\":{\"c\":12.0}}"]"#),
        (r#"{"error":{"code":7}}"#, r#"true ["text {\"error\":{\"code\":7}}"]"#),
        (r#"{"result":"x","snake_key":1}"#, r#"false ["text {\"result\":\"x\",\"snake_key\":1}"]"#),
        ("{}", "false []"),
    ] {
        let list = format!(r#"[{{"functionResponse":{{"name":"f","id":"i","response":{response}}}}}]"#);
        assert_eq!(parts(&list), [format!("outcome i f {told}")], "{response}");
    }
    let image = r#"[{"functionResponse":{"name":"f","response":{"output":"see"},"parts":[{"inlineData":{"mimeType":"image/png","data":"AAEC"}}]}}]"#;
    assert_eq!(
        parts(image),
        [r#"outcome  f false ["text see", "image image/png None (\"inline\", \"AAEC\")"]"#]
    );
}

#[test]
fn results_find_their_calls_by_id_or_by_name_in_order() {
    let body = r#"{"contents":[
        {"role":"user","parts":[{"text":"go"}]},
        {"role":"model","parts":[{"functionCall":{"name":"w","args":{"c":"A"}}},{"functionCall":{"name":"w","args":{"c":"B"}}},{"functionCall":{"id":"z","name":"v"}}]},
        {"role":"function","parts":[{"functionResponse":{"name":"v","response":{"output":"3"}}},{"functionResponse":{"name":"w","response":{"output":"1"}}},{"functionResponse":{"name":"w","response":{"output":"2"}}}]}]}"#;
    let (request, named) = read(body, Api::Anthropic).unwrap();
    assert!(named.is_empty(), "{named:?}");
    let told = turns(&request);
    assert_eq!(
        told[1].1[..2],
        [r#"call call_unnamed_0001 w {"c":"A"}"#, r#"call call_unnamed_0002 w {"c":"B"}"#]
    );
    assert_eq!(
        told[2],
        (
            Role::User,
            vec![
                r#"outcome z v false ["text 3"]"#.to_owned(),
                r#"outcome call_unnamed_0001 w false ["text 1"]"#.to_owned(),
                r#"outcome call_unnamed_0002 w false ["text 2"]"#.to_owned(),
            ]
        )
    );
}

#[test]
fn what_another_model_remembers_comes_back_before_what_came_of_it() {
    let seal = Seal { origin: Api::Anthropic, account: Some(account("a")), payload: "EqQB".into() };
    let sealed = seal.written(Api::Gemini).into_owned();
    for (parts, told) in [
        (
            format!(
                r#"[{{"text":"hm","thought":true}},{{"text":"say"}},{{"functionCall":{{"name":"f"}},"thoughtSignature":"{sealed}"}}]"#
            ),
            r#"thinking "hm" Some("EqQB")"#,
        ),
        (
            format!(r#"[{{"text":"say"}},{{"functionCall":{{"name":"f"}},"thoughtSignature":"{sealed}"}}]"#),
            r#"thinking "" Some("EqQB")"#,
        ),
        (
            format!(r#"[{{"text":"say"}},{{"text":"","thoughtSignature":"{sealed}"}}]"#),
            r#"thinking "" Some("EqQB")"#,
        ),
    ] {
        let body = format!(r#"{{"contents":[{{"role":"model","parts":{parts}}}]}}"#);
        let (request, _) = read(&body, Api::Anthropic).unwrap();
        let read = turns(&request).remove(0).1;
        assert_eq!((read[0].as_str(), read[1].as_str()), (told, "text say"), "{parts}");
        let Content::Thinking(thinking) = &request.turns[0].parts[0].content else { panic!("{parts}") };
        assert_eq!(thinking.seal.as_ref(), Some(&seal));
    }
    // Gemini's own is no thought of another's, and the one that says nothing is none.
    for own in ["c2ln", "skip_thought_signature_validator"] {
        let body = format!(
            r#"{{"contents":[{{"role":"model","parts":[{{"functionCall":{{"name":"f"}},"thoughtSignature":"{own}"}}]}}]}}"#
        );
        let (request, _) = read(&body, Api::Anthropic).unwrap();
        let Content::Call(call) = &request.turns[0].parts[0].content else { panic!("{own}") };
        assert_eq!(call.seal.as_ref().map(|seal| seal.origin), (own == "c2ln").then_some(Api::Gemini));
    }
}

#[test]
fn a_chats_history_of_one_turn_for_each_chunk_is_one_turn() {
    let seal = Seal { origin: Api::Anthropic, account: Some(account("a")), payload: "EqQB".into() };
    let body = format!(
        r#"{{"contents":[{{"role":"user","parts":[{{"text":"go"}}]}},
        {{"role":"model","parts":[{{"text":"h","thought":true}}]}},
        {{"role":"model","parts":[{{"text":"m","thought":true}}]}},
        {{"role":"model","parts":[{{"text":"sa"}}]}},
        {{"role":"model","parts":[{{"text":"y"}}]}},
        {{"role":"model","parts":[{{"functionCall":{{"name":"f"}},"thoughtSignature":"{}"}}]}},
        {{"role":"model","parts":[{{"functionCall":{{"name":"f"}}}}]}},
        {{"role":"model","parts":[{{"text":""}}]}},
        {{"role":"user","parts":[{{"functionResponse":{{"name":"f","response":{{"output":"1"}}}}}}]}},
        {{"role":"user","parts":[{{"functionResponse":{{"name":"f","response":{{"output":"2"}}}}}}]}}]}}"#,
        seal.written(Api::Gemini)
    );
    let (request, _) = read(&body, Api::Anthropic).unwrap();
    let told: Vec<(Role, String)> =
        turns(&request).into_iter().map(|(role, parts)| (role, parts.join(", "))).collect();
    assert_eq!(
        told[1].1,
        r#"thinking "hm" Some("EqQB"), text say, call call_unnamed_0001 f {}, call call_unnamed_0002 f {}"#
    );
    assert_eq!(told[2].1, r#"outcome call_unnamed_0001 f false ["text 1"]"#);
    assert_eq!(told[3].1, r#"outcome call_unnamed_0002 f false ["text 2"]"#);
}

#[test]
fn the_python_sdks_body_is_read_in_both_spellings_and_the_users_names_stay() {
    let body = r#"{"contents":[{"parts":[{"text":"hi"}],"role":"user"},{"role":"model","parts":[{"functionCall":{"name":"look_up","args":{"my_key":1}}}]}],
        "systemInstruction":{"parts":[{"text":"brief"}],"role":"user"},
        "tools":[{"function_declarations":[{"name":"look_up","description":"d","parameters_json_schema":{"type":"object","properties":{"snake_case":{"type":"STRING"}}},"response_json_schema":{"type":"string"}},
            {"name":"g","parameters":{"type":"OBJECT","property_ordering":["b_c","a"],"properties":{"a":{"any_of":[{"type":"STRING"},{"type":"INTEGER"}]},"b_c":{"type":"STRING","min_length":"2","nullable":true}}}}]}],
        "tool_config":{"function_calling_config":{"mode":"ANY","allowed_function_names":["look_up"]}},
        "generationConfig":{"thinkingConfig":{"thinking_level":"LOW","include_thoughts":true},"max_output_tokens":"64","top_k":40.0,"stop_sequences":["X"],"response_logprobs":true,"logprobs":3}}"#;
    let (request, named) = read(body, Api::OpenaiChat).unwrap();
    assert_eq!(named, ["generationConfig.topK"]);
    let schemas: Vec<&str> = request
        .tools
        .iter()
        .map(|tool| match &tool.takes {
            Takes::Schema(Some(schema)) => &**schema,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        schemas,
        [
            r#"{"type":"object","properties":{"snake_case":{"type":"string"}}}"#,
            r#"{"type":"object","properties":{"b_c":{"type":["string","null"],"minLength":2},"a":{"anyOf":[{"type":"string"},{"type":"integer"}]}}}"#,
        ]
    );
    assert_eq!(turns(&request)[1].1, [r#"call call_unnamed_0001 look_up {"my_key":1}"#]);
    assert_eq!(request.choice.as_ref().map(|choice| &choice.value), Some(&Choice::One("look_up".into())));
    assert_eq!(
        request.length.map(|length| (length.value.tokens, length.value.with_thinking)),
        Some((64, true))
    );
    assert_eq!(request.reasoning.effort.map(|effort| effort.value), Some(Effort::Low));
    assert_eq!(request.reasoning.shown.map(|shown| shown.value), Some(true));
    assert_eq!(request.sampling.logprobs.map(|many| many.value), Some(3));
    assert_eq!(request.stop[0].value, "X");
    // The schema of a result is of use to Responses alone.
    assert!(request.tools[0].says.is_none());
    assert!(read(body, Api::OpenaiResponses).unwrap().0.tools[0].says.is_some());
}

#[test]
fn texts_arguments_and_schemas_are_borrowed_from_the_body() {
    let body = r#"{"contents":[{"parts":[{"text":"a long text"},{"inlineData":{"mimeType":"image/png","data":"AAEC"}}]},{"role":"model","parts":[{"functionCall":{"name":"f","args":{"a":1}}}]}],"tools":[{"functionDeclarations":[{"name":"f","parametersJsonSchema":{"type":"object"}}]}]}"#;
    let (request, _) = read(body, Api::Anthropic).unwrap();
    let inside = |text: &str| body.as_bytes().as_ptr_range().contains(&text.as_ptr());
    for part in request.turns.iter().flat_map(|turn| &turn.parts) {
        assert!(match &part.content {
            Content::Text(text) => inside(text),
            Content::Image(media) => inside(source(&media.source).1),
            Content::Call(call) => matches!(&call.input, Input::Json(text) if inside(text)),
            other => panic!("{other:?}"),
        });
    }
    assert!(matches!(&request.tools[0].takes, Takes::Schema(Some(schema)) if inside(schema)));
}

#[test]
fn settings_are_read_as_they_are_meant() {
    let config = |text: &str| {
        format!(r#"{{"contents":[{{"parts":[{{"text":"t"}}]}}],"generationConfig":{{{text}}}}}"#)
    };
    for (text, effort, budget, adaptive) in [
        (r#""thinkingConfig":{"thinkingBudget":0}"#, Some(Effort::None), None, false),
        (r#""thinkingConfig":{"thinkingBudget":-1}"#, None, None, true),
        (r#""thinkingConfig":{"thinkingBudget":"8192"}"#, None, Some(8192), false),
        (r#""thinkingConfig":{"thinkingLevel":"THINKING_LEVEL_UNSPECIFIED"}"#, None, None, false),
    ] {
        let body = config(text);
        let (request, _) = read(&body, Api::Anthropic).unwrap();
        let told = &request.reasoning;
        assert_eq!(
            (told.effort.map(|told| told.value), told.budget.map(|told| told.value), told.adaptive),
            (effort, budget, adaptive),
            "{text}"
        );
    }
    for (text, format) in [
        (r#""responseMimeType":"text/plain""#, None),
        (r#""responseMimeType":"application/json""#, Some("object")),
        (
            r#""responseMimeType":"application/json","responseSchema":{"type":"OBJECT"}"#,
            Some(r#"{"type":"object"}"#),
        ),
        (
            r#""responseMimeType":"application/json","responseJsonSchema":{"type":"OBJECT"}"#,
            Some(r#"{"type":"object"}"#),
        ),
        (
            r#""responseMimeType":"text/x.enum","responseSchema":{"type":"STRING","format":"enum","enum":["A"]}"#,
            Some(r#"{"type":"string","enum":["A"]}"#),
        ),
        (
            r#""responseFormat":[{"text":{"mimeType":"application/json","jsonSchema":{"type":"array"}}}]"#,
            Some(r#"{"type":"array"}"#),
        ),
    ] {
        let body = config(text);
        let (request, _) = read(&body, Api::Anthropic).unwrap();
        let told = request.format.as_ref().map(|format| match &format.value {
            Format::Object => "object",
            Format::Schema { schema, .. } => schema,
        });
        assert_eq!(told, format, "{text}");
    }
    for (text, param) in [
        (r#""candidateCount":2"#, "generationConfig.candidateCount"),
        (r#""responseModalities":["TEXT","IMAGE"]"#, "generationConfig.responseModalities"),
        (r#""responseMimeType":"image/png""#, "generationConfig.responseMimeType"),
        (r#""responseFormat":{"image":{}}"#, "generationConfig.responseFormat.image"),
        (r#""temperature":"hot""#, "generationConfig.temperature"),
        (r#""maxOutputTokens":-1"#, "generationConfig.maxOutputTokens"),
        (r#""thinkingConfig":{"thinkingLevel":"DEEP"}"#, "generationConfig.thinkingConfig.thinkingLevel"),
    ] {
        let body = config(text);
        let error = read(&body, Api::Anthropic).expect_err(text);
        assert_eq!(error.facts().param.as_deref(), Some(param), "{text}");
    }
    assert!(read(&config(r#""candidateCount":1,"responseModalities":["TEXT"]"#), Api::Anthropic).is_ok());
}

#[test]
fn what_cannot_be_asked_is_refused_where_it_stands() {
    for (body, param) in [
        (
            r#"{"contents":[{"parts":[{"inlineData":{"mimeType":"video/mp4","data":"AAEC"}}]}]}"#,
            "contents[0].parts[0].inlineData",
        ),
        (
            r#"{"contents":[{"parts":[{"text":"a"},{"fileData":{"fileUri":"https://generativelanguage.googleapis.com/v1beta/files/x","mimeType":"image/png"}}]}]}"#,
            "contents[0].parts[1].fileData.fileUri",
        ),
        (
            r#"{"contents":[{"parts":[{"fileData":{"fileUri":"https://youtu.be/x"}}]}]}"#,
            "contents[0].parts[0].fileData.fileUri",
        ),
        (r#"{"contents":[{"parts":[{"text":"t"}]}],"cachedContent":"cachedContents/x"}"#, "cachedContent"),
        (
            r#"{"contents":[{"parts":[{"text":"t"}]}],"tools":[{"codeExecution":{}}]}"#,
            "tools[0].codeExecution",
        ),
        (
            r#"{"contents":[{"parts":[{"text":"t"}]}],"systemInstruction":{"parts":[{"inlineData":{"mimeType":"image/png","data":"AAEC"}}]}}"#,
            "systemInstruction.parts",
        ),
        (
            r#"{"contents":[{"parts":[{"functionResponse":{"name":"f","willContinue":true}}]}]}"#,
            "contents[0].parts[0].functionResponse.willContinue",
        ),
        (
            r#"{"contents":[{"parts":[{"functionCall":{"name":"f","args":[1]}}]}]}"#,
            "contents[0].parts[0].functionCall.args",
        ),
        (r#"{"contents":[{"parts":[{"functionCall":{}}]}]}"#, "contents[0].parts[0].functionCall.name"),
        ("{}", "contents"),
        (r#"{"contents":[]}"#, "contents"),
        (r#"{"contents":[{"parts":[{"text":""}]}]}"#, "contents"),
    ] {
        let error = read(body, Api::OpenaiResponses).expect_err(body);
        assert_eq!(error.facts().param.as_deref(), Some(param), "{body}");
    }
}

#[test]
fn a_count_is_asked_of_contents_or_of_a_whole_request() {
    let inner = r#"{"model":"models/m","contents":[{"parts":[{"text":"hi"}]}],"systemInstruction":"brief"}"#;
    let outer = format!(r#"{{"generateContentRequest":{inner}}}"#);
    for body in [inner, &outer] {
        let (request, _) = read_for(body, Api::Anthropic, Operation::CountTokens).unwrap();
        assert_eq!(
            (turns(&request)[0].1[0].as_str(), words(&request.system[0]).as_str()),
            ("text hi", "text brief")
        );
    }
}

#[test]
fn labels_are_named_toward_chat_which_takes_them_of_what_is_stored_alone() {
    let body = r#"{"contents":[{"parts":[{"text":"hi"}]}],"labels":{"team":"blue"}}"#;
    let (request, named) = read(body, Api::OpenaiChat).unwrap();
    assert_eq!((request.labels, named), (None, vec!["labels".to_owned()]));
    let (request, named) = read(body, Api::OpenaiResponses).unwrap();
    assert_eq!((request.labels.unwrap().value.len(), named.len()), (1, 0));
}
