//! A limiter with counts of its own: so many requests of a key at once, through each family of client APIs.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use sluice_api::dialect::Family;
use sluice_api::error::{Error, Kind};
use sluice_api::limiter::{Denial, Limiter, Principal, Subject, Take, Takes};
use sluice_api::register;
use utoipa::ToSchema;

/// Settings of `acme-families`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct AcmeFamiliesSettings {
    /// Requests of a key at once through the Claude APIs; unset: no bound.
    claude: Option<u32>,
    /// Those through the OpenAI APIs.
    openai: Option<u32>,
    /// Those through the Gemini APIs.
    gemini: Option<u32>,
}

/// A family, the name that the store knows its count by, and how many requests there may be.
#[derive(Debug)]
struct Bound(Family, Arc<str>, u64);

#[derive(Debug)]
struct Families(Vec<Bound>);

impl Families {
    fn new(settings: &AcmeFamiliesSettings) -> Self {
        let bounds = [
            (Family::Claude, settings.claude),
            (Family::Openai, settings.openai),
            (Family::Gemini, settings.gemini),
        ];
        let set = bounds
            .into_iter()
            .filter_map(|(family, most)| Some(Bound(family, family.name().into(), most?.into())));
        Self(set.collect())
    }
}

impl Limiter for Families {
    fn takes(&self, subject: &Subject<'_>, takes: &mut Takes) {
        let asked = subject.api.family();
        let Some(Bound(_, name, most)) = self.0.iter().find(|Bound(family, ..)| *family == asked) else {
            return;
        };
        for party in subject.parties.iter().filter(|party| matches!(party.principal, Principal::Key(_))) {
            let bucket = takes.bucket(party.principal.clone()).part(Arc::clone(name));
            takes.push(Take::one(bucket, *most));
        }
    }

    fn refusal(&self, refused: &Denial) -> Error {
        let (take, family) = (&refused.take, refused.take.bucket.part.as_deref().unwrap_or_default());
        let message = format!(
            "Acme lets a key have {} requests of the family {family} at once: ask through another family",
            take.limit
        );
        Error::new(Kind::RateLimited, message).retry_after(Duration::from_secs(7))
    }
}

register! {
    dyn Limiter: "acme-families",
    summary: "Requests of a key at once, through each family of client APIs",
    settings: AcmeFamiliesSettings,
    build: |_, section| Ok(Arc::new(Families::new(&section.read()?))),
}
