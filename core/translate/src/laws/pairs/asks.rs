//! What clients may ask, as forms that bytes fill: right, odd, and wrong.

use sluice_api::dialect::Api;

use crate::laws::made::{self, Choices, Parts, by};

/// What the letters stand for; the first of each has no letters.
const PARTS: Parts<'static> = &[
    ('v', &["null", "true", "0", "1.0e+2", "12345678901234567890123", "%t", "[]", "{}", "[%v]", "{%t:%v}"]),
    (
        't',
        &[
            r#""a""#,
            r#""""#,
            r#""é\n\"""#,
            r#""\ud800""#,
            r#""user""#,
            r#""auto""#,
            r#""f""#,
            r#""text""#,
            r#""data:image/png;base64,QUJD""#,
            r#""https://h.example/i.png""#,
            r#""application/pdf""#,
        ],
    ),
    ('s', &[r#""a""#, r#""b\n""#, "%t", "%t", "%v"]),
    ('x', &[r#""{\"a\":1.50}""#, r#""""#, r#""{""#, r#""no json""#, "%s"]),
    ('j', &[r#"{"n":1.50}"#, "{}", r#"{"s":"é\n"}"#, "%v"]),
    (
        'k',
        &[
            r#"{"type":"object"}"#,
            r#"{"type":"object","properties":{"a":{"type":["string","null"],"enum":["x"]}}}"#,
            r##"{"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"},{"type":"null"}]}}}"##,
            r#"{"type":"OBJECT","properties":{"a":{"type":"ARRAY","minItems":"1"}}}"#,
            "%v",
        ],
    ),
    (
        'r',
        &[
            r#""user""#,
            r#""assistant""#,
            r#""user""#,
            r#""assistant""#,
            r#""system""#,
            r#""developer""#,
            "%s",
        ],
    ),
    // Content of Chat's, and its parts.
    ('c', &[r#""a""#, "%s", "[%p]", "[%p,%p]", "null"]),
    (
        'p',
        &[
            r#"{"type":"text","text":"a"}"#,
            r#"{"type":"text","text":%s}"#,
            r#"{"type":"image_url","image_url":{"url":%t,"detail":%t}}"#,
            r#"{"type":"file","file":{"filename":%s,"file_data":"data:application/pdf;base64,QUJD"}}"#,
            r#"{"type":"input_audio","input_audio":{"data":"QUJD","format":"mp3"}}"#,
            r#"{"type":"refusal","refusal":%s}"#,
            r#"{"type":"thinking","thinking":%s,"signature":%s}"#,
            "%v",
        ],
    ),
    // Messages of Chat's.
    (
        'm',
        &[
            r#"{"role":"user","content":"a"}"#,
            r#"{"role":%r,"content":%c,"name":%s}"#,
            r#"{"role":"assistant","content":%c,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":%x}}]},{"role":"tool","tool_call_id":"c1","content":%c}"#,
            r#"{"role":"assistant","content":null,"tool_calls":[{"id":%s,"type":"custom","custom":{"name":"p","input":%s}}]}"#,
            r#"{"role":"tool","tool_call_id":%s,"content":%c}"#,
            r#"{"role":"assistant","content":null,"function_call":{"name":"f","arguments":%x}},{"role":"function","name":"f","content":%s}"#,
            r#"{"role":"assistant","content":%c,"reasoning_content":%s,"refusal":%s}"#,
            "%v",
        ],
    ),
    // Fields of Chat's.
    (
        'f',
        &[
            r#""model":"m""#,
            r#""tools":[{"type":"function","function":{"name":"f","description":%s,"parameters":%k,"strict":%v}},{"type":"custom","custom":{"name":"p"}}]"#,
            r#""tool_choice":"required""#,
            r#""tool_choice":{"type":"function","function":{"name":"f"}}"#,
            r#""tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"f"}}]}}"#,
            r#""tool_choice":%v"#,
            r#""parallel_tool_calls":%v"#,
            r#""response_format":{"type":"json_object"}"#,
            r#""response_format":{"type":"json_schema","json_schema":{"name":%s,"schema":%k,"strict":%v}}"#,
            r#""reasoning_effort":%s"#,
            r#""max_completion_tokens":%v"#,
            r#""temperature":%v"#,
            r#""stop":%v"#,
            r#""stop":["a","b","c","d"]"#,
            r#""metadata":%v"#,
            r#""functions":[{"name":"f","parameters":%k}]"#,
            r#""web_search_options":{}"#,
            r#""n":%v"#,
            r#""logprobs":true,"top_logprobs":%v"#,
            "%t:%v",
        ],
    ),
    // Items of Responses'.
    (
        'i',
        &[
            r#"{"role":"user","content":"a"}"#,
            r#"{"type":"message","role":%r,"content":[{"type":"input_text","text":%s}]}"#,
            r#"{"type":"message","role":"assistant","content":[{"type":"output_text","text":%s},{"type":"refusal","refusal":%s}]}"#,
            r#"{"type":"message","role":"user","content":[{"type":"input_image","image_url":%t},{"type":"input_file","filename":%s,"file_data":"data:application/pdf;base64,QUJD"}]}"#,
            r#"{"type":"function_call","call_id":"c1","name":"f","arguments":%x},{"type":"function_call_output","call_id":"c1","output":%o}"#,
            r#"{"type":"function_call","call_id":%s,"name":%s,"namespace":"n","arguments":%x}"#,
            r#"{"type":"function_call_output","call_id":%s,"output":%o}"#,
            r#"{"type":"custom_tool_call","call_id":"c2","name":"p","input":%s},{"type":"custom_tool_call_output","call_id":"c2","output":%o}"#,
            r#"{"type":"reasoning","summary":[{"type":"summary_text","text":%s}],"encrypted_content":%s}"#,
            r#"{"type":"item_reference","id":%s}"#,
            "%v",
        ],
    ),
    (
        'o',
        &[r#""a""#, "%s", r#"[{"type":"input_text","text":%s},{"type":"input_image","image_url":%t}]"#, "%v"],
    ),
    // Fields of Responses'.
    (
        'g',
        &[
            r#""model":"m""#,
            r#""instructions":%s"#,
            r#""tools":[{"type":"function","name":"f","parameters":%k,"strict":%v},{"type":"custom","name":"p","format":{"type":"grammar","syntax":"lark","definition":%s}}]"#,
            r#""tools":[{"type":"namespace","name":"n","tools":[{"type":"function","name":"f","parameters":%k}]},{"type":"web_search"}]"#,
            r#""tool_choice":{"type":"function","name":"f"}"#,
            r#""tool_choice":%v"#,
            r#""text":{"format":{"type":"json_schema","name":%s,"schema":%k},"verbosity":%s}"#,
            r#""reasoning":{"effort":%s,"summary":%s}"#,
            r#""include":["reasoning.encrypted_content"]"#,
            r#""max_output_tokens":%v"#,
            r#""previous_response_id":%v"#,
            r#""top_p":%v"#,
            "%t:%v",
        ],
    ),
    // Contents of Gemini's, and their parts.
    (
        'd',
        &[
            r#"{"role":"user","parts":[{"text":"a"}]}"#,
            r#"{"role":"user","parts":[%q,%q]}"#,
            r#"{"role":"model","parts":[%q,%q]}"#,
            r#"{"role":%s,"parts":[%q]}"#,
            "%v",
        ],
    ),
    (
        'q',
        &[
            r#"{"text":"a"}"#,
            r#"{"text":%s,"thought":%v,"thoughtSignature":%s}"#,
            r#"{"functionCall":{"name":"f","args":%j,"id":%s},"thought_signature":"QUJD"}"#,
            r#"{"functionResponse":{"name":"f","response":%j,"id":%s}}"#,
            r#"{"function_response":{"name":"f","response":{"output":%v},"parts":[{"inlineData":{"mimeType":"image/png","data":"QUJD"}}]}}"#,
            r#"{"inlineData":{"mimeType":"image/png","data":"QUJD"}}"#,
            r#"{"inline_data":{"mime_type":%t,"data":%s}}"#,
            r#"{"fileData":{"mimeType":%t,"fileUri":%t}}"#,
            "%v",
        ],
    ),
    // Fields of Gemini's.
    (
        'h',
        &[
            r#""systemInstruction":{"parts":[%q]}"#,
            r#""tools":[{"functionDeclarations":[{"name":"f","description":%s,"parameters":%k},{"name":"g","parametersJsonSchema":%k}]}]"#,
            r#""tools":[{"googleSearch":{}},{"function_declarations":[{"name":%s}]}]"#,
            r#""toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]}}"#,
            r#""tool_config":%v"#,
            r#""generationConfig":{"maxOutputTokens":%v,"temperature":%v,"stopSequences":["a"],"topK":%v}"#,
            r#""generationConfig":{"responseMimeType":"application/json","responseSchema":%k}"#,
            r#""generation_config":{"thinking_config":{"thinking_budget":%v,"include_thoughts":%v}}"#,
            r#""generationConfig":{"thinkingConfig":{"thinkingLevel":%s},"responseLogprobs":true,"logprobs":%v}"#,
            r#""safetySettings":%v"#,
            "%t:%v",
        ],
    ),
];

/// A request of a dialect's, more or less.
pub(super) fn request(api: Api, bytes: &[u8]) -> String {
    let (list, item, field) = match api {
        Api::Anthropic => return made::request(bytes),
        Api::OpenaiChat => ("messages", "%m", "%f"),
        Api::OpenaiResponses => ("input", "%i", "%g"),
        _ => ("contents", "%d", "%h"),
    };
    let mut choices = Choices(bytes);
    let fields: Vec<String> = (0..choices.below(6)).map(|_| by(PARTS, field, &mut choices)).collect();
    let items: Vec<String> = (0..choices.below(5) + 1).map(|_| by(PARTS, item, &mut choices)).collect();
    let all = std::iter::once(format!("\"{list}\":[{}]", items.join(","))).chain(fields);
    format!("{{{}}}", all.collect::<Vec<_>>().join(","))
}
