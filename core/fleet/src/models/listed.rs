//! What an account's upstream lists, and when it is asked for it again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use sluice_api::error::Error;

/// How long what an upstream told is kept before it is asked again; also that it has no list.
const KEPT: Duration = Duration::from_secs(600);

/// After how long an upstream is asked again that was away.
const AGAIN: Duration = Duration::from_secs(60);

/// What an account's upstream lists. It outlives a reload that leaves the account's credentials as they are.
#[derive(Debug, Default)]
pub struct Listed(Mutex<List>);

#[derive(Debug, Default)]
struct List {
    names: Arc<BTreeSet<String>>,
    /// When it is asked for next; at once where that was never.
    due: Option<Timestamp>,
    /// What went wrong last was told already.
    failing: bool,
}

/// Why there is no list.
#[derive(Debug)]
pub enum Missing {
    /// The upstream has none, or not for this account.
    None(String),
    /// It could not be had this time.
    Failed(Error),
}

impl Listed {
    /// The names that were told last.
    #[must_use]
    pub fn names(&self) -> Arc<BTreeSet<String>> {
        Arc::clone(&self.0.lock().names)
    }

    /// It is asked for at once, whenever that was last.
    pub fn refresh(&self) {
        self.0.lock().due = None;
    }

    /// Whether it is to be asked for now; whoever is told so asks.
    pub fn begins(&self, now: Timestamp) -> bool {
        let mut list = self.0.lock();
        if list.due.is_some_and(|due| now < due) {
            return false;
        }
        list.due = Some(now + KEPT);
        true
    }

    /// What came of it. Names that were told once stay while nothing else is: an upstream that is away has not changed
    /// its models. Whether this failure is the first in a row.
    pub fn ends(&self, told: &Result<BTreeSet<String>, Missing>, now: Timestamp) -> bool {
        let mut list = self.0.lock();
        match told {
            Ok(names) => list.names = Arc::new(names.clone()),
            Err(Missing::None(_)) => list.names = Arc::default(),
            // One that is to be asked at once stays so.
            Err(Missing::Failed(_)) => list.due = list.due.map(|_| now + AGAIN),
        }
        let (before, failed) = (list.failing, told.is_err());
        list.failing = failed;
        failed && !before
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;
    use sluice_api::error::{Error, Kind};

    use super::{AGAIN, KEPT, Listed, Missing};

    fn names(of: &[&str]) -> BTreeSet<String> {
        of.iter().map(|name| (*name).to_owned()).collect()
    }

    fn failed() -> Result<BTreeSet<String>, Missing> {
        Err(Missing::Failed(Error::new(Kind::Upstream, "it is away")))
    }

    #[test]
    fn a_list_is_asked_for_once_and_kept_until_it_is_due() {
        let (listed, start) = (Listed::default(), Timestamp::UNIX_EPOCH);
        assert!(listed.begins(start) && !listed.begins(start), "who asks is alone");
        listed.ends(&Ok(names(&["a", "b"])), start);
        assert_eq!(*listed.names(), names(&["a", "b"]));
        assert!(!listed.begins(start + KEPT - AGAIN) && listed.begins(start + KEPT));
        listed.ends(&Ok(names(&["b"])), start + KEPT);
        assert_eq!(*listed.names(), names(&["b"]));
        assert!(!listed.begins(start + KEPT));
        listed.refresh();
        assert!(listed.begins(start + KEPT));
    }

    #[test]
    fn an_upstream_that_is_away_is_asked_again_sooner_and_takes_no_names_along() {
        let (listed, start) = (Listed::default(), Timestamp::UNIX_EPOCH);
        listed.ends(&Ok(names(&["a"])), start);
        assert!(listed.begins(start));
        assert!(listed.ends(&failed(), start), "the first failure is told");
        assert!(!listed.ends(&failed(), start), "and those that follow are not");
        assert_eq!(*listed.names(), names(&["a"]));
        assert!(listed.begins(start + AGAIN));
        listed.ends(&Ok(names(&["a"])), start + AGAIN);
        assert!(listed.ends(&failed(), start + KEPT), "a new row of failures");
        listed.ends(&Err(Missing::None("404".to_owned())), start + KEPT);
        assert_eq!(*listed.names(), names(&[]), "it says that it has none");
    }
}
