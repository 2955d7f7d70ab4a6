//! Wire tables into declared objects: names, duplicates, references.

use std::collections::BTreeSet;

use easyai_store::catalog::{Declared, GroupSpec, PolicySetSpec, RunnerPolicySpec};
use toml::Spanned;

use super::limits::{Budgets, limits};
use super::model::{check_fallbacks, model};
use super::offer::{self, Known, Names};
use super::platform::platform;
use super::secret::Secrets;
use super::wire::{File, GroupTable, PolicySetTable, RunnerPolicyTable};
use crate::problem::Problem;

/// What a file declares, and what is odd about it.
#[derive(Debug, Default)]
pub struct Outcome {
    pub declared: Declared,
    pub warnings: Vec<Problem>,
}

/// Checks and converts all tables.
pub fn declare(file: File, secrets: &Secrets<'_>, problems: &mut Vec<Problem>) -> Outcome {
    let mut outcome = Outcome::default();
    // A table that could not be read may be what another refers to: then dangling names would be told twice.
    let complete = problems.is_empty();
    let (declared, warnings) = (&mut outcome.declared, &mut outcome.warnings);
    let mut known = Known::default();
    let mut groups = Names::new();
    for table in file.platforms {
        let name = table.get_ref().name.clone();
        if named("platform", &name, &mut known.platforms, problems) {
            declared.platforms.insert(name.into_inner(), platform(table, secrets, problems));
        }
    }
    let mut fallbacks = Vec::new();
    for table in file.models {
        let table = table.into_inner();
        if named("model", &table.name, &mut known.models, problems) {
            declared.models.insert(table.name.get_ref().clone(), model(table, &mut fallbacks));
        }
    }
    for table in file.policy_sets {
        let PolicySetTable { name, retry, cooldown, breaker, auto_disable, probe } = table.into_inner();
        if named("policy_set", &name, &mut known.policy_sets, problems) {
            declared.policy_sets.insert(name.into_inner(), PolicySetSpec { retry, cooldown, breaker, auto_disable, probe });
        }
    }
    for table in file.groups {
        let table = table.into_inner();
        if named("group", &table.name, &mut groups, problems) {
            declared.groups.insert(table.name.get_ref().clone(), group(table, problems));
        }
    }
    declared.runner_policy = file.runner_policy.map(|table| {
        let RunnerPolicyTable { failover, demotion, availability } = table.into_inner();
        RunnerPolicySpec { failover, demotion, availability }
    });
    if complete {
        check_fallbacks(&fallbacks, &known.models, problems);
        for table in file.platform_models {
            offer::declare(table, &known, declared, problems, warnings);
        }
        unoffered(declared, &known, warnings);
    }
    outcome
}

/// Whether the name is one, and new.
fn named(noun: &str, name: &Spanned<String>, names: &mut Names, problems: &mut Vec<Problem>) -> bool {
    let given = name.get_ref();
    if let Err(error) = easyai_store::accounts::check_name(&format!("a {noun}"), given) {
        problems.push(Problem::new(name.span(), error.to_string()));
        return false;
    }
    if names.insert(given.clone(), name.span()).is_some() {
        problems.push(Problem::new(name.span(), format!("{noun} \"{given}\" is declared twice")));
        return false;
    }
    true
}

fn group(table: GroupTable, problems: &mut Vec<Problem>) -> GroupSpec {
    let all = || BTreeSet::from(["*".to_owned()]);
    let models = table.models.as_ref().map_or_else(all, |models| models.get_ref().iter().cloned().collect());
    let name = table.name.get_ref();
    if let Some(given) = table.models.as_ref().filter(|_| models.iter().any(|model| model.trim().is_empty())) {
        problems.push(Problem::new(
            given.span(),
            format!("group \"{name}\": `models` has an empty name: write names, `name*`, or \"*\" for all"),
        ));
    }
    let limits = limits(&format!("group \"{name}\""), Budgets::Allowed, table.limits, problems);
    GroupSpec { price_multiplier: table.price_multiplier, models, limits }
}

/// Models that nobody offers are answered with 503.
fn unoffered(declared: &Declared, known: &Known, warnings: &mut Vec<Problem>) {
    for (model, span) in &known.models {
        if !declared.platform_models.keys().any(|(_, offered)| offered == model) {
            warnings.push(Problem::new(span.clone(), format!("model \"{model}\" is offered by no platform: add a [[platform_model]]")));
        }
    }
}
