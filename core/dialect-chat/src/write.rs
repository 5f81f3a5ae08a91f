//! A request for an upstream, written.

mod messages;
mod parts;
mod settings;
mod target;
mod tools;

use sluice_api::error::Error;
use sluice_neutral::dialect::{Sent, Upstream};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::room;
use sluice_neutral::request::{Content, Part, Request};

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
    let model = Model::of(upstream.model, upstream.provider);
    let mut target = Target::new(model, marked(request), &mut sent, losses);
    let mut json = Json::with_room(room::of(request));
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

/// How many cache marks are on a request.
fn marked(request: &Request<'_>) -> usize {
    let marks = |parts: &[Part<'_>]| parts.iter().filter(|part| part.cache.is_some()).count();
    let within = |part: &Part<'_>| match &part.content {
        Content::Outcome(outcome) => marks(&outcome.parts),
        _ => 0,
    };
    let turns = request.turns.iter().map(|turn| &turn.parts);
    let of = |parts: &Vec<Part<'_>>| marks(parts) + parts.iter().map(within).sum::<usize>();
    turns.map(of).sum::<usize>() + marks(&request.system)
}
