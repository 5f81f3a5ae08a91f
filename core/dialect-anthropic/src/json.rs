//! JSON written straight into a buffer: objects and arrays that end themselves.

/// An object that is being written.
pub(crate) struct Object<'o> {
    out: &'o mut Vec<u8>,
    any: bool,
}

impl<'o> Object<'o> {
    /// An object begins.
    pub(crate) fn new(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, any: false }
    }

    /// A member's name; its value is for the caller to write.
    pub(crate) fn key(&mut self, name: &str) -> &mut Vec<u8> {
        if std::mem::replace(&mut self.any, true) {
            self.out.push(b',');
        }
        text(name, self.out);
        self.out.push(b':');
        self.out
    }

    /// A string.
    pub(crate) fn text(&mut self, name: &str, value: &str) -> &mut Self {
        text(value, self.key(name));
        self
    }

    /// JSON as it is written.
    pub(crate) fn raw(&mut self, name: &str, value: &str) -> &mut Self {
        self.key(name).extend_from_slice(value.as_bytes());
        self
    }

    /// A whole number.
    pub(crate) fn number(&mut self, name: &str, value: u64) -> &mut Self {
        self.raw(name, &value.to_string())
    }

    /// An object.
    pub(crate) fn object(&mut self, name: &str) -> Object<'_> {
        Object::new(self.key(name))
    }

    /// An array.
    pub(crate) fn list(&mut self, name: &str) -> List<'_> {
        List::new(self.key(name))
    }
}

impl Drop for Object<'_> {
    fn drop(&mut self) {
        self.out.push(b'}');
    }
}

/// An array that is being written.
pub(crate) struct List<'o> {
    out: &'o mut Vec<u8>,
    any: bool,
}

impl<'o> List<'o> {
    /// An array begins.
    pub(crate) fn new(out: &'o mut Vec<u8>) -> Self {
        out.push(b'[');
        Self { out, any: false }
    }

    /// An element; its value is for the caller to write.
    pub(crate) fn next(&mut self) -> &mut Vec<u8> {
        if std::mem::replace(&mut self.any, true) {
            self.out.push(b',');
        }
        self.out
    }

    /// An object.
    pub(crate) fn object(&mut self) -> Object<'_> {
        Object::new(self.next())
    }

    /// A string.
    pub(crate) fn text(&mut self, value: &str) {
        text(value, self.next());
    }
}

impl Drop for List<'_> {
    fn drop(&mut self) {
        self.out.push(b']');
    }
}

/// Writes a string.
pub(crate) fn text(value: &str, out: &mut Vec<u8>) {
    // A buffer in memory takes everything.
    let _ = serde_json::to_writer(out, value);
}
