//! Embeddings between OpenAI's API and Gemini's, which meet in a list of texts and a list of vectors.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use sluice_api::dialect::{Api, Operation};
use sluice_api::error::{Error, Kind};
use sluice_neutral::at::At;
use sluice_neutral::json::{Members, Raw, items, quoted, text, wrong};
use sluice_neutral::loss::{Losses, Place};

/// Bytes of a text that are about one token, where the upstream tells no usage.
const BYTES_PER_TOKEN: u64 = 4;

/// How a request for embeddings was turned into another one, by which its answer comes back.
#[derive(Clone, Debug)]
pub(crate) struct Embeddings {
    client: Api,
    operation: Operation,
    /// Whether vectors are wanted as bytes in base64.
    packed: bool,
    /// How many texts there are, and what they are about in tokens.
    texts: usize,
    tokens: u64,
}

/// What is to be embedded.
struct Wanted<'a> {
    texts: Vec<Cow<'a, str>>,
    dimensions: Option<Raw<'a>>,
    packed: bool,
}

impl Embeddings {
    /// Translates a request.
    ///
    /// # Errors
    ///
    /// When a field is wrong or has no counterpart.
    pub(crate) fn of(
        (client, operation): (Api, Operation),
        body: &[u8],
        model: &str,
        losses: &mut Losses,
    ) -> Result<(Vec<u8>, Self), Error> {
        let members = Members::body(body)?;
        let wanted = match (client, operation) {
            (Api::Gemini, Operation::BatchEmbed) => batch(&members, losses)?,
            (Api::Gemini, _) => one(&members, At::ROOT, losses)?,
            _ => listed(&members, losses)?,
        };
        let sent = if client == Api::Gemini { as_openai(&wanted, model) } else { as_gemini(&wanted, model) };
        let bytes: u64 = wanted.texts.iter().map(|text| text.len() as u64).sum();
        let tokens = bytes.div_ceil(BYTES_PER_TOKEN);
        let own = Self { client, operation, packed: wanted.packed, texts: wanted.texts.len(), tokens };
        Ok((sent.into_bytes(), own))
    }

    /// What the upstream is asked for.
    pub(crate) const fn operation(&self) -> Operation {
        match self.client {
            Api::Gemini => Operation::Embed,
            _ => Operation::BatchEmbed,
        }
    }

    /// Translates an answer; `model` is as the client asked for it.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub(crate) fn answer(&self, body: &[u8], model: &str) -> Result<Vec<u8>, Error> {
        let unreadable =
            |error| Error::new(Kind::Upstream, format!("the upstream's embeddings can't be read: {error}"));
        let told: Told<'_> = serde_json::from_slice(body).map_err(unreadable)?;
        if told.data.len() + told.embeddings.len() != self.texts {
            return Err(Error::new(
                Kind::Upstream,
                "the upstream answered with other than a vector for each text",
            ));
        }
        if self.client == Api::Gemini {
            let mut data = told.data;
            data.sort_by_key(|one| one.index);
            let of = |one: &Data<'_>| format!("{{\"values\":{}}}", one.embedding.get());
            let all: Vec<String> = data.iter().map(of).collect();
            let text = match self.operation {
                Operation::BatchEmbed => format!("{{\"embeddings\":[{}]}}", all.join(",")),
                _ => format!("{{\"embedding\":{}}}", all.first().map_or("{\"values\":[]}", String::as_str)),
            };
            return Ok(text.into_bytes());
        }
        let mut data = Vec::with_capacity(told.embeddings.len());
        for (index, one) in told.embeddings.iter().enumerate() {
            let vector = if self.packed { packed(one.values)? } else { one.values.get().to_owned() };
            data.push(format!("{{\"object\":\"embedding\",\"index\":{index},\"embedding\":{vector}}}"));
        }
        let tokens = told.usage_metadata.map_or(self.tokens, |usage| usage.prompt_token_count);
        let (data, model) = (data.join(","), quoted(model));
        let usage = format!("{{\"prompt_tokens\":{tokens},\"total_tokens\":{tokens}}}");
        Ok(format!("{{\"object\":\"list\",\"data\":[{data}],\"model\":{model},\"usage\":{usage}}}")
            .into_bytes())
    }
}

/// An answer of either API's.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    #[serde(borrow, default)]
    data: Vec<Data<'a>>,
    #[serde(borrow, default)]
    embeddings: Vec<Embedded<'a>>,
    usage_metadata: Option<Used>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(default)]
    index: u64,
    #[serde(borrow)]
    embedding: &'a RawValue,
}

#[derive(Deserialize)]
struct Embedded<'a> {
    #[serde(borrow)]
    values: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Used {
    #[serde(default)]
    prompt_token_count: u64,
}

