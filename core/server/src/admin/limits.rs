//! How full limits are, of everybody, the fullest first.

use std::cmp::Ordering;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::Uri;
use serde::Serialize;
use sluice_api::limiter::{Limit, Party, Principal};
use sluice_limits::levels::filled;
use sluice_line::snapshot::Snapshot;
use utoipa::ToSchema;

use super::envelope::{List, Refusal, Refused};
use super::query::pairs;
use super::requests::wrong;
use crate::App;
use crate::limits::{LimitNow, LimitOf};

/// Limits that are told, unless asked otherwise, and at most.
const PAGE: (usize, usize) = (100, 1000);

/// Parties that the store is asked about at once: of ten thousand keys no single question may keep it from others.
const AT_ONCE: usize = 500;

/// A limit of somebody, with how full it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LimitOfOne {
    /// The name of the key, the group or the account.
    name: String,
    #[serde(flatten)]
    now: LimitNow,
}

/// What is asked for.
struct Asked {
    of: Vec<LimitOf>,
    names: Vec<String>,
    limit: usize,
}

/// One that has limits.
struct Bound {
    of: LimitOf,
    name: Arc<str>,
    principal: Principal,
    limits: Arc<[Limit]>,
}

impl Bound {
    /// It as limiters see it; how many it has at once is not asked.
    fn party(&self) -> Party<'_> {
        Party::new(self.principal.clone(), 0, &self.limits)
    }
}

/// How full the limits of keys, groups and accounts are: the fullest first.
///
/// Over all gateways, where they share a store. `used` is settled, `reserved` is what running requests hold of it.
#[utoipa::path(get, path = "/admin/v1/limits", tag = "Admin", security(("admin_token" = [])),
    params(
        ("of" = Option<Vec<String>>, Query, description = "`key`, `group` or `account`; default all of them"),
        ("name" = Option<Vec<String>>, Query, description = "Whose: the name of a key, a group or an account"),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 1000, description = "So many at most; default 100"),
    ),
    responses((status = 200, body = List<LimitOfOne>), (status = 400, body = Refused), (status = 401, body = Refused), (status = 503, description = "The store is out of reach", body = Refused)))]
pub(crate) async fn limits(State(app): State<App>, uri: Uri) -> Result<Json<List<LimitOfOne>>, Refusal> {
    let asked = asked(pairs(&uri))?;
    let snapshot = app.gateway.snapshot();
    let mut all = bounds(&app, &snapshot).await;
    all.retain(|bound| {
        (asked.of.is_empty() || asked.of.contains(&bound.of))
            && (asked.names.is_empty() || asked.names.iter().any(|name| **name == *bound.name))
    });
    let mut found: Vec<((u64, u64), LimitOfOne)> = Vec::new();
    for some in all.chunks(AT_ONCE) {
        let parties: Vec<Party<'_>> = some.iter().map(Bound::party).collect();
        let at = app.gateway.both_clocks(&snapshot.stats.timezone);
        let levels = filled(app.gateway.store(), &snapshot.limiters, &parties, at).await?;
        for (bound, levels) in some.iter().zip(&levels) {
            let shown = levels.limits.iter().map(|limit| {
                let taken = limit.level.used.saturating_add(limit.level.reserved);
                let now = LimitNow::new(bound.of, limit);
                ((taken, limit.limit.most), LimitOfOne { name: bound.name.to_string(), now })
            });
            found.extend(shown);
        }
    }
    found.sort_by(|(one, _), (next, _)| fuller(*next, *one));
    let data = found.into_iter().take(asked.limit).map(|(_, shown)| shown).collect();
    Ok(Json(List::whole(data)))
}

/// Which of two is fuller, each by what is taken of how much; of nothing, all is taken.
fn fuller(one: (u64, u64), other: (u64, u64)) -> Ordering {
    let part =
        |(taken, most): (u64, u64)| if most == 0 { (1, 1) } else { (u128::from(taken), u128::from(most)) };
    let ((one, of_one), (other, of_other)) = (part(one), part(other));
    (one * of_other).cmp(&(other * of_one))
}

/// Everybody who has limits: accounts, groups and keys, each in the order of their names.
async fn bounds(app: &App, snapshot: &Snapshot) -> Vec<Bound> {
    let accounts = snapshot.roster.accounts.iter().map(|account| Bound {
        of: LimitOf::Account,
        name: Arc::clone(&account.name),
        principal: Principal::Account(Arc::clone(&account.name)),
        limits: Arc::clone(&account.config.limits),
    });
    let groups = app.control.groups().await.into_iter().map(|group| Bound {
        of: LimitOf::Group,
        name: Arc::clone(&group.name),
        principal: Principal::Group(Arc::clone(&group.name)),
        limits: Arc::clone(&group.limits),
    });
    let mut all: Vec<Bound> = accounts.chain(groups).collect();
    let others = all.len();
    snapshot.keys.each(|key| {
        all.push(Bound {
            of: LimitOf::Key,
            name: Arc::clone(&key.name),
            principal: Principal::Key(Arc::clone(&key.id)),
            limits: Arc::clone(&key.limits),
        });
    });
    if let Some(keys) = all.get_mut(others..) {
        keys.sort_by(|one, next| one.name.cmp(&next.name));
    }
    all.retain(|bound| !bound.limits.is_empty());
    all
}

fn asked(parameters: Vec<(String, String)>) -> Result<Asked, Refusal> {
    let mut asked = Asked { of: Vec::new(), names: Vec::new(), limit: PAGE.0 };
    for (name, value) in parameters {
        match name.as_str() {
            "of" => asked.of.push(match value.as_str() {
                "key" => LimitOf::Key,
                "group" => LimitOf::Group,
                "account" => LimitOf::Account,
                _ => return Err(wrong("of", "`of` is key, group or account")),
            }),
            "name" => asked.names.push(value),
            "limit" => {
                let limit = value.parse().ok().filter(|number| (1..=PAGE.1).contains(number));
                let wanted = || wrong("limit", format!("`limit` is a number from 1 to {}", PAGE.1));
                asked.limit = limit.ok_or_else(wanted)?;
            }
            other => {
                let message = format!("there is no parameter `{other}`: there are of, name and limit");
                return Err(wrong(other, message));
            }
        }
    }
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::fuller;

    #[test]
    fn the_fuller_one_is_told_by_parts_whatever_the_amounts() {
        for (one, other, which) in [
            ((1, 2), (1, 3), Ordering::Greater),
            ((u64::MAX, u64::MAX), (u64::MAX - 1, u64::MAX), Ordering::Greater),
            ((0, 5), (0, 7), Ordering::Equal),
            ((0, 0), (9, 10), Ordering::Greater),
        ] {
            assert_eq!(fuller(one, other), which, "{one:?} {other:?}");
        }
    }
}
