//! One entry in a file: its length, a check of its bytes and of the file that they were written for, and the bytes.

/// Bytes before those of an entry.
pub(crate) const HEAD: usize = 8;

/// Bytes that an entry takes.
pub(crate) const fn takes(bytes: usize) -> usize {
    (HEAD + bytes).next_multiple_of(8)
}

/// Ties bytes to the use of a file, so that what an earlier use has left behind is never taken for an entry of this one.
fn check(bytes: &[u8], of: u64) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&of.to_le_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

/// Writes an entry to the beginning of a place that is large enough.
pub(crate) fn write(place: &mut [u8], bytes: &[u8], of: u64) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let Some((head, rest)) = place.split_at_mut_checked(HEAD) else { return };
    let Some(rest) = rest.get_mut(..bytes.len()) else { return };
    rest.copy_from_slice(bytes);
    let (at_length, at_check) = head.split_at_mut(4);
    at_check.copy_from_slice(&check(bytes, of).to_le_bytes());
    at_length.copy_from_slice(&length.to_le_bytes());
}

/// The entry at the beginning of some bytes, if there is a whole one.
pub(crate) fn read(from: &[u8], of: u64) -> Option<&[u8]> {
    let (length, rest) = from.split_first_chunk::<4>()?;
    let (told, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok().filter(|length| *length > 0)?;
    let bytes = rest.get(..length)?;
    (check(bytes, of) == u32::from_le_bytes(*told)).then_some(bytes)
}
