//! A request for an upstream, written.

mod messages;
mod parts;
mod settings;
mod target;
mod tools;

use sluice_api::error::Error;
use sluice_neutral::dialect::{Sent, Upstream};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Content, Part, Request, Source};

use crate::json::Json;
use crate::models::Model;
use target::Target;

/// What the model is told where JSON is asked for and nobody says the word.
const JSON_ALONE: &str = "Reply with one JSON object only.";

/// Writes a request: a whole body.
pub(crate) fn request(
    request: &Request<'_>,
    upstream: &Upstream<'_>,
    losses: &mut Losses,
) -> Result<(Vec<u8>, Sent), Error> {
    let mut sent = Sent { account: upstream.account.to_owned(), ..Sent::default() };
    let (bytes, marks) = measured(request);
    let model = Model::of(upstream.model, upstream.provider);
    let mut target = Target::new(model, marks, &mut sent, losses);
    let mut json = Json::with_room(bytes + bytes / 16 + 1024);
    let mut done = Ok(());
    json.object(|json| done = body(request, upstream, &mut target, json));
    done?;
    Ok((json.into_bytes(), sent))
}

fn body(
    request: &Request<'_>,
    upstream: &Upstream<'_>,
    target: &mut Target<'_>,
    json: &mut Json,
) -> Result<(), Error> {
    json.key("model").text(upstream.model);
    let mut done = Ok(());
    json.key("messages").array(|json| {
        if let Some(at) = settings::lacks_word(request, target) {
            target.losses.name(at);
            json.object(|json| {
                json.key("role").text(target.model.instructed_by());
                json.key("content").text(JSON_ALONE);
            });
        }
        done = messages::write(request, target, json);
    });
    done?;
    tools::write(request, target, json);
    settings::format(request, target, json);
    settings::length(request, upstream.max_output, target, json);
    let effort = settings::effort(request, target, json);
    settings::sampling(request, effort, target, json);
    settings::service(request, target, json);
    if let Some(search) = &request.search {
        settings::search(search, target, json)?;
    }
    if upstream.form.is_stream() {
        json.key("stream").raw("true");
        if upstream.include_usage {
            json.key("stream_options").object(|json| json.key("include_usage").raw("true"));
        }
    }
    Ok(())
}

/// About how many bytes a request has, and how many marks are on it.
fn measured(request: &Request<'_>) -> (usize, usize) {
    let (mut bytes, mut marks) = (0, 0);
    let turns = request.turns.iter().flat_map(|turn| &turn.parts);
    for part in request.system.iter().chain(turns) {
        bytes += length(part);
        marks += usize::from(part.cache.is_some());
        if let Content::Outcome(outcome) = &part.content {
            bytes += outcome.parts.iter().map(length).sum::<usize>();
            marks += outcome.parts.iter().filter(|part| part.cache.is_some()).count();
        }
    }
    let tools = request.tools.iter().map(|tool| match &tool.takes {
        sluice_neutral::request::Takes::Schema(Some(schema)) => schema.len() + 256,
        _ => 256,
    });
    (bytes + tools.sum::<usize>(), marks)
}

fn length(part: &Part<'_>) -> usize {
    let text = match &part.content {
        Content::Text(text) | Content::Refusal(text) => text.len(),
        Content::Image(media) | Content::Document(media) | Content::Audio(media) => match &media.source {
            Source::Inline(text) | Source::Url(text) | Source::Plain(text) => text.len(),
        },
        Content::Call(call) => match &call.input {
            sluice_neutral::request::Input::Json(text) | sluice_neutral::request::Input::Plain(text) => {
                text.len()
            }
        },
        Content::Thinking(_) | Content::Outcome(_) => 0,
    };
    // Quotes and line breaks are written with two bytes each.
    text + text / 16 + 96
}
