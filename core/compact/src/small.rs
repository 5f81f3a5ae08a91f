//! Values of columns made small, and made as they were again: most are numbers that need few of their bytes.

use std::borrow::Cow;

use sluice_api::record::Record;
use sluice_packing::shape::{put, take};

/// What stands before the number in a request id of the gateway's own.
const OWN: &str = "req_";

/// Bytes of an amount as a record packs it: whether it is known, and what it is.
const AMOUNT: usize = 17;

/// How a column's value is made small.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Small {
    /// Not at all.
    As,
    /// A number of 64 bits.
    Number,
    /// A request's id: one of the gateway's own is a number.
    RequestId,
    /// A time: near the one that the record's id tells.
    Time,
    /// Two amounts, mostly the same.
    Cost,
    /// Columns of counts.
    Usage,
}

/// The columns of usage, by their places here; one more goes to the end.
const USAGE: [&str; 23] = [
    "input",
    "output",
    "cache_write_5m",
    "cache_write_1h",
    "cache_read",
    "reasoning",
    "audio_input",
    "image_input",
    "video_input",
    "tool_input",
    "audio_cache_read",
    "image_cache_read",
    "audio_output",
    "image_output",
    "web_searches",
    "web_search_previews",
    "maps_prompts",
    "file_searches",
    "code_containers",
    "images",
    "estimated",
    "inconsistent",
    "more",
];

impl Small {
    /// The value made small; `None` for one that can't be made so and read again to the last byte.
    pub(crate) fn of(self, value: &[u8], id: u64) -> Option<Vec<u8>> {
        let small = match self {
            Self::As => None,
            Self::Number => number(value),
            Self::RequestId => request_id(value),
            Self::Time => time(value, id),
            Self::Cost => cost(value),
            Self::Usage => usage(value),
        };
        small.filter(|small| self.back(small, id).is_some_and(|back| back == value))
    }

    /// The value that was made small.
    pub(crate) fn back(self, small: &[u8], id: u64) -> Option<Cow<'_, [u8]>> {
        Some(match self {
            Self::As => small.into(),
            Self::Number => number_back(small)?.to_vec().into(),
            Self::RequestId => {
                let number = u128::from_be_bytes(small.try_into().ok()?);
                format!("{OWN}{number:032x}").into_bytes().into()
            }
            Self::Time => {
                let from = began(id).checked_add(signed_back(&mut &*small)?.into())?;
                from.to_le_bytes().to_vec().into()
            }
            Self::Cost => cost_back(small)?.into(),
            Self::Usage => usage_back(small)?.into(),
        })
    }
}

fn number(value: &[u8]) -> Option<Vec<u8>> {
    let value: [u8; 8] = value.try_into().ok()?;
    let length = value.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    value.get(..length).map(<[u8]>::to_vec)
}

fn number_back(small: &[u8]) -> Option<[u8; 8]> {
    let mut value = [0; 8];
    value.get_mut(..small.len())?.copy_from_slice(small);
    Some(value)
}

fn request_id(value: &[u8]) -> Option<Vec<u8>> {
    let digits = std::str::from_utf8(value).ok()?.strip_prefix(OWN)?;
    Some(u128::from_str_radix(digits, 16).ok()?.to_be_bytes().to_vec())
}

/// The time that an id tells, in nanoseconds.
fn began(id: u64) -> i128 {
    Record::time_of(id).as_nanosecond()
}

fn time(value: &[u8], id: u64) -> Option<Vec<u8>> {
    let at = i128::from_le_bytes(value.try_into().ok()?);
    let mut small = Vec::new();
    put_signed(i64::try_from(at.checked_sub(began(id))?).ok()?, &mut small);
    Some(small)
}

/// Writes a number of either sign: those that are near zero in few bytes.
fn put_signed(number: i64, into: &mut Vec<u8>) {
    put((number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned(), into);
}

fn signed_back(from: &mut &[u8]) -> Option<i64> {
    let number = take(from)?;
    Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

fn cost(value: &[u8]) -> Option<Vec<u8>> {
    let (own, list) = value.split_at_checked(AMOUNT)?;
    if own == list {
        return amount(own);
    }
    Some([amount(own)?, amount(list)?].concat())
}

fn amount(amount: &[u8]) -> Option<Vec<u8>> {
    let (known, units) = amount.split_first()?;
    let mut small = vec![*known];
    put_signed(i64::try_from(i128::from_le_bytes(units.try_into().ok()?)).ok()?, &mut small);
    Some(small)
}

fn cost_back(mut small: &[u8]) -> Option<Vec<u8>> {
    let from = &mut small;
    let own = amount_back(from)?;
    let list = if from.is_empty() { own.clone() } else { amount_back(from)? };
    Some([own, list].concat())
}

fn amount_back(from: &mut &[u8]) -> Option<Vec<u8>> {
    let (known, rest) = from.split_first()?;
    *from = rest;
    let units = i128::from(signed_back(from)?).to_le_bytes();
    Some([&[*known][..], &units].concat())
}

fn usage(value: &[u8]) -> Option<Vec<u8>> {
    let mut small = Vec::with_capacity(value.len() / 3);
    for (mark, value) in Record::columns(value)? {
        let place = USAGE.iter().position(|name| Record::mark(name) == mark)?;
        let short = number(value);
        let kept = short.as_deref().unwrap_or(value);
        // Whether it was a number stands in the lowest bit.
        put(u64::try_from(place).ok()? << 1 | u64::from(short.is_some()), &mut small);
        put(u64::try_from(kept.len()).ok()?, &mut small);
        small.extend_from_slice(kept);
    }
    Some(small)
}

fn usage_back(mut small: &[u8]) -> Option<Vec<u8>> {
    let from = &mut small;
    let mut value = Vec::with_capacity(from.len() * 3);
    while !from.is_empty() {
        let place = take(from)?;
        let name = USAGE.get(usize::try_from(place >> 1).ok()?)?;
        let kept = take_some(from)?;
        let mark = Record::mark(name);
        match place & 1 {
            0 => Record::put_column((mark, kept), &mut value),
            _ => Record::put_column((mark, &number_back(kept)?), &mut value),
        }
    }
    Some(value)
}

/// Bytes behind their number.
pub(crate) fn take_some<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take(from)?).ok()?;
    let (some, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(some)
}
