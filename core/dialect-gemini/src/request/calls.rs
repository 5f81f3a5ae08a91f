//! Which result belongs to which call, where neither needs to have an id.

use std::collections::VecDeque;

use sluice_neutral::request::Text;

/// The calls of the model's last turn that have no result yet.
#[derive(Debug, Default)]
pub(crate) struct Calls<'a> {
    open: VecDeque<(Text<'a>, Text<'a>)>,
    made: usize,
}

impl<'a> Calls<'a> {
    /// The model speaks again: what had no result by now has none.
    pub(crate) fn turn(&mut self) {
        self.open.clear();
    }

    /// The id of a call: its own, or one that is made for it. It stays the same while the conversation grows.
    pub(crate) fn called(&mut self, id: Option<Text<'a>>, name: &Text<'a>) -> Text<'a> {
        let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| {
            self.made += 1;
            format!("call_unnamed_{:04}", self.made).into()
        });
        self.open.push_back((id.clone(), name.clone()));
        id
    }

    /// The id of the call that a result belongs to: its own where a call has that, else the first of its name that has
    /// none yet. Empty where there is no such call.
    pub(crate) fn answered(&mut self, id: Option<Text<'a>>, name: &str) -> Text<'a> {
        let id = id.unwrap_or_default();
        let of_id = || self.open.iter().position(|(known, _)| *known == id);
        let by_id = if id.is_empty() { None } else { of_id() };
        let found = by_id.or_else(|| self.open.iter().position(|(_, known)| known == name));
        found.and_then(|index| self.open.remove(index)).map_or(id, |(id, _)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::Calls;

    #[test]
    fn results_are_paired_by_id_else_by_name_in_order() {
        let mut calls = Calls::default();
        let (first, second) = (calls.called(None, &"f".into()), calls.called(None, &"f".into()));
        let third = calls.called(Some("own".into()), &"g".into());
        assert!(first != second && third == "own");
        assert_eq!(calls.answered(Some("own".into()), "g"), "own");
        assert_eq!(calls.answered(None, "f"), first);
        assert_eq!(calls.answered(Some("other".into()), "f"), second);
        assert_eq!(
            (calls.answered(None, "f"), calls.answered(Some("x".into()), "f")),
            ("".into(), "x".into())
        );
        calls.called(None, &"f".into());
        calls.turn();
        assert_eq!(calls.answered(None, "f"), "");
    }
}
