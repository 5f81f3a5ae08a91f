//! Bytes cut into pieces anywhere.

/// The most cuts that are made.
const CUTS_MAX: u8 = 8;

/// Takes from some bytes how what comes behind them is to be cut: the lengths of its pieces, and the rest.
pub(super) fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let Some((count, rest)) = bytes.split_first() else { return (&[], &[]) };
    rest.split_at_checked(usize::from(count % CUTS_MAX)).unwrap_or((&[], rest))
}

/// A whole in pieces of these lengths, and the rest; one may be empty.
pub(super) fn pieces<'a>(whole: &'a [u8], lengths: &[u8]) -> Vec<&'a [u8]> {
    let mut rest = whole;
    let mut pieces = Vec::with_capacity(lengths.len() + 1);
    for length in lengths {
        let (piece, more) = rest.split_at(usize::from(*length).min(rest.len()));
        pieces.push(piece);
        rest = more;
    }
    pieces.push(rest);
    pieces
}
