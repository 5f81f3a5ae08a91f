//! The ids of the output items of a response, as an upstream that keeps it takes them from then on.

use super::kept::NAME_MAX;

/// The most of one response: some have dozens.
const ITEMS_MAX: usize = 512;

/// Ids of items.
#[derive(Clone, Debug, Default)]
pub struct Items {
    ids: Vec<String>,
    not_kept: bool,
}

impl Items {
    /// The ids; none where the upstream has said that it keeps nothing.
    #[must_use]
    pub fn ids(&self) -> &[String] {
        if self.not_kept { &[] } else { &self.ids }
    }

    /// An item was made. An event may tell of one that another has told of.
    pub(super) fn made(&mut self, id: Option<String>) {
        let is_new = |id: &String| !id.is_empty() && id.len() <= NAME_MAX && !self.ids.contains(id);
        if let Some(id) = id.filter(is_new)
            && self.ids.len() < ITEMS_MAX
        {
            self.ids.push(id);
        }
    }

    /// The upstream has said whether it keeps what it makes.
    pub(super) fn are_kept(&mut self, kept: bool) {
        self.not_kept = !kept;
    }

    pub(super) fn are_unknown(&self) -> bool {
        self.ids.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{ITEMS_MAX, Items};

    #[test]
    fn each_id_is_kept_once_and_no_more_than_one_response_may_have() {
        let mut items = Items::default();
        for id in ["a", "b", "a", "", &"x".repeat(257)] {
            items.made(Some(id.to_owned()));
        }
        items.made(None);
        assert_eq!(items.ids(), ["a", "b"]);
        for number in 0..2 * ITEMS_MAX {
            items.made(Some(number.to_string()));
        }
        assert_eq!(items.ids().len(), ITEMS_MAX);
        items.are_kept(false);
        assert!(items.ids().is_empty());
    }
}
