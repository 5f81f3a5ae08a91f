//! What accounts serve, as far as a configuration tells: a glob that can match nothing is a mistake.

use std::collections::BTreeSet;

use sluice_api::provider::Provider;

use crate::resolved::{AccountConfig, RouteConfig};
use sluice_settings::globs::Globs;

/// The only models that clients can be served; `None` where that can't be known.
pub(crate) struct Reach(Option<BTreeSet<String>>);

impl Reach {
    /// That of accounts, without any route.
    pub(crate) fn of<'a>(accounts: impl IntoIterator<Item = &'a AccountConfig>) -> Self {
        let served: Option<Vec<_>> = accounts.into_iter().map(served).collect();
        Self(served.map(|all| all.into_iter().flatten().collect()))
    }

    /// That of what can't be known.
    pub(crate) const fn anything() -> Self {
        Self(None)
    }

    /// With the names that routes rewrite.
    pub(crate) fn and(self, routes: &[RouteConfig]) -> Self {
        let mut names = self.0;
        for route in routes.iter().filter(|route| route.rewrite.is_some()) {
            match route.model.only_names() {
                Some(more) => {
                    if let Some(names) = &mut names {
                        names.extend(more);
                    }
                }
                None => names = None,
            }
        }
        Self(names)
    }

    /// Those of some globs that match nothing; exclusions never do harm.
    pub(crate) fn missed<'a>(&self, globs: impl IntoIterator<Item = &'a String>) -> Vec<&'a str> {
        let Some(names) = &self.0 else { return Vec::new() };
        let takes = globs.into_iter().map(String::as_str).filter(|glob| !glob.starts_with('!'));
        let misses = |glob: &&str| {
            Globs::compile([*glob]).is_ok_and(|glob| !names.iter().any(|name| glob.matches(name)))
        };
        takes.filter(misses).collect()
    }

    /// What may be asked for, for a person to read.
    pub(crate) fn names(&self) -> String {
        let names = self.0.iter().flatten().map(String::as_str);
        names.collect::<Vec<_>>().join(", ")
    }
}

/// The only models of a provider, where it has such.
pub(crate) fn only(provider: &dyn Provider) -> Reach {
    Reach(provider.serves_only_those().then(|| provider.models().into_iter().collect()))
}

fn served(account: &AccountConfig) -> Option<Vec<String>> {
    let mut names = match only(&*account.provider).0 {
        Some(names) => names.into_iter().filter(|name| account.models.matches(name)).collect(),
        None => account.models.only_names()?,
    };
    names.extend(account.model_map.keys().cloned());
    Some(names)
}
