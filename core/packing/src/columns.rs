//! Values as columns, one behind the other, each with its name's mark and its length.
//!
//! A reader skips columns that it does not know, and leaves those that are missing as they are at first: so a gateway reads
//! what an older or a newer one wrote. What is none, zero or empty is not written.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sluice_money::{Bill, Cost, Money};

/// What stands for a column: a hash of its name (FNV-1a), so that columns may come and go and change places.
#[must_use]
pub const fn mark(name: &str) -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    let mut rest = name.as_bytes();
    while let [first, behind @ ..] = rest {
        hash = (hash ^ *first as u32).wrapping_mul(0x0100_0193);
        rest = behind;
    }
    hash
}

/// Writes a column; nothing where it is none, zero or empty.
pub fn write(mark: u32, value: &impl Packed, into: &mut Vec<u8>) {
    if !value.is_nothing() {
        value.column(mark, into);
    }
}

/// What stands before a value: its column's mark, and its length.
fn head(mark: u32, length: u32) -> u64 {
    u64::from(length) << 32 | u64::from(mark)
}

/// Writes a column whose value is these bytes.
fn of_bytes(mark: u32, value: &[u8], into: &mut Vec<u8>) {
    let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
    into.extend_from_slice(&head(mark, length).to_le_bytes());
    into.extend_from_slice(value);
}

/// The columns that were written, with their marks; `None` where the bytes end in the middle of one.
#[must_use]
pub fn read(mut from: &[u8]) -> Option<Vec<(u32, &[u8])>> {
    let mut columns = Vec::with_capacity(32);
    while !from.is_empty() {
        let (mark, rest) = from.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (value, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        columns.push((u32::from_le_bytes(*mark), value));
        from = rest;
    }
    Some(columns)
}

/// A value as bytes.
pub trait Packed: Sized {
    /// Whether it need not be written.
    fn is_nothing(&self) -> bool {
        false
    }

    /// Writes it.
    fn pack(&self, into: &mut Vec<u8>);

    /// Writes it with what stands before it.
    fn column(&self, mark: u32, into: &mut Vec<u8>) {
        let at = into.len();
        into.extend_from_slice(&head(mark, 0).to_le_bytes());
        self.pack(into);
        let length = u32::try_from(into.len() - at - 8).unwrap_or(u32::MAX).to_le_bytes();
        if let Some(place) = into.get_mut(at + 4..at + 8) {
            place.copy_from_slice(&length);
        }
    }

    /// Reads it; `None` where the bytes are none of its kind.
    fn unpack(from: &[u8]) -> Option<Self>;
}

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl Packed for $number {
            fn is_nothing(&self) -> bool {
                *self == 0
            }

            fn pack(&self, into: &mut Vec<u8>) {
                into.extend_from_slice(&self.to_le_bytes());
            }

            fn column(&self, mark: u32, into: &mut Vec<u8>) {
                const LENGTH: usize = size_of::<$number>();
                // Both at once: most columns of a record are numbers.
                let all = u128::from(*self) << 64 | u128::from(head(mark, const { LENGTH as u32 }));
                into.extend_from_slice(all.to_le_bytes().get(..8 + LENGTH).unwrap_or_default());
            }

            fn unpack(from: &[u8]) -> Option<Self> {
                Some(Self::from_le_bytes(from.try_into().ok()?))
            }
        })*
    };
}

numbers!(u16, u32, u64);

impl Packed for bool {
    fn is_nothing(&self) -> bool {
        !self
    }

    fn pack(&self, into: &mut Vec<u8>) {
        into.push(u8::from(*self));
    }

    fn unpack(from: &[u8]) -> Option<Self> {
        Some(from != [0])
    }
}

impl Packed for Arc<str> {
    fn is_nothing(&self) -> bool {
        self.is_empty()
    }

    fn pack(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(self.as_bytes());
    }

    fn column(&self, mark: u32, into: &mut Vec<u8>) {
        of_bytes(mark, self.as_bytes(), into);
    }

    fn unpack(from: &[u8]) -> Option<Self> {
        std::str::from_utf8(from).ok().map(Into::into)
    }
}

