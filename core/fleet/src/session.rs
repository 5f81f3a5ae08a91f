//! Which account a conversation is on: prompt caches live in accounts.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;

/// Conversations that are remembered: about 100 bytes each. Beyond it those that have ended go, then any sixteenth.
const REMEMBERED_MAX: usize = 200_000;

/// Conversations and their accounts, each until its time is over.
#[derive(Debug, Default)]
pub struct Sessions {
    hashes: RandomState,
    bindings: Mutex<Bindings>,
}

/// By what is a hash already.
type Bindings = HashMap<u64, Binding, foldhash::fast::RandomState>;

#[derive(Clone, Debug)]
struct Binding {
    account: Arc<str>,
    until: Timestamp,
}

/// What a conversation is told apart by: a client's names mean nothing beyond its key, an account nothing beyond its pool.
#[derive(Clone, Copy, Debug, Hash)]
pub struct Conversation<'a> {
    /// The id of the client key.
    pub key: &'a str,
    /// The pool.
    pub pool: &'a str,
    /// The client's name for it.
    pub session: &'a str,
}

impl Sessions {
    /// The account that a conversation is on.
    pub fn account(&self, scope: Conversation<'_>, now: Timestamp) -> Option<Arc<str>> {
        let bindings = self.bindings.lock();
        let binding = bindings.get(&self.hashes.hash_one(scope))?;
        (now < binding.until).then(|| Arc::clone(&binding.account))
    }

    /// A conversation went to an account: it stays there for this long after its last request.
    pub fn bind(&self, scope: Conversation<'_>, account: &Arc<str>, now: Timestamp, ttl: Duration) {
        let until = now.saturating_add(ttl).unwrap_or(Timestamp::MAX);
        let mut bindings = self.bindings.lock();
        if bindings.len() >= REMEMBERED_MAX {
            make_room(&mut bindings, now);
        }
        bindings.insert(self.hashes.hash_one(scope), Binding { account: Arc::clone(account), until });
    }

    /// Forgets conversations that have ended.
    pub fn sweep(&self, now: Timestamp) {
        let mut bindings = self.bindings.lock();
        bindings.retain(|_, binding| now < binding.until);
        if bindings.capacity() > 4 * bindings.len() + 64 {
            bindings.shrink_to_fit();
        }
    }
}

fn make_room(bindings: &mut Bindings, now: Timestamp) {
    bindings.retain(|_, binding| now < binding.until);
    if bindings.len() >= REMEMBERED_MAX {
        let mut turn = 0_u8;
        bindings.retain(|_, _| {
            turn = turn.wrapping_add(1);
            !turn.is_multiple_of(16)
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use jiff::Timestamp;

    use super::{Conversation, REMEMBERED_MAX, Sessions};

    const TTL: Duration = Duration::from_secs(3600);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_session_stays_while_it_is_used_and_is_its_keys_and_pools_own() {
        let sessions = Sessions::default();
        let scope = Conversation { key: "k", pool: "p", session: "s" };
        let account: Arc<str> = "a".into();
        sessions.bind(scope, &account, at(0), TTL);
        assert_eq!(sessions.account(scope, at(3599)).as_deref(), Some("a"));
        assert_eq!(sessions.account(scope, at(3600)), None);
        sessions.bind(scope, &account, at(3599), TTL);
        assert_eq!(sessions.account(scope, at(7000)).as_deref(), Some("a"), "renewed by use");
        assert_eq!(sessions.account(Conversation { key: "other", ..scope }, at(1)), None);
        assert_eq!(sessions.account(Conversation { pool: "other", ..scope }, at(1)), None);
        sessions.sweep(at(99_999));
        assert_eq!(sessions.bindings.lock().len(), 0);
    }

    #[test]
    fn sessions_are_bounded() {
        let sessions = Sessions::default();
        let account: Arc<str> = "a".into();
        for number in 0..=REMEMBERED_MAX {
            let session = number.to_string();
            sessions.bind(Conversation { key: "k", pool: "p", session: &session }, &account, at(0), TTL);
        }
        assert!(sessions.bindings.lock().len() <= REMEMBERED_MAX);
    }
}
