//! Tools and settings as upstreams are sent them.

use serde_json::value::RawValue;
use serde_json::{Value, json};
use sluice_api::dialect::Api;
use sluice_neutral::at::At;
use sluice_neutral::effort::Effort;
use sluice_neutral::request::{
    Choice, Fetch, Format, Length, Part, Reasoning, Request, Role, Sampling, Search, Takes, Told, Tool, Turn,
};

use super::{upstream, write, write_to};

const THIRD: &str = "gemini-3.1-pro-preview";
const SECOND: &str = "gemini-2.5-flash";

fn told<T>(value: T) -> Told<T> {
    Told::new(value, At::field("asked"))
}

fn tool<'a>(name: &'a str, schema: &'a str) -> Tool<'a> {
    Tool {
        name: name.into(),
        description: Some("d".into()),
        takes: Takes::Schema(Some(schema.into())),
        strict: None,
        deferred: false,
        says: None,
        cache: None,
        at: At::item("tools", 0),
    }
}

fn asked<'a>(change: impl FnOnce(&mut Request<'a>)) -> Request<'a> {
    let parts = vec![Part::text("hi", At::ROOT)];
    let turns = vec![Turn { role: Role::User, name: None, parts, at: At::item("messages", 0) }];
    let mut request = Request { turns, ..Request::default() };
    change(&mut request);
    request
}

/// The settings of an answer, and what is named.
fn config<'a>(model: &str, change: impl FnOnce(&mut Request<'a>)) -> (Value, Vec<String>) {
    let request = asked(change);
    let (body, _, named) = write(&request, model).unwrap();
    (body["generationConfig"].clone(), named)
}

#[test]
fn googles_own_request_comes_back_as_it_was() {
    let body = r#"{"contents":[
        {"role":"user","parts":[{"text":"go"},{"inlineData":{"mimeType":"image/png","data":"AAEC"},"mediaResolution":{"level":"MEDIA_RESOLUTION_LOW"}},{"fileData":{"mimeType":"application/pdf","fileUri":"https://example.com/a.pdf"}}]},
        {"role":"model","parts":[{"text":"so"},{"functionCall":{"id":"1","name":"f","args":{"n":1.50}},"thoughtSignature":"c2ln"},{"functionCall":{"id":"2","name":"f","args":{}}}]},
        {"role":"user","parts":[{"functionResponse":{"id":"1","name":"f","response":{"output":"x"},"parts":[{"inlineData":{"mimeType":"image/png","data":"AAEC"}}]}},{"functionResponse":{"id":"2","name":"f","response":{"error":"no"}}},{"text":"more"}]}],
        "systemInstruction":{"parts":[{"text":"brief"}]},
        "tools":[{"functionDeclarations":[{"name":"f","description":"d","parametersJsonSchema":{"type":"object","properties":{"n":{"type":"number"}}},"responseJsonSchema":{"type":"string"}}]}],
        "toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]}},
        "generationConfig":{"temperature":0.70,"topP":0.9,"topK":40,"presencePenalty":1,"frequencyPenalty":0.5,"seed":7,"responseLogprobs":true,"logprobs":2,
            "maxOutputTokens":100,"stopSequences":["END"],"responseMimeType":"application/json","responseJsonSchema":{"type":"array"},
            "thinkingConfig":{"includeThoughts":true,"thinkingLevel":"LOW"}},
        "serviceTier":"flex"}"#;
    let (request, named) = super::read(body, Api::Gemini).unwrap();
    assert!(named.is_empty(), "{named:?}");
    let (written, _, named) = write(&request, THIRD).unwrap();
    assert!(named.is_empty(), "{named:?}");
    assert_eq!(written, serde_json::from_str::<Value>(body).unwrap());
}

