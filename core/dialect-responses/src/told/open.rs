//! Output items, as they are written.

use sluice_neutral::answer::{Called, Citation, Logprob};

use crate::own::{Asked, TOOL_SEARCH};
use sluice_neutral::json::write::{List, Object};

/// A part of a message.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// Whether the model refuses in it.
    pub(super) refuses: bool,
    /// Its text.
    pub(super) text: String,
    /// Where it comes from, as JSON: what stands between an array's brackets.
    pub(super) annotations: Vec<u8>,
    /// How likely its tokens were, likewise.
    pub(super) logprobs: Vec<u8>,
}

impl Part {
    /// Writes all of its text.
    pub(super) fn tell(&self, event: &mut Object<'_>) {
        if self.refuses {
            return event.text("refusal", &self.text);
        }
        event.text("text", &self.text);
        event.raw("logprobs", [b"[", self.logprobs.as_slice(), b"]"].concat());
    }

    /// Writes it.
    pub(super) fn write(&self, part: &mut Object<'_>) {
        if self.refuses {
            part.text("type", "refusal");
            part.text("refusal", &self.text);
            return;
        }
        part.text("type", "output_text");
        part.text("text", &self.text);
        part.raw("annotations", [b"[", self.annotations.as_slice(), b"]"].concat());
        part.raw("logprobs", [b"[", self.logprobs.as_slice(), b"]"].concat());
    }
}

/// An annotation of a text. Its places are counted in characters.
pub(super) fn annotation(citation: &Citation<'_>, text: &str, annotation: &mut Object<'_>) {
    let (start, end) = citation.span.unwrap_or((0, text.len()));
    let characters = |bytes: usize| {
        let count = text.char_indices().take_while(|(at, _)| *at < bytes).count();
        u64::try_from(count).unwrap_or(u64::MAX)
    };
    annotation.text("type", "url_citation");
    annotation.text("url", &citation.url);
    annotation.text("title", citation.title.as_deref().unwrap_or_default());
    annotation.number("start_index", characters(start));
    annotation.number("end_index", characters(end));
}

/// How likely tokens were.
pub(super) fn logprobs(told: &[Logprob<'_>], list: &mut List<'_>) {
    for one in told {
        let mut written = list.object();
        token(&one.token, one.logprob, &mut written);
        let mut others = written.list("top_logprobs");
        for (other, logprob) in &one.others {
            token(other, *logprob, &mut others.object());
        }
    }
}

fn token(text: &str, logprob: f64, written: &mut Object<'_>) {
    written.text("token", text);
    written.raw("logprob", serde_json::Value::from(logprob).to_string());
    let bytes = text.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(",");
    written.raw("bytes", format!("[{bytes}]"));
}

/// How a client knows a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of a function.
    Function,
    /// Of a tool that takes text.
    Custom,
    /// A search for tools, which the client runs.
    Search,
}

impl Kind {
    /// What its id begins with.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::Function => "fc",
            Self::Custom => "ctc",
            Self::Search => "tsc",
        }
    }
}

/// A call.
#[derive(Debug)]
pub(super) struct Call {
    /// How a client knows it.
    pub(super) kind: Kind,
    /// The item's id.
    pub(super) id: String,
    /// The call's own.
    pub(super) call_id: String,
    /// The tool, as other dialects know it.
    pub(super) name: String,
    /// What it is called with, as far as that has come.
    pub(super) input: String,
    /// Whether it is told that it began.
    pub(super) begun: bool,
    /// What came too late to stand before it.
    pub(super) late: Option<String>,
}

impl Call {
    /// One that begins.
    pub(super) fn of(Called { id, name, plain }: Called<'_>, asked: Option<&Asked>) -> Self {
        let is_search = name == TOOL_SEARCH && asked.is_some_and(|asked| asked.searches);
        let kind = match (plain, is_search) {
            (true, _) => Kind::Custom,
            (false, true) => Kind::Search,
            (false, false) => Kind::Function,
        };
        let (call_id, name) = (id.into_owned(), name.into_owned());
        Self { kind, id: String::new(), call_id, name, input: String::new(), begun: false, late: None }
    }

    /// Writes it, with so much of what it is called with.
    pub(super) fn write(&self, input: &str, status: &str, asked: Option<&Asked>, item: &mut Object<'_>) {
        item.text("id", &self.id);
        let (space, name) = asked.map_or((None, &*self.name), |asked| asked.spaced(&self.name));
        let (kind, member) = match self.kind {
            Kind::Function => ("function_call", "arguments"),
            Kind::Custom => ("custom_tool_call", "input"),
            Kind::Search => return self.search(input, status, item),
        };
        item.text("type", kind);
        item.text("status", status);
        item.text("call_id", &self.call_id);
        item.text("name", name);
        item.some("namespace", space);
        item.text(member, input);
    }

    fn search(&self, input: &str, status: &str, item: &mut Object<'_>) {
        item.text("type", "tool_search_call");
        item.text("status", status);
        item.text("call_id", &self.call_id);
        item.text("execution", "client");
        // Here the arguments are no text, so that only an object can stand there.
        let is_object = input.trim_start().starts_with('{') && is_json(input);
        item.raw(
            "arguments",
            if is_object { sluice_neutral::json::write::line(input) } else { "{}".to_owned() },
        );
    }

    /// Whether all of what it is called with has come, as far as that can be told.
    pub(super) fn status(&self) -> &'static str {
        if self.kind == Kind::Custom || is_json(&self.input) { "completed" } else { "incomplete" }
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}
