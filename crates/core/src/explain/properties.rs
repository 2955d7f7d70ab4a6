//! Whatever the catalogue and the state of its platforms: what is explained is what a run then does.

use std::num::NonZeroU32;
use std::time::Duration;

use super::*;
use crate::candidates::{Ask, Moment, NoLoad, select};
use crate::catalog::{AllowedModels, Capability, Catalog, Enabled, ModelSettings, Platform, Strategy};
use crate::failure::{Category, Failure, Sent};
use crate::fixtures::{self, Seeded};
use crate::kind::ModelType;
use crate::policy::{Availability, FailoverPolicy, LastResort, Remedy, RunnerPolicy, Scope};
use crate::run::{Dice, Opening, Step};

/// Random catalogues, states and requests.
const WORLDS: u64 = 10_000;

#[test]
fn what_is_explained_is_what_a_run_does() {
    let (mut served, mut refused) = (0, 0);
    for seed in 0..WORLDS {
        let mut random = Seeded(seed);
        let catalog = any_catalog(&mut random);
        let health = any_health(&catalog, &mut random);
        let (key, group) = (fixtures::key(AllowedModels::All), fixtures::group(AllowedModels::All));
        let needs = if random.one_in(3) { vec![*random.pick(Capability::ALL)] } else { Vec::new() };
        let ask = Ask {
            model: "m",
            model_type: ModelType::TextGenerate,
            key: &key,
            group: &group,
            now: Timestamp::from_micros(0),
            simulated: false,
            needs: &needs,
            unfit: &[],
            usage: Usage::counted(random.below(300), random.below(300)),
            expected: &[],
        };
        let moment = Moment { health: &health, load: &NoLoad, sticky: None };
        let dice = random.next();
        match (select(&catalog, &ask, &moment, dice), select(&catalog, &ask, &moment, dice)) {
            (Ok(explained), Ok(run)) => {
                served += 1;
                agrees(&catalog, &explained, run, &health, &ask, seed);
            }
            (Err(explained), Err(run)) => {
                refused += 1;
                assert_eq!(Refusal::nobody(&explained).code, run.code(), "seed {seed}");
                assert_eq!(left_out(explained.left_out()), left_out(run.left_out()), "seed {seed}");
            }
            (explained, run) => panic!("seed {seed}: {explained:?} {run:?}"),
        }
    }
    assert!(served > 2_000 && refused > 500, "both happen: {served} {refused}");
}

/// A run in which nobody answers tries those that were explained, in their order, as often and as far as explained.
fn agrees(catalog: &Catalog, explained: &Selection, run: Selection, health: &HealthBook, ask: &Ask<'_>, seed: u64) {
    let terms = Terms { multiplier: Multiplier::ONE, usage: ask.usage };
    let state = State { health, runner_policy: &catalog.runner_policy, now: ask.now };
    let told: Vec<Explained> = explained.candidates.iter().map(|candidate| Explained::of(candidate, &state, &terms, Vec::new())).collect();
    let (max_platforms, _) = reach(explained, &catalog.runner_policy);
    let failure = Failure::new(Category::Network, Sent::Maybe, "no answer");
    let (mut machine, mut step) = Opening::start(run, Arc::clone(&catalog.runner_policy), ask.model_type, None);
    let mut tried: Vec<(PlatformModelId, u32)> = Vec::new();
    loop {
        step = match step {
            Step::Attempt { .. } => {
                let candidate = machine.candidate();
                match tried.last_mut() {
                    Some((last, attempts)) if *last == candidate.offer.id => *attempts += 1,
                    Some(_) | None => tried.push((candidate.offer.id, 1)),
                }
                let used = machine.credential().map(|credential| Arc::clone(&credential.name));
                let first = told[tried.len() - 1].credentials.first().map(|credential| Arc::clone(&credential.name));
                assert_eq!(used, first, "seed {seed}");
                machine.failed(&failure, Duration::ZERO, Dice(0)).step
            }
            Step::Wait { .. } => machine.waited(Duration::ZERO),
            Step::Stop(_) => break,
        };
    }
    let reached = told.len().min(usize::try_from(max_platforms).unwrap());
    let expected: Vec<(PlatformModelId, u32)> =
        told.iter().take(reached).map(|candidate| (candidate.platform_model, candidate.max_attempts)).collect();
    assert_eq!(tried, expected, "seed {seed}");
}

