//! Anthropic's usage. Its input excludes caches; in streams the last value of each field wins.

use sluice_api::cost::Usage;

use crate::count::Count;
use crate::told::{List, Unknown, Word};

told! {
    /// What an answer, or an event of a stream, tells of its usage.
    pub struct Anthropic;
    input_tokens: Count = "input_tokens";
    output_tokens: Count = "output_tokens";
    cache_creation_input_tokens: Count = "cache_creation_input_tokens";
    cache_read_input_tokens: Count = "cache_read_input_tokens";
    cache_creation: Option<CacheCreation> = "cache_creation";
    output_tokens_details: Option<Output> = "output_tokens_details";
    server_tool_use: Option<ServerToolUse> = "server_tool_use";
    service_tier: Word = "service_tier";
    speed: Word = "speed";
    inference_geo: Word = "inference_geo";
    iterations: List<Iteration> = "iterations";
    // Claude's own, and what servers that speak its dialect add.
    _ = "fallback_credit" | "total_tokens" | "cost";
}

told! {
    struct CacheCreation;
    ephemeral_5m_input_tokens: Count = "ephemeral_5m_input_tokens";
    ephemeral_1h_input_tokens: Count = "ephemeral_1h_input_tokens";
    _ = "type";
}

told! {
    struct Output;
    thinking_tokens: Count = "thinking_tokens";
    _ = "text_tokens";
}

told! {
    struct ServerToolUse;
    web_search_requests: Count = "web_search_requests";
    // Without a fee: their tokens are in the counts.
    _ = "web_fetch_requests" | "code_execution_requests" | "tool_search_requests";
}

told! {
    /// One sampling of a loop of server tools.
    struct Iteration;
    kind: Word = "type";
    model: Word = "model";
    input_tokens: Count = "input_tokens";
    output_tokens: Count = "output_tokens";
    cache_creation_input_tokens: Count = "cache_creation_input_tokens";
    cache_read_input_tokens: Count = "cache_read_input_tokens";
    cache_creation: Option<CacheCreation> = "cache_creation";
    output_tokens_details: Option<Output> = "output_tokens_details";
    _ = "service_tier" | "speed" | "inference_geo" | "server_tool_use";
}

/// Iterations that are billed and not in the counts of the whole.
const BESIDE: [&str; 2] = ["compaction", ADVISER];

/// The iteration of another model that was asked for advice.
const ADVISER: &str = "advisor_message";

impl Anthropic {
    /// Takes a later report: what it says replaces what was said, what it does not say stays. A prompt of no tokens at all
    /// is one that was not told, and the output only grows.
    pub fn update(&mut self, later: Self) {
        fn take<T>(slot: &mut Option<T>, later: Option<T>) {
            if later.is_some() {
                *slot = later;
            }
        }
        self.below_zero |= later.below_zero;
        let prompt = [later.input_tokens, later.cache_creation_input_tokens, later.cache_read_input_tokens];
        if prompt.iter().any(|count| count.or_zero() > 0) {
            self.input_tokens = later.input_tokens.or(self.input_tokens);
            self.cache_creation_input_tokens =
                later.cache_creation_input_tokens.or(self.cache_creation_input_tokens);
            self.cache_read_input_tokens = later.cache_read_input_tokens.or(self.cache_read_input_tokens);
            take(&mut self.cache_creation, later.cache_creation);
        }
        self.output_tokens.update(later.output_tokens);
        take(&mut self.output_tokens_details, later.output_tokens_details);
        take(&mut self.server_tool_use, later.server_tool_use);
        self.service_tier.update(later.service_tier);
        self.speed.update(later.speed);
        self.inference_geo.update(later.inference_geo);
        self.iterations.update(later.iterations);
    }

    /// The output, where it tells one.
    #[must_use]
    pub fn output(&self) -> Option<u64> {
        self.output_tokens.told()
    }

    /// The service tier that was used.
    #[must_use]
    pub fn tier(&self) -> Option<&str> {
        self.service_tier.told()
    }

    /// The speed at which it was made, which is no tier.
    #[must_use]
    pub fn speed(&self) -> Option<&str> {
        self.speed.told()
    }

    /// Where it was made.
    #[must_use]
    pub fn geo(&self) -> Option<&str> {
        self.inference_geo.told()
    }

    /// Notes the names that nobody knows.
    pub fn unknown(&self, all: &mut Unknown) {
        all.extend(&self.unknown);
        let inner = [
            self.cache_creation.as_ref().map(|told| &told.unknown),
            self.output_tokens_details.as_ref().map(|told| &told.unknown),
            self.server_tool_use.as_ref().map(|told| &told.unknown),
        ];
        inner
            .into_iter()
            .flatten()
            .chain(self.iterations.0.iter().map(|one| &one.unknown))
            .for_each(|one| all.extend(one));
    }