/// OpenAI's: a text, or a list of them.
fn listed<'a>(members: &Members<'a>, losses: &mut Losses) -> Result<Wanted<'a>, Error> {
    let known = ["model", "input", "dimensions", "encoding_format", "user"];
    losses.rest(Place::new(&[], "", At::ROOT), members, &known)?;
    let at = At::field("input");
    let input = members.get("input").ok_or_else(|| wrong(at, "it is missing"))?;
    let texts = if input.get().starts_with('[') {
        let each = items(input, at)?.into_iter();
        each.map(|one| match one.get().as_bytes().first() {
            Some(b'"') => text(one, at),
            _ => Err(losses.refusal(at, "text as numbers of tokens")),
        })
        .collect::<Result<_, _>>()?
    } else {
        vec![text(input, at)?]
    };
    let format = members.text("encoding_format", At::ROOT)?;
    let packed = match format.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(_) => return Err(wrong(At::field("encoding_format"), "it is float or base64")),
    };
    Ok(Wanted { texts, dimensions: members.get("dimensions"), packed })
}

/// Gemini's, of one content.
fn one<'a>(members: &Members<'a>, at: At, losses: &mut Losses) -> Result<Wanted<'a>, Error> {
    for name in ["taskType", "task_type", "title"] {
        if members.get(name).is_some() {
            losses.name(At::field(if name == "title" { "title" } else { "taskType" }));
        }
    }
    let known = [
        "model",
        "content",
        "taskType",
        "task_type",
        "title",
        "outputDimensionality",
        "output_dimensionality",
    ];
    losses.rest(Place::new(&[], "", at), members, &known)?;
    let content = members.get("content").ok_or_else(|| wrong(at.then("content"), "it is missing"))?;
    let content = Members::of(content, at.then("content"))?;
    let place = at.then("content.parts");
    let parts = content.get("parts").ok_or_else(|| wrong(place, "it is missing"))?;
    let mut whole = Cow::Borrowed("");
    for part in items(parts, place)? {
        let part = Members::of(part, place)?;
        let Some(said) = part.get("text") else {
            return Err(losses.refusal(place, "the embedding of anything but text"));
        };
        let said = text(said, place)?;
        if whole.is_empty() { whole = said } else { whole.to_mut().push_str(&said) }
    }
    let dimensions = members.get("outputDimensionality").or_else(|| members.get("output_dimensionality"));
    Ok(Wanted { texts: vec![whole], dimensions, packed: false })
}

/// Gemini's, of many contents.
fn batch<'a>(members: &Members<'a>, losses: &mut Losses) -> Result<Wanted<'a>, Error> {
    let at = At::field("requests");
    let requests = members.get("requests").ok_or_else(|| wrong(at, "it is missing"))?;
    let mut all = Wanted { texts: Vec::new(), dimensions: None, packed: false };
    for (index, request) in items(requests, at)?.into_iter().enumerate() {
        let at = At::item("requests", index);
        let Wanted { texts, dimensions, .. } = one(&Members::of(request, at)?, at, losses)?;
        let differs = all.dimensions.map(RawValue::get) != dimensions.map(RawValue::get);
        if index > 0 && differs {
            return Err(losses.refusal(at.then("outputDimensionality"), "vectors of different lengths"));
        }
        all.dimensions = dimensions;
        all.texts.extend(texts);
    }
    Ok(all)
}

fn as_gemini(wanted: &Wanted<'_>, model: &str) -> String {
    let name = if model.starts_with("models/") { quoted(model) } else { quoted(&format!("models/{model}")) };
    let length =
        wanted.dimensions.map_or(String::new(), |most| format!(",\"outputDimensionality\":{}", most.get()));
    let of = |text: &Cow<'_, str>| {
        format!("{{\"model\":{name},\"content\":{{\"parts\":[{{\"text\":{}}}]}}{length}}}", quoted(text))
    };
    let requests: Vec<String> = wanted.texts.iter().map(of).collect();
    format!("{{\"requests\":[{}]}}", requests.join(","))
}

fn as_openai(wanted: &Wanted<'_>, model: &str) -> String {
    let length = wanted.dimensions.map_or(String::new(), |most| format!(",\"dimensions\":{}", most.get()));
    let texts: Vec<String> = wanted.texts.iter().map(|text| quoted(text)).collect();
    let (model, input) = (quoted(model), texts.join(","));
    format!("{{\"model\":{model},\"input\":[{input}],\"encoding_format\":\"float\"{length}}}")
}

