//! Places in a request, as its own dialect names them.

use std::fmt;

/// A place in a request, as its own dialect names it: `messages[3].content[1].source`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct At {
    list: &'static str,
    index: Option<u32>,
    inner: &'static str,
    second: Option<u32>,
    object: &'static str,
    field: &'static str,
}

impl At {
    /// The request itself.
    pub const ROOT: Self = Self { list: "", index: None, inner: "", second: None, object: "", field: "" };

    /// A field of the request; it may have more than one step, as `generationConfig.topK`.
    #[must_use]
    pub const fn field(name: &'static str) -> Self {
        Self { field: name, ..Self::ROOT }
    }

    /// An object within the request, whose fields are told by [`then`](Self::then): as `generationConfig`.
    #[must_use]
    pub const fn object(name: &'static str) -> Self {
        Self { list: name, ..Self::ROOT }
    }

    /// An element of a list of the request's.
    #[must_use]
    pub fn item(list: &'static str, index: usize) -> Self {
        Self { list, index: u32::try_from(index).ok(), ..Self::ROOT }
    }

    /// An element of a list of this element's.
    #[must_use]
    pub fn within(self, inner: &'static str, index: usize) -> Self {
        Self { inner, second: u32::try_from(index).ok(), object: "", field: "", ..self }
    }

    /// An object of this element's, whose fields are told by [`then`](Self::then): as `messages[3].content[1].source`. It
    /// may have more than one step.
    #[must_use]
    pub const fn inside(self, object: &'static str) -> Self {
        Self { object, field: "", ..self }
    }

    /// A field of it, in place of the one that it named; it may have more than one step.
    #[must_use]
    pub const fn then(self, field: &'static str) -> Self {
        Self { field, ..self }
    }

    /// The same without positions in lists, as a client is told what was left out.
    #[must_use]
    pub const fn anywhere(self) -> Self {
        Self { index: None, second: None, ..self }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut dot = "";
        for (name, index) in
            [(self.list, self.index), (self.inner, self.second), (self.object, None), (self.field, None)]
        {
            if name.is_empty() {
                continue;
            }
            write!(f, "{dot}{name}")?;
            if let Some(index) = index {
                write!(f, "[{index}]")?;
            }
            dot = ".";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::At;

    #[test]
    fn places_are_written_as_the_client_would() {
        let part = At::item("messages", 3).within("content", 1);
        assert_eq!(part.to_string(), "messages[3].content[1]");
        assert_eq!(part.then("source.data").to_string(), "messages[3].content[1].source.data");
        assert_eq!(part.then("x").anywhere().to_string(), "messages.content.x");
        assert_eq!(part.inside("source").then("data").to_string(), "messages[3].content[1].source.data");
        assert_eq!(part.inside("source").anywhere().then("x").to_string(), "messages.content.source.x");
        assert_eq!(At::field("generationConfig.topK").to_string(), "generationConfig.topK");
        assert_eq!(At::object("generationConfig").then("topK").to_string(), "generationConfig.topK");
    }
}
