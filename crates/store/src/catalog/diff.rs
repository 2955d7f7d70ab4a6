//! What a file declares against what is there: pure. Objects of another owner are never changed or removed; the plan says so instead.

use std::collections::BTreeMap;
use std::fmt::Display;

use easyai_core::policy::FailoverPolicy;

use super::declared::{Declared, OfferName};
use super::defaults::{DEFAULT_GROUP, default_group};
use super::fields;
use super::plan::{Change, Field, FieldChange, Noun, Plan, Step};
use super::stored::{Owned, Source, Stored};
use crate::vault::Vault;

/// What would have to change for `current` to be as `desired`. The vault only fingerprints secrets.
#[must_use]
pub fn diff(current: &Stored, desired: &Declared, vault: &Vault) -> Plan {
    let mut plan = Plan { revision: current.revision, ..Plan::default() };
    let mut groups = desired.groups.clone();
    // Accounts need it: a file that doesn't name it leaves it as it is on a new gateway.
    groups.entry(DEFAULT_GROUP.to_owned()).or_insert_with(default_group);
    compare(&mut plan, Noun::Group, &current.groups, &groups, fields::group);
    compare(&mut plan, Noun::PolicySet, &current.policy_sets, &desired.policy_sets, fields::policy_set);
    compare(&mut plan, Noun::Model, &current.models, &desired.models, fields::model);
    compare(&mut plan, Noun::Platform, &current.platforms, &desired.platforms, |platform| fields::platform(platform, vault));
    compare(&mut plan, Noun::PlatformModel, &current.platform_models, &desired.platform_models, fields::platform_model);
    runner_policy(&mut plan, current.runner_policy.as_ref(), desired.runner_policy.as_ref());
    groups_in_use(&mut plan, current);
    still_referenced(&mut plan, current);
    plan
}

/// Compares all objects of one noun by their names.
fn compare<K: Ord + Display, I, T>(
    plan: &mut Plan,
    object: Noun,
    current: &BTreeMap<K, Owned<I, T>>,
    desired: &BTreeMap<K, T>,
    list: impl Fn(&T) -> Vec<Field>,
) {
    for (name, value) in desired {
        match current.get(name) {
            None => plan.changes.push(Change { object, name: name.to_string(), step: Step::Create(list(value)) }),
            Some(row) => update(plan, object, name.to_string(), row.source, &list(&row.value), &list(value)),
        }
    }
    for (name, row) in current.iter().filter(|(name, _)| !desired.contains_key(name)) {
        match row.source {
            Source::File => plan.changes.push(Change { object, name: name.to_string(), step: Step::Remove }),
            // Somebody else's: not this file's business.
            Source::Admin | Source::Builtin => plan.unchanged += 1,
        }
    }
}

fn update(plan: &mut Plan, object: Noun, name: String, source: Source, before: &[Field], after: &[Field]) {
    let changed = changes(before, after);
    match source {
        Source::Admin if changed.is_empty() => plan.unchanged += 1,
        Source::Admin => {
            let fields = changed.iter().map(|change| change.field.as_str()).collect::<Vec<_>>().join(", ");
            plan.conflicts.push(format!(
                "{object} `{name}` is owned by the admin API and differs in {fields}: remove it from the file, or delete it there first"
            ));
        }
        Source::File | Source::Builtin if changed.is_empty() => plan.unchanged += 1,
        Source::File | Source::Builtin => plan.changes.push(Change { object, name, step: Step::Update(changed) }),
    }
}

/// The fields that differ, in the order of `after`, then those that go.
fn changes(before: &[Field], after: &[Field]) -> Vec<FieldChange> {
    let value = |fields: &[Field], name: &str| fields.iter().find(|field| field.field == name).map(|field| field.value.clone());
    let gone = before.iter().filter(|field| value(after, &field.field).is_none());
    let names = after.iter().chain(gone).map(|field| field.field.clone());
    let all = names.map(|field| FieldChange { before: value(before, &field), after: value(after, &field), field });
    all.filter(|change| change.before != change.after).collect()
}

/// A file without a runner policy puts back the default where it had set another.
fn runner_policy<I>(plan: &mut Plan, current: Option<&Owned<I, FailoverPolicy>>, desired: Option<&FailoverPolicy>) {
    let before = current.map_or_else(FailoverPolicy::default, |row| row.value.clone());
    let source = current.map_or(Source::Builtin, |row| row.source);
    let after = match (desired, source) {
        (Some(policy), _) => policy.clone(),
        (None, Source::File) => FailoverPolicy::default(),
        (None, Source::Admin | Source::Builtin) => return plan.unchanged += 1,
    };
    update(plan, Noun::RunnerPolicy, "active".to_owned(), source, &fields::runner_policy(&before), &fields::runner_policy(&after));
}

/// A group that accounts belong to stays.
fn groups_in_use(plan: &mut Plan, current: &Stored) {
    for (name, group) in &current.groups {
        if plan.step(Noun::Group, name) == Some(&Step::Remove) && current.groups_in_use.contains(&group.id) {
            plan.conflicts.push(format!("group `{name}` can't be removed: accounts belong to it; keep it in the file"));
        }
    }
}

/// Platform models of another owner keep what they refer to.
fn still_referenced(plan: &mut Plan, current: &Stored) {
    let kept: Vec<&OfferName> =
        current.platform_models.keys().filter(|name| plan.step(Noun::PlatformModel, &name.to_string()) != Some(&Step::Remove)).collect();
    let mut conflicts = Vec::new();
    for name in kept {
        let set = current.platform_models.get(name).and_then(|row| row.value.policy_set.as_deref());
        let refers = [(Noun::Platform, Some(name.platform.as_str())), (Noun::Model, Some(name.model.as_str())), (Noun::PolicySet, set)];
        for (object, referred) in refers {
            let Some(referred) = referred else { continue };
            // A platform model that the file declares can't refer to what the file lacks; only another owner's can.
            let changed = plan.step(Noun::PlatformModel, &name.to_string()).is_some();
            if !changed && plan.step(object, referred) == Some(&Step::Remove) {
                conflicts.push(format!(
                    "{object} `{referred}` can't be removed: platform_model `{name}`, which is not this file's, refers to it; keep it in the file"
                ));
            }
        }
    }
    plan.conflicts.append(&mut conflicts);
}