/// A vector as little-endian floats of 32 bits in base64, as a JSON string.
fn packed(values: Raw<'_>) -> Result<String, Error> {
    let unreadable =
        |error| Error::new(Kind::Upstream, format!("the upstream's embeddings can't be read: {error}"));
    let values: Vec<f32> = serde_json::from_str(values.get()).map_err(unreadable)?;
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Ok(quoted(&STANDARD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::Embeddings;
    use serde_json::{Value, json};
    use sluice_api::dialect::{Api, Operation};
    use sluice_api::error::Error;
    use sluice_neutral::loss::Losses;

    fn sent(
        client: Api,
        operation: Operation,
        body: &str,
    ) -> Result<(Value, Embeddings, Vec<String>), Error> {
        let mut losses =
            Losses::toward(if client == Api::Gemini { Api::OpenaiEmbeddings } else { Api::Gemini });
        let (sent, own) = Embeddings::of((client, operation), body.as_bytes(), "up", &mut losses)?;
        Ok((serde_json::from_slice(&sent).unwrap(), own, losses.named()))
    }

    #[test]
    fn openais_texts_are_asked_of_gemini_all_at_once() {
        let body = r#"{"model":"m","input":["a \"b\"","\u00fc"],"dimensions":8,"encoding_format":"base64","user":"u"}"#;
        let (told, own, _) = sent(Api::OpenaiEmbeddings, Operation::Embed, body).unwrap();
        let of = |text: &str| json!({ "model": "models/up", "content": { "parts": [{ "text": text }] }, "outputDimensionality": 8 });
        assert_eq!(told, json!({ "requests": [of("a \"b\""), of("\u{fc}")] }));
        assert_eq!(own.operation(), Operation::BatchEmbed);
        let answer = br#"{"embeddings":[{"values":[1.0,-0.5]},{"values":[0.25]}]}"#;
        let told: Value = serde_json::from_slice(&own.answer(answer, "m").unwrap()).unwrap();
        assert_eq!(
            told["data"][0],
            json!({ "object": "embedding", "index": 0, "embedding": "AACAPwAAAL8=" })
        );
        assert_eq!((&told["model"], &told["usage"]["prompt_tokens"]), (&json!("m"), &json!(2)));
        let (_, own, _) = sent(Api::OpenaiEmbeddings, Operation::Embed, r#"{"input":"a"}"#).unwrap();
        let answer = br#"{"embeddings":[{"values":[0.10]}],"usageMetadata":{"promptTokenCount":3}}"#;
        let told = String::from_utf8(own.answer(answer, "m").unwrap()).unwrap();
        assert!(told.contains("\"embedding\":[0.10]") && told.contains("\"total_tokens\":3"), "{told}");
    }

    #[test]
    fn geminis_contents_are_asked_of_openai() {
        let body = r#"{"content":{"parts":[{"text":"a"},{"text":"b"}]},"taskType":"RETRIEVAL_QUERY","outputDimensionality":4}"#;
        let (told, own, named) = sent(Api::Gemini, Operation::Embed, body).unwrap();
        assert_eq!(
            told,
            json!({ "model": "up", "input": ["ab"], "encoding_format": "float", "dimensions": 4 })
        );
        assert_eq!(named, ["taskType"]);
        let answer = br#"{"data":[{"index":0,"embedding":[1.50]}]}"#;
        assert_eq!(own.answer(answer, "m").unwrap(), br#"{"embedding":{"values":[1.50]}}"#);
        for none in ["{}", r#"{"error":{"message":"x"}}"#, r#"{"data":[]}"#] {
            assert!(own.answer(none.as_bytes(), "m").is_err(), "{none}");
        }
        let answer = br#"{"data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1.50]}]}"#;
        let body =
            r#"{"requests":[{"content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"b"}]}}]}"#;
        let (_, own, _) = sent(Api::Gemini, Operation::BatchEmbed, body).unwrap();
        assert_eq!(own.answer(answer, "m").unwrap(), br#"{"embeddings":[{"values":[1.50]},{"values":[2]}]}"#);
    }

    #[test]
    fn what_the_other_has_nothing_for_is_refused_by_its_name() {
        for (api, operation, body, field) in [
            (Api::OpenaiEmbeddings, Operation::Embed, r#"{"input":[1,2]}"#, "input"),
            (
                Api::OpenaiEmbeddings,
                Operation::Embed,
                r#"{"input":"a","encoding_format":"int8"}"#,
                "encoding_format",
            ),
            (Api::OpenaiEmbeddings, Operation::Embed, "{}", "input"),
            (Api::Gemini, Operation::Embed, r#"{"content":{"parts":[{"inlineData":{}}]}}"#, "content.parts"),
            (
                Api::Gemini,
                Operation::BatchEmbed,
                r#"{"requests":[{"content":{"parts":[]},"outputDimensionality":1},{"content":{"parts":[]}}]}"#,
                "requests[1].outputDimensionality",
            ),
        ] {
            let error = sent(api, operation, body).unwrap_err();
            assert_eq!(error.facts().param.as_deref(), Some(field), "{body}");
        }
    }
}
