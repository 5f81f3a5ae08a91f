//! Whether an answer of Chat Completions has searched the web, which no count in it tells.

use memchr::memmem::Finder;
use sluice_api::cost::Usage;

/// The member of an annotation that cites a page, as it is written. In a text its quotes would be escaped.
const NAME: &[u8] = b"\"url_citation\"";

/// What is in the names of the models that search for each answer, and whether it is the preview of the tool that does.
const SEARCHING: [(&str, bool); 2] = [("-search-preview", true), ("-search-api", false)];

/// Bytes that are kept of what has passed: the name and its colon are found wherever they are cut.
const KEPT: usize = 32;

/// Looks for citations in the bytes as they pass.
#[derive(Clone, Debug, Default)]
pub struct Cited {
    found: bool,
    last: [u8; KEPT],
    length: usize,
    /// Finds the name; made once, as each chunk is looked through.
    finder: Option<Box<Finder<'static>>>,
}

impl Cited {
    /// Sets that the web was searched in what an answer of this model used: once, however many pages it cites.
    pub fn put(&self, model: Option<&str>, usage: &mut Usage) {
        let part_of = |part| model.is_some_and(|model| model.contains(part));
        let searching = SEARCHING.iter().find(|(part, _)| part_of(part));
        match searching {
            Some((_, true)) => usage.web_search_previews = 1,
            None if !self.found => {}
            _ => usage.web_searches = 1,
        }
    }

    /// Takes a chunk, cut anywhere.
    pub fn feed(&mut self, chunk: &[u8]) {
        if self.found {
            return;
        }
        let mut joined = [0; 2 * KEPT];
        let (before, after) = joined.split_at_mut(self.length);
        before.copy_from_slice(self.last.get(..self.length).unwrap_or_default());
        let more = chunk.len().min(KEPT);
        let begins = chunk.get(..more).unwrap_or_default();
        after.iter_mut().zip(begins).for_each(|(slot, byte)| *slot = *byte);
        let joined = joined.get(..self.length + more).unwrap_or_default();
        let finder = self.finder.get_or_insert_with(|| Box::new(Finder::new(NAME)));
        self.found = names(finder, joined) || names(finder, chunk);
        let last = if chunk.len() < KEPT { joined } else { chunk };
        let last = last.get(last.len().saturating_sub(KEPT)..).unwrap_or_default();
        self.length = last.len();
        self.last.iter_mut().zip(last).for_each(|(slot, byte)| *slot = *byte);
    }
}

/// Whether a member has the name; a value may be the same word.
fn names(finder: &Finder<'_>, data: &[u8]) -> bool {
    finder.find_iter(data).any(|at| {
        let rest = data.get(at + NAME.len()..).unwrap_or_default();
        rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
    })
}

#[cfg(test)]
mod tests {
    use super::Cited;

    fn found(text: &str) -> bool {
        let by = |step: usize| {
            let mut cited = Cited::default();
            text.as_bytes().chunks(step).for_each(|chunk| cited.feed(chunk));
            cited.found
        };
        let all = [1, 2, 3, 7, 31, 32, 33, text.len()].map(by);
        assert!(all.iter().all(|one| *one == all[0]), "{text}: {all:?}");
        all[0]
    }

    #[test]
    fn a_citation_is_found_however_it_is_cut_and_a_text_is_none() {
        for text in [
            r#"{"annotations":[{"type":"url_citation","url_citation":{"url":"v","title":"t"}}]}"#,
            "{\n  \"annotations\" : [ { \"url_citation\" : {\"url\": \"v\"} } ]\n}",
        ] {
            assert!(found(text), "{text}");
        }
        for text in [
            r#"{"choices":[{"message":{"content":"url_citation","role":"assistant"}}]}"#,
            r#"{"choices":[{"message":{"content":"{\"url_citation\":{\"url\":\"v\"}}","role":"assistant"}}]}"#,
            r#"{"annotations":[{"type":"file","file":{"name":"f"}}]}"#,
        ] {
            assert!(!found(text), "{text}");
        }
    }
}
