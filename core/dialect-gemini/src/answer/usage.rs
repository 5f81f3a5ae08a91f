//! What was used, in Google's convention.

use std::borrow::Cow;

use sluice_api::cost::Usage;
use sluice_neutral::at::At;
use sluice_neutral::json::{Raw, Tree};
use sluice_usage::Gemini;

use crate::casing;
use crate::pen::Pen;

/// Reads it, in either spelling.
pub(crate) fn read(told: Raw<'_>) -> Gemini {
    let own = |text: &str| serde_json::from_str(text).unwrap_or_default();
    if !told.get().contains("_") || !told.get().contains("_count\"") {
        return own(told.get());
    }
    match Tree::of(told, At::ROOT) {
        Ok(tree) => own(&recased(tree).to_string()),
        Err(_) => Gemini::default(),
    }
}

fn recased(tree: Tree<'_>) -> Tree<'_> {
    match tree {
        Tree::Object(members) => {
            let members = members.into_iter();
            let told = members.map(|(name, value)| {
                let name = casing::camel(&name).map_or(name, Cow::Owned);
                (name, recased(value))
            });
            Tree::Object(told.collect())
        }
        Tree::List(items) => Tree::List(items.into_iter().map(recased).collect()),
        other => other,
    }
}

/// Writes it. The prompt is all that went in but for what tools fed back, the candidates are what came out but for thoughts.
pub(crate) fn write(usage: &Usage, pen: &mut Pen<'_>) {
    let prompt = usage.all_input().saturating_sub(usage.tool_input);
    let visible = usage.output.saturating_sub(usage.reasoning);
    pen.open(b'{').count("promptTokenCount", prompt).count("candidatesTokenCount", visible);
    pen.count("totalTokenCount", usage.total());
    for (name, count) in [
        ("cachedContentTokenCount", usage.cache_read),
        ("thoughtsTokenCount", usage.reasoning),
        ("toolUsePromptTokenCount", usage.tool_input),
    ] {
        if count > 0 {
            pen.count(name, count);
        }
    }
    let (audio, image) = (usage.audio_cache_read, usage.image_cache_read);
    details("cacheTokensDetails", usage.cache_read, [audio, image, 0], pen);
    let told = [usage.audio_input + audio, usage.image_input + image, usage.video_input];
    details("promptTokensDetails", prompt, told, pen);
    details("candidatesTokensDetails", visible, [usage.audio_output, usage.image_output, 0], pen);
    pen.close(b'}');
}

/// By what they are of, where that is more than text.
fn details(name: &str, all: u64, [audio, image, video]: [u64; 3], pen: &mut Pen<'_>) {
    if audio == 0 && image == 0 && video == 0 {
        return;
    }
    let text = all.saturating_sub(audio).saturating_sub(image).saturating_sub(video);
    pen.key(name).open(b'[');
    for (name, count) in [("TEXT", text), ("AUDIO", audio), ("IMAGE", image), ("VIDEO", video)] {
        if count > 0 {
            pen.open(b'{').field("modality", name).count("tokenCount", count).close(b'}');
        }
    }
    pen.close(b']');
}

#[cfg(test)]
mod tests {
    use super::{read, write};
    use crate::pen::Pen;
    use sluice_api::cost::Usage;

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let mut usage = Usage::new(100, 80);
        (usage.cache_read, usage.reasoning, usage.tool_input, usage.image_input) = (40, 50, 30, 20);
        (usage.audio_cache_read, usage.image_output) = (5, 7);
        for usage in [usage, Usage::new(3, 4), Usage::default()] {
            let mut out = Vec::new();
            write(&usage, &mut Pen::new(&mut out));
            assert_eq!(
                read(serde_json::from_slice(&out).unwrap()).usage(),
                usage,
                "{}",
                String::from_utf8_lossy(&out)
            );
        }
        let mut written = Usage::new(10, 5);
        (written.cache_write_5m, written.cache_write_1h) = (20, 30);
        let mut out = Vec::new();
        write(&written, &mut Pen::new(&mut out));
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"promptTokenCount":60,"candidatesTokenCount":5,"totalTokenCount":65}"#
        );
    }

    #[test]
    fn either_spelling_is_read() {
        let snake = r#"{"prompt_token_count":9,"candidates_token_count":4,"total_token_count":13,"prompt_tokens_details":[{"modality":"IMAGE","token_count":6}]}"#;
        let usage = read(serde_json::from_str(snake).unwrap()).usage();
        assert_eq!((usage.input, usage.output, usage.image_input), (9, 4, 6));
    }
}
