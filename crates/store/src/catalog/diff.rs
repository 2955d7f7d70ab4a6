//! The difference between what is and what is wanted. Pure: the same two always give the same plan.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

easyai_core::words! {
    /// What sort of object a change is about, in the order in which objects are made.
    pub enum ObjectKind as "catalogue object" {
        /// Rules attached to platform models.
        PolicySet = "policy_set",
        /// The failover, demotion and availability policy.
        RunnerPolicy = "runner_policy",
        /// A class of accounts.
        Group = "group",
        /// One account at one provider.
        Platform = "platform",
        /// A public model.
        Model = "model",
        /// A model as one platform offers it.
        PlatformModel = "platform_model",
    }
}

/// The fields of an object by name, each as JSON.
pub(super) type Fields = Vec<(Cow<'static, str>, String)>;
/// Objects by kind and name.
pub(super) type Objects = BTreeMap<(ObjectKind, String), Fields>;

/// What applying would do.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Plan {
    /// The changes: objects to create and to update first, those to remove last.
    pub changes: Vec<Change>,
    /// How many objects are as they should be.
    pub unchanged: usize,
    /// Why it can't be applied, each a sentence; nothing is changed then.
    pub conflicts: Vec<String>,
}

/// One object's change.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its name; of a platform model: platform/model.
    pub name: String,
    /// What happens to it.
    pub change: Changed,
    /// Its fields that change; all of a new one, none of one that goes.
    pub fields: Vec<Field>,
}

easyai_core::words! {
    /// What happens to an object.
    pub enum Changed as "change" {
        /// It is made.
        Create = "create",
        /// Some of its fields change.
        Update = "update",
        /// It goes out of use; its history stays.
        Remove = "remove",
    }
}

/// One field's change, as JSON. Of secrets only fingerprints are seen.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Field {
    /// Its name.
    pub name: Cow<'static, str>,
    /// What it was, if it was there.
    pub before: Option<String>,
    /// What it will be, if it stays.
    pub after: Option<String>,
}

impl Plan {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// What is there now.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// What files made.
    pub ours: Objects,
    /// What somebody else made, which a file never changes: the owner.
    pub others: BTreeMap<(ObjectKind, String), String>,
    /// Groups that accounts are in.
    pub groups_in_use: BTreeSet<String>,
}

/// What to do so that `found` becomes `wanted`.
pub(super) fn diff(found: &Found, wanted: &Objects) -> Plan {
    let mut plan = Plan::default();
    for (key, fields) in wanted {
        let (kind, name) = key;
        if let Some(owner) = found.others.get(key) {
            plan.conflicts.push(format!("{kind} `{name}` belongs to `{owner}`: rename it in the file, or remove it there"));
            continue;
        }
        let change = match found.ours.get(key) {
            None => Some((Changed::Create, created(fields))),
            Some(before) => Some((Changed::Update, updated(before, fields))).filter(|(_, fields)| !fields.is_empty()),
        };
        match change {
            Some((change, fields)) => plan.changes.push(Change { kind: *kind, name: name.clone(), change, fields }),
            None => plan.unchanged += 1,
        }
    }
    // What refers goes before what it refers to.
    for (kind, name) in found.ours.keys().rev().filter(|key| !wanted.contains_key(*key)) {
        if *kind == ObjectKind::Group && found.groups_in_use.contains(name) {
            plan.conflicts.push(format!("group `{name}` can't be removed while accounts are in it: keep it in the file"));
        }
        plan.changes.push(Change { kind: *kind, name: name.clone(), change: Changed::Remove, fields: Vec::new() });
    }
    plan
}

fn created(fields: &Fields) -> Vec<Field> {
    fields.iter().map(|(name, after)| Field { name: name.clone(), before: None, after: Some(after.clone()) }).collect()
}

