//! Objects of counts as upstreams tell them: what is known is taken, the names of what is not known are kept.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::count::Count;

/// Names of one answer that are kept.
const NAMES_MAX: usize = 8;

/// Bytes of a name or a word that is kept.
const LENGTH_MAX: usize = 64;

/// Names of members that nobody knows, which may be billed: an upstream has something new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unknown(Vec<Box<str>>);

impl Unknown {
    /// The names, each once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|name| &**name)
    }

    pub(crate) fn note(&mut self, name: &str) {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let is_name = !name.is_empty() && name.len() <= LENGTH_MAX && name.bytes().all(plain);
        if is_name && self.0.len() < NAMES_MAX && self.names().all(|known| known != name) {
            self.0.push(name.into());
        }
    }

    /// Notes others.
    pub fn extend(&mut self, other: &Self) {
        other.names().for_each(|name| self.note(name));
    }
}

/// A short text; none where something else stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word(pub(super) Option<Box<str>>);

impl Word {
    pub(super) fn told(&self) -> Option<&str> {
        self.0.as_deref()
    }

    pub(super) fn update(&mut self, later: Self) {
        if later.0.is_some() {
            *self = later;
        }
    }
}

/// What a member tells, which may be less than nothing.
pub(super) trait Told {
    /// Whether a count in it is below zero.
    fn is_below_zero(&self) -> bool;
}

impl Told for Count {
    fn is_below_zero(&self) -> bool {
        Self::is_below_zero(*self)
    }
}

impl Told for Word {
    fn is_below_zero(&self) -> bool {
        false
    }
}

impl<T: Told> Told for Option<T> {
    fn is_below_zero(&self) -> bool {
        self.as_ref().is_some_and(T::is_below_zero)
    }
}

impl<T: Told> Told for List<T> {
    fn is_below_zero(&self) -> bool {
        self.0.iter().any(T::is_below_zero)
    }
}

/// The name of a member.
pub(super) struct Name<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        from.deserialize_str(Text)
    }
}

/// What reads something else than what was looked for, and takes nothing of it.
macro_rules! nothing_else {
    ($nothing:expr; $($also:tt)*) => {
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok($nothing)
        }
        fn visit_bool<E: Error>(self, _other: bool) -> Result<Self::Value, E> {
            Ok($nothing)
        }
        fn visit_u64<E: Error>(self, _other: u64) -> Result<Self::Value, E> {
            Ok($nothing)
        }
        fn visit_i64<E: Error>(self, _other: i64) -> Result<Self::Value, E> {
            Ok($nothing)
        }
        fn visit_f64<E: Error>(self, _other: f64) -> Result<Self::Value, E> {
            Ok($nothing)
        }
        $($also)*
    };
}
pub(super) use nothing_else;

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Word;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word")
            }
            nothing_else! { Word::default();
                fn visit_str<E: Error>(self, text: &str) -> Result<Word, E> {
                    Ok(Word(Some(text).filter(|text| !text.is_empty() && text.len() <= LENGTH_MAX).map(Into::into)))
                }
                fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Word, A::Error> {
                    while list.next_element::<IgnoredAny>()?.is_some() {}
                    Ok(Word::default())
                }
                fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Word, A::Error> {
                    while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                    Ok(Word::default())
                }
            }
        }
        from.deserialize_any(Any)
    }
}

/// A list; empty where something else stands.
#[derive(Clone, Debug)]
pub(super) struct List<T>(pub(super) Vec<T>);

/// The most of a list that is kept.
const LIST_MAX: usize = 64;

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> List<T> {
    pub(super) fn update(&mut self, later: Self) {
        if !later.0.is_empty() {
            *self = later;
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Any<T> {
            type Value = List<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            nothing_else! { List::default();
                fn visit_str<E: Error>(self, _other: &str) -> Result<List<T>, E> {
                    Ok(List::default())
                }
                fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<List<T>, A::Error> {
                    let mut all = Vec::new();
                    while all.len() < LIST_MAX {
                        let Some(one) = list.next_element()? else { return Ok(List(all)) };
                        all.push(one);
                    }
                    // Of a list that is too long nothing is known: half of it would pass for all.
                    while list.next_element::<IgnoredAny>()?.is_some() {}
                    Ok(List::default())
                }
                fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<List<T>, A::Error> {
                    while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                    Ok(List::default())
                }
            }
        }
        from.deserialize_any(Any(std::marker::PhantomData))
    }
}

/// A struct of what an object tells, each field by the names that it goes by; and the names that are known to tell nothing
/// that is billed. Reading one never fails: what is no such object tells nothing.
macro_rules! told {
    (
        $(#[$about:meta])* $vis:vis struct $name:ident;
        $($field:ident: $type:ty = $($key:literal)|+;)*
        _ = $($ignored:literal)|+;
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default)]
        $vis struct $name {
            $($field: $type,)*
            unknown: $crate::told::Unknown,
            /// A count in it was below zero, now or in an earlier report.
            below_zero: bool,
        }

        impl $crate::told::Told for $name {
            fn is_below_zero(&self) -> bool {
                self.below_zero
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
                struct Members;
                impl<'de> Visitor<'de> for Members {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }
                    $crate::told::nothing_else! { $name::default();
                        fn visit_str<E: Error>(self, _other: &str) -> Result<$name, E> {
                            Ok($name::default())
                        }
                        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<$name, A::Error> {
                            while list.next_element::<IgnoredAny>()?.is_some() {}
                            Ok($name::default())
                        }
                        fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<$name, A::Error> {
                            let mut told = $name::default();
                            while let Some(name) = object.next_key::<$crate::told::Name<'_>>()? {
                                match &*name.0 {
                                    $($($key)|+ => {
                                        told.$field = object.next_value()?;
                                        told.below_zero |= $crate::told::Told::is_below_zero(&told.$field);
                                    })*
                                    $($ignored)|+ => drop(object.next_value::<IgnoredAny>()?),
                                    other => {
                                        told.unknown.note(other);
                                        object.next_value::<IgnoredAny>()?;
                                    }
                                }
                            }
                            Ok(told)
                        }
                    }
                }
                from.deserialize_any(Members)
            }
        }
    };
}
