//! Stop sequences that an account can't be asked for: looked for in what it says, which ends there.

use crate::answer::{Answer, Block, End, Logprob, Reason};
use crate::dialect::Sent;
use crate::loss::Losses;
use crate::request::{Text, Told};

/// Most sequences that are looked for, and bytes of one: none that is meant has more.
const BOUNDS: (usize, usize) = (64, 1_024);

/// Notes stop sequences that the account is not asked for, so that the answer is cut where one of them comes.
pub fn watch<'s, 'a: 's>(
    stops: impl Iterator<Item = &'s Told<Text<'a>>>,
    sent: &mut Sent,
    losses: &mut Losses,
) {
    let (most, longest) = BOUNDS;
    for stop in stops.filter(|stop| !stop.value.is_empty()) {
        if sent.stops.len() < most && stop.value.len() <= longest {
            sent.stops.push(stop.value.clone().into_owned());
        } else {
            losses.name(stop.at);
        }
    }
}

/// A sequence that was met: where it begins, and which it is.
type Met<'s> = (usize, &'s str);

/// The sequence that is whole first; of two that are at once, the longer.
fn first<'s>(text: &str, stops: &'s [String]) -> Option<Met<'s>> {
    let met = stops.iter().filter_map(|stop| Some((text.find(stop.as_str())?, stop.as_str())));
    met.min_by_key(|(at, stop)| (at + stop.len(), *at))
}

/// How much at the end of a text may be the beginning of a sequence.
fn open(text: &str, stops: &[String]) -> usize {
    let begins = |stop: &String| {
        let longest = stop.len().saturating_sub(1).min(text.len());
        let ends = |length: &usize| stop.get(..*length).is_some_and(|begin| text.ends_with(begin));
        (1..=longest).rev().find(ends).unwrap_or(0)
    };
    stops.iter().map(begins).max().unwrap_or(0)
}

/// Looks for sequences in one text that comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct Looking {
    /// What may be the beginning of one.
    held: String,
}

impl Looking {
    /// What may be told of it now, and the sequence that was met: nothing comes after it.
    pub(crate) fn feed<'s>(&mut self, text: &str, stops: &'s [String]) -> (String, Option<&'s str>) {
        let mut all = std::mem::take(&mut self.held);
        all.push_str(text);
        if let Some((at, stop)) = first(&all, stops) {
            all.truncate(at);
            return (all, Some(stop));
        }
        self.held = all.split_off(all.len().saturating_sub(open(&all, stops)));
        (all, None)
    }

    /// The text is over: what was held was none.
    pub(crate) fn rest(self) -> String {
        self.held
    }
}

/// Cuts a whole answer at the first sequence.
pub(crate) fn cut(answer: &mut Answer<'_>, stops: &[String]) {
    let texts = answer.said.iter_mut().enumerate().filter(|(_, said)| said.block == Block::Text);
    let met = texts.into_iter().find_map(|(index, said)| {
        let (at, stop) = first(&said.text, stops)?;
        said.text.to_mut().truncate(at);
        said.citations.retain(|one| one.span.is_none_or(|(_, end)| end <= at));
        within(at, &mut said.logprobs);
        Some((index, stop.to_owned()))
    });
    if let Some((index, stop)) = met {
        answer.said.truncate(index + 1);
        answer.end = match answer.calls() {
            true => End { reason: Reason::Calls, stop_sequence: None },
            false => End { reason: Reason::Stopped, stop_sequence: Some(stop.into()) },
        };
    }
}

