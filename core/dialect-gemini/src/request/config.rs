//! How a client's request wants its answer: `generationConfig`.

use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::effort::Effort;
use sluice_neutral::json::{self, Raw};
use sluice_neutral::loss::{Losses, Place};
use sluice_neutral::request::{Format, Length, Reasoning, Request, Text, Told};

use crate::casing;
use crate::fields::FIELDS;
use crate::request::media;
use crate::schema;
use crate::taking::Taking;

const PLACE: &str = "generationConfig";

/// Reads the settings into a request; tells how closely images are looked at where they say nothing.
pub(crate) fn config<'a>(
    value: Raw<'a>,
    request: &mut Request<'a>,
    losses: &mut Losses,
) -> Result<Option<&'static str>, Error> {
    let at = At::object(PLACE);
    let mut told = Taking::of(value, PLACE, at)?;
    sampling(&mut told, request, losses)?;
    if let Some(tokens) = told.take("maxOutputTokens", losses) {
        let at = told.at("maxOutputTokens");
        let wrong = |_| json::wrong(at, "it must not be below zero");
        let tokens = u64::try_from(casing::whole(tokens, at)?).map_err(wrong)?;
        request.length = Some(Told::new(Length { tokens, with_thinking: true }, at));
    }
    if let Some(list) = told.take("stopSequences", losses) {
        let at = told.at("stopSequences");
        for text in json::items(list, at)? {
            request.stop.push(Told::new(json::text(text, at)?, at));
        }
    }
    request.format = format(&mut told, losses)?;
    modalities(&mut told, losses)?;
    if let Some(thinking) = told.take("thinkingConfig", losses) {
        request.reasoning = reasoning(thinking, losses)?;
    }
    let detail = told.text("mediaResolution", losses)?;
    told.rest(losses)?;
    // A signature comes with each answer, whatever is asked.
    request.reasoning.carried = true;
    Ok(detail.and_then(|level| media::detail(&level)))
}

fn sampling<'a>(told: &mut Taking<'a>, request: &mut Request<'a>, losses: &Losses) -> Result<(), Error> {
    let sampling = &mut request.sampling;
    for (name, place) in [
        ("temperature", &mut sampling.temperature),
        ("topP", &mut sampling.top_p),
        ("topK", &mut sampling.top_k),
        ("presencePenalty", &mut sampling.presence_penalty),
        ("frequencyPenalty", &mut sampling.frequency_penalty),
        ("seed", &mut sampling.seed),
    ] {
        let Some(value) = told.take(name, losses) else { continue };
        if !value.get().starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            return Err(json::wrong(told.at(name), "it must be a number"));
        }
        *place = Some(Told::new(value, told.at(name)));
    }
    let many =
        told.take("logprobs", losses).map(|many| casing::whole(many, told.at("logprobs"))).transpose()?;
    if told.take("responseLogprobs", losses).is_some_and(|asked| asked.get() == "true") {
        let many = u32::try_from(many.unwrap_or_default()).unwrap_or_default();
        sampling.logprobs = Some(Told::new(many, told.at("responseLogprobs")));
    }
    Ok(())
}

fn format<'a>(told: &mut Taking<'a>, losses: &mut Losses) -> Result<Option<Told<Format<'a>>>, Error> {
    let mime = told.text("responseMimeType", losses)?;
    let own = told.take("responseSchema", losses);
    let schema = match told.take("responseJsonSchema", losses) {
        Some(schema) => {
            Some((schema::of_client(schema, told.at("responseJsonSchema"))?, "responseJsonSchema"))
        }
        None => own
            .map(|schema| {
                schema::of_google(schema, told.at("responseSchema"))
                    .map(|text| (text.into(), "responseSchema"))
            })
            .transpose()?,
    };
    let asked = match told.take("responseFormat", losses) {
        Some(list) => new_format(list, losses)?,
        None => None,
    };
    if let Some(asked) = asked {
        return Ok(Some(asked));
    }
    let at = told.at("responseMimeType");
    match (mime.as_deref(), schema) {
        (Some("text/plain"), _) | (None | Some(""), None) => Ok(None),
        (_, Some((schema, name))) => Ok(Some(Told::new(of_schema(schema), told.at(name)))),
        (Some("application/json"), None) => Ok(Some(Told::new(Format::Object, at))),
        (Some(_), None) => Err(losses.refusal(at, "this form of the answer")),
    }
}

const fn of_schema(schema: Text<'_>) -> Format<'_> {
    Format::Schema { name: None, description: None, schema, strict: Some(true) }
}

/// The newer list of forms, of which text has counterparts.
fn new_format<'a>(value: Raw<'a>, losses: &mut Losses) -> Result<Option<Told<Format<'a>>>, Error> {
    let at = At::object("generationConfig.responseFormat");
    let mut format = None;
    for one in casing::list(value, at)? {
        for (name, value) in casing::fields(one, at)?.iter() {
            let kind =
                crate::fields::find("generationConfig.responseFormat", name).map_or("", |row| row.name);
            if !losses.has(Place::new(FIELDS, "generationConfig.responseFormat", at.then(kind)), name)? {
                continue;
            }
            let at = at.inside("text");
            let mut told = Taking::of(value, "generationConfig.responseFormat.text", at)?;
            let mime = told.text("mimeType", losses)?;
            let schema = told.take("jsonSchema", losses);
            let schema = schema.or(told.take("schema", losses));
            told.rest(losses)?;
            format = match (schema, mime.as_deref()) {
                (Some(schema), _) => Some(of_schema(schema::of_client(schema, at.then("jsonSchema"))?)),
                (None, Some("application/json")) => Some(Format::Object),
                (None, _) => None,
            }
            .map(|format| Told::new(format, at));
        }
    }
    Ok(format)
}

fn modalities(told: &mut Taking<'_>, losses: &Losses) -> Result<(), Error> {
    let Some(list) = told.take("responseModalities", losses) else { return Ok(()) };
    let at = told.at("responseModalities");
    for one in json::items(list, at)? {
        if !json::text(one, at)?.eq_ignore_ascii_case("text") {
            return Err(losses.refusal(at, "an answer that is not text"));
        }
    }
    Ok(())
}

fn reasoning<'a>(value: Raw<'a>, losses: &mut Losses) -> Result<Reasoning, Error> {
    let at = At::object("generationConfig.thinkingConfig");
    let mut told = Taking::of(value, "generationConfig.thinkingConfig", at)?;
    let mut reasoning = Reasoning::default();
    if let Some(shown) = told.take("includeThoughts", losses) {
        reasoning.shown = Some(Told::new(shown.get() == "true", told.at("includeThoughts")));
    }
    if let Some(level) = told.text("thinkingLevel", losses)? {
        let at = told.at("thinkingLevel");
        match (Effort::of(&level), &*level) {
            (Some(effort), _) => reasoning.effort = Some(Told::new(effort, at)),
            (None, "" | "THINKING_LEVEL_UNSPECIFIED") => {}
            (None, _) => return Err(json::wrong(at, "there is no such level")),
        }
    }
    if let Some(budget) = told.take("thinkingBudget", losses) {
        let at = told.at("thinkingBudget");
        match casing::whole(budget, at)? {
            0 => reasoning.effort = Some(Told::new(Effort::None, at)),
            tokens if tokens < 0 => reasoning.adaptive = true,
            tokens => reasoning.budget = u64::try_from(tokens).ok().map(|tokens| Told::new(tokens, at)),
        }
    }
    told.rest(losses)?;
    Ok(reasoning)
}
