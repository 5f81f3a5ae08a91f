//! What goes upstream in a client's request's place: itself with another model's name, or what it is in another dialect.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use sluice_api::dialect::{Api, Form, Operation};
use sluice_api::error::{Answer, Error};
use sluice_api::provider::ModelPlace;
use sluice_fleet::choosing::candidates::Target;
use sluice_translate::spliced::unsealed;
use sluice_translate::{Head, Translation};
use sluice_wire::request::splice;

use crate::ask::Ask;
use crate::serving::Serving;
use crate::settle::Settlement;
use crate::translating::{self, tier};

/// What one account is sent.
pub(crate) struct Outgoing {
    pub(crate) body: Bytes,
    /// The dialect it is in.
    pub(crate) speaks: Api,
    /// What is asked for in it.
    pub(crate) operation: Operation,
    /// How the answer is to be framed.
    pub(crate) form: Form,
    /// Whether usage is asked for that the client did not want.
    pub(crate) hides_usage: bool,
    /// How it came into that dialect, where it is another than the client's.
    pub(crate) translation: Option<Arc<Translation>>,
}

impl Outgoing {
    /// The request for an account.
    ///
    /// # Errors
    ///
    /// When the client asks for what the account's dialect has nothing for. An account that speaks the client's own might
    /// serve it; of this one nothing is noted then, as it is not asked.
    pub(crate) fn of(
        serving: Serving<'_>,
        target: &Target,
        settlement: &mut Settlement,
    ) -> Result<Self, Error> {
        let Serving { ask, body, .. } = serving;
        if target.speaks == ask.route.api {
            let (body, hides_usage) = relayed(ask, body, target);
            // Last, as what was found in the body stands where it stood.
            let body = unsealed(target.speaks, &body).unwrap_or(body);
            settlement.asks(ask.peek.tier.as_deref(), None);
            let Ask { form, route, .. } = ask;
            return Ok(Self {
                body,
                speaks: target.speaks,
                operation: route.operation,
                form: *form,
                hides_usage,
                translation: None,
            });
        }
        let (translated, translation) = translating::translated(serving, target)?;
        let tier = tier(ask, target.speaks, &translated.body);
        settlement.asks(tier.as_deref(), Some(&translated.dropped));
        Ok(Self {
            body: translated.body,
            speaks: target.speaks,
            operation: translation.operation(),
            form: translating::form(ask),
            hides_usage: false,
            translation: Some(Arc::new(translation)),
        })
    }

    /// An answer's headers, as they go with what it becomes.
    pub(crate) fn heads(&self, asked: Form, headers: &mut HeaderMap) {
        if self.translation.is_some() {
            let kind = if asked == Form::Sse { "text/event-stream" } else { "application/json" };
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            headers.remove(CONTENT_LENGTH);
        }
    }

    /// An upstream's refusal as the client reads it.
    pub(crate) fn refusal(
        &self,
        (status, mut headers): (StatusCode, HeaderMap),
        body: Bytes,
        request_id: &str,
    ) -> Answer {
        let Some(translation) = &self.translation else { return Answer::new(status, headers, body) };
        let refused = translation.refused(status, &body, request_id);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Answer::new(refused.status, headers, refused.body)
    }
}

/// What a translated answer is told to be.
pub(crate) fn head(serving: Serving<'_>, settlement: &Settlement) -> Head {
    Head {
        id: settlement.answer_id(),
        model: serving.ask.model.clone(),
        created: serving.gateway.now().as_second(),
        request_id: settlement.request_id(),
    }
}

/// The body to send as it came, but for the model's name, and whether the usage it asks for is to be hidden from the client.
fn relayed(ask: &Ask, body: &Bytes, target: &Target) -> (Bytes, bool) {
    let mapped = *target.model != *ask.model;
    let missing = ask.peek.model.is_none() && target.model_in == ModelPlace::Body;
    let other = ask.route.model.is_some()
        && target.model_in == ModelPlace::Body
        && ask.peek.model.as_ref().is_some_and(|spot| spot.text != *target.model);
    let names_model = ask.route.api != Api::Gemini;
    let mut edits = Vec::new();
    if mapped || (names_model && other) {
        splice::model(&ask.peek, &target.model, &mut edits);
    }
    if missing && names_model {
        splice::insert_model(&ask.peek, &target.model, &mut edits);
    }
    let asks_usage = ask.route.api == Api::OpenaiChat
        && ask.route.operation == Operation::Generate
        && ask.form == Form::Sse
        && target.account.config.include_usage
        && splice::include_usage(&ask.peek, &mut edits);
    if edits.is_empty() {
        return (body.clone(), asks_usage);
    }
    (splice::splice(body, edits), asks_usage)
}
