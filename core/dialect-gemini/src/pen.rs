//! Writes JSON: into one buffer, with no more than what it was given.

use sluice_neutral::json::write;

/// Writes JSON to the end of a buffer; commas come by themselves.
#[derive(Debug)]
pub(crate) struct Pen<'o> {
    out: &'o mut Vec<u8>,
    comma: bool,
    in_one_line: bool,
}

/// Whether a text is a JSON object.
pub(crate) fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

impl<'o> Pen<'o> {
    /// Writes behind what is there.
    pub(crate) const fn new(out: &'o mut Vec<u8>) -> Self {
        Self { out, comma: false, in_one_line: false }
    }

    /// The same in one line, as the events of a stream must be.
    pub(crate) const fn line(out: &'o mut Vec<u8>) -> Self {
        Self { out, comma: false, in_one_line: true }
    }

    fn value(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
        self.comma = true;
    }

    /// Opens an object or a list.
    pub(crate) fn open(&mut self, bracket: u8) -> &mut Self {
        self.value();
        self.out.push(bracket);
        self.comma = false;
        self
    }

    /// Closes it.
    pub(crate) fn close(&mut self, bracket: u8) -> &mut Self {
        self.out.push(bracket);
        self.comma = true;
        self
    }

    /// A member's name; its value comes next.
    pub(crate) fn key(&mut self, name: &str) -> &mut Self {
        self.text(name);
        self.out.push(b':');
        self.comma = false;
        self
    }

    /// A string.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.value();
        write::string(self.out, text);
        self
    }

    /// What is JSON already. Where a line breaks in it, a space may stand as well.
    pub(crate) fn raw(&mut self, json: &str) -> &mut Self {
        self.value();
        let from = self.out.len();
        self.out.extend_from_slice(json.as_bytes());
        if self.in_one_line && json.contains(['\n', '\r']) {
            let written = self.out.iter_mut().skip(from);
            written.filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
        }
        self
    }

    /// A number.
    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.raw(&number.to_string())
    }

    /// A member that is a string.
    pub(crate) fn field(&mut self, name: &str, text: &str) -> &mut Self {
        self.key(name).text(text)
    }

    /// A member that is JSON already.
    pub(crate) fn member(&mut self, name: &str, json: &str) -> &mut Self {
        self.key(name).raw(json)
    }

    /// A member that is a count.
    pub(crate) fn count(&mut self, name: &str, count: u64) -> &mut Self {
        self.key(name).number(count)
    }
}

#[cfg(test)]
mod tests {
    use super::Pen;

    #[test]
    fn commas_come_by_themselves_and_lines_do_not_break() {
        let mut out = b"data: ".to_vec();
        let mut pen = Pen::line(&mut out);
        pen.open(b'{')
            .field("a", "x\n\"")
            .key("l")
            .open(b'[')
            .number(1)
            .open(b'{')
            .close(b'}')
            .text("t")
            .close(b']');
        pen.member("r", "{\n\"b\": 1.50\r\n}").count("c", 7).close(b'}');
        let text = r#"data: {"a":"x\n\"","l":[1,{},"t"],"r":{ "b": 1.50  },"c":7}"#;
        assert_eq!(String::from_utf8(out).unwrap(), text);
    }
}
