//! Why an answer ended, in Google's words.

use sluice_neutral::answer::Reason;

/// What Google's reason means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    /// The answer is whole.
    End(Reason),
    /// Something went wrong: what was said stands, but where nothing was, it is a failure to be tried again.
    Odd,
}

/// Reasons, but for those that are odd.
const REASONS: [(&str, Reason); 13] = [
    ("STOP", Reason::Done),
    ("MAX_TOKENS", Reason::Length),
    // It would go on where it is asked with a token, which is another answer.
    ("CONTINUATION", Reason::Length),
    ("SAFETY", Reason::Refused),
    ("RECITATION", Reason::Refused),
    ("BLOCKLIST", Reason::Refused),
    ("PROHIBITED_CONTENT", Reason::Refused),
    ("SPII", Reason::Refused),
    ("MODEL_ARMOR", Reason::Refused),
    ("JAILBREAK", Reason::Refused),
    ("IMAGE_SAFETY", Reason::Refused),
    ("IMAGE_PROHIBITED_CONTENT", Reason::Refused),
    ("IMAGE_RECITATION", Reason::Refused),
];

/// What a reason means; nothing where none is told.
pub(crate) fn read(name: &str) -> Option<Finish> {
    let name = name.to_ascii_uppercase();
    if matches!(&*name, "" | "FINISH_REASON_UNSPECIFIED" | "UNSPECIFIED") {
        return None;
    }
    let known = REASONS.iter().find(|(known, _)| *known == name);
    Some(known.map_or(Finish::Odd, |(_, reason)| Finish::End(*reason)))
}

/// The reason that a client is told.
pub(crate) const fn written(reason: Reason) -> &'static str {
    match reason {
        Reason::Done | Reason::Stopped | Reason::Calls | Reason::Paused => "STOP",
        Reason::Length | Reason::ContextFull => "MAX_TOKENS",
        Reason::Refused => "SAFETY",
    }
}

#[cfg(test)]
mod tests {
    use super::{Finish, read, written};
    use sluice_neutral::answer::Reason;

    #[test]
    fn each_reason_is_an_end_a_refusal_or_odd() {
        for (name, finish) in [
            ("stop", Some(Finish::End(Reason::Done))),
            ("MAX_TOKENS", Some(Finish::End(Reason::Length))),
            ("RECITATION", Some(Finish::End(Reason::Refused))),
            ("MALFORMED_FUNCTION_CALL", Some(Finish::Odd)),
            ("FUTURE_REASON", Some(Finish::Odd)),
            ("FINISH_REASON_UNSPECIFIED", None),
            ("", None),
        ] {
            assert_eq!(read(name), finish, "{name}");
        }
        for reason in [Reason::Done, Reason::Length, Reason::Refused] {
            assert_eq!(read(written(reason)), Some(Finish::End(reason)));
        }
    }
}
