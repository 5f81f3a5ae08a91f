//! Names of models: a snapshot and its aliases are one.

/// A model's name without what tells one of its snapshots from another, so that an alias, a dated name and the name that a
/// console shows come to the same: `claude-haiku-4-5`, `claude-haiku-4-5-20251001` and `Claude Haiku 4.5`.
pub(crate) fn base(name: &str) -> String {
    let plain = name.trim().to_lowercase().replace([' ', '.', '@'], "-");
    let plain = plain.strip_suffix("-latest").unwrap_or(&plain);
    let mut words: Vec<&str> = plain.split('-').collect();
    let is =
        |word: &&str, digits: usize| word.len() == digits && word.bytes().all(|byte| byte.is_ascii_digit());
    match words.as_slice() {
        [_, .., date] if is(date, 8) => words.truncate(words.len() - 1),
        [_, .., year, month, day] if is(year, 4) && is(month, 2) && is(day, 2) => {
            words.truncate(words.len() - 3)
        }
        _ => {}
    }
    if words.first() != Some(&"claude") {
        return words.join("-");
    }
    // Its older names have the version before the family; `-0` stands for a version without a second number.
    let (numbers, mut family): (Vec<&str>, Vec<&str>) =
        words.iter().partition(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()));
    family.extend(
        numbers.iter().enumerate().filter(|(at, word)| *at == 0 || **word != "0").map(|(_, word)| *word),
    );
    family.join("-")
}

/// The model of a line item of OpenAI's costs, as in `gpt-4o-2024-08-06, input` and `gpt-image-1 image, output`; none where
/// it is something else that is billed, as in `Web search tool calls`.
pub(crate) fn of_line_item(item: &str) -> Option<String> {
    const MODALITIES: [&str; 4] = [" text", " image", " audio", " video"];
    let name = item.split(',').next().unwrap_or_default().trim();
    let lower = name.to_lowercase();
    let name = MODALITIES.iter().find_map(|modality| lower.strip_suffix(modality)).unwrap_or(&lower);
    (!name.is_empty() && !name.contains(' ')).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{base, of_line_item};

    #[test]
    fn a_snapshot_its_aliases_and_the_name_that_a_console_shows_are_one_model() {
        for (names, one) in [
            (&["claude-haiku-4-5", "claude-haiku-4-5-20251001", "Claude Haiku 4.5"][..], "claude-haiku-4-5"),
            (
                &["claude-3-5-haiku-20241022", "claude-3-5-haiku-latest", "Claude Haiku 3.5"],
                "claude-haiku-3-5",
            ),
            (&["claude-opus-4-0", "claude-opus-4-20250514", "Claude Opus 4"], "claude-opus-4"),
            (&["gpt-4o", "gpt-4o-2024-08-06"], "gpt-4o"),
            (&["gpt-5-2-codex", "gpt-5.2-codex"], "gpt-5-2-codex"),
        ] {
            for name in names {
                assert_eq!(base(name), one, "{name}");
            }
        }
        assert_ne!(base("claude-opus-4-1"), base("claude-opus-4"));
        assert_ne!(base("gpt-4o-mini"), base("gpt-4o"));
        assert_eq!(["", "claude", "-", "20251001"].map(base), ["", "claude", "-", "20251001"]);
    }

    #[test]
    fn a_line_item_tells_its_model_where_it_is_of_one() {
        for (item, model) in [
            ("gpt-4o-2024-08-06, input", Some("gpt-4o-2024-08-06")),
            ("GPT-5.4", Some("gpt-5.4")),
            ("gpt-image-1 image, output", Some("gpt-image-1")),
            ("Web search tool calls", None),
            ("", None),
        ] {
            assert_eq!(of_line_item(item).as_deref(), model, "{item}");
        }
    }
}
