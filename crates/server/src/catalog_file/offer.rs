//! Platform models: what they refer to must be there.

use std::collections::BTreeMap;

use easyai_core::catalog::PlatformModelOptions;
use easyai_core::kind::ModelType;
use easyai_store::catalog::{Declared, PlatformModelSpec};
use toml::Spanned;

use super::limits::{Budgets, limits};
use super::platform::enabled;
use super::wire::PlatformModelTable;
use crate::nearest;
use crate::problem::Problem;

/// Names of one noun that were declared, whether or not the rest of their tables could be read.
pub type Names = BTreeMap<String, std::ops::Range<usize>>;

/// All names that can be referred to.
#[derive(Debug, Default)]
pub struct Known {
    pub platforms: Names,
    pub models: Names,
    pub policy_sets: Names,
}

/// Adds the platform model that a table means.
pub fn declare(
    table: Spanned<PlatformModelTable>,
    known: &Known,
    declared: &mut Declared,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<Problem>,
) {
    let span = table.span();
    let table = table.into_inner();
    let (platform, model) = (table.platform.get_ref().clone(), table.model.get_ref().clone());
    let label = format!("platform_model \"{model}\" at \"{platform}\"");
    refer(&label, "platform", &table.platform, &known.platforms, problems);
    refer(&label, "model", &table.model, &known.models, problems);
    if let Some(set) = &table.policy_set {
        refer(&label, "policy_set", set, &known.policy_sets, problems);
    }
    if let Some(name) = table.upstream_name.as_ref().filter(|name| name.get_ref().trim().is_empty()) {
        problems.push(Problem::new(
            name.span(),
            format!("{label}: `upstream_name` is empty: take it out, or write what the platform calls the model"),
        ));
    }
    if let Some(types) = table.model_types.as_ref().filter(|types| types.get_ref().is_empty()) {
        problems.push(Problem::new(types.span(), format!("{label}: `model_types` is empty: take it out, or write what the model does")));
    }
    match (&table.price, &table.cost) {
        (None, Some(cost)) => {
            problems.push(Problem::new(cost.span(), format!("{label}: `cost` without `price`: what has no price serves nobody")))
        }
        (None, None) => warnings.push(Problem::new(span.clone(), format!("{label}: no `price`: it serves nobody until it has one"))),
        (Some(_), _) => {}
    }
    let mut model_types = table.model_types.map_or_else(|| vec![ModelType::TextGenerate], Spanned::into_inner);
    model_types.sort();
    model_types.dedup();
    let mut capabilities = table.capabilities;
    if let Some(listed) = &mut capabilities {
        listed.sort();
        listed.dedup();
    }
    let spec = PlatformModelSpec {
        upstream_name: table.upstream_name.map_or_else(|| model.clone(), Spanned::into_inner),
        model_types,
        policy_set: table.policy_set.map(Spanned::into_inner),
        price: table.price,
        cost: table.cost.map(Spanned::into_inner),
        weight: table.weight,
        priority: table.priority,
        context_tokens: table.context_tokens,
        max_output_tokens: table.max_output_tokens,
        overrides: table.overrides,
        capabilities,
        options: PlatformModelOptions { api: table.api },
        limits: limits(&label, Budgets::Refused("a platform model"), table.limits, problems),
        enabled: table.enabled.map(enabled),
    };
    if declared.platform_models.insert((platform, model), spec).is_some() {
        problems.push(Problem::new(span, format!("{label} is declared twice")));
    }
}

/// That the name is one of `known`.
pub fn refer(label: &str, noun: &str, name: &Spanned<String>, known: &Names, problems: &mut Vec<Problem>) {
    let given = name.get_ref();
    if !known.contains_key(given) {
        let hint = if known.is_empty() { String::new() } else { nearest::hint(given, known.keys().map(String::as_str)) };
        problems.push(Problem::new(name.span(), format!("{label}: there is no {noun} `{given}` in this file{hint}")));
    }
}
