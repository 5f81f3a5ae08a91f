//! What is looked for in whole bodies.

use sluice_json::capture::Wanted;

/// Members of a whole body, or of a Gemini chunk, that say something.
pub(super) const WANTED: &[Wanted] = EVERY.split_at(EVERY.len() - 1).0;

/// The same of an API that makes images, with the list of these. Elsewhere a list of that name has numbers by the thousand.
pub(super) const WANTED_OF_IMAGES: &[Wanted] = &EVERY;

const EVERY: [Wanted; 17] = [
    Wanted::whole("usage"),
    Wanted::whole("usageMetadata"),
    Wanted::whole("model"),
    Wanted::whole("modelVersion"),
    Wanted::whole("service_tier"),
    Wanted::whole("id"),
    Wanted::whole("error"),
    Wanted::whole("promptFeedback"),
    Wanted::whole("candidates"),
    Wanted::whole("tool_usage"),
    Wanted::whole("responseId"),
    // What the model wrote, under the names of Claude, Chat Completions and Responses: whether there is any.
    Wanted::beginning("content"),
    Wanted::beginning("choices"),
    Wanted::beginning("output").with_items(),
    Wanted::whole("store"),
    Wanted::beginning("tools").with_items(),
    Wanted::beginning("data").with_items(),
];
