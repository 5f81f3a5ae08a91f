//! What tells a request's body from others, at a bounded cost.

use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

/// Pieces of a body that are looked at, and how long each is: a longer body costs no more.
const PIECES: usize = 16;
const PIECE: usize = 256;

/// A number for a body that asks for a model. It is the same for the same body; another body has another one, unless it
/// is just as long and differs only between the pieces that are looked at.
#[must_use]
pub fn fingerprint(model: &str, body: &[u8]) -> u64 {
    let seed = xxh3_64_with_seed(model.as_bytes(), body.len() as u64);
    if body.len() <= PIECES * PIECE {
        return xxh3_64_with_seed(body, seed);
    }
    let mut hash = Xxh3::with_seed(seed);
    for piece in 0..PIECES {
        let start = (body.len() - PIECE) * piece / (PIECES - 1);
        hash.update(body.get(start..start + PIECE).unwrap_or_default());
    }
    hash.digest()
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn the_same_body_has_the_same_number_and_others_have_others() {
        let long = "x".repeat(1_000_000);
        for body in ["", "{}", "{\"messages\":[]}", &long] {
            let own = fingerprint("m", body.as_bytes());
            assert_eq!(own, fingerprint("m", body.to_owned().as_bytes()));
            assert_ne!(own, fingerprint("n", body.as_bytes()));
            assert_ne!(own, fingerprint("m", format!("{body} ").as_bytes()));
        }
        for end in [0, long.len() - 1] {
            let mut other = long.clone().into_bytes();
            other[end] = b'y';
            assert_ne!(fingerprint("m", long.as_bytes()), fingerprint("m", &other), "at {end}");
        }
    }
}
