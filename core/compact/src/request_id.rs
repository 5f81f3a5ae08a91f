//! Ids that answers carry: those of the gateway's own tell when they were made.

use sluice_api::record::Record;

/// How far the time in an id of the gateway's own is from that of its record at most; farther, it came from elsewhere.
pub const OWN_WITHIN_MS: u64 = 1_000;

/// The millisecond of Unix time in a request id, where it is like one of the gateway's own.
#[must_use]
pub fn made(request_id: &str) -> Option<i64> {
    let digits = request_id.strip_prefix("req_").filter(|digits| digits.len() == 32)?;
    if !digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    i64::try_from(u128::from_str_radix(digits, 16).ok()? >> 80).ok()
}

/// The length of a record's request id, where it is not the gateway's own.
pub(crate) fn foreign(record: &Record) -> Option<u16> {
    let began = Record::time_of(record.id).as_millisecond();
    match made(&record.request_id) {
        Some(made) if made.abs_diff(began) <= OWN_WITHIN_MS => None,
        _ => u16::try_from(record.request_id.len()).ok().filter(|length| *length > 0),
    }
}
