//! Secrets of keys, which are kept as their hashes alone.

use std::fmt;

use sha2::{Digest, Sha256};

/// What a secret key starts with.
const PREFIX: &str = "sk-sluice-";

/// SHA-256 of a key's secret; the secret itself is never kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash(pub [u8; 32]);

impl KeyHash {
    /// The hash of a secret as a client presents it.
    #[must_use]
    pub fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// Reads `sha256:…` (64 hexadecimal digits).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("sha256:")?.as_bytes();
        let (pairs, rest) = digits.as_chunks::<2>();
        let mut hash = [0; 32];
        if pairs.len() != hash.len() || !rest.is_empty() {
            return None;
        }
        for (byte, pair) in hash.iter_mut().zip(pairs) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(hash))
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(…)")
    }
}

/// A new secret: 256 random bits.
///
/// # Errors
///
/// When the system has no randomness to give.
pub fn new_secret() -> Result<String, getrandom::Error> {
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random)?;
    let mut secret = String::with_capacity(PREFIX.len() + 64);
    secret.push_str(PREFIX);
    random.iter().for_each(|byte| secret.push_str(&format!("{byte:02x}")));
    Ok(secret)
}

/// The keys of the map are SHA-256 hashes: their first bytes are hash enough.
#[derive(Clone, Debug, Default)]
pub struct HashIsRandom;

impl std::hash::BuildHasher for HashIsRandom {
    type Hasher = FirstBytes;
    fn build_hasher(&self) -> FirstBytes {
        FirstBytes(0)
    }
}

/// Takes the first eight bytes that it is given as the hash.
#[derive(Debug)]
pub struct FirstBytes(u64);

impl std::hash::Hasher for FirstBytes {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 = u64::from_ne_bytes(*first);
        }
    }

    // An array is hashed with its length first, which says nothing here.
    fn write_usize(&mut self, _length: usize) {}
}

#[cfg(test)]
mod tests {
    use super::{KeyHash, new_secret};

    #[test]
    fn a_hash_is_read_as_it_is_written() {
        let hash = KeyHash::of(b"sk-x");
        assert_eq!(KeyHash::parse(&hash.to_string()), Some(hash));
        for wrong in [
            "",
            "sha256:",
            "sha256:00",
            "md5:00",
            &format!("{hash}0"),
            &hash.to_string().replace("sha256:", ""),
        ] {
            assert_eq!(KeyHash::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn secrets_are_long_and_never_the_same() {
        let (one, other) = (new_secret().unwrap(), new_secret().unwrap());
        assert_eq!(one.len(), 74);
        assert_ne!(one, other);
    }
}