impl Packed for Cow<'static, str> {
    fn pack(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(self.as_bytes());
    }

    fn column(&self, mark: u32, into: &mut Vec<u8>) {
        of_bytes(mark, self.as_bytes(), into);
    }

    fn unpack(from: &[u8]) -> Option<Self> {
        std::str::from_utf8(from).ok().map(|text| Cow::Owned(text.to_owned()))
    }
}

impl<T: Packed> Packed for Option<T> {
    fn is_nothing(&self) -> bool {
        self.is_none()
    }

    fn pack(&self, into: &mut Vec<u8>) {
        if let Some(value) = self {
            value.pack(into);
        }
    }

    fn column(&self, mark: u32, into: &mut Vec<u8>) {
        if let Some(value) = self {
            value.column(mark, into);
        }
    }

    fn unpack(from: &[u8]) -> Option<Self> {
        T::unpack(from).map(Some)
    }
}

impl Packed for Timestamp {
    fn pack(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.as_nanosecond().to_le_bytes());
    }

    fn unpack(from: &[u8]) -> Option<Self> {
        Self::from_nanosecond(i128::from_le_bytes(from.try_into().ok()?)).ok()
    }
}

impl Packed for Duration {
    fn pack(&self, into: &mut Vec<u8>) {
        u64::try_from(self.as_nanos()).unwrap_or(u64::MAX).pack(into);
    }

    fn column(&self, mark: u32, into: &mut Vec<u8>) {
        u64::try_from(self.as_nanos()).unwrap_or(u64::MAX).column(mark, into);
    }

    fn unpack(from: &[u8]) -> Option<Self> {
        u64::unpack(from).map(Self::from_nanos)
    }
}

impl Packed for Cost {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    fn pack(&self, into: &mut Vec<u8>) {
        for money in [self.own, self.list] {
            into.push(u8::from(money.is_some()));
            into.extend_from_slice(&money.unwrap_or_default().units().to_le_bytes());
        }
    }

    fn unpack(from: &[u8]) -> Option<Self> {
        let money = |part: &[u8]| {
            let (known, units) = part.split_first()?;
            let money = Money::from_units(i128::from_le_bytes(units.try_into().ok()?));
            Some((*known != 0).then_some(money))
        };
        let (own, list) = from.split_at_checked(17)?;
        Some(Self::new(money(own)?, money(list)?))
    }
}

impl Packed for Bill {
    fn pack(&self, into: &mut Vec<u8>) {
        Self::pack(self, into);
    }

    fn unpack(from: &[u8]) -> Option<Self> {
        Self::unpack(from)
    }
}

/// Writes as JSON what is rare, or has fields of its own.
pub fn to_json(value: &impl Serialize, into: &mut Vec<u8>) {
    // Writing to a vector never fails.
    let _ = serde_json::to_writer(into, value);
}

/// Reads what was written as JSON.
#[must_use]
pub fn from_json<T: DeserializeOwned>(from: &[u8]) -> Option<T> {
    serde_json::from_slice(from).ok()
}

impl<T: Serialize + DeserializeOwned> Packed for Vec<T> {
    fn is_nothing(&self) -> bool {
        self.is_empty()
    }

    fn pack(&self, into: &mut Vec<u8>) {
        to_json(self, into);
    }

    fn unpack(from: &[u8]) -> Option<Self> {
        from_json(from)
    }
}

impl Packed for Arc<[String]> {
    fn is_nothing(&self) -> bool {
        self.is_empty()
    }

    fn pack(&self, into: &mut Vec<u8>) {
        to_json(self, into);
    }

    fn unpack(from: &[u8]) -> Option<Self> {
        from_json(from)
    }
}

impl Packed for IpAddr {
    fn pack(&self, into: &mut Vec<u8>) {
        match self {
            Self::V4(address) => into.extend_from_slice(&address.octets()),
            Self::V6(address) => into.extend_from_slice(&address.octets()),
        }
    }

    fn unpack(from: &[u8]) -> Option<Self> {
        if let Some(known) = from_json(from) {
            return Some(known);
        }
        let v4 = <[u8; 4]>::try_from(from).map(Self::from);
        v4.or_else(|_| <[u8; 16]>::try_from(from).map(Self::from)).ok()
    }
}
