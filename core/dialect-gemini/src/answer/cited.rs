//! Where a text comes from, and how likely its tokens were.

use sluice_neutral::answer::{Citation, Logprob};
use sluice_neutral::json::{Members, Raw};
use sluice_neutral::request::Text;

use crate::answer::chunk::{members, objects, text};
use crate::casing;
use crate::pen::Pen;

/// Reads what a search has found, and which bytes of a text that is about.
pub(crate) fn grounded(told: Raw<'_>) -> Vec<Citation<'_>> {
    let Some(told) = members(told) else { return Vec::new() };
    let found: Vec<Option<Citation<'_>>> = objects(&told, "groundingChunks").iter().map(source).collect();
    let supports = objects(&told, "groundingSupports");
    if supports.is_empty() {
        return found.into_iter().flatten().collect();
    }
    let mut cited = Vec::new();
    for support in supports {
        let span = support.get("segment").and_then(members).and_then(|segment| span(&segment));
        let indices = support.get("groundingChunkIndices");
        let indices: Vec<usize> =
            indices.and_then(|indices| serde_json::from_str(indices.get()).ok()).unwrap_or_default();
        for index in indices {
            if let Some(Some(source)) = found.get(index) {
                cited.push(Citation { span, ..source.clone() });
            }
        }
    }
    cited
}

fn source<'a>(found: &Members<'a>) -> Option<Citation<'a>> {
    let told =
        ["web", "retrievedContext", "maps"].iter().find_map(|name| found.get(name)).and_then(members)?;
    let url = text(&told, "uri").filter(|url| !url.is_empty())?;
    Some(Citation { url, title: text(&told, "title"), span: None })
}

/// Reads what an answer quotes.
pub(crate) fn quoted(told: Raw<'_>) -> Vec<Citation<'_>> {
    let Some(told) = members(told) else { return Vec::new() };
    let mut all = objects(&told, "citationSources");
    all.extend(objects(&told, "citations"));
    let one = |told: &Members<'_>| span(told);
    let cited = all.iter().filter_map(|told| {
        let url = text(told, "uri").filter(|url| !url.is_empty())?;
        Some(Citation { url, title: text(told, "title"), span: one(told) })
    });
    cited.collect()
}

fn span(told: &Members<'_>) -> Option<(usize, usize)> {
    let number = |name| told.get(name).and_then(|value| casing::number(value.get()));
    let end = usize::try_from(number("endIndex")?).ok()?;
    let start = usize::try_from(number("startIndex").unwrap_or(0)).ok()?;
    (start < end).then_some((start, end))
}

/// Writes where the texts of an answer come from.
pub(crate) fn write(cited: &[Citation<'_>], pen: &mut Pen<'_>) {
    if cited.is_empty() {
        return;
    }
    let mut sources: Vec<&Citation<'_>> = Vec::new();
    let mut spans = Vec::new();
    for one in cited {
        let known = sources.iter().position(|known| known.url == one.url);
        let index = known.unwrap_or_else(|| {
            sources.push(one);
            sources.len() - 1
        });
        spans.extend(one.span.map(|span| (span, index)));
    }
    pen.key("groundingMetadata").open(b'{').key("groundingChunks").open(b'[');
    for source in sources {
        pen.open(b'{').key("web").open(b'{').field("uri", &source.url);
        if let Some(title) = &source.title {
            pen.field("title", title);
        }
        pen.close(b'}').close(b'}');
    }
    pen.close(b']');
    if !spans.is_empty() {
        pen.key("groundingSupports").open(b'[');
        for ((start, end), index) in spans {
            pen.open(b'{')
                .key("segment")
                .open(b'{')
                .count("startIndex", start as u64)
                .count("endIndex", end as u64);
            pen.close(b'}')
                .key("groundingChunkIndices")
                .open(b'[')
                .number(index as u64)
                .close(b']')
                .close(b'}');
        }
        pen.close(b']');
    }
    pen.close(b'}');
}

/// Reads how likely tokens were.
pub(crate) fn likely(told: Raw<'_>) -> Vec<Logprob<'_>> {
    let Some(told) = members(told) else { return Vec::new() };
    let mut others = objects(&told, "topCandidates").into_iter().map(|top| objects(&top, "candidates"));
    let mut all = Vec::new();
    for chosen in objects(&told, "chosenCandidates") {
        let top = others.next().unwrap_or_default();
        let Some((token, logprob)) = text(&chosen, "token").zip(probability(&chosen)) else { continue };
        all.push(Logprob { token, logprob, others: top.iter().filter_map(other).collect() });
    }
    all
}

fn other<'a>(told: &Members<'a>) -> Option<(Text<'a>, f64)> {
    Some((text(told, "token")?, probability(told)?))
}

fn probability(told: &Members<'_>) -> Option<f64> {
    told.get("logProbability").map_or(Some(0.0), |value| value.get().parse().ok())
}

/// Writes how likely tokens were.
pub(crate) fn write_likely(all: &[Logprob<'_>], pen: &mut Pen<'_>) {
    if all.is_empty() {
        return;
    }
    pen.key("logprobsResult").open(b'{').key("topCandidates").open(b'[');
    for one in all {
        pen.open(b'{').key("candidates").open(b'[');
        one.others.iter().for_each(|(token, logprob)| token_of(token, *logprob, pen));
        pen.close(b']').close(b'}');
    }
    pen.close(b']').key("chosenCandidates").open(b'[');
    all.iter().for_each(|one| token_of(&one.token, one.logprob, pen));
    pen.close(b']').close(b'}');
}

fn token_of(token: &str, logprob: f64, pen: &mut Pen<'_>) {
    // What is no number in JSON is told as the least likely.
    let logprob = if logprob.is_finite() { logprob } else { -9999.0 };
    pen.open(b'{').field("token", token).member("logProbability", &logprob.to_string()).close(b'}');
}