#[test]
fn schemas_go_as_json_schema_without_what_google_refuses() {
    let schema = r##"{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"n":{"type":"integer","exclusiveMinimum":0},"k":{"const":"x"},"s":{"type":["string","null"]},"r":{"$ref":"#/$defs/D"}},"propertyNames":{"pattern":"^[a-z]$"},"$defs":{"D":{"type":"string"}}}"##;
    let request = asked(|request| {
        request.tools = vec![tool("f", schema), tool("7 up", r#"{"type":"object","properties":{}}"#)];
        request.tools.push(Tool { takes: Takes::Plain(None), ..tool("patch", "") });
    });
    let (body, sent, _) = write(&request, THIRD).unwrap();
    let mut expected: Value = serde_json::from_str(schema).unwrap();
    expected.as_object_mut().unwrap().remove("$schema");
    let functions = &body["tools"][0]["functionDeclarations"];
    assert_eq!(functions[0], json!({"name": "f", "description": "d", "parametersJsonSchema": expected}));
    let name = functions[1]["name"].as_str().unwrap();
    assert_eq!((functions[1].get("parametersJsonSchema"), sent.names.own(name)), (None, "7 up"));
    assert!(name.starts_with("_7_up"), "{name}");
    assert_eq!(functions[2]["parametersJsonSchema"]["required"], json!(["input"]));
    assert_eq!((sent.wrapped, sent.account), (vec!["patch".to_owned()], "main".to_owned()));
    assert_eq!(body.get("toolConfig"), None);
}

#[test]
fn whether_a_tool_must_be_called_is_said_in_googles_modes() {
    for (choice, strict, config) in [
        (Some(Choice::Auto), false, Some(json!({"mode": "AUTO"}))),
        (None, true, Some(json!({"mode": "VALIDATED"}))),
        (Some(Choice::Never), false, Some(json!({"mode": "NONE"}))),
        (Some(Choice::Any), true, Some(json!({"mode": "ANY"}))),
        (Some(Choice::One("f".into())), false, Some(json!({"mode": "ANY", "allowedFunctionNames": ["f"]}))),
        (
            Some(Choice::Some { names: vec!["f".into()], must: false }),
            false,
            Some(json!({"mode": "VALIDATED", "allowedFunctionNames": ["f"]})),
        ),
        (None, false, None),
    ] {
        let request = asked(|request| {
            request.tools = vec![Tool { strict: strict.then_some(true), ..tool("f", "{}") }];
            request.choice = choice.clone().map(told);
        });
        let (body, ..) = write(&request, THIRD).unwrap();
        assert_eq!(
            body.get("toolConfig").map(|all| all["functionCallingConfig"].clone()),
            config,
            "{choice:?}"
        );
    }
    let (body, ..) = write(&asked(|request| request.choice = Some(told(Choice::Any))), THIRD).unwrap();
    assert_eq!((body.get("tools"), body.get("toolConfig")), (None, None));
}

#[test]
fn each_family_is_told_how_much_to_think_in_its_own_way() {
    let effort = |effort| Reasoning { effort: Some(told(effort)), ..Reasoning::default() };
    let budget = |budget| Reasoning { budget: Some(told(budget)), ..Reasoning::default() };
    for (model, reasoning, config, named) in [
        (THIRD, effort(Effort::Minimal), json!({"thinkingLevel": "LOW"}), 0),
        (THIRD, effort(Effort::Xhigh), json!({"thinkingLevel": "HIGH"}), 0),
        ("gemini-3.7-flash", effort(Effort::None), json!({"thinkingLevel": "MINIMAL"}), 0),
        ("gemini-4-argon", effort(Effort::Max), json!({"thinkingLevel": "XHIGH"}), 0),
        (THIRD, budget(9_000), json!({"thinkingLevel": "MEDIUM"}), 0),
        (SECOND, effort(Effort::High), json!({"thinkingBudget": 16_384}), 0),
        (SECOND, budget(100_000), json!({"thinkingBudget": 24_576}), 0),
        ("gemini-2.5-pro", effort(Effort::None), json!({"thinkingBudget": 128}), 0),
        (
            SECOND,
            Reasoning { shown: Some(told(true)), ..effort(Effort::None) },
            json!({"thinkingBudget": 0}),
            0,
        ),
        (
            SECOND,
            Reasoning { shown: Some(told(true)), ..effort(Effort::Low) },
            json!({"includeThoughts": true, "thinkingBudget": 2_048}),
            0,
        ),
        (SECOND, Reasoning { adaptive: true, ..Reasoning::default() }, Value::Null, 0),
        ("gemini-2.0-flash", effort(Effort::High), Value::Null, 1),
        ("gemini-2.0-flash", effort(Effort::None), Value::Null, 0),
    ] {
        let (told, names) = self::config(model, |request| request.reasoning = reasoning.clone());
        assert_eq!((&told["thinkingConfig"], names.len()), (&config, named), "{model} {reasoning:?}");
    }
}

#[test]
fn sampling_goes_as_it_is_written_where_the_model_takes_it() {
    let raw = |text: &'static str| Some(told(serde_json::from_str::<&RawValue>(text).unwrap()));
    let sampling = || Sampling {
        temperature: raw("0.70"),
        top_p: raw("0.9"),
        top_k: raw("40"),
        presence_penalty: raw("1"),
        frequency_penalty: raw("0.5"),
        seed: raw("7"),
        logprobs: Some(told(30)),
    };
    let (config, named) = config(THIRD, |request| request.sampling = sampling());
    assert_eq!(
        config,
        json!({
            "temperature": 0.70, "topP": 0.9, "topK": 40, "presencePenalty": 1, "frequencyPenalty": 0.5, "seed": 7,
            "responseLogprobs": true, "logprobs": 20,
        })
    );
    assert!(named.is_empty());
    let (config, named) =
        self::config("gemini-3.8-flash", |request| request.sampling.temperature = raw("0.70"));
    assert_eq!((config, named.len()), (json!({}), 1));
    let (config, named) = self::config(THIRD, |request| request.sampling.seed = raw("9007199254740993"));
    assert_eq!((config, named.len()), (json!({}), 1));
}

#[test]
fn thoughts_leave_room_for_the_answer_and_make_it_no_longer() {
    let effort = |effort| Reasoning { effort: Some(told(effort)), ..Reasoning::default() };
    let budget = |budget| Reasoning { budget: Some(told(budget)), ..Reasoning::default() };
    let pro = "gemini-2.5-pro";
    let lite = "gemini-2.5-flash-lite";
    for (model, reasoning, (tokens, with_thinking), thinking, named) in [
        (SECOND, effort(Effort::High), (20_000, false), json!({"thinkingBudget": 16_384}), false),
        (SECOND, effort(Effort::High), (4_000, false), json!({"thinkingBudget": 2_976}), true),
        (SECOND, effort(Effort::High), (4_000, true), json!({"thinkingBudget": 2_976}), true),
        (SECOND, budget(1_000), (100, false), json!({"thinkingBudget": 50}), true),
        (SECOND, budget(0), (100, false), json!({"thinkingBudget": 0}), false),
        (lite, effort(Effort::Low), (600, false), json!({"thinkingBudget": 0}), true),
        (pro, effort(Effort::Low), (100, false), json!({"thinkingBudget": 128}), true),
        (pro, effort(Effort::None), (100, false), json!({"thinkingBudget": 128}), false),
        (THIRD, effort(Effort::High), (4_096, false), json!({"thinkingLevel": "LOW"}), true),
        (THIRD, effort(Effort::High), (4_096, true), json!({"thinkingLevel": "HIGH"}), false),
        (THIRD, effort(Effort::Low), (100, false), json!({"thinkingLevel": "LOW"}), false),
    ] {
        let (config, names) = config(model, |request| {
            request.reasoning = reasoning.clone();
            request.length = Some(told(Length { tokens, with_thinking }));
        });
        let expected = json!({"maxOutputTokens": tokens, "thinkingConfig": thinking});
        assert_eq!((config, !names.is_empty()), (expected, named), "{model} {reasoning:?} {tokens}");
    }
}

#[test]
fn lengths_stops_and_forms_are_what_google_takes() {
    let length = |tokens, with_thinking| Some(told(Length { tokens, with_thinking }));
    let (config, _) = config(THIRD, |request| request.length = length(100, true));
    assert_eq!(config, json!({"maxOutputTokens": 100}));
    let most = sluice_neutral::dialect::Upstream { max_output: Some(100), ..upstream(THIRD) };
    let (body, ..) = write_to(&asked(|request| request.length = length(100, true)), &most).unwrap();
    assert_eq!(body["generationConfig"], json!({}));
    assert!(write(&asked(|request| request.length = length(0, true)), THIRD).is_err());
    let (config, named) = self::config(THIRD, |request| {
        request.stop = ["1", "", "2", "3", "4", "5", "6"].map(|stop| told(stop.into())).to_vec()
    });
    assert_eq!((config, named.len()), (json!({"stopSequences": ["1", "2", "3", "4", "5"]}), 0));
    let schema = || Format::Schema {
        name: None,
        description: None,
        schema: r#"{"$id":"x","type":"array"}"#.into(),
        strict: None,
    };
    let (config, _) = self::config(THIRD, |request| request.format = Some(told(schema())));
    assert_eq!(
        config,
        json!({"responseMimeType": "application/json", "responseJsonSchema": {"type": "array"}})
    );
    let both = |request: &mut Request<'_>| {
        (request.format, request.tools) = (Some(told(Format::Object)), vec![tool("f", "{}")])
    };
    assert!(write(&asked(both), THIRD).is_ok());
    assert_eq!(write(&asked(both), SECOND).unwrap_err().facts().param.as_deref(), Some("asked"));
}

#[test]
fn a_search_is_asked_for_where_no_function_is() {
    let search = |allowed: &[&'static str]| {
        Some(told(Search { allowed: allowed.iter().map(|one| (*one).into()).collect(), ..Search::default() }))
    };
    let (body, _, named) = write(&asked(|request| request.search = search(&[])), THIRD).unwrap();
    assert_eq!((&body["tools"], named.len()), (&json!([{"googleSearch": {}}]), 0));
    let (body, _, named) = write(
        &asked(|request| (request.search, request.tools) = (search(&[]), vec![tool("f", "{}")])),
        THIRD,
    )
    .unwrap();
    assert_eq!((body["tools"][0].get("googleSearch"), named.len()), (None, 1));
    assert!(write(&asked(|request| request.search = search(&["example.com"])), THIRD).is_err());
    let both = |request: &mut Request<'_>| {
        (request.search, request.fetch) = (search(&[]), Some(told(Fetch::default())));
    };
    let (body, _, named) = write(&asked(both), THIRD).unwrap();
    assert_eq!((&body["tools"], named.len()), (&json!([{"googleSearch": {}}, {"urlContext": {}}]), 0));
    let fetches = |request: &mut Request<'_>| {
        (request.fetch, request.tools) = (Some(told(Fetch::default())), vec![tool("f", "{}")]);
    };
    let (body, _, named) = write(&asked(fetches), THIRD).unwrap();
    assert_eq!((body["tools"].as_array().unwrap().len(), named.len()), (1, 1));
}

#[test]
fn tiers_are_those_that_google_has() {
    for (tier, written, named) in
        [("flex", Some("flex"), 0), ("priority", Some("priority"), 0), ("auto", None, 0), ("scale", None, 1)]
    {
        let request = asked(|request| request.tier = Some(told(tier.into())));
        let (body, _, names) = write(&request, THIRD).unwrap();
        assert_eq!(
            (body.get("serviceTier").and_then(Value::as_str), names.len()),
            (written, named),
            "{tier}"
        );
    }
    let request =
        asked(|request| (request.parallel, request.tools) = (Some(told(false)), vec![tool("f", "{}")]));
    assert_eq!(write(&request, THIRD).unwrap().2.len(), 1);
}
