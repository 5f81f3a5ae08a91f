//! What bounds what a request can use, as far as its body says it: for keys whose limits are never exceeded.

#[cfg(test)]
mod tests;

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use sluice_api::cost::Usage;
use sluice_api::dialect::{Api, Operation};

/// The most tokens that one image is billed as, by any vendor: the small models of OpenAI's fourth generation, 2,833 and
/// 5,667 for each of eight tiles.
const IMAGE: u64 = 48_169;

/// What bounds a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The most tokens of one answer, where the body says it.
    pub output: Option<u64>,
    /// How many answers are asked for.
    pub answers: u64,
    /// Whether all of the prompt is in the body, so that its length bounds it: nothing is referred to, and no server puts
    /// the results of its tools behind it.
    pub is_all_here: bool,
    /// How many images are in it, each of which may be more than its bytes.
    images: u64,
    /// How often the server may call its own tools; nothing where nothing bounds that.
    uses: Option<u64>,
    /// Calls that are billed, each by its name, at most.
    fees: Usage,
    /// The speed that is asked for, which has a price of its own.
    pub speed: Option<String>,
}

/// The members of an object as they stand, also those that are there twice.
#[derive(Default)]
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;

        impl<'de> Visitor<'de> for Each {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(member) = map.next_entry()? {
                    all.push(member);
                }
                Ok(all)
            }
        }

        deserializer.deserialize_map(Each).map(Self)
    }
}

impl Members<'_> {
    /// The largest of all that stand under these names; `Err` where one is no whole number, and so bounds nothing.
    fn largest(&self, names: &[&str]) -> Result<Option<u64>, ()> {
        let mut largest = None;
        for (_, value) in self.0.iter().filter(|(name, _)| names.contains(&name.as_str())) {
            let text = value.get();
            if text != "null" {
                // Google's are read in quotes too.
                let number = text.trim_matches('"').parse::<u64>().map_err(|_| ())?;
                largest = largest.max(Some(number));
            }
        }
        Ok(largest)
    }
}

impl Bounds {
    /// Reads a body; one that is none bounds nothing.
    #[must_use]
    pub fn of(api: Api, operation: Operation, body: &[u8]) -> Self {
        let mut bounds = Self {
            output: None,
            answers: 1,
            is_all_here: true,
            images: 0,
            uses: Some(0),
            fees: Usage::default(),
            speed: None,
        };
        let whole = serde_json::from_slice::<Members<'_>>(body).ok();
        let (Some(whole), Ok(Value::Object(top))) = (whole, serde_json::from_slice(body)) else {
            bounds.is_all_here = false;
            return bounds;
        };
        for (name, value) in &top {
            bounds.member(name, value);
        }
        match operation {
            Operation::Embed | Operation::BatchEmbed | Operation::CountTokens => bounds.output = Some(0),
            _ => {
                bounds.read(api, &top);
                if bounds.counts(api, &whole).is_err() {
                    bounds.uses = None;
                }
            }
        }
        bounds
    }

    /// The most input tokens that a body of so many bytes stands for, where all of it is there; `around` is what a vendor
    /// puts before it.
    #[must_use]
    pub fn input(&self, bytes: u64, around: u64, longest: Option<u64>) -> Option<u64> {
        // Each call of a tool of the server's own has the whole prompt read again.
        let turns = self.uses?.saturating_add(1);
        let once = match (self.is_all_here && turns == 1, longest) {
            (true, Some(longest)) => (bytes + around + self.images * IMAGE).min(longest.max(bytes + around)),
            (true, None) => bytes + around + self.images * IMAGE,
            (false, longest) => longest?,
        };
        Some(once.saturating_mul(turns))
    }

    /// Calls that are billed apart, at most.
    pub fn calls(&self, usage: &mut Usage) {
        usage.web_searches = self.fees.web_searches;
        usage.web_search_previews = self.fees.web_search_previews;
        usage.maps_prompts = self.fees.maps_prompts;
        usage.file_searches = self.fees.file_searches;
        usage.code_containers = self.fees.code_containers;
    }

