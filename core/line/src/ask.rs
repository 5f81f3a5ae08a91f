//! What a client asks for: what its route says, and what a look at its body adds.

use sluice_api::dialect::{Api, Form, Operation};
use sluice_api::error::Error;
use sluice_fleet::choosing::Criteria;
use sluice_wire::refusal::render::Style;
use sluice_wire::request::fingerprint::fingerprint;
use sluice_wire::request::peek::{self, Peek};

/// What the path of a request says.
#[derive(Clone, Debug)]
pub struct ClientRoute {
    /// The client API.
    pub api: Api,
    /// The operation.
    pub operation: Operation,
    /// The model, where the path names it (Gemini, Azure's deployments).
    pub model: Option<String>,
    /// Gemini's collection: `models` or `tunedModels`.
    pub collection: &'static str,
    /// The stream that the path asks for (Gemini's `streamGenerateContent`); elsewhere the body says it.
    pub stream: Option<Form>,
}

impl ClientRoute {
    /// A route whose model and form are in the body.
    #[must_use]
    pub const fn body(api: Api, operation: Operation) -> Self {
        Self { api, operation, model: None, collection: "models", stream: None }
    }

    /// How refusals look on it.
    #[must_use]
    pub fn style(&self) -> Style {
        Style::from(self.api)
    }
}

/// A request understood.
#[derive(Debug)]
pub struct Ask {
    /// What the path said.
    pub route: ClientRoute,
    /// The model asked for.
    pub model: String,
    /// How the answer is to be framed.
    pub form: Form,
    /// What was found in the body.
    pub peek: Peek,
    /// What tells this request from others, should it fail.
    pub fingerprint: u64,
}

impl Ask {
    /// What decides which account it goes to.
    #[must_use]
    pub fn wanted(&self) -> Criteria<'_> {
        Criteria {
            api: self.route.api,
            operation: self.route.operation,
            model: &self.model,
            body: self.fingerprint,
        }
    }

    /// Looks at a body.
    ///
    /// # Errors
    ///
    /// When it can't be read, or names no model.
    pub fn read(route: ClientRoute, body: &[u8]) -> Result<Self, Error> {
        let peek = peek::peek(route.api, route.operation, body)?;
        let named = route.model.clone().or_else(|| peek.model.as_ref().map(|spot| spot.text.clone()));
        let Some(model) = named else {
            return Err(Error::bad_request(Some("model"), "`model` is missing: name the model to ask for"));
        };
        peek::model_name(&model)?;
        let streams = route.operation == Operation::Generate && route.api != Api::Gemini;
        let form = match route.stream {
            Some(form) => form,
            None if streams && peek.stream == Some(true) => Form::Sse,
            None => Form::Whole,
        };
        let fingerprint = fingerprint(&model, body);
        Ok(Self { route, model, form, peek, fingerprint })
    }
}
