//! Who serves, in which order, and why the others don't.

use super::*;
use crate::catalog::{AllowedModels, Enabled, Strategy};
use crate::error::ErrorCode;
use crate::fixtures::{catalog, group, key, model, offer, platform};
use crate::policy::{Availability, Remedy, RunnerPolicy, Scope};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::Duration;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

/// Offers as text: `a/2*5` is platform `a` of priority 2 and weight 5.
fn offers(text: &str) -> Vec<PlatformModel> {
    let read = |word: &str| {
        let (word, weight) = word.split_once('*').unwrap_or((word, "1"));
        let (name, priority) = word.split_once('/').unwrap_or((word, "0"));
        let mut offer = offer(platform(name));
        (offer.priority, offer.weight) = (Some(priority.parse().unwrap()), weight.parse().unwrap());
        offer
    };
    text.split_whitespace().map(read).collect()
}

fn health(offers: &[PlatformModel], remedies: &[(usize, Remedy)]) -> HealthBook {
    let mut book = HealthBook::default();
    for (index, remedy) in remedies {
        book.apply(remedy, &offers[*index], None, at(0), &"boom".into());
    }
    book
}

fn choose(model: crate::catalog::Model, health: &HealthBook, dice: u64) -> Result<Selection, NoCandidates> {
    let (key, group) = (key(AllowedModels::All), group(AllowedModels::All));
    let ask = Ask { model: "m", model_type: ModelType::TextGenerate, key: &key, group: &group, now: at(0), simulated: false };
    select(&catalog(model), &ask, health, dice)
}

fn names(selection: &Selection) -> String {
    selection.candidates.iter().map(|candidate| candidate.offer.platform.name.to_string()).collect::<Vec<_>>().join(" ")
}

fn left_out(left_out: &[LeftOut]) -> String {
    left_out.iter().map(|left| format!("{} {}", left.platform, left.reason)).collect::<Vec<_>>().join(", ")
}

fn cool(scope: Scope, seconds: u64) -> Remedy {
    Remedy::CoolDown { scope, lasting: Duration::from_secs(seconds) }
}

/// How often each platform comes first in a thousand throws.
fn firsts(text: &str, strategy: Strategy) -> HashMap<String, u32> {
    let mut counts = HashMap::new();
    for dice in 0..1_000 {
        let mut model = model(offers(text));
        model.strategy = strategy;
        let selection = choose(model, &HealthBook::default(), dice).unwrap();
        *counts.entry(selection.candidates.best().offer.platform.name.to_string()).or_default() += 1;
    }
    counts
}

#[test]
fn the_lowest_priority_number_is_tried_first() {
    let selection = choose(model(offers("c/7 a/0 b/3")), &HealthBook::default(), 9).unwrap();
    assert_eq!(names(&selection), "a b c");
}

#[test]
fn a_platform_models_own_priority_replaces_its_platforms() {
    let mut list = offers("a b");
    list[0].priority = None;
    list[0].platform = Arc::new(crate::catalog::Platform { priority: 5, ..platform("a") });
    assert_eq!(names(&choose(model(list), &HealthBook::default(), 0).unwrap()), "b a");
}

#[test]
fn equal_priorities_are_drawn_by_weight() {
    let counts = firsts("a*3 b c/1*1000", Strategy::Priority);
    assert!((700..800).contains(&counts["a"]) && (200..300).contains(&counts["b"]), "{counts:?}");
    assert!(!counts.contains_key("c"));
    let spread = firsts("a b c d", Strategy::Priority);
    assert!(spread.values().all(|count| (200..300).contains(count)), "{spread:?}");
}

#[test]
fn weighted_models_are_drawn_by_weight_whatever_the_priority() {
    let counts = firsts("a/9*9 b/0*1", Strategy::Weighted);
    assert!((860..940).contains(&counts["a"]), "{counts:?}");
}

#[test]
fn the_same_dice_give_the_same_order() {
    for dice in [0, 1, u64::MAX] {
        let order = || names(&choose(model(offers("a b c d e")), &HealthBook::default(), dice).unwrap());
        assert_eq!(order(), order());
    }
}

#[test]
fn each_one_left_out_has_its_reason() {
    let mut list = offers("off unit typed free auto cool fine");
    list[0].platform = Arc::new(crate::catalog::Platform { enabled: Enabled::No, ..platform("off") });
    list[1].enabled = Enabled::No;
    list[2].model_types = vec![ModelType::ImageEdit];
    list[3].price = None;
    let book = health(&list, &[(4, Remedy::Disable { scope: Scope::Platform }), (5, cool(Scope::PlatformModel, 30))]);
    let selection = choose(model(list), &book, 0).unwrap();
    assert_eq!(names(&selection), "fine");
    assert_eq!(
        left_out(&selection.left_out),
        "off platform_disabled, unit disabled, typed wrong_model_type, free no_price, auto auto_disabled, cool cooling_down"
    );
    let cooling = selection.left_out[5].message();
    assert_eq!(cooling, "cool: it is left alone for a while after a failure until 1970-01-01T00:00:30.000000Z (boom)");
}

