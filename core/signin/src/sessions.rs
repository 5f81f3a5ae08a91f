//! Who is signed in, in memory: sessions by the hash of their cookie, and who has to wait after failures.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use sluice_config::key::KeyHash;

/// How long a session lasts: a working day, and not the night after it.
pub const LASTS: Duration = Duration::from_secs(12 * 3600);

/// Sessions that one secret may have at once: the browsers of one person, or of some operators. The oldest one ends.
const OF_ONE: usize = 64;

/// Sessions that there are at most: some 100 bytes each. The oldest one of a key's holder ends, an operator's last.
const MOST: usize = 4096;

/// Failures in a row that cost nothing: people mistype.
const FREE: u32 = 5;

/// The first wait, which doubles with each further failure, and the longest: it is no lock. Half a minute makes
/// guessing useless, and whoever has the secret waits no longer than that.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Addresses whose failures are remembered. Beyond, the one that failed the longest ago is forgotten.
const ADDRESSES: usize = 1024;

/// As whom somebody is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// With the admin token.
    Operator,
    /// With a client key.
    Holder,
}

/// One browser's.
#[derive(Clone, Copy)]
struct Session {
    role: Role,
    /// The hash of what was signed in with: what is in force is compared with it at each request, so that another token
    /// and a key that is rotated or revoked end it.
    secret: KeyHash,
    ends: Timestamp,
}

/// The failures of an address.
#[derive(Clone, Copy)]
struct Failures {
    in_a_row: u32,
    /// Until when no further try is looked at.
    waits: Timestamp,
    last: Timestamp,
}

/// Everybody who is signed in.
#[derive(Default)]
pub struct Sessions {
    open: Mutex<HashMap<KeyHash, Session>>,
    /// By role, too: whoever has a key can't forgive itself guesses of the admin token.
    failures: Mutex<HashMap<(Role, IpAddr), Failures>>,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions(…)")
    }
}

impl Sessions {
    /// Begins the session of this cookie; tells when it ends.
    pub fn begin(&self, cookie: &str, role: Role, secret: KeyHash, now: Timestamp) -> Timestamp {
        let ends = now + LASTS;
        let mut open = self.open.lock();
        open.retain(|_, session| session.ends > now);
        let own = |session: &Session| session.role == role && session.secret == secret;
        if open.values().filter(|session| own(session)).count() >= OF_ONE {
            end_oldest(&mut open, own);
        }
        if open.len() >= MOST && !end_oldest(&mut open, |session| session.role == Role::Holder) {
            end_oldest(&mut open, |_| true);
        }
        open.insert(KeyHash::of(cookie.as_bytes()), Session { role, secret, ends });
        ends
    }

    /// What the session of this cookie was signed in with, and when it ends.
    #[must_use]
    pub fn find(&self, cookie: &str, role: Role, now: Timestamp) -> Option<(KeyHash, Timestamp)> {
        let open = self.open.lock();
        let session = open.get(&KeyHash::of(cookie.as_bytes()))?;
        (session.role == role && session.ends > now).then_some((session.secret, session.ends))
    }

    /// Ends the session of this cookie.
    pub fn end(&self, cookie: &str) {
        self.open.lock().remove(&KeyHash::of(cookie.as_bytes()));
    }

    /// How long an address has to wait before its next try at a role is looked at.
    #[must_use]
    pub fn wait(&self, role: Role, address: IpAddr, now: Timestamp) -> Option<Duration> {
        let waits = self.failures.lock().get(&(role, one(address)))?.waits;
        Duration::try_from(waits.duration_since(now)).ok().filter(|wait| !wait.is_zero())
    }

    /// A try of an address has failed.
    pub fn failed(&self, role: Role, address: IpAddr, now: Timestamp) {
        let who = (role, one(address));
        let mut failures = self.failures.lock();
        if failures.len() >= ADDRESSES && !failures.contains_key(&who) {
            let oldest = failures.iter().min_by_key(|(_, failed)| failed.last).map(|(who, _)| *who);
            oldest.map(|oldest| failures.remove(&oldest));
        }
        let failed = failures.entry(who).or_insert(Failures { in_a_row: 0, waits: now, last: now });
        failed.in_a_row = failed.in_a_row.saturating_add(1);
        failed.last = now;
        if let Some(more) = failed.in_a_row.checked_sub(FREE) {
            let wait = WAITS.0.saturating_mul(1_u32.checked_shl(more).unwrap_or(u32::MAX));
            failed.waits = now + wait.min(WAITS.1);
        }
    }

    /// A try of an address was right: what it failed before is forgotten.
    pub fn succeeded(&self, role: Role, address: IpAddr) {
        self.failures.lock().remove(&(role, one(address)));
    }
}

