//! Top-level values of JSON objects, caught as the bytes pass, without holding the rest.

#[cfg(test)]
mod tests;

use crate::plain::string_length;

/// The largest value that is caught whole.
const MAX_VALUE: usize = 256 * 1024;

/// What is caught of a value of which the beginning is enough.
const BEGINNING: usize = 2 * 1024;

/// Room for a value from the start: a usage fits.
const CAUGHT: usize = 128;

/// The longest name that is compared.
const MAX_NAME: usize = 64;

/// A member whose value is caught.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Its name.
    pub name: &'static str,
    /// The bytes of its value that are kept.
    most: usize,
    /// Whether its value is a list of which some members of each object are caught as well.
    items: bool,
}

/// What is caught of the objects of such a list: whose they are, what they are, and what they called.
const OF_ITEMS: &[Wanted] = &[
    Wanted::beginning("id"),
    Wanted::beginning("type"),
    Wanted::beginning("action"),
    Wanted::beginning("container_id"),
];

/// An object of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaughtItem {
    /// Which of the wanted members has the list.
    pub list: usize,
    /// Its members, as they are written: the id, the type, the action, and the id of a container.
    pub members: [Vec<u8>; OF_ITEMS.len()],
}

impl Wanted {
    /// One whose value is to be read.
    #[must_use]
    pub const fn whole(name: &'static str) -> Self {
        Self { name, most: MAX_VALUE, items: false }
    }

    /// One of whose value the beginning is enough.
    #[must_use]
    pub const fn beginning(name: &'static str) -> Self {
        Self { name, most: BEGINNING, items: false }
    }

    /// The same of a list, with what all the objects in it are.
    #[must_use]
    pub const fn with_items(self) -> Self {
        Self { items: true, ..self }
    }
}

/// The objects in a list.
#[derive(Debug)]
struct Items {
    objects: Capture,
    found: Vec<CaughtItem>,
}

/// Watches one object, or the objects of an array, and catches the values of some members of each.
#[derive(Debug)]
pub struct Capture {
    wanted: &'static [Wanted],
    /// Depth at which the objects stand: 0, or 1 inside an array.
    base: u32,
    depth: u32,
    place: Place,
    escaped: bool,
    name: Vec<u8>,
    caught: Vec<(usize, Vec<u8>)>,
    catching: bool,
    items: Option<Box<Items>>,
    begun: bool,
    /// The document has ended. What follows is looked into, but takes nothing back.
    closed: bool,
    /// Something else than a document came first: what looks like one further on is none.
    other: bool,
    /// In an array, an element has ended and no comma has come since.
    after_element: bool,
}

/// How far a document has come, as whoever must end it needs to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Position {
    /// Nothing of it has come.
    #[default]
    Before,
    /// Inside an array, where an element may follow at once.
    ElementMayFollow,
    /// Inside an array, after an element: a comma has to come first.
    CommaMayFollow,
    /// Inside an element or another value.
    Inside,
    /// After its end.
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Between tokens of a value, or deeper inside one.
    Value,
    /// In a string of a value.
    Text,
    /// Before a name of an object that is watched.
    BeforeName,
    /// In such a name.
    Name,
    /// After such a name.
    AfterName,
}

/// What was caught of an object that has ended: raw values, by the wanted name's index.
pub type Caught = [(usize, Vec<u8>)];

impl Capture {
    /// Watches one object for these members.
    #[must_use]
    pub fn object(wanted: &'static [Wanted]) -> Self {
        Self::at(wanted, 0)
    }

    /// Watches the objects of an array; of a lone object too, as errors come.
    #[must_use]
    pub fn array(wanted: &'static [Wanted]) -> Self {
        Self::at(wanted, 1)
    }

    fn at(wanted: &'static [Wanted], base: u32) -> Self {
        Self {
            wanted,
            base,
            depth: 0,
            place: Place::Value,
            escaped: false,
            name: Vec::new(),
            caught: Vec::new(),
            catching: false,
            items: None,
            begun: false,
            closed: false,
            other: false,
            after_element: false,
        }
    }

