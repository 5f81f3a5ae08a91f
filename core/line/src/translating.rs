//! What an account that speaks another dialect is asked in a request's place.

use sluice_api::dialect::{Api, Form};
use sluice_api::error::Error;
use sluice_fleet::choosing::candidates::Target;
use sluice_translate::{Asking, Translated, Translation, Upstream};
use sluice_wire::request::peek;

use crate::ask::Ask;
use crate::serving::Serving;

/// The request in the account's dialect, and its answer's way back.
///
/// # Errors
///
/// When its dialect has nothing for what the client asks.
pub(crate) fn translated(serving: Serving<'_>, target: &Target) -> Result<(Translated, Translation), Error> {
    let Serving { ask, body, .. } = serving;
    let upstream = upstream(serving, target);
    Translation::of(&Asking { client: ask.route.api, body, speaks: target.speaks, upstream })
}

/// The service tier that is asked for in a translated request; none where the client asks for none.
pub(crate) fn tier(ask: &Ask, speaks: Api, body: &[u8]) -> Option<String> {
    ask.peek.tier.as_ref()?;
    peek::peek(speaks, ask.route.operation, body).ok()?.tier
}

/// How its answer is to be framed.
pub(crate) fn form(ask: &Ask) -> Form {
    if ask.form.is_stream() { Form::Sse } else { Form::Whole }
}

fn upstream<'a>(serving: Serving<'_>, target: &'a Target) -> Upstream<'a> {
    let Serving { ask, .. } = serving;
    let config = &target.account.config;
    Upstream {
        model: &target.model,
        provider: target.provider,
        account: &target.account.name,
        operation: ask.route.operation,
        form: form(ask),
        max_output: serving.lengths(target).output,
        include_usage: config.include_usage,
    }
}