fn any_catalog(random: &mut Seeded) -> Catalog {
    let mut model = fixtures::model((0..1 + random.below(5)).map(|index| any_offer(random, index)).collect());
    model.strategy = *random.pick(Strategy::ALL);
    if random.one_in(4) {
        model.settings = ModelSettings { fallbacks: vec!["other".into()], ..ModelSettings::default() };
    }
    let mut catalog = fixtures::catalog(model);
    let other = fixtures::model(vec![any_offer(random, 90), any_offer(random, 91)]);
    let id = crate::id::ModelId::from_uuid(uuid::Uuid::from_u128(9));
    catalog.models.insert("other".into(), Arc::new(crate::catalog::Model { id, name: "other".into(), ..other }));
    let failover = FailoverPolicy { max_platforms: count(random, 6), ..FailoverPolicy::default() };
    let availability =
        Availability { max_out_percent: random.one_in(3).then(|| count(random, 100)), last_resort: *random.pick(LastResort::ALL) };
    catalog.runner_policy = Arc::new(RunnerPolicy { availability, ..RunnerPolicy::clone(&fixtures::runner_policy(failover)) });
    catalog
}

fn any_offer(random: &mut Seeded, index: u64) -> PlatformModel {
    let name = format!("p{index}");
    let credentials = (0..random.below(4)).map(|number| fixtures::credential(&format!("{name}-{number}"))).collect();
    let enabled = if random.one_in(8) { Enabled::No } else { Enabled::Yes };
    let mut offer = fixtures::offer(Platform { credentials, enabled, ..fixtures::platform(&name) });
    offer.priority = random.one_in(2).then(|| u32::try_from(random.below(3)).unwrap());
    offer.weight = count(random, 5);
    offer.context_tokens = random.one_in(3).then(|| count(random, 400));
    offer.capabilities = random.one_in(3).then(|| Capability::ALL.iter().copied().filter(|_| random.one_in(2)).collect());
    if random.one_in(8) {
        offer.price = None;
    }
    let retry = crate::policy::RetryPolicy { max_attempts: count(random, 3), enabled: !random.one_in(5), ..Default::default() };
    offer.policy_set = fixtures::policy_set(retry);
    offer
}

fn any_health(catalog: &Catalog, random: &mut Seeded) -> HealthBook {
    let mut book = HealthBook::default();
    let offers: Vec<Arc<PlatformModel>> = catalog.models.values().flat_map(|model| model.offers.clone()).collect();
    for _ in 0..random.below(6) {
        let offer = random.pick(&offers);
        let credential = offer.platform.credentials.first().map(|credential| credential.id);
        let (scope, lasting) = (*random.pick(Scope::ALL), Duration::from_secs(1 + random.below(100)));
        let remedy = match random.below(8) {
            0 => Remedy::Disable { scope },
            1 | 2 => Remedy::Demote { scope: Scope::PlatformModel, steps: 1 + u32::try_from(random.below(3)).unwrap(), lasting },
            3 => Remedy::OpenCircuit { lasting },
            _ => Remedy::CoolDown { scope, lasting },
        };
        // Some began long ago: a circuit breaker is half-open then.
        let at = Timestamp::from_micros(-i64::try_from(random.below(120)).unwrap() * 1_000_000);
        book.apply(&remedy, offer, credential, at, &"boom".into());
    }
    book
}

fn count(random: &mut Seeded, most: u64) -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(u32::try_from(random.below(most)).unwrap())
}