    /// Whether the document has begun and ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether a document has begun, with nothing before it, that has not ended.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        self.begun && !self.other && !self.is_closed()
    }

    /// How far the document has come.
    #[must_use]
    pub fn position(&self) -> Position {
        match (self.begun, self.depth) {
            // Nothing that is added behind it is part of a document.
            _ if self.other => Position::Inside,
            (false, _) => Position::Before,
            _ if self.closed => Position::Closed,
            (true, 1) if self.base == 1 && self.place == Place::Value && self.after_element => {
                Position::CommaMayFollow
            }
            (true, 1) if self.base == 1 && self.place == Place::Value => Position::ElementMayFollow,
            _ => Position::Inside,
        }
    }

    /// The objects of lists that have been caught since it was asked for them.
    pub fn take_items(&mut self) -> Vec<CaughtItem> {
        self.items.as_mut().map(|items| std::mem::take(&mut items.found)).unwrap_or_default()
    }

    /// Takes a chunk and calls `object` for each watched object that ends in it.
    pub fn feed(&mut self, chunk: &[u8], object: &mut impl FnMut(&Caught)) {
        let mut rest = chunk;
        while !rest.is_empty() {
            let taken = self.feed_up_to_its_end(rest, object);
            rest = rest.get(taken..).unwrap_or_default();
        }
    }

    /// The same, but no further than to where the document ends; how many bytes that were.
    pub fn feed_up_to_its_end(&mut self, chunk: &[u8], object: &mut impl FnMut(&Caught)) -> usize {
        let was_closed = self.closed;
        let mut at = 0;
        // Where in the chunk begins what is caught and was not kept yet.
        let mut caught = 0;
        while self.closed == was_closed
            && let Some(&byte) = chunk.get(at)
        {
            let rest = chunk.get(at..).unwrap_or_default();
            match self.place {
                Place::Text => {
                    let (length, ended) = string_length(rest, &mut self.escaped);
                    at += length;
                    if ended {
                        self.place = Place::Value;
                    }
                }
                Place::Name => {
                    let (length, ended) = string_length(rest, &mut self.escaped);
                    self.keep_name(rest.get(..length - usize::from(ended)).unwrap_or_default());
                    at += length;
                    if ended {
                        self.place = Place::AfterName;
                    }
                }
                Place::BeforeName => {
                    match byte {
                        b'"' => {
                            self.name.clear();
                            self.place = Place::Name;
                        }
                        b'}' => {
                            self.close(object);
                            self.place = Place::Value;
                        }
                        _ => {}
                    }
                    at += 1;
                }
                Place::AfterName => {
                    if byte == b':' {
                        self.place = Place::Value;
                        caught = at + 1;
                        let named = |wanted: &Wanted| wanted.name.as_bytes() == self.name;
                        if let Some(index) = self.wanted.iter().position(named) {
                            self.catching = true;
                            self.begin_items(index);
                            self.caught.push((index, Vec::with_capacity(CAUGHT)));
                        }
                    }
                    at += 1;
                }
                Place::Value if self.depth > self.base + 1 => at += self.pass(rest),
                Place::Value => {
                    let other = rest.iter().take_while(|byte| !is_structure(**byte)).count();
                    if !self.begun {
                        let first = rest.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
                        self.other |= first.is_some_and(|byte| !matches!(byte, b'{' | b'['));
                    }
                    at += other;
                    if let Some(byte) = chunk.get(at) {
                        if self.catching && self.depth == self.base + 1 && matches!(byte, b',' | b'}') {
                            self.keep(chunk.get(caught..at).unwrap_or_default());
                            self.catching = false;
                        }
                        self.structure(*byte, object);
                        at += 1;
                    }
                }
            }
            self.closed |= self.begun && self.depth == 0 && self.place == Place::Value;
        }
        if self.catching {
            self.keep(chunk.get(caught..at).unwrap_or_default());
        }
        at
    }

    /// What stands deeper inside a value, of which nothing matters but where it ends; how many bytes that were.
    fn pass(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            match byte {
                b'"' => {
                    let (length, ended) =
                        string_length(bytes.get(at..).unwrap_or_default(), &mut self.escaped);
                    at += length;
                    if !ended {
                        self.place = Place::Text;
                    }
                }
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == self.base + 1 {
                        break;
                    }
                }
                _ => {}
            }
        }
        at
    }

    /// A byte of a value that tells how it is built.
    fn structure(&mut self, byte: u8, object: &mut impl FnMut(&Caught)) {
        match byte {
            b'"' => self.place = Place::Text,
            b'{' | b'[' => {
                if !self.begun && byte == b'{' {
                    // A lone object where an array was expected: an error's form.
                    self.base = 0;
                }
                self.begun = true;
                if byte == b'{' && self.depth == self.base {
                    self.place = Place::BeforeName;
                    self.caught.clear();
                }
                self.depth += 1;
            }
            b'}' | b']' => {
                if self.depth == self.base + 1 && byte == b'}' {
                    self.close(object);
                } else {
                    self.depth = self.depth.saturating_sub(1);
                }
            }
            b',' if self.depth == self.base + 1 => self.place = Place::BeforeName,
            b',' if self.depth == self.base => self.after_element = false,
            _ => {}
        }
    }

    fn close(&mut self, object: &mut impl FnMut(&Caught)) {
        self.depth = self.depth.saturating_sub(1);
        self.after_element = true;
        object(&self.caught);
        self.caught.clear();
    }

    fn keep_name(&mut self, bytes: &[u8]) {
        if self.name.len() + bytes.len() <= MAX_NAME {
            self.name.extend_from_slice(bytes);
        } else {
            // Too long to be a wanted one; one byte more than any keeps it from being taken for one.
            self.name.clear();
            self.name.push(0);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if let Some((index, value)) = self.caught.last_mut()
            && let Some(wanted) = self.wanted.get(*index)
        {
            let room = wanted.most.saturating_sub(value.len());
            value.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
            if let Some(items) = self.items.as_mut().filter(|_| wanted.items) {
                let Items { objects, found } = &mut **items;
                objects.feed(bytes, &mut |caught| found.push(CaughtItem::of(*index, caught)));
            }
        }
    }

    /// A wanted member's value begins.
    fn begin_items(&mut self, index: usize) {
        if !self.wanted.get(index).is_some_and(|wanted| wanted.items) {
            return;
        }
        let found = self.take_items();
        self.items = Some(Box::new(Items { objects: Self::array(OF_ITEMS), found }));
    }
}

impl CaughtItem {
    fn of(list: usize, caught: &Caught) -> Self {
        let mut item = Self { list, ..Self::default() };
        for (index, value) in caught {
            if let Some(member) = item.members.get_mut(*index) {
                member.clone_from(value);
            }
        }
        item
    }
}

const fn is_structure(byte: u8) -> bool {
    matches!(byte, b'"' | b'{' | b'}' | b'[' | b']' | b',')
}