/// Keeps of a text's tokens those that end within its first bytes.
fn within(most: usize, tokens: &mut Vec<Logprob<'_>>) {
    let mut length = 0_usize;
    let kept = tokens.iter().take_while(|one| {
        length = length.saturating_add(one.token.len());
        length <= most
    });
    let kept = kept.count();
    tokens.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::{Looking, cut, first, watch};
    use crate::answer::{Answer, Block, Logprob, Reason, Said};
    use crate::at::At;
    use crate::dialect::Sent;
    use crate::loss::Losses;
    use crate::request::Told;
    use sluice_api::dialect::Api;

    const TEXTS: [&str; 8] =
        ["", "Hello\n\nHuman: no", "aaab", "ababac", "END", "EN END", "é€Ends é", "no stop at all \n\nHuma"];
    const STOPS: [&str; 6] = ["\n\nHuman:", "aab", "abac", "END", "b", "s é"];

    #[test]
    fn a_sequence_is_met_at_the_same_place_however_its_text_is_cut() {
        let stops: Vec<String> = STOPS.iter().map(|stop| (*stop).to_owned()).collect();
        for text in TEXTS {
            let whole = first(text, &stops);
            let told = whole.map_or(text, |(at, _)| text.split_at(at).0);
            for (at, _) in text.char_indices() {
                for (next, _) in text.char_indices().filter(|(next, _)| *next >= at) {
                    let mut looking = Looking::default();
                    let (mut all, mut met) = (String::new(), None);
                    let (one, rest) = text.split_at(at);
                    let (two, three) = rest.split_at(next - at);
                    for piece in [one, two, three] {
                        if met.is_none() {
                            let (more, stop) = looking.feed(piece, &stops);
                            all.push_str(&more);
                            met = stop;
                        }
                    }
                    if met.is_none() {
                        all.push_str(&looking.rest());
                    }
                    assert_eq!(
                        (all.as_str(), met),
                        (told, whole.map(|(_, stop)| stop)),
                        "{text} {at} {next}"
                    );
                }
            }
        }
    }

    #[test]
    fn text_that_begins_no_sequence_is_told_at_once() {
        let stops = ["\n\nHuman:".to_owned()];
        let mut looking = Looking::default();
        assert_eq!(looking.feed("Hello\n", &stops), ("Hello".to_owned(), None));
        assert_eq!(looking.feed("there\n\nHum", &stops), ("\nthere".to_owned(), None));
        assert_eq!(looking.feed("s", &stops), ("\n\nHums".to_owned(), None));
    }

    #[test]
    fn a_whole_answer_ends_at_the_sequence() {
        let call = Block::Call(crate::answer::Called { id: "1".into(), name: "END".into(), plain: false });
        let said = |text: &'static str| Said::new(Block::Text, text);
        let said = vec![Said::new(Block::Thinking, "END"), said("a"), said("b END c"), Said::new(call, "{}")];
        let mut answer = Answer { said, ..Answer::default() };
        cut(&mut answer, &["END".to_owned()]);
        let texts: Vec<&str> = answer.said.iter().map(|said| &*said.text).collect();
        assert_eq!((texts, answer.end.reason), (vec!["END", "a", "b "], Reason::Stopped));
        assert_eq!(answer.end.stop_sequence.as_deref(), Some("END"));
    }

    #[test]
    fn behind_the_sequence_no_token_is_likely_and_a_call_before_it_is_to_be_answered() {
        let token = |token: &'static str| Logprob { token: token.into(), logprob: -0.5, others: Vec::new() };
        let call = Block::Call(crate::answer::Called { id: "1".into(), name: "f".into(), plain: false });
        let mut text = Said::new(Block::Text, "a b END c");
        text.logprobs = ["a", " b", " E", "ND", " c"].map(token).into();
        for (said, reason, stop) in [
            (vec![text.clone()], Reason::Stopped, Some("END")),
            (vec![Said::new(call, "{}"), text], Reason::Calls, None),
        ] {
            let mut answer = Answer { said, ..Answer::default() };
            cut(&mut answer, &["END".to_owned()]);
            let tokens: Vec<&str> =
                answer.said.iter().flat_map(|said| &said.logprobs).map(|one| &*one.token).collect();
            assert_eq!((tokens, answer.end.reason), (vec!["a", " b"], reason));
            assert_eq!(answer.end.stop_sequence.as_deref(), stop);
        }
    }

    #[test]
    fn what_is_too_long_to_be_looked_for_is_named() {
        let at = At::field("stop");
        let long = "x".repeat(2_000);
        let asked =
            [Told::new("a".into(), at), Told::new("".into(), at), Told::new(long.as_str().into(), at)];
        let (mut sent, mut losses) = (Sent::default(), Losses::toward(Api::OpenaiResponses));
        watch(asked.iter(), &mut sent, &mut losses);
        assert_eq!((sent.stops, losses.named()), (vec!["a".to_owned()], vec!["stop".to_owned()]));
    }
}
