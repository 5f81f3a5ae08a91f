//! Calls of the provider's own tools that are billed by the call, counted as the answer tells them.

use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;
use memchr::memmem;
use serde::Deserialize;
use sluice_api::cost::Usage;

use crate::request::items::Call;
use sluice_usage::count::Count;

/// The most names of one kind that are told apart.
const NAMES_MAX: usize = 256;

/// What begins the name of the preview of OpenAI's web search among an answer's tools.
const PREVIEW: &[u8] = b"web_search_preview";

/// What has been called.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    searches: u64,
    /// The searches that the answer itself adds up to.
    told_searches: Option<u64>,
    preview: bool,
    maps: bool,
    file_searches: u64,
    /// Hashes of what must be told apart.
    containers: Vec<u64>,
    queries: Vec<u64>,
    /// Code ran in a container that was not named.
    nameless_container: bool,
    /// A search was told of without its words.
    searched: bool,
    images: u64,
    /// Images that a tool has made, whose tokens are another model's.
    made_images: bool,
    /// Items have been told of one by one.
    by_events: bool,
    /// A count of them was below zero.
    below_zero: bool,
}

impl Calls {
    /// An item of a response's output, as an event of its own tells it.
    pub(super) fn item(&mut self, call: Option<&Call>) {
        self.by_events = true;
        self.count(call);
    }

    /// The same, as the list of all tells it, which counts only where no event has told of its items.
    pub(super) fn listed(&mut self, call: Option<&Call>) {
        if !self.by_events {
            self.count(call);
        }
    }

    fn count(&mut self, call: Option<&Call>) {
        let Some(call) = call else { return };
        match call.kind.as_str() {
            // It opens pages and looks into them too, which is not billed.
            "web_search_call" if call.action.as_deref().is_none_or(|action| action == "search") => {
                self.searches += 1
            }
            "file_search_call" => self.file_searches += 1,
            "code_interpreter_call" => match call.container.as_deref().filter(|name| !name.is_empty()) {
                Some(name) => note(&mut self.containers, name),
                None => self.nameless_container = true,
            },
            "image_generation_call" => self.made_images = true,
            _ => {}
        }
    }

    /// The tools that a response had.
    pub(super) fn tools(&mut self, tools: &[u8]) {
        self.preview |= memmem::find(tools, PREVIEW).is_some();
    }

    /// `tool_usage` of a response.
    pub(super) fn told(&mut self, tools: &ToolUsage) {
        if let Some(search) = &tools.web_search {
            self.told_searches = Some(search.num_requests.or_zero());
            self.below_zero |= search.num_requests.is_below_zero();
        }
        if let Some(images) = &tools.image_gen {
            self.made_images |= images.input_tokens.or_zero() > 0 || images.output_tokens.or_zero() > 0;
        }
    }

    /// The candidates of a Gemini answer: cheap where they are grounded in nothing.
    pub(super) fn candidates(&mut self, candidates: &[u8]) {
        if memmem::find(candidates, b"\"groundingMetadata\"").is_none() {
            return;
        }
        let Ok(all) = serde_json::from_slice::<Vec<Candidate>>(candidates) else { return };
        for grounding in all.into_iter().filter_map(|one| one.grounding_metadata) {
            for query in grounding.web_search_queries.iter().filter(|query| !query.trim().is_empty()) {
                note(&mut self.queries, query);
            }
            self.searched |= grounding.grounding_chunks.iter().any(|chunk| chunk.web.is_some());
            self.maps |= grounding.grounding_chunks.iter().any(|chunk| chunk.maps.is_some());
        }
    }

    /// Hashes of the names of the containers that ran code.
    pub(super) fn containers(&self) -> &[u64] {
        &self.containers
    }

    /// An image is whole.
    pub(super) fn image(&mut self) {
        self.images += 1;
    }

    /// Whether an image is whole: of many models that is all that is told of what was used.
    pub(super) fn has_images(&self) -> bool {
        self.images > 0
    }

    /// Sets what was called in what was used.
    pub(super) fn put(&self, usage: &mut Usage) {
        let grounded = (self.queries.len() as u64).max(u64::from(self.searched));
        let searches = self.told_searches.unwrap_or(self.searches).max(grounded);
        if searches > 0 {
            let slot = if self.preview { &mut usage.web_search_previews } else { &mut usage.web_searches };
            *slot = searches;
        }
        usage.maps_prompts = self.maps.into();
        usage.file_searches = self.file_searches;
        let nameless = self.containers.is_empty() && self.nameless_container;
        usage.code_containers = self.containers.len() as u64 + u64::from(nameless);
        usage.images = self.images;
        usage.more |= self.made_images;
        usage.inconsistent |= self.below_zero;
    }
}

/// Counts a name once.
fn note(names: &mut Vec<u64>, name: &str) {
    let hash = FixedState::default().hash_one(name);
    if names.len() < NAMES_MAX && !names.contains(&hash) {
        names.push(hash);
    }
}

/// What hosted tools were used for.
#[derive(Deserialize)]
pub(super) struct ToolUsage {
    web_search: Option<WebSearch>,
    image_gen: Option<ImageGeneration>,
}

#[derive(Deserialize)]
struct WebSearch {
    #[serde(default)]
    num_requests: Count,
}

#[derive(Deserialize)]
struct ImageGeneration {
    #[serde(default)]
    input_tokens: Count,
    #[serde(default)]
    output_tokens: Count,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    grounding_metadata: Option<Grounding>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Grounding {
    web_search_queries: Vec<String>,
    grounding_chunks: Vec<Chunk>,
}

#[derive(Deserialize)]
struct Chunk {
    web: Option<serde::de::IgnoredAny>,
    maps: Option<serde::de::IgnoredAny>,
}
