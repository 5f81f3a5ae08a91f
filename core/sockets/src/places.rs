//! How many connections a listener has at once: of everybody, and of one address.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The part of all places below which they are few: connections that rest are then ended soon.
const FEW: usize = 8;

/// Bits of an IPv6 address that one customer of a network has for itself; all of its addresses count as one.
const OWN_BITS: u32 = 64;

/// How often refused connections are told.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// A listener's places.
pub struct Places {
    most: usize,
    free: Arc<Semaphore>,
    taken: Mutex<HashMap<IpAddr, u32>>,
    /// When it was last said that an address has as many as it may.
    told: Mutex<Option<Instant>>,
}

/// A place, given back when dropped.
pub struct Place {
    places: Arc<Places>,
    /// Whose it is, where that is counted.
    address: Option<IpAddr>,
    _one: OwnedSemaphorePermit,
}

impl Places {
    /// So many.
    #[must_use]
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            free: Arc::new(Semaphore::new(most)),
            taken: Mutex::default(),
            told: Mutex::default(),
        })
    }

    /// Waits for a place, whoever is going to have it.
    ///
    /// # Errors
    ///
    /// Never: the semaphore is not closed.
    pub async fn free(&self) -> io::Result<OwnedSemaphorePermit> {
        Arc::clone(&self.free).acquire_owned().await.map_err(io::Error::other)
    }

    /// Gives a place to an address, which may have `most`; to `None` where it is not counted.
    ///
    /// # Errors
    ///
    /// How many the address has, when those are all that it may have.
    pub fn give(
        self: &Arc<Self>,
        one: OwnedSemaphorePermit,
        address: Option<IpAddr>,
        most: u32,
    ) -> Result<Place, u32> {
        let address = address.map(network);
        if let Some(address) = address {
            let mut taken = self.taken.lock();
            let count = taken.entry(address).or_default();
            if *count >= most {
                return Err(*count);
            }
            *count += 1;
        }
        Ok(Place { places: Arc::clone(self), address, _one: one })
    }

    /// Says that a connection was refused, at a bounded rate: whoever makes many is not to fill the log.
    pub fn tell_refused(&self, peer: IpAddr, most: u32) {
        let now = Instant::now();
        let mut told = self.told.lock();
        if told.is_none_or(|told| now.duration_since(told) >= TELL_EVERY) {
            *told = Some(now);
            tracing::warn!(
                %peer,
                most,
                "connections are refused, as their address has as many as it may (server.max_connections_per_address): a proxy in front belongs into server.trusted_proxies"
            );
        }
    }

    /// Whether few are left.
    pub fn are_few(&self) -> bool {
        self.free.available_permits() < self.most / FEW
    }
}

/// What counts as one address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let own = address.to_bits() >> (Ipv6Addr::BITS - OWN_BITS) << (Ipv6Addr::BITS - OWN_BITS);
            IpAddr::V6(Ipv6Addr::from_bits(own))
        }
        address => address,
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        if let Entry::Occupied(mut taken) = self.places.taken.lock().entry(address) {
            *taken.get_mut() -= 1;
            if *taken.get() == 0 {
                taken.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;

    use super::{Place, Places};

    async fn give(places: &Arc<Places>, address: &str) -> Result<Place, u32> {
        let address: IpAddr = address.parse().unwrap();
        places.give(places.free().await.unwrap(), Some(address), 2)
    }

    #[tokio::test]
    async fn an_address_has_so_many_places_and_gets_those_back_that_it_gives() {
        let places = Places::new(100);
        let first = give(&places, "192.0.2.1").await.unwrap();
        let _second = give(&places, "::ffff:192.0.2.1").await.unwrap();
        assert_eq!(give(&places, "192.0.2.1").await.err(), Some(2));
        assert!(give(&places, "192.0.2.2").await.is_ok());
        drop(first);
        assert!(give(&places, "192.0.2.1").await.is_ok());
        let one = places.free().await.unwrap();
        assert!(places.give(one, None, 0).is_ok(), "who is not counted has no bound");
    }

    #[tokio::test]
    async fn the_addresses_of_one_customer_count_as_one() {
        let places = Places::new(100);
        let _held = (give(&places, "2001:db8::1").await, give(&places, "2001:db8::ffff:1").await);
        assert_eq!(give(&places, "2001:db8:0:0:8::").await.err(), Some(2));
        assert!(give(&places, "2001:db8:0:1::").await.is_ok());
    }

    #[tokio::test]
    async fn all_places_are_free_again_and_nothing_is_kept_of_who_had_them() {
        let places = Places::new(8);
        let mut held = Vec::new();
        for number in 0..8 {
            assert!(!places.are_few());
            held.push(give(&places, &format!("192.0.2.{number}")).await.unwrap());
        }
        assert!(places.are_few());
        held.clear();
        assert!(places.taken.lock().is_empty() && !places.are_few());
    }
}
