//! What clients are told of limits, in sentences that say what to do.

use std::time::Duration;

use sluice_api::cost::Money;
use sluice_api::error::figure::{at_least, at_most, reads_as_status};
use sluice_api::error::wait::whole_seconds;
use sluice_api::error::{Error, Kind};
use sluice_api::limiter::{Denial, Principal, Take, Unit, Window};

/// What a client is told to wait: when a request ends, nobody knows.
pub(crate) const SOON: Duration = Duration::from_secs(1);

/// Whose limit it is.
pub(crate) fn whose(take: &Take) -> &'static str {
    match &take.bucket.principal {
        Principal::Group(_) => "this key's group",
        Principal::Account(_) => "the account",
        _ => "this key",
    }
}

/// A limit that is used up.
pub(crate) fn used_up(refused: &Denial, wait: Option<Duration>, kind: Kind) -> Error {
    let limit = limit_in(&refused.take, kind);
    match wait {
        // A total: nothing comes back by itself.
        None => Error::new(Kind::BudgetUsed, format!("{limit} is used up: ask your operator for more")),
        Some(wait) => {
            let seconds = whole_seconds(wait);
            let seconds = if kind == Kind::RateLimited { seconds } else { at_least(seconds) };
            Error::new(kind, format!("{limit} is used up: there is room again in {seconds} s"))
                .retry_after(wait)
        }
    }
}

/// What running requests have reserved, and may not use.
pub(crate) fn reserved(refused: &Denial) -> Error {
    let limit = limit_in(&refused.take, Kind::RateLimited);
    let message =
        format!("what is left of {limit} is set aside for requests that run: wait until one has ended");
    Error::new(Kind::RateLimited, message).retry_after(SOON)
}

/// A request that may come to more than there can ever be.
pub(crate) fn too_much(refused: &Denial) -> Error {
    let limit = limit_in(&refused.take, Kind::MaxTokensTooLarge);
    let bound = refused.bound;
    let message = match refused.fits.map(at_most) {
        Some(most) if most > 0 => format!(
            "by its {bound} this request may use more than {limit} has: ask for at most {most} tokens with {bound} (an operator's max_output_tokens has that done for every request)"
        ),
        Some(_) => {
            format!(
                "this request may use more than {limit} has, even if it is answered with nothing: send less"
            )
        }
        None => format!(
            "nothing bounds what this request may use of {limit}, which is never exceeded: set {bound}, send what it refers to in its body, and bound the calls of its tools (max_uses)"
        ),
    };
    Error::new(Kind::MaxTokensTooLarge, message).param(bound)
}

/// A limit in the sentence of a refusal of this kind, as people call it: "this key's limit of 60 requests in any minute".
/// Where only a rate limit's may have such a figure in it, it is left out.
fn limit_in(take: &Take, kind: Kind) -> String {
    let whose = whose(take);
    let (most, unit) = match take.unit {
        Unit::Requests => (take.limit.to_string(), "requests"),
        Unit::Tokens => (take.limit.to_string(), "tokens"),
        Unit::Cost => (Money::from_units(take.limit.into()).to_string(), "dollars"),
    };
    let is_said = |figure: &str| kind == Kind::RateLimited || !reads_as_status(figure);
    let most = if is_said(&most) { format!("{most} {unit}") } else { unit.to_owned() };
    let part = take.bucket.part.as_deref().unwrap_or_default();
    let mut lines = part.lines();
    let per = lines.next().and_then(|first| first.split_once('/')).map_or("", |(_, per)| per);
    let window = match take.window {
        Window::Rolling(length) => {
            let length = length_of(length);
            if is_said(&length) { format!(" in any {length}") } else { " in a window that rolls".to_owned() }
        }
        Window::Total => " in total".to_owned(),
        Window::Calendar { .. } => format!(" a {per}"),
        Window::Held => " at once".to_owned(),
    };
    let models: Vec<&str> = lines.collect();
    let models =
        if models.is_empty() { String::new() } else { format!(" for the models {}", models.join(", ")) };
    format!("{whose}'s limit of {most}{window}{models}")
}

/// A length in the largest unit that it is a whole number of.
fn length_of(length: Duration) -> String {
    let ms = length.as_millis();
    [("days", 86_400_000), ("hours", 3_600_000), ("minutes", 60_000), ("seconds", 1_000)]
        .into_iter()
        .find(|(_, unit)| ms > 0 && ms.is_multiple_of(*unit))
        .map_or_else(
            || format!("{ms} ms"),
            |(name, unit)| match ms / unit {
                1 => name.trim_end_matches('s').to_owned(),
                count => format!("{count} {name}"),
            },
        )
}