#[test]
fn a_demotion_lowers_the_priority_until_it_is_over() {
    let list = offers("a b/2");
    let demote = |steps| Remedy::Demote { scope: Scope::PlatformModel, steps, lasting: Duration::from_secs(60) };
    let demoted =
        health(&list, &[(0, demote(3)), (0, Remedy::Demote { scope: Scope::Platform, steps: 1, lasting: Duration::from_secs(60) })]);
    let selection = choose(model(list.clone()), &demoted, 0).unwrap();
    assert_eq!((names(&selection).as_str(), selection.candidates[1].priority), ("b a", 4));
    let mut healed = demoted;
    let three = NonZeroU32::new(3).unwrap();
    assert_eq!((healed.succeeded(&list[0], three, at(0)).len(), healed.succeeded(&list[0], three, at(0)).len()), (2, 0));
    assert_eq!(names(&choose(model(list), &healed, 0).unwrap()), "a b");
}

#[test]
fn of_candidates_that_all_cool_down_the_soonest_serves() {
    let list = offers("a b off");
    let book = health(
        &list,
        &[(0, cool(Scope::Platform, 600)), (1, cool(Scope::PlatformModel, 30)), (2, Remedy::Disable { scope: Scope::PlatformModel })],
    );
    let selection = choose(model(list), &book, 0).unwrap();
    assert_eq!((names(&selection).as_str(), selection.candidates.best().last_resort), ("b", true));
    assert_eq!(left_out(&selection.left_out), "a cooling_down, off auto_disabled");
}

#[test]
fn where_no_last_resort_is_wanted_callers_are_told_when_to_come_again() {
    let list = offers("a b");
    let cooling = health(&list, &[(0, cool(Scope::Platform, 600)), (1, cool(Scope::Platform, 30))]);
    let mut catalog = catalog(model(list));
    let availability = Availability { last_resort: LastResort::Rests, ..Availability::default() };
    catalog.runner_policy = Arc::new(RunnerPolicy { availability, ..RunnerPolicy::clone(&catalog.runner_policy) });
    let (key, group) = (key(AllowedModels::All), group(AllowedModels::All));
    let ask = Ask { model: "m", model_type: ModelType::TextGenerate, key: &key, group: &group, now: at(0), simulated: false };
    let refused = select(&catalog, &ask, &cooling, 0).unwrap_err();
    assert_eq!((refused.code(), refused.retry_after()), (ErrorCode::CandidatesCoolingDown, Some(Duration::from_secs(30))));
    assert_eq!(refused.to_string(), "all platforms of this model are cooling down after failures: try again in 30 s");
}

#[test]
fn disabled_is_never_overruled() {
    let list = offers("a");
    let book = health(&list, &[(0, cool(Scope::Platform, 30)), (0, Remedy::Disable { scope: Scope::Platform })]);
    let refused = choose(model(list), &book, 0).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::NoCandidate);
    let NoCandidates::NoCandidate { left_out: list } = refused else { panic!("{refused}") };
    assert_eq!(left_out(&list), "a auto_disabled");
}

#[test]
fn a_simulated_task_looks_at_no_health() {
    let list = offers("a");
    let book = health(&list, &[(0, Remedy::Disable { scope: Scope::Platform })]);
    let (key, group) = (key(AllowedModels::All), group(AllowedModels::All));
    let ask = Ask { model: "m", model_type: ModelType::TextGenerate, key: &key, group: &group, now: at(0), simulated: true };
    assert!(select(&catalog(model(list)), &ask, &book, 0).is_ok());
}

#[test]
fn who_may_not_use_a_model_is_told_so() {
    let check = |name: &str, key_models: AllowedModels, group_models: AllowedModels, code: ErrorCode, says: &str| {
        let (key, group) = (key(key_models), group(group_models));
        let ask = Ask { model: name, model_type: ModelType::TextGenerate, key: &key, group: &group, now: at(0), simulated: false };
        let refused = select(&catalog(model(offers("a"))), &ask, &HealthBook::default(), 0).unwrap_err();
        assert_eq!(refused.code(), code);
        assert!(refused.to_string().contains(says), "{refused}");
    };
    let named = |name: &str| AllowedModels::from_names([name.to_owned()]);
    check("x", AllowedModels::All, AllowedModels::All, ErrorCode::ModelNotFound, "the model `x` does not exist");
    check("m", named("other*"), AllowedModels::All, ErrorCode::ModelNotAllowed, "this key may not use");
    check("m", AllowedModels::All, named("other"), ErrorCode::ModelNotAllowed, "this account's group may not use");
}

#[test]
fn a_model_that_nobody_offers_has_no_candidate() {
    let refused = choose(model(Vec::new()), &HealthBook::default(), 0).unwrap_err();
    assert_eq!(refused, NoCandidates::NoCandidate { left_out: Vec::new() });
}

#[test]
fn weights_are_as_large_as_they_like() {
    let mut list = offers("a b");
    list.iter_mut().for_each(|offer| offer.weight = NonZeroU32::MAX);
    assert!(choose(model(list), &HealthBook::default(), u64::MAX).is_ok());
}