/// An address as failures are counted: of IPv6 the network of 64 bits, all of which one machine has to itself.
fn one(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(whole) => Ipv6Addr::from_bits(whole.to_bits() >> 64 << 64).into(),
    }
}

/// Ends the oldest session of these; tells whether there was one. All last as long, so it is the one that ends first.
fn end_oldest(open: &mut HashMap<KeyHash, Session>, of: impl Fn(&Session) -> bool) -> bool {
    let these = open.iter().filter(|(_, session)| of(session));
    let oldest = these.min_by_key(|(_, session)| session.ends).map(|(cookie, _)| *cookie);
    oldest.is_some_and(|oldest| open.remove(&oldest).is_some())
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    use jiff::Timestamp;
    use sluice_config::key::KeyHash;

    use super::{ADDRESSES, FREE, LASTS, MOST, OF_ONE, Role, Sessions, WAITS};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn secret(name: &str) -> KeyHash {
        KeyHash::of(name.as_bytes())
    }

    fn open(sessions: &Sessions) -> usize {
        sessions.open.lock().len()
    }

    #[test]
    fn a_session_is_its_roles_until_it_ends() {
        let sessions = Sessions::default();
        let ends = sessions.begin("c", Role::Holder, secret("k"), NOW);
        assert_eq!(ends, NOW + LASTS);
        assert!(sessions.find("c", Role::Holder, NOW) == Some((secret("k"), ends)));
        assert!(
            sessions.find("c", Role::Operator, NOW).is_none()
                && sessions.find("d", Role::Holder, NOW).is_none()
        );
        assert!(sessions.find("c", Role::Holder, ends).is_none());
        sessions.end("c");
        assert!(sessions.find("c", Role::Holder, NOW).is_none());
    }

    #[test]
    fn there_are_so_many_and_an_operator_is_not_pushed_out_by_holders() {
        let sessions = Sessions::default();
        sessions.begin("operator", Role::Operator, secret("t"), NOW);
        for number in 0..=OF_ONE {
            let later = NOW + Duration::from_secs(number as u64 + 1);
            sessions.begin(&number.to_string(), Role::Holder, secret("k"), later);
        }
        assert_eq!(open(&sessions), OF_ONE + 1);
        assert!(sessions.find("0", Role::Holder, NOW).is_none(), "the oldest one of the key");
        for number in 0..MOST {
            let later = NOW + Duration::from_secs(1000);
            sessions.begin(&format!("m{number}"), Role::Holder, secret(&format!("k{number}")), later);
        }
        assert_eq!(open(&sessions), MOST);
        assert!(sessions.find("operator", Role::Operator, NOW).is_some());
        sessions.begin("late", Role::Holder, secret("k"), NOW + LASTS * 2);
        assert_eq!(open(&sessions), 1, "what has ended leaves");
    }

    #[test]
    fn who_fails_in_a_row_waits_and_nobody_waits_long() {
        let sessions = Sessions::default();
        let address = |number: u32| IpAddr::V4(Ipv4Addr::from_bits(number));
        for _ in 1..FREE {
            sessions.failed(Role::Operator, address(1), NOW);
        }
        assert_eq!(sessions.wait(Role::Operator, address(1), NOW), None);
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            sessions.failed(Role::Operator, address(1), NOW);
            assert_eq!(sessions.wait(Role::Operator, address(1), NOW), Some(Duration::from_secs(seconds)));
        }
        assert_eq!(sessions.wait(Role::Operator, address(1), NOW + WAITS.1), None);
        assert_eq!(sessions.wait(Role::Operator, address(2), NOW), None, "another address waits for nothing");
        sessions.succeeded(Role::Operator, address(1));
        assert_eq!(sessions.wait(Role::Operator, address(1), NOW), None);
        for number in 0..=ADDRESSES as u32 {
            sessions.failed(Role::Operator, address(number), NOW + Duration::from_secs(number.into()));
        }
        assert_eq!(sessions.failures.lock().len(), ADDRESSES);
    }
    #[test]
    fn a_key_forgives_no_guess_of_the_token_and_a_network_is_one() {
        let sessions = Sessions::default();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        for number in 0..FREE {
            sessions.failed(Role::Operator, address(&format!("2001:db8::{number}")), NOW);
        }
        let waits = |role, text: &str| sessions.wait(role, address(text), NOW).is_some();
        assert!(waits(Role::Operator, "2001:db8::ffff"), "another address of the same machine");
        assert!(!waits(Role::Operator, "2001:db8:0:1::1") && !waits(Role::Holder, "2001:db8::1"));
        sessions.succeeded(Role::Holder, address("2001:db8::1"));
        assert!(waits(Role::Operator, "2001:db8::1"));
        sessions.succeeded(Role::Operator, address("2001:db8::7"));
        assert!(!waits(Role::Operator, "2001:db8::1"));
    }
}
