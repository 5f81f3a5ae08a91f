//! What callgrind has counted: instructions by function.

use std::collections::HashMap;

/// Instructions of a run.
#[derive(Debug, Default)]
pub(crate) struct Profile {
    /// All of them.
    pub(crate) total: u64,
    /// Those of each function and of what it called.
    inclusive: HashMap<String, u64>,
}

impl Profile {
    /// Reads a profile as callgrind writes it: names once with a number, then the number alone; each line of costs under the
    /// function that it is of, or behind the call that it was spent in.
    pub(crate) fn read(text: &str) -> Self {
        let (mut profile, mut names) = (Self::default(), HashMap::new());
        let (mut function, mut called, mut in_call) = (String::new(), String::new(), false);
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("fn=") {
                function = named(&mut names, name);
            } else if let Some(name) = line.strip_prefix("cfn=") {
                called = named(&mut names, name);
            } else if line.starts_with("calls=") {
                in_call = true;
            } else if let Some(cost) = cost(line) {
                let calls_itself = in_call && called == function;
                if !calls_itself {
                    *profile.inclusive.entry(function.clone()).or_default() += cost;
                }
                profile.total += if in_call { 0 } else { cost };
                in_call = false;
            }
        }
        profile
    }

    /// Instructions of the functions of this name, and of what they called.
    pub(crate) fn of(&self, name: &str) -> u64 {
        self.inclusive.get(name).copied().unwrap_or_default()
    }
}

/// The name behind `fn=`. One that calls itself again is numbered behind an apostrophe, and the same.
fn named(names: &mut HashMap<String, String>, told: &str) -> String {
    let (number, name) = told.split_once(' ').unwrap_or((told, ""));
    if !name.is_empty() {
        let plain = name.rsplit_once('\'').filter(|(_, turn)| turn.parse::<u32>().is_ok());
        names.insert(number.to_owned(), plain.map_or(name, |(plain, _)| plain).to_owned());
    }
    names.get(number).cloned().unwrap_or_default()
}

/// The cost on a line of costs, which begins with a line's number, or how far it is from the last.
fn cost(line: &str) -> Option<u64> {
    let (place, cost) = line.split_once(' ')?;
    let is_place =
        place.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '*'));
    if is_place { cost.split(' ').next()?.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::Profile;

    #[test]
    fn what_a_function_called_counts_as_its_own_and_once_in_all() {
        let profile = Profile::read(
            "version: 1\nevents: Ir\n\nob=(1) /a\nfl=(1) ???\nfn=(1) main\n0 10\ncfn=(2) serve\ncalls=2 0\n0 300\n\n\
             fn=(2)\n+3 40\ncfn=(3) write'2\ncalls=1 0\n* 60\ncfn=(2)\ncalls=1 0\n0 100\n\nfn=(3)\n0 60\n\ntotals: 110\n",
        );
        assert_eq!(profile.total, 110);
        assert_eq!((profile.of("main"), profile.of("serve"), profile.of("write")), (310, 100, 60));
        assert_eq!(profile.of("nobody"), 0);
    }
}
