//! What must hold for every run: random failures, policies, candidates, clocks and dice, by a seeded generator, so that a run that
//! breaks a promise can be played again.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Dice, Opening, Step, StopReason, Verdict};
use crate::candidates::Selection;
use crate::catalog::{CandidateOverrides, PlatformModel};
use crate::decide::{EffectiveRetry, may_have_been_accepted};
use crate::failure::{Category, Failure, Sent};
use crate::fixtures::{self, Seeded};
use crate::kind::ModelType;
use crate::policy::{
    Backoff, BackoffMultiplier, FailoverAction, FailoverPolicy, FailoverRule, Match, RetryOverride, RetryPolicy, RetryRule, RunnerPolicy,
    Scope, StatusPattern,
};
use crate::trace::{Action, TraceEntry};

/// The contract asks for at least 100,000.
const RUNS: u64 = 120_000;

#[test]
fn every_run_keeps_every_promise() {
    let mut reasons = HashSet::new();
    for seed in 0..RUNS {
        let mut random = Seeded(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let mut run = Watched::begin(&mut random);
        let ended = run.play(&mut random);
        assert!(ended.is_ok(), "seed {seed}: {}", ended.unwrap_err());
        reasons.extend(run.reasons);
    }
    // A generator that never gets somewhere proves nothing about it.
    let missing: Vec<_> = StopReason::ALL.iter().filter(|reason| !reasons.contains(reason)).collect();
    assert!(missing.is_empty(), "no run met {missing:?}");
}

/// A run, and what an observer who knows nothing of its inside has seen of it.
struct Watched {
    selection: Selection,
    policy: Arc<RunnerPolicy>,
    model_type: ModelType,
    deadline: Option<Duration>,
    reasons: Vec<StopReason>,
    now: Duration,
    last_number: u32,
    /// Attempts at each candidate.
    attempts: Vec<u32>,
    order: Vec<usize>,
    /// Lowered by each candidate that was tried.
    max_platforms: u32,
    max_duration: Duration,
    /// Nothing may follow any more.
    submitted: bool,
    entries: usize,
    failures: usize,
}

type Broken = Result<(), String>;

fn ensure(holds: bool, promise: &str) -> Broken {
    if holds { Ok(()) } else { Err(promise.to_owned()) }
}

impl Watched {
    fn begin(random: &mut Seeded) -> Self {
        let offers: Vec<PlatformModel> = (0..1 + random.below(5)).map(|index| any_offer(random, index)).collect();
        let policy = fixtures::runner_policy(any_failover(random));
        let deadline = random.one_in(3).then(|| Duration::from_millis(random.below(20_000)));
        Self {
            attempts: vec![0; offers.len()],
            selection: fixtures::selection(offers),
            model_type: *random.pick(ModelType::ALL),
            max_platforms: policy.failover.max_platforms.get(),
            max_duration: Duration::from_secs(policy.failover.max_duration_seconds.get().into()),
            policy,
            deadline,
            now: Duration::ZERO,
            last_number: 0,
            order: Vec::new(),
            reasons: Vec::new(),
            submitted: false,
            entries: 0,
            failures: 0,
        }
    }

    fn play(&mut self, random: &mut Seeded) -> Broken {
        let (mut run, mut step) = Opening::start(self.selection.clone(), Arc::clone(&self.policy), self.model_type, self.deadline);
        // Far above candidates · attempts: a run that gets here does not end.
        for _ in 0..2_000 {
            step = match step {
                Step::Attempt { candidate, number } => {
                    self.begins(candidate, number.get())?;
                    ensure(std::ptr::eq(run.candidate(), &raw const run.selection().candidates[candidate]), "the run knows its candidate")?;
                    self.now += Duration::from_millis(random.below(3_000));
                    if random.one_in(12) {
                        return self.delivers(run, random);
                    }
                    if random.one_in(40) {
                        let stop = run.cancelled(self.now);
                        ensure(stop.reason == StopReason::ClientCancelled, "a caller that left is named")?;
                        return self.explained(stop.entry.as_deref());
                    }
                    let failure = any_failure(random);
                    let verdict = run.failed(&failure, self.now, Dice(random.next()));
                    self.failed(&failure, &verdict)?;
                    verdict.step
                }
                Step::Wait { delay } => {
                    let begins = self.now + delay;
                    ensure(begins < self.max_duration, "a wait never passes the time budget")?;
                    ensure(self.deadline.is_none_or(|deadline| begins < deadline), "a wait never passes the deadline")?;
                    // A sleep may take longer than asked.
                    self.now = begins + Duration::from_millis(if random.one_in(10) { random.below(5_000) } else { 0 });
                    run.waited(self.now)
                }
                Step::Stop(stop) => {
                    if let Some(entry) = &stop.entry {
                        self.explained(Some(entry))?;
                    }
                    ensure(self.entries >= self.failures && (stop.entry.is_some() || self.failures > 0), "every failure is explained")?;
                    return ensure(may_stop_for(stop.reason), "a stop has a reason of stops");
                }
            }
        }
        Err("the run does not end".into())
    }

    /// An attempt begins.
    fn begins(&mut self, candidate: usize, number: u32) -> Broken {
        let offer = Arc::clone(&self.selection.candidates[candidate].offer);
        ensure(number == self.last_number + 1, "attempts are numbered from 1 without gaps")?;
        ensure(!self.submitted, "a media job that may have been accepted is not submitted again")?;
        ensure(self.now < self.max_duration || number == 1, "nothing begins after the time budget")?;
        ensure(self.deadline.is_none_or(|deadline| self.now < deadline), "nothing begins after the deadline")?;
        if self.order.last() != Some(&candidate) {
            ensure(self.order.iter().all(|tried| *tried < candidate), "candidates are tried in order, none twice")?;
            self.order.push(candidate);
            ensure(self.order.len() == 1 || self.order.len() as u64 <= u64::from(self.max_platforms), "no more platforms than allowed")?;
            let CandidateOverrides { max_platforms, max_duration_seconds, .. } = &offer.overrides;
            self.max_platforms = max_platforms.map_or(self.max_platforms, |value| value.get().min(self.max_platforms));
            let lower = max_duration_seconds.map(|value| Duration::from_secs(value.get().into()));
            self.max_duration = lower.map_or(self.max_duration, |value| value.min(self.max_duration));
        }
        self.last_number = number;
        self.attempts[candidate] += 1;
        let credentials = u32::try_from(offer.platform.credentials.len().max(1)).unwrap();
        ensure(self.attempts[candidate] <= EffectiveRetry::of(&offer).attempts() * credentials, "no more attempts at a client than allowed")
    }

    fn failed(&mut self, failure: &Failure, verdict: &Verdict) -> Broken {
        self.failures += 1;
        self.explained(Some(&verdict.entry))?;
        let action = match verdict.step {
            Step::Wait { .. } => Action::RetrySameClient,
            Step::Attempt { candidate, .. } if self.order.last() == Some(&candidate) => Action::NextCredential,
            Step::Attempt { .. } => Action::NextPlatform,
            Step::Stop(_) => Action::Stop,
        };
        ensure(verdict.entry.action == action, "the trace says what is done")?;
        ensure(verdict.entry.attempt == self.last_number, "the trace names the attempt")?;
        ensure(verdict.entry.remedies.len() == verdict.remedies.len(), "the trace names every remedy")?;
        ensure(
            matches!(action, Action::RetrySameClient | Action::NextCredential)
                || verdict.entry.same_client.is_some()
                || failure.category == Category::Cancelled,
            "leaving a client is explained",
        )?;
        match failure.category {
            Category::LocalRateLimit | Category::Cancelled | Category::Internal => {
                ensure(verdict.remedies.is_empty(), "our own failures harm no candidate")?
            }
            Category::Network
            | Category::Timeout
            | Category::RateLimit
            | Category::Overloaded
            | Category::ServerError
            | Category::Auth
            | Category::QuotaExhausted
            | Category::ModelUnavailable
            | Category::BadRequest
            | Category::ContentFilter
            | Category::ContextLength
            | Category::BadResponse => {}
        }
        self.submitted |= may_have_been_accepted(failure, self.model_type);
        Ok(())
    }

    fn explained(&mut self, entry: Option<&TraceEntry>) -> Broken {
        let entry = entry.ok_or("every decision has an entry")?;
        self.entries += 1;
        self.reasons.push(entry.reason);
        self.reasons.extend(entry.same_client.as_ref().map(|ruling| ruling.reason));
        let told = !entry.policy.is_empty() && !entry.value.is_empty() && entry.sentence().contains(&format!("attempt {}", entry.attempt));
        ensure(told, "every decision is told in a sentence")
    }

    /// From here on there is only this candidate, by type; what it says must agree.
    fn delivers(&mut self, run: Opening, random: &mut Seeded) -> Broken {
        let candidate = run.candidate().offer.id;
        let delivery = run.deliver();
        ensure(
            delivery.candidate().offer.id == candidate && delivery.number().get() == self.last_number,
            "delivery goes on where opening ended",
        )?;
        let entry = delivery.failed(&any_failure(random), self.now);
        ensure(entry.action == Action::Stop && entry.reason == StopReason::StreamAlreadyStarted, "after delivery nothing is tried")?;
        self.explained(Some(&entry))
    }
}

fn may_stop_for(reason: StopReason) -> bool {
    match reason {
        StopReason::RuleMatched
        | StopReason::FailoverTimeBudgetExceeded
        | StopReason::DeadlineExceeded
        | StopReason::NoNextPlatform
        | StopReason::MaxPlatformsReached
        | StopReason::NotRecoverable
        | StopReason::MediaMayHaveBeenSent
        | StopReason::ClientCancelled => true,
        StopReason::Retryable
        | StopReason::UpstreamAsked
        | StopReason::UpstreamDeclined
        | StopReason::NotRetryable
        | StopReason::SameClientMaxAttempts
        | StopReason::RetryDisabled
        | StopReason::RetryAfterTooLong
        | StopReason::RetryAfterUnknown
        | StopReason::WaitPassesTimeLimit
        | StopReason::NextCredential
        | StopReason::StreamAlreadyStarted => false,
    }
}

pub fn any_offer(random: &mut Seeded, index: u64) -> PlatformModel {
    // Sometimes two offers of one platform.
    let mut platform = fixtures::platform(["a", "b", "c"][usize::try_from(random.below(3)).unwrap()]);
    platform.credentials = (0..random.below(4)).map(|number| fixtures::credential(&number.to_string())).collect();
    let mut offer = fixtures::offer(platform);
    offer.id = crate::id::PlatformModelId::from_uuid(uuid::Uuid::from_u128(index.into()));
    offer.policy_set = fixtures::policy_set(any_retry(random));
    offer.context_tokens = random.one_in(2).then(|| count(random, 5)).map(|size| size.saturating_mul(count(random, 9)));
    if random.one_in(3) {
        let retry = random.one_in(2).then(|| RetryOverride {
            enabled: random.one_in(2).then(|| random.one_in(2)),
            max_attempts: random.one_in(2).then(|| count(random, 6)),
            backoff: random.one_in(2).then(|| any_backoff(random)),
            rules: random.one_in(2).then(|| any_retry(random).rules),
        });
        let (max_platforms, max_duration_seconds) =
            (random.one_in(2).then(|| count(random, 5)), random.one_in(2).then(|| count(random, 10)));
        offer.overrides = CandidateOverrides { retry, max_platforms, max_duration_seconds };
    }
    offer
}

pub fn count(random: &mut Seeded, most: u64) -> std::num::NonZeroU32 {
    std::num::NonZeroU32::MIN.saturating_add(u32::try_from(random.below(most)).unwrap())
}

fn any_backoff(random: &mut Seeded) -> Backoff {
    let mut ms = |most| u32::try_from(random.below(most)).unwrap();
    let (initial_ms, max_ms, thousandths) = (ms(1_000), ms(4_000), 1_000 + ms(3_000));
    Backoff { initial_ms, max_ms, multiplier: BackoffMultiplier::from_thousandths(thousandths).unwrap(), jitter: random.one_in(2) }
}

fn any_retry(random: &mut Seeded) -> RetryPolicy {
    let rules = (0..random.below(3)).map(|_| RetryRule { matches: any_match(random), retry: random.one_in(2) }).collect();
    RetryPolicy { enabled: !random.one_in(6), max_attempts: count(random, 5), backoff: any_backoff(random), rules }
}

pub fn any_failover(random: &mut Seeded) -> FailoverPolicy {
    let rules = (0..random.below(4)).map(|_| FailoverRule {
        matches: any_match(random),
        action: *random.pick(FailoverAction::ALL),
        scope: random.one_in(2).then(|| *random.pick(Scope::ALL)),
        seconds: random.one_in(2).then(|| count(random, 100)),
        steps: random.one_in(2).then(|| count(random, 9)),
    });
    let rules = rules.collect();
    FailoverPolicy { max_platforms: count(random, 6), max_duration_seconds: count(random, 30), rules }
}

fn any_match(random: &mut Seeded) -> Match {
    Match {
        categories: (0..random.below(4)).map(|_| *random.pick(Category::ALL)).collect(),
        status_codes: if random.one_in(4) { vec![StatusPattern { from: 500, to: 504 }] } else { Vec::new() },
        error_codes: if random.one_in(8) { vec!["slow_down".into()] } else { Vec::new() },
        message_contains: if random.one_in(6) { vec!["BOOM".into()] } else { Vec::new() },
        model_types: if random.one_in(6) { vec![*random.pick(ModelType::ALL)] } else { Vec::new() },
    }
}

pub fn any_failure(random: &mut Seeded) -> Failure {
    Failure {
        category: *random.pick(Category::ALL),
        code: random.one_in(3).then(|| "slow_down".into()),
        status: random.one_in(2).then(|| u16::try_from(400 + random.below(130)).unwrap()),
        message: random.pick(&["boom", "try again", ""]).to_string(),
        param: None,
        upstream_request_id: None,
        retry_after: random.one_in(3).then(|| Duration::from_millis(random.below(6_000))),
        should_retry: random.one_in(6).then(|| random.one_in(2)),
        sent: *random.pick(Sent::ALL),
    }
}