    /// In Sluice's convention, of an answer of this model. What the 5m/1h split does not cover was written for 5 minutes.
    #[must_use]
    pub fn usage(&self, model: Option<&str>) -> Usage {
        let mut usage = self.whole();
        usage.inconsistent |= self.below_zero;
        for beside in self.iterations.0.iter().filter(|one| one.is_beside()) {
            if beside.is_of(model) || beside.model.told().is_some() {
                add(&mut usage, &beside.usage());
            } else {
                usage.more = true;
            }
        }
        usage
    }

    /// What other models than this one used in it, by their names: a part of [`Anthropic::usage`].
    #[must_use]
    pub fn others(&self, model: Option<&str>) -> Vec<(String, Usage)> {
        if self.iterations.0.is_empty() {
            return Vec::new();
        }
        let adds_up = self.adds_up();
        let of_another = |one: &&Iteration| !one.is_of(model) && (one.is_beside() || adds_up);
        let others = self.iterations.0.iter().filter(of_another);
        others.filter_map(|one| Some((one.model.told()?.to_owned(), one.usage()))).collect()
    }

    /// The prompts that this model's part of the answer is made of, where they are several and add up to the whole: each is
    /// as long as it is by itself. The whole of a fallback is its last one alone.
    #[must_use]
    pub fn turns(&self, model: Option<&str>) -> Vec<Usage> {
        if self.iterations.0.len() < 2 || !self.adds_up() {
            return Vec::new();
        }
        let of = |beside| self.iterations.0.iter().filter(move |one| one.is_beside() == beside);
        let own = of(false).chain(of(true)).filter(|one| one.is_of(model));
        let turns: Vec<Usage> = own.map(Iteration::usage).collect();
        if turns.len() > 1 { turns } else { Vec::new() }
    }

    /// Whether the iterations that are counted in the whole are the whole.
    fn adds_up(&self) -> bool {
        let mut sum = Usage::default();
        let inside = self.iterations.0.iter().filter(|one| !one.is_beside());
        inside.for_each(|one| add(&mut sum, &one.usage()));
        let counts = |usage: &Usage| (usage.input, usage.cache_write(), usage.cache_read, usage.output);
        counts(&sum) == counts(&self.whole())
    }

    fn whole(&self) -> Usage {
        let mut usage = Usage::new(self.input_tokens.or_zero(), self.output_tokens.or_zero());
        usage.cache_read = self.cache_read_input_tokens.or_zero();
        writes(&mut usage, self.cache_creation_input_tokens, self.cache_creation.as_ref());
        usage.reasoning = thinking(self.output_tokens_details.as_ref());
        usage.web_searches =
            self.server_tool_use.as_ref().map_or(0, |used| used.web_search_requests.or_zero());
        usage
    }
}

impl Iteration {
    fn is_beside(&self) -> bool {
        self.kind.told().is_some_and(|kind| BESIDE.contains(&kind))
    }

    /// Whether its tokens are those of the answer's own model. An adviser is another one, whatever it is.
    fn is_of(&self, model: Option<&str>) -> bool {
        match self.model.told() {
            // Where the answer names none, what is counted in it is its own.
            Some(named) => model.map_or(!self.is_beside(), |model| named == model),
            None => self.kind.told() != Some(ADVISER),
        }
    }

    fn usage(&self) -> Usage {
        let mut usage = Usage::new(self.input_tokens.or_zero(), self.output_tokens.or_zero());
        usage.cache_read = self.cache_read_input_tokens.or_zero();
        writes(&mut usage, self.cache_creation_input_tokens, self.cache_creation.as_ref());
        usage.reasoning = thinking(self.output_tokens_details.as_ref());
        usage
    }
}

fn writes(usage: &mut Usage, written: Count, split: Option<&CacheCreation>) {
    let told_1h = split.map_or(0, |split| split.ephemeral_1h_input_tokens.or_zero());
    let told_5m = split.map_or(0, |split| split.ephemeral_5m_input_tokens.or_zero());
    let told = told_5m.saturating_add(told_1h);
    let written = written.told().unwrap_or(told);
    usage.cache_write_1h = told_1h.min(written);
    usage.cache_write_5m = written.saturating_sub(told_1h);
    usage.inconsistent = told > written;
}

fn thinking(details: Option<&Output>) -> u64 {
    details.map_or(0, |details| details.thinking_tokens.or_zero())
}

fn add(sum: &mut Usage, more: &Usage) {
    for (count, by) in [
        (&mut sum.input, more.input),
        (&mut sum.output, more.output),
        (&mut sum.cache_read, more.cache_read),
        (&mut sum.cache_write_5m, more.cache_write_5m),
        (&mut sum.cache_write_1h, more.cache_write_1h),
        (&mut sum.reasoning, more.reasoning),
    ] {
        *count = count.saturating_add(by);
    }
    sum.inconsistent |= more.inconsistent;
}
