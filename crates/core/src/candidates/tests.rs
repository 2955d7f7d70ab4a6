//! Who serves, in which order, and why the others don't.

use super::*;
use crate::catalog::{AllowedModels, Enabled, Strategy};
use crate::error::ErrorCode;
use crate::fixtures::{catalog, group, key, model, offer, platform};
use crate::media::MediaUsage;
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

fn ask<'a>(key: &'a ApiKey, group: &'a Group) -> Ask<'a> {
    let (model_type, usage) = (ModelType::TextGenerate, Usage::counted(10, 10));
    Ask { model: "m", model_type, key, group, now: at(0), simulated: false, needs: &[], unfit: &[], usage, expected: &[] }
}

/// Nobody is busy, and nobody's speed is known.
fn calm(health: &HealthBook) -> Moment<'_> {
    Moment { health, load: &NoLoad, sticky: None }
}

fn choose(model: crate::catalog::Model, health: &HealthBook, dice: u64) -> Result<Selection, NoCandidates> {
    let (key, group) = (key(AllowedModels::All), group(AllowedModels::All));
    let ask = ask(&key, &group);
    select(&catalog(model), &ask, &calm(health), dice)
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
fn weighted_models_are_drawn_by_weight_within_equal_priority() {
    let counts = firsts("a*9 b c/9*1000", Strategy::Weighted);
    assert!((860..940).contains(&counts["a"]) && !counts.contains_key("c"), "{counts:?}");
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
    assert_eq!((names(&selection).as_str(), selection.candidates.best().chance), ("b", Chance::LastResort));
    assert_eq!(left_out(&selection.left_out), "off auto_disabled, a cooling_down");
}

#[test]
fn where_no_last_resort_is_wanted_callers_are_told_when_to_come_again() {
    let list = offers("a b");
    let cooling = health(&list, &[(0, cool(Scope::Platform, 600)), (1, cool(Scope::Platform, 30))]);
    let mut catalog = catalog(model(list));
    let availability = Availability { last_resort: LastResort::Rests, ..Availability::default() };
    catalog.runner_policy = Arc::new(RunnerPolicy { availability, ..RunnerPolicy::clone(&catalog.runner_policy) });
    let (key, group) = (key(AllowedModels::All), group(AllowedModels::All));
    let ask = ask(&key, &group);
    let refused = select(&catalog, &ask, &calm(&cooling), 0).unwrap_err();
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
    let ask = Ask { simulated: true, ..ask(&key, &group) };
    assert!(select(&catalog(model(list)), &ask, &calm(&book), 0).is_ok());
}

#[test]
fn who_may_not_use_a_model_is_told_so() {
    let check = |name: &str, key_models: AllowedModels, group_models: AllowedModels, code: ErrorCode, says: &str| {
        let (key, group) = (key(key_models), group(group_models));
        let ask = Ask { model: name, ..ask(&key, &group) };
        let refused = select(&catalog(model(offers("a"))), &ask, &calm(&HealthBook::default()), 0).unwrap_err();
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

/// Load by the platform's name: calls under way, and the first delta's time if it is known.
struct Loads(&'static [(&'static str, u32, Option<u64>)]);

impl Load for Loads {
    fn under_way(&self, offer: &PlatformModel) -> u32 {
        self.0.iter().find(|(name, ..)| *name == &*offer.platform.name).map_or(0, |(_, busy, _)| *busy)
    }

    fn first_delta_micros(&self, offer: &PlatformModel) -> Option<u64> {
        self.0.iter().find(|(name, ..)| *name == &*offer.platform.name).and_then(|(.., micros)| *micros)
    }
}

fn arranged(text: &str, strategy: Strategy, moment: &Moment<'_>, dice: u64) -> String {
    let mut model = model(offers(text));
    model.strategy = strategy;
    let (key, group) = (key(AllowedModels::All), group(AllowedModels::All));
    names(&select(&catalog(model), &ask(&key, &group), moment, dice).unwrap())
}

#[test]
fn the_least_busy_for_its_weight_is_tried_first_within_equal_priority() {
    let (well, load) = (HealthBook::default(), Loads(&[("a", 5, None), ("b", 8, None), ("c", 1, None), ("d", 0, None)]));
    let moment = Moment { load: &load, ..calm(&well) };
    // b has half as many calls for each unit of weight as a; d is idle, but of lower priority.
    assert_eq!(arranged("a b*4 c d/1", Strategy::LeastBusy, &moment, 3), "c b a d");
}

#[test]
fn the_fastest_is_tried_first_after_those_nobody_knows_and_now_and_then_another() {
    let (well, load) = (HealthBook::default(), Loads(&[("slow", 0, Some(900)), ("fast", 0, Some(90)), ("new", 0, None)]));
    let moment = Moment { load: &load, ..calm(&well) };
    let firsts = |text: &str| {
        let mut counts: HashMap<String, u32> = HashMap::new();
        for dice in 0..2_000 {
            let order = arranged(text, Strategy::LowestLatency, &moment, dice);
            *counts.entry(order.split(' ').next().unwrap().to_owned()).or_default() += 1;
        }
        counts
    };
    let known = firsts("slow fast");
    assert!((10..150).contains(&known["slow"]), "about one in forty explores the slower one: {known:?}");
    assert!(firsts("slow fast new")["new"] > 1_800);
}

#[test]
fn the_cheapest_for_the_operator_is_tried_first() {
    let mut list = offers("dear cheap free");
    let version = |text: &str, cost: Option<&str>| {
        let cost = cost.map(|cost| serde_json::from_str(cost).unwrap());
        let id = crate::id::PriceId::from_uuid(uuid::Uuid::nil());
        Some(Arc::new(crate::price::PriceVersion { id, price: serde_json::from_str(text).unwrap(), cost }))
    };
    let price = r#"{"input_per_million":"5","output_per_million":"5"}"#;
    list[0].price = version(price, Some(r#"{"input_per_million":"4","output_per_million":"4"}"#));
    list[1].price = version(price, Some(r#"{"input_per_million":"1","output_per_million":"1"}"#));
    list[2].price = version(r#"{"input_per_million":"0","output_per_million":"0"}"#, None);
    let model = crate::catalog::Model { strategy: Strategy::LowestCost, ..model(list) };
    assert_eq!(names(&choose(model, &HealthBook::default(), 1).unwrap()), "free cheap dear");
}

fn priced(text: &str) -> Option<Arc<crate::price::PriceVersion>> {
    let id = crate::id::PriceId::from_uuid(uuid::Uuid::nil());
    Some(Arc::new(crate::price::PriceVersion { id, price: serde_json::from_str(text).unwrap(), cost: None }))
}

fn images(count: u32, size: &str) -> Usage {
    Usage::of_media(MediaUsage::Images { count, size: Some(size.parse().unwrap()), quality: None })
}

#[test]
fn a_price_that_has_nothing_for_what_is_asked_leaves_out_and_says_what() {
    let mut list = offers("square text any");
    list[0].price = priced(r#"{"per_image":[{"size":"1024x1024","price":"0.04"}]}"#);
    list[2].price = priced(r#"{"per_image":"0.05"}"#);
    let expected: Vec<_> = list.iter().map(|offer| (offer.id, images(2, "1792x1024"))).collect();
    let catalog = catalog(model(list));
    let (key, group) = (key(AllowedModels::All), group(AllowedModels::All));
    let ask = Ask { expected: &expected, model_type: ModelType::ImageGenerate, ..ask(&key, &group) };
    let well = HealthBook::default();
    let selection = select(&catalog, &ask, &calm(&well), 0).unwrap();
    assert_eq!(names(&selection), "any");
    assert_eq!(
        selection.left_out.iter().map(LeftOut::message).collect::<Vec<_>>(),
        [
            "square: it has no price for this: give it one in the catalogue (no entry of `per_image` is for 2 images of 1792x1024: add one, or \
             one without conditions)",
            "text: it has no price for this: give it one in the catalogue (its price is by tokens, and those of 2 images of 1792x1024 were \
             not counted: give it `per_image`)",
        ]
    );
    let text = Ask { expected: &[], model_type: ModelType::TextGenerate, ..ask };
    assert_eq!(names(&select(&catalog, &text, &calm(&well), 0).unwrap()), "text");
}

#[test]
fn the_cheapest_is_found_by_what_each_one_is_expected_to_use() {
    let mut list = offers("flat seconds images");
    list[0].price = priced(r#"{"per_request":"0.5"}"#);
    list[1].price = priced(r#"{"per_second":"0.1"}"#);
    list[2].price = priced(r#"{"per_image":"0.3"}"#);
    let video = MediaUsage::Video { millis: 4_000, resolution: None, audio: false, video_input: false };
    let expected: Vec<_> = list
        .iter()
        .zip([Usage::of_media(video), Usage::of_media(video), images(1, "8x8")])
        .map(|(offer, usage)| (offer.id, usage))
        .collect();
    let catalog = catalog(crate::catalog::Model { strategy: Strategy::LowestCost, ..model(list) });
    let (key, group) = (key(AllowedModels::All), group(AllowedModels::All));
    let ask = Ask { expected: &expected, ..ask(&key, &group) };
    assert_eq!(names(&select(&catalog, &ask, &calm(&HealthBook::default()), 1).unwrap()), "images seconds flat");
}

#[test]
fn who_served_before_is_preferred_but_availability_wins() {
    let list = offers("a b c/1");
    let sticky = Some(list[2].id);
    let well = HealthBook::default();
    assert!(arranged("a b c/1", Strategy::Priority, &Moment { sticky, ..calm(&well) }, 4).starts_with("c "));
    let demote = Remedy::Demote { scope: Scope::PlatformModel, steps: 1, lasting: Duration::from_secs(9) };
    for remedy in [demote, cool(Scope::PlatformModel, 9)] {
        let book = health(&list, &[(2, remedy)]);
        assert!(!arranged("a b c/1", Strategy::Priority, &Moment { sticky, ..calm(&book) }, 4).starts_with('c'), "{remedy:?}");
    }
}

#[test]
fn what_the_request_needs_leaves_out_who_lacks_it_and_is_said_when_nobody_has_it() {
    use crate::catalog::Capability::{Tools, Vision};
    let mut list = offers("blind able small");
    list[0].capabilities = Some(vec![Tools]);
    list[1].capabilities = Some(vec![Tools, Vision]);
    list[2].context_tokens = NonZeroU32::new(100);
    let catalog = catalog(model(list));
    let (key, group) = (key(AllowedModels::All), group(AllowedModels::All));
    let ask = Ask { needs: &[Tools, Vision], usage: Usage::counted(500, 10), ..ask(&key, &group) };
    let well = HealthBook::default();
    let selection = select(&catalog, &ask, &calm(&well), 0).unwrap();
    assert_eq!(
        (names(&selection).as_str(), left_out(&selection.left_out).as_str()),
        ("able", "blind lacks_capability, small context_too_small")
    );
    let mut lonely = offers("blind");
    lonely[0].capabilities = Some(vec![Tools]);
    let refused = select(&self::catalog(model(lonely)), &ask, &calm(&well), 0).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::CapabilityUnsupported);
    assert!(refused.to_string().contains("tools, vision"), "{refused}");
    let mut narrow = offers("small");
    narrow[0].context_tokens = NonZeroU32::new(100);
    let refused = select(&self::catalog(model(narrow)), &ask, &calm(&well), 0).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::ContextLengthExceeded);
}

#[test]
fn a_model_that_does_something_else_is_the_callers_mistake_and_says_what_it_does() {
    let mut list = offers("a b");
    list[0].model_types = vec![ModelType::ImageGenerate, ModelType::ImageEdit];
    list[1].model_types = vec![ModelType::ImageGenerate];
    let (key, group) = (key(AllowedModels::All), group(AllowedModels::All));
    let refused = select(&catalog(model(list.clone())), &ask(&key, &group), &calm(&HealthBook::default()), 0).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::CapabilityUnsupported);
    assert!(refused.to_string().contains("does not do text_generate, it does image_generate, image_edit"), "{refused}");
    assert_eq!(refused.left_out().len(), 2);
    list[1].model_types = vec![ModelType::TextGenerate];
    list[1].enabled = Enabled::No;
    let refused = select(&catalog(model(list)), &ask(&key, &group), &calm(&HealthBook::default()), 0).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::NoCandidate, "somebody does it, and is switched off");
}

#[test]
fn at_most_a_share_is_out_and_the_soonest_comes_back_as_a_last_resort() {
    let list = offers("a b c d");
    let book =
        health(&list, &[(0, cool(Scope::PlatformModel, 90)), (1, cool(Scope::PlatformModel, 30)), (2, cool(Scope::PlatformModel, 60))]);
    let mut catalog = catalog(model(list));
    let availability = Availability { max_out_percent: NonZeroU32::new(50), ..Availability::default() };
    catalog.runner_policy = Arc::new(RunnerPolicy { availability, ..RunnerPolicy::clone(&catalog.runner_policy) });
    let (key, group) = (key(AllowedModels::All), group(AllowedModels::All));
    let selection = select(&catalog, &ask(&key, &group), &calm(&book), 0).unwrap();
    assert_eq!((names(&selection).as_str(), selection.candidates[1].chance), ("d b", Chance::LastResort));
    assert_eq!(left_out(&selection.left_out), "c cooling_down, a cooling_down");
}

#[test]
fn fallback_models_come_after_all_of_the_models_own() {
    let mut catalog = catalog(crate::catalog::Model {
        settings: crate::catalog::ModelSettings {
            fallbacks: vec!["other".into(), "secret".into(), "gone".into()],
            ..crate::catalog::ModelSettings::default()
        },
        ..model(offers("a/9"))
    });
    for name in ["other", "secret"] {
        let id = crate::id::ModelId::from_uuid(crate::fixtures::uuid_of(name));
        let other = crate::catalog::Model { id, name: name.into(), ..model(offers(if name == "other" { "b/0" } else { "s" })) };
        catalog.models.insert(name.into(), Arc::new(other));
    }
    let (key, group) = (key(AllowedModels::from_names(["m".to_owned(), "other".to_owned()])), group(AllowedModels::All));
    let selection = select(&catalog, &ask(&key, &group), &calm(&HealthBook::default()), 0).unwrap();
    assert_eq!((names(&selection).as_str(), selection.candidates[0].fallback, selection.candidates[1].fallback), ("a b", false, true));
}

#[test]
fn credentials_are_drawn_by_weight_among_those_that_are_well() {
    let credential = |name: &str, weight: u32| {
        let id = crate::id::CredentialId::from_uuid(crate::fixtures::uuid_of(name));
        let weight = NonZeroU32::new(weight).unwrap();
        Arc::new(crate::catalog::Credential { id, name: name.into(), weight, limits: Arc::default(), secret: String::new().into() })
    };
    let mut list = offers("a");
    let credentials = vec![credential("heavy", 9), credential("light", 1), credential("bad", 90)];
    list[0].platform = Arc::new(crate::catalog::Platform { credentials, ..platform("a") });
    let mut book = HealthBook::default();
    let bad = crate::id::CredentialId::from_uuid(crate::fixtures::uuid_of("bad"));
    book.apply(&Remedy::Disable { scope: Scope::Credential }, &list[0], Some(bad), at(0), &"401".into());
    let mut heavy_first = 0;
    for dice in 0..1_000 {
        let selection = choose(model(list.clone()), &book, dice).unwrap();
        let order: Vec<_> = selection.candidates.best().credentials.iter().map(|credential| credential.name.to_string()).collect();
        assert!(order == ["heavy", "light"] || order == ["light", "heavy"], "{order:?}");
        heavy_first += u32::from(order[0] == "heavy");
    }
    assert!((850..950).contains(&heavy_first), "{heavy_first}");
}
