//! The trace that a client's request belongs to: W3C's `traceparent`.

/// A client's own span, below which those of its request stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The trace.
    pub trace: u128,
    /// The span.
    pub span: u64,
    /// Whether the client records it: what it does not record, nobody below it does.
    pub sampled: bool,
}

impl Parent {
    /// Reads a header's value; `None` where it is none, which then counts for nothing.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = text.trim().splitn(5, '-');
        let mut part = |digits: usize| {
            let part = parts.next().filter(|part| part.len() == digits)?;
            let plain = part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            plain.then_some(part)
        };
        let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        // Later versions may have more behind it; the first one has not, and there is no last one.
        if version == "ff" || version == "00" && parts.next().is_some() {
            return None;
        }
        let parent = Self {
            trace: u128::from_str_radix(trace, 16).ok()?,
            span: u64::from_str_radix(span, 16).ok()?,
            sampled: u8::from_str_radix(flags, 16).ok()? & 1 == 1,
        };
        (parent.trace != 0 && parent.span != 0).then_some(parent)
    }
}

#[cfg(test)]
mod tests {
    use super::Parent;

    #[test]
    fn a_traceparent_is_read_as_its_specification_says() {
        let (trace, span) = (0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, 0x00f0_67aa_0ba9_02b7);
        const KNOWN: &str = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";
        let parent = |sampled| Some(Parent { trace, span, sampled });
        for (text, read) in [
            (format!("00-{KNOWN}-01"), parent(true)),
            (format!(" 00-{KNOWN}-00"), parent(false)),
            (format!("00-{KNOWN}-03"), parent(true)),
            (format!("cc-{KNOWN}-01-what-comes-later"), parent(true)),
            (format!("00-{KNOWN}-01-more"), None),
            (format!("00-{KNOWN}-01-"), None),
            (format!("ff-{KNOWN}-01"), None),
            (format!("00-{}-01", KNOWN.to_uppercase()), None),
            (format!("00-{KNOWN}"), None),
            (format!("00-{KNOWN}-1"), None),
            (format!("00-{KNOWN}-0x"), None),
            (format!("00-{}-01", KNOWN.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32))), None),
            (format!("00-{}-01", KNOWN.replace("00f067aa0ba902b7", &"0".repeat(16))), None),
            (String::new(), None),
            ("\u{fc}-\u{fc}".to_owned(), None),
        ] {
            assert_eq!(Parent::read(&text), read, "{text}");
        }
    }
}
