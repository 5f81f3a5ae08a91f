//! An address as a text.

use std::fmt;
use std::net::IpAddr;

/// Writes an address as it writes itself, one of IPv4 without the library's look at a width for each of its numbers: a
/// busy gateway writes thousands a second.
#[derive(Clone, Copy, Debug)]
pub struct Plain(pub IpAddr);

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let IpAddr::V4(address) = self.0 else { return self.0.fmt(f) };
        let (mut text, mut length) = ([0; "255.255.255.255".len()], 0);
        let mut put = |byte: u8| {
            if let Some(place) = text.get_mut(length) {
                *place = byte;
                length += 1;
            }
        };
        for (place, number) in address.octets().into_iter().enumerate() {
            if place > 0 {
                put(b'.');
            }
            if number >= 100 {
                put(b'0' + number / 100);
            }
            if number >= 10 {
                put(b'0' + number / 10 % 10);
            }
            put(b'0' + number % 10);
        }
        f.write_str(text.get(..length).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::Plain;

    #[test]
    fn an_address_is_written_as_it_writes_itself() {
        let numbers = (0..=255).map(|number| IpAddr::from(Ipv4Addr::new(number, 255 - number, 0, number)));
        let others = ["::1", "2001:db8::7", "::ffff:192.0.2.1"].map(|text| text.parse().unwrap());
        for address in numbers.chain(others) {
            assert_eq!(Plain(address).to_string(), address.to_string());
        }
    }
}