    /// How long an answer may be, and how many there are; `Err` where that can't be read.
    fn counts(&mut self, api: Api, whole: &Members<'_>) -> Result<(), ()> {
        const CONFIG: [&str; 2] = ["generationConfig", "generation_config"];
        let (output, answers) = match api {
            Api::Anthropic => (whole.largest(&["max_tokens"])?, None),
            // A server that knows both goes by either.
            Api::OpenaiChat => {
                (whole.largest(&["max_completion_tokens", "max_tokens"])?, whole.largest(&["n"])?)
            }
            Api::OpenaiResponses => (whole.largest(&["max_output_tokens"])?, None),
            Api::OpenaiImages => (None, whole.largest(&["n"])?),
            Api::Gemini => {
                let mut found = (None, None);
                for (_, value) in whole.0.iter().filter(|(name, _)| CONFIG.contains(&name.as_str())) {
                    let config: Members<'_> = serde_json::from_str(value.get()).unwrap_or_default();
                    found.0 = found.0.max(config.largest(&["maxOutputTokens", "max_output_tokens"])?);
                    found.1 = found.1.max(config.largest(&["candidateCount", "candidate_count"])?);
                }
                found
            }
            Api::OpenaiEmbeddings => (None, None),
        };
        self.output = output;
        self.answers = answers.unwrap_or(1).max(1);
        if api == Api::OpenaiChat
            && let Some((_, predicted)) = whole.0.iter().find(|(name, _)| name == "prediction")
        {
            // What was predicted and did not come is billed as if it had.
            let predicted = predicted.get().len() as u64;
            self.output = self.output.map(|output| output.saturating_add(predicted));
        }
        Ok(())
    }

    fn read(&mut self, api: Api, top: &Map<String, Value>) {
        let number = |name: &str| top.get(name).and_then(Value::as_u64);
        match api {
            Api::Anthropic => {
                self.speed = top.get("speed").and_then(Value::as_str).map(ToOwned::to_owned);
                // Turns beside the answer's own, some of them by other models.
                let turns = ["compaction", "fallbacks"].iter().any(|name| is_there(top, name));
                if turns || top.get("context_management").is_some_and(compacts) {
                    self.uses = None;
                }
                for tool in tools(top) {
                    self.anthropic(tool);
                }
                if top.get("mcp_servers").and_then(Value::as_array).is_some_and(|servers| !servers.is_empty())
                {
                    self.uses = None;
                }
            }
            Api::OpenaiChat => {
                let searches = top.get("web_search_options").is_some_and(|options| !options.is_null())
                    || top.get("model").and_then(Value::as_str).is_some_and(|name| name.contains("search"));
                if searches {
                    self.is_all_here = false;
                    self.fees.web_search_previews = 1;
                    self.fees.web_searches = 1;
                }
            }
            Api::OpenaiResponses => {
                let most = number("max_tool_calls");
                if is_there(top, "context_management") {
                    self.uses = None;
                }
                for tool in tools(top) {
                    self.responses(tool, most);
                }
                if top.get("prompt").is_some_and(Value::is_object) {
                    self.is_all_here = false;
                }
            }
            Api::Gemini => {
                for tool in tools(top) {
                    self.gemini(tool);
                }
            }
            // Images are billed by tokens of a picture that nothing in the request bounds.
            _ => {}
        }
    }

    /// A tool that a server calls so often at most.
    fn called(&mut self, most: Option<u64>) {
        self.is_all_here = false;
        self.uses = self.uses.zip(most).map(|(uses, most)| uses.saturating_add(most));
    }

    fn anthropic(&mut self, tool: &Map<String, Value>) {
        let kind = tool.get("type").and_then(Value::as_str).unwrap_or_default();
        let most = tool.get("max_uses").and_then(Value::as_u64);
        if kind.starts_with("web_search") {
            self.called(most);
            self.fees.web_searches = self.fees.web_searches.saturating_add(most.unwrap_or(0));
        } else if kind.starts_with("web_fetch") {
            self.called(most);
        } else if !OWN.iter().any(|own| kind.starts_with(own)) && !matches!(kind, "" | "custom") {
            // A tool of the server's own, and whatever comes after those that are known: with turns of its own.
            self.called(None);
            self.fees.code_containers = 1;
        }
    }

