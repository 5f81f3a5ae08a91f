//! Sums in whole numbers of a fixed width, the highest byte first, which scripts add up without loss.

use sluice_api::cost::Money;
use sluice_api::record::Sums;

/// Bytes of packed sums: nine counts of 64 bits, and two amounts of 96.
const LENGTH: usize = 9 * 8 + 2 * 12;

/// The largest and smallest amount that is kept, in units: beyond a billion billions of dollars.
const MOST: i128 = (1 << 95) - 1;
const LEAST: i128 = -(1 << 95);

fn counts(sums: &mut Sums) -> [&mut u64; 9] {
    [
        &mut sums.requests,
        &mut sums.errors,
        &mut sums.unpriced_requests,
        &mut sums.counted_requests,
        &mut sums.input_tokens,
        &mut sums.output_tokens,
        &mut sums.cache_write_tokens,
        &mut sums.cache_read_tokens,
        &mut sums.reasoning_tokens,
    ]
}

/// Packs sums: nine counts of 64 bits, then two amounts of 96; what is larger is the largest there is.
#[must_use]
pub fn pack(mut sums: Sums) -> Vec<u8> {
    let mut packed = Vec::with_capacity(LENGTH);
    let amounts = [sums.cost, sums.list_cost];
    counts(&mut sums).iter().for_each(|count| packed.extend_from_slice(&count.to_be_bytes()));
    for amount in amounts {
        let bytes = amount.units().clamp(LEAST, MOST).to_be_bytes();
        packed.extend_from_slice(bytes.split_at(4).1);
    }
    packed
}

/// Reads packed sums; `None` for what is none.
#[must_use]
pub fn unpack(packed: &[u8]) -> Option<Sums> {
    let mut sums = Sums::default();
    let (mut rest, amounts) = packed.split_at_checked(9 * 8)?;
    for count in counts(&mut sums) {
        let (bytes, behind) = rest.split_first_chunk()?;
        (*count, rest) = (u64::from_be_bytes(*bytes), behind);
    }
    let (own, list) = amounts.split_first_chunk()?;
    (sums.cost, sums.list_cost) = (amount(own), amount(list.try_into().ok()?));
    Some(sums)
}

fn amount(bytes: &[u8; 12]) -> Money {
    let mut wide = [if bytes.first().is_some_and(|first| *first >= 0x80) { u8::MAX } else { 0 }; 16];
    wide.iter_mut().skip(4).zip(bytes).for_each(|(to, from)| *to = *from);
    Money::from_units(i128::from_be_bytes(wide))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_read_as_they_were_packed() {
        for units in [0, 1, -1, i128::from(i64::MAX) + 1, i128::from(i64::MIN) - 1, MOST, LEAST, i128::MAX] {
            let mut sums = Sums::default();
            (sums.requests, sums.reasoning_tokens) = (u64::MAX, 1 << 48);
            (sums.cost, sums.list_cost) = (Money::from_units(units), Money::from_units(7));
            let packed = pack(sums);
            assert_eq!(packed.len(), LENGTH);
            sums.cost = Money::from_units(units.clamp(LEAST, MOST));
            assert_eq!(unpack(&packed), Some(sums));
            assert_eq!(unpack(&packed[1..]), None);
        }
    }
}
