//! Groups made at run time: kept in the store, and in force with those of the configuration, whose names they never have.

pub(crate) mod made;
mod view;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::{Map, Value};
use sluice_api::settings::Problem;
use sluice_config::key::Group;

use crate::changing::Changing;
use crate::control::{Control, Current};
use crate::counted;
use crate::error::GroupError;
use crate::made as keys;
use crate::merge::merge;
use made::{GroupState, Groups, KIND, Made, Stored, fit};

pub use view::{GroupStatus, GroupView};

/// Each change holds the lock of whoever changes something, and the caller runs it to its end, also where its client leaves.
impl Control {
    /// The groups in force, in the order of their names.
    pub async fn groups(&self) -> Vec<Arc<Group>> {
        let mut groups: Vec<_> = self.current().await.groups.values().cloned().collect();
        groups.sort_by(|one, next| one.name.cmp(&next.name));
        groups
    }

    /// Every group, those of the configuration and those made at run time, also those that are not in force.
    pub async fn list_groups(&self) -> Vec<GroupView> {
        let current = self.current().await;
        let configured = current.config.groups.iter().map(Group::from_config);
        let mut views: Vec<GroupView> = configured.map(|group| GroupView::of_config(&group)).collect();
        views.extend(self.made_groups().all().iter().map(GroupView::of_made));
        views.sort_by(|one, next| one.fields.name.cmp(&next.fields.name));
        views
    }

    /// One group; of two that have the name, the configuration's, which is the one in force.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub async fn show_group(&self, name: &str) -> Result<GroupView, GroupError> {
        let views = self.list_groups().await;
        // A sort that keeps the order has the configuration's first.
        views
            .into_iter()
            .find(|view| *view.fields.name == *name)
            .ok_or_else(|| GroupError::NotFound(name.to_owned()))
    }

    /// Makes a group.
    ///
    /// # Errors
    ///
    /// When its fields are wrong, its name is taken, or the store fails.
    pub async fn create_group(&self, fields: Map<String, Value>) -> Result<GroupView, GroupError> {
        let mut current = self.changing().await?;
        let stored = Stored { created: self.gateway().now(), fields };
        let name = stored.name();
        let taken = is_configured(&current, name) || self.made_groups().by_name(name).is_some();
        if !name.is_empty() && taken {
            return Err(GroupError::NameTaken(name.to_owned()));
        }
        self.take_group(&mut current, stored).await
    }

    /// Changes a group's fields by a JSON merge patch; its keys are bound by them at once, and what is counted stays.
    ///
    /// # Errors
    ///
    /// When there is no such group, it is the configuration's, the result is wrong by itself or for one of its keys, or the
    /// store fails.
    pub async fn change_group(
        &self,
        name: &str,
        patch: &Map<String, Value>,
    ) -> Result<GroupView, GroupError> {
        let mut current = self.changing().await?;
        let mut stored = Stored::clone(&self.made_group(&current, name)?.stored);
        merge(&mut stored.fields, patch);
        if stored.name() != name {
            let message = "a group keeps its name, as its keys and what is counted of them go by it";
            return Err(GroupError::Invalid(vec![Problem::at("request", "name", message)]));
        }
        self.take_group(&mut current, stored).await
    }

    /// Deletes a group that has no keys.
    ///
    /// # Errors
    ///
    /// When there is no such group, it is the configuration's, it has keys, or the store fails.
    pub async fn delete_group(&self, name: &str) -> Result<(), GroupError> {
        let mut current = self.changing().await?;
        self.made_group(&current, name)?;
        // Keys that name one which a file's group stands before are that one's.
        let own = !is_configured(&current, name);
        if own && let Some(key) = self.keys().of_group(name).first() {
            let key = key.stored.name().to_owned();
            return Err(GroupError::HasKeys { name: name.to_owned(), key });
        }
        let deleted = current.claim.write(&**self.gateway().store(), (KIND, name), None).await?;
        self.made_groups().remove(name);
        if own {
            current.groups.remove(name);
        }
        if deleted {
            self.wrote(KIND, &mut current).await;
        }
        Ok(())
    }

    fn made_group(&self, current: &Current, name: &str) -> Result<Made, GroupError> {
        match self.made_groups().by_name(name) {
            Some(made) => Ok(made),
            None if is_configured(current, name) => Err(GroupError::ManagedByConfig(name.to_owned())),
            None => Err(GroupError::NotFound(name.to_owned())),
        }
    }

    /// Keeps a group, and takes it into force with those of its keys that fit it; one that did before and no longer would
    /// keeps it from being taken.
    async fn take_group(&self, current: &mut Changing<'_>, stored: Stored) -> Result<GroupView, GroupError> {
        let group = Arc::new(fit(&stored, &current.config).map_err(GroupError::Invalid)?);
        let name = group.name.to_string();
        let mut groups = current.groups.clone();
        groups.insert(name.clone(), Arc::clone(&group));
        let keys = self.refit(&name, current, &groups)?;
        counted::group(self.gateway(), &group).await?;
        let document =
            serde_json::to_string(&stored).map_err(|error| GroupError::Internal(error.to_string()))?;
        current.claim.write(&**self.gateway().store(), (KIND, &name), Some(&document)).await?;
        self.wrote(KIND, current).await;
        let made = Made { stored: Arc::new(stored), state: GroupState::InForce(group) };
        let view = GroupView::of_made(&made);
        self.made_groups().put(made);
        current.groups = groups;
        let table = Arc::clone(&self.gateway().snapshot().keys);
        keys.into_iter().for_each(|key| self.keys().put(key, &table));
        Ok(view)
    }

    /// The keys of a group as they would be with these groups.
    fn refit(&self, name: &str, current: &Current, groups: &Groups) -> Result<Vec<keys::Made>, GroupError> {
        let mut problems = Vec::new();
        let mut refitted = Vec::new();
        for key in self.keys().of_group(name) {
            let fits = keys::fit(&key.stored, &current.config, groups);
            let state = match (fits, &key.state) {
                (_, keys::KeyState::Deleted) => continue,
                (Ok(fresh), _) => keys::KeyState::InForce(Arc::new(fresh)),
                (Err(unfit), keys::KeyState::Out(_)) => keys::KeyState::Out(unfit.sentence()),
                (Err(unfit), keys::KeyState::InForce(_)) => {
                    let message =
                        format!("its key `{}` would no longer fit: {}", key.stored.name(), unfit.sentence());
                    // Only that requests at once have a bound is asked of a group by a key.
                    problems.push(Problem::at("request", "concurrency", message));
                    continue;
                }
            };
            refitted.push(key.with_state(state));
        }
        if problems.is_empty() { Ok(refitted) } else { Err(GroupError::Invalid(problems)) }
    }
}

fn is_configured(current: &Current, name: &str) -> bool {
    current.config.groups.iter().any(|group| *group.fields.name == *name)
}