    fn responses(&mut self, tool: &Map<String, Value>, most: Option<u64>) {
        let kind = tool.get("type").and_then(Value::as_str).unwrap_or_default();
        if ["function", "custom", "local_shell", "computer", "apply_patch", "shell"]
            .iter()
            .any(|client| kind.starts_with(client))
        {
            return;
        }
        // So many calls of all of them together.
        self.is_all_here = false;
        self.uses = self.uses.zip(most).map(|(uses, most)| uses.max(most));
        let calls = most.unwrap_or(0);
        if kind.starts_with("web_search_preview") {
            self.fees.web_search_previews = calls;
        } else if kind.starts_with("web_search") {
            self.fees.web_searches = calls;
        } else if kind == "file_search" {
            self.fees.file_searches = calls;
        } else if kind == "code_interpreter" {
            self.fees.code_containers = calls.max(1);
        } else if kind == "image_generation" {
            self.uses = None;
        }
    }

    fn gemini(&mut self, tool: &Map<String, Value>) {
        for name in tool.keys() {
            match name.as_str() {
                "functionDeclarations" | "function_declarations" | "computerUse" | "computer_use" => {}
                "googleMaps" | "google_maps" => {
                    self.is_all_here = false;
                    self.fees.maps_prompts = 1;
                }
                "urlContext" | "url_context" | "fileSearch" | "file_search" => self.is_all_here = false,
                // As many queries as the model likes, each with its fee; as much code.
                _ => self.called(None),
            }
        }
    }

    /// Looks for what is referred to, and for what is more than its bytes.
    fn look(&mut self, value: &Value) {
        match value {
            Value::Array(all) => all.iter().for_each(|one| self.look(one)),
            Value::Object(members) => {
                let text = |name: &str| members.get(name).and_then(Value::as_str);
                let kind = text("type").unwrap_or_default();
                if matches!(kind, "url" | "file" | "item_reference" | "container_upload") {
                    self.is_all_here = false;
                }
                let media = ["media_type", "mimeType", "mime_type"].into_iter().find_map(text);
                match media {
                    Some(media) if media.starts_with("image/") => self.images += 1,
                    Some(media) if media.starts_with("text/") || media.starts_with("audio/") => {}
                    // A page of a few bytes may be thousands of tokens, and so may a still second.
                    Some(_) => self.is_all_here = false,
                    None => {}
                }
                for (name, value) in members {
                    self.member(name, value);
                }
            }
            _ => {}
        }
    }

    fn member(&mut self, name: &str, value: &Value) {
        match name {
            "image_url" => {
                let url = value.as_str().or_else(|| value.get("url").and_then(Value::as_str));
                if url.is_some_and(|url| url.starts_with("data:")) {
                    self.images += 1;
                } else {
                    self.is_all_here = false;
                }
            }
            _ if REFERS.contains(&name) => self.is_all_here = self.is_all_here && value.is_null(),
            _ => self.look(value),
        }
    }
}

/// Members whose value stands for something that is elsewhere, or for more than it is long.
const REFERS: [&str; 17] = [
    "file_id",
    "file_url",
    "file_data",
    "fileData",
    "fileUri",
    "file_uri",
    "previous_response_id",
    "previous_message_id",
    "conversation",
    "container",
    "cachedContent",
    "cached_content",
    "vector_store_ids",
    "videoMetadata",
    "video_metadata",
    "fileSearchStoreNames",
    "input_video",
];

/// Anthropic's tools that clients run themselves, by how their types begin.
const OWN: [&str; 5] = ["bash_", "text_editor_", "computer_", "memory_", "browser_"];

/// Whether a conversation is to be made shorter on the way, which takes turns of the server's own.
fn compacts(management: &Value) -> bool {
    let edits = management.get("edits").and_then(Value::as_array);
    let kind = |edit: &Value| {
        edit.get("type").and_then(Value::as_str).is_some_and(|kind| kind.starts_with("compact"))
    };
    edits.is_some_and(|edits| edits.iter().any(kind))
}

fn is_there(top: &Map<String, Value>, name: &str) -> bool {
    top.get(name).is_some_and(|value| !value.is_null())
}

fn tools(top: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let tools = top.get("tools").map(|tools| match tools {
        Value::Array(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    });
    tools.unwrap_or_default().iter().filter_map(Value::as_object)
}