fn updated(before: &Fields, after: &Fields) -> Vec<Field> {
    let value = |fields: &Fields, name: &str| fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value.clone());
    let mut names: Vec<&Cow<'static, str>> = after.iter().map(|(name, _)| name).collect();
    names.extend(before.iter().map(|(name, _)| name).filter(|name| value(after, name).is_none()));
    // A switch that the file doesn't mention stays as a person left it.
    names.retain(|name| *name != "enabled" || value(after, name).is_some());
    let field = |name: &Cow<'static, str>| Field { name: name.clone(), before: value(before, name), after: value(after, name) };
    names.into_iter().map(field).filter(|field| field.before != field.after).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Listed<'a> = (ObjectKind, &'a str, &'a [(&'static str, &'a str)]);

    fn objects(list: &[Listed<'_>]) -> Objects {
        let fields = |fields: &[(&'static str, &str)]| fields.iter().map(|(name, value)| ((*name).into(), (*value).to_owned())).collect();
        list.iter().map(|(kind, name, of)| ((*kind, (*name).to_owned()), fields(of))).collect()
    }

    fn found(ours: Objects) -> Found {
        Found { ours, ..Found::default() }
    }

    #[test]
    fn the_same_twice_is_no_change() {
        let same = objects(&[(ObjectKind::Model, "m", &[("strategy", "\"priority\"")])]);
        let plan = diff(&found(same.clone()), &same);
        assert!(plan.is_empty() && plan.conflicts.is_empty());
        assert_eq!(plan.unchanged, 1);
    }

    #[test]
    fn objects_are_made_changed_field_by_field_and_removed() {
        let now = objects(&[
            (ObjectKind::Platform, "old", &[("priority", "0")]),
            (ObjectKind::Platform, "p", &[("priority", "0"), ("proxy", "\"none\""), ("test_mode", "false")]),
        ]);
        let wanted = objects(&[
            (ObjectKind::Platform, "p", &[("priority", "1"), ("test_mode", "false")]),
            (ObjectKind::Model, "m", &[("strategy", "\"priority\"")]),
        ]);
        let plan = diff(&found(now), &wanted);
        let told: Vec<_> = plan.changes.iter().map(|change| (change.change, change.name.as_str(), change.fields.len())).collect();
        assert_eq!(told, [(Changed::Update, "p", 2), (Changed::Create, "m", 1), (Changed::Remove, "old", 0)]);
        let update = &plan.changes[0].fields;
        assert_eq!(update[0], Field { name: "priority".into(), before: Some("0".into()), after: Some("1".into()) });
        assert_eq!(update[1], Field { name: "proxy".into(), before: Some("\"none\"".into()), after: None });
    }

    #[test]
    fn a_switch_that_is_not_mentioned_stays() {
        let now = objects(&[(ObjectKind::Platform, "p", &[("enabled", "false")])]);
        assert!(diff(&found(now.clone()), &objects(&[(ObjectKind::Platform, "p", &[])])).is_empty());
        assert!(!diff(&found(now), &objects(&[(ObjectKind::Platform, "p", &[("enabled", "true")])])).is_empty());
    }

    #[test]
    fn what_others_made_is_never_changed() {
        let key = (ObjectKind::Platform, "p".to_owned());
        let found = Found { others: BTreeMap::from([(key, "admin".to_owned())]), ..Found::default() };
        let plan = diff(&found, &objects(&[(ObjectKind::Platform, "p", &[])]));
        assert_eq!(plan.conflicts, ["platform `p` belongs to `admin`: rename it in the file, or remove it there"]);
        assert!(diff(&found, &Objects::new()).is_empty());
    }

    #[test]
    fn a_group_with_accounts_stays() {
        let found = Found {
            ours: objects(&[(ObjectKind::Group, "vip", &[])]),
            groups_in_use: BTreeSet::from(["vip".to_owned()]),
            ..Found::default()
        };
        assert_eq!(diff(&found, &Objects::new()).conflicts.len(), 1);
    }
}
