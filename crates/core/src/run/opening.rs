//! A run that has delivered nothing yet: it may still retry and fail over.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::delivery::Delivery;
use super::{Dice, Step, Stop, Verdict};
use crate::candidates::{Candidate, Selection};
use crate::catalog::{Credential, PlatformModel};
use crate::decide::{Decision, Facts, Next, Policies, RunLimits, Verb, decide, fixed};
use crate::failure::{Category, Failure, Sent};
use crate::id::PlatformId;
use crate::kind::ModelType;
use crate::policy::RunnerPolicy;
use crate::reason::Reason;
use crate::trace::{Action, FailureNote, RemedyKind, Ruling, TraceEntry, millis};

/// A run before its first useful delta, its answer or its accepted job.
#[derive(Debug)]
pub struct Opening {
    selection: Selection,
    policy: Arc<RunnerPolicy>,
    model_type: ModelType,
    deadline: Option<Duration>,
    limits: RunLimits,
    current: usize,
    /// The place of the credential in use among the candidate's own.
    credential: usize,
    number: NonZeroU32,
    attempts_here: u32,
    platforms_tried: u32,
    /// Platforms that failed as a whole: their other models are not tried either.
    shut: Vec<PlatformId>,
    /// The largest context that was too small.
    context_above: Option<NonZeroU32>,
    /// What the failure that is being decided did to the candidate.
    out: Option<RemedyKind>,
    /// What had failed before the wait.
    waiting_after: Option<Failure>,
}

impl Opening {
    /// Begins a run: the first candidate is to be called, unless the caller's deadline leaves no time at all.
    ///
    /// `deadline` counts from the start of the run, as every `elapsed` does.
    #[must_use]
    pub fn start(selection: Selection, policy: Arc<RunnerPolicy>, model_type: ModelType, deadline: Option<Duration>) -> (Self, Step) {
        let mut limits = RunLimits::of(&policy);
        limits.lower(&selection.candidates.best().offer);
        let run = Self {
            selection,
            policy,
            model_type,
            deadline,
            limits,
            current: 0,
            credential: 0,
            number: NonZeroU32::MIN,
            attempts_here: 1,
            platforms_tried: 1,
            shut: Vec::new(),
            context_above: None,
            out: None,
            waiting_after: None,
        };
        let step = match deadline {
            Some(Duration::ZERO) => {
                let failure = Failure::new(Category::Timeout, Sent::Nothing, "the caller's deadline leaves no time");
                Step::Stop(run.stop(failure, Duration::ZERO, fixed("timeout_ms=0", Reason::DeadlineExceeded)))
            }
            Some(_) | None => run.attempt(),
        };
        (run, step)
    }

    /// The failure that is told next has opened the candidate's circuit breaker, or switched something off: it is not called again.
    pub fn taken_out(&mut self, how: RemedyKind) {
        self.out = Some(how);
    }

    /// The attempt failed. `elapsed` never goes back; `dice` draws the jitter of a wait.
    pub fn failed(&mut self, failure: &Failure, elapsed: Duration, dice: Dice) -> Verdict {
        self.learn(failure);
        let decision = decide(failure, &self.facts(elapsed, dice), &self.policies());
        let entry = TraceEntry { dice: draws_a_wait(&decision).then_some(dice), ..self.entry(failure, elapsed, &decision) };
        self.out = None;
        let remedy = decision.remedy.map(|(remedy, _)| remedy);
        if remedy.is_some_and(|remedy| remedy.shuts_the_platform()) {
            self.shut.push(self.candidate().offer.platform.id);
        }
        Verdict { step: self.take(decision.verb, failure), entry, remedies: remedy.into_iter().collect() }
    }

    /// The wait is over: the same client is called again, if there is still time.
    pub fn waited(&mut self, elapsed: Duration) -> Step {
        let failure = self.waiting_after.take().unwrap_or_else(|| Failure::new(Category::Internal, Sent::Nothing, "nobody was waiting"));
        let ruling = if self.deadline.is_some_and(|deadline| elapsed >= deadline) {
            fixed("waited too long", Reason::DeadlineExceeded)
        } else if elapsed >= self.limits.max_duration() {
            self.limits.time_over(&self.policy)
        } else {
            self.number = self.number.saturating_add(1);
            self.attempts_here += 1;
            return self.attempt();
        };
        Step::Stop(self.stop(failure, elapsed, ruling))
    }

    /// The caller went away.
    #[must_use]
    pub fn cancelled(&self, elapsed: Duration) -> Stop {
        let failure = Failure::new(Category::Cancelled, Sent::Maybe, "the caller went away before anything was delivered");
        self.stop(failure, elapsed, fixed("caller went away", Reason::ClientCancelled))
    }

    /// Something reaches the caller from here on: no other candidate will be tried.
    #[must_use]
    pub fn deliver(self) -> Delivery {
        Delivery::new(self.selection, self.current, self.credential, self.number)
    }

    /// The place of the candidate that is being tried in the selection.
    #[must_use]
    pub const fn place(&self) -> usize {
        self.current
    }

    /// The candidate that is being tried.
    #[must_use]
    pub fn candidate(&self) -> &Candidate {
        &self.selection.candidates[self.current]
    }

    /// The credential that is used, if the platform has any.
    #[must_use]
    pub fn credential(&self) -> Option<&Arc<Credential>> {
        self.candidate().credential(self.credential)
    }

    /// The candidates, and who was left out.
    #[must_use]
    pub const fn selection(&self) -> &Selection {
        &self.selection
    }

    /// What is to be done.
    #[must_use]
    pub const fn model_type(&self) -> ModelType {
        self.model_type
    }

    /// The policy that the run keeps.
    #[must_use]
    pub fn policy(&self) -> &RunnerPolicy {
        &self.policy
    }

    /// The number of the current attempt within the task.
    #[must_use]
    pub const fn number(&self) -> NonZeroU32 {
        self.number
    }

    const fn attempt(&self) -> Step {
        Step::Attempt { candidate: self.current, number: self.number }
    }

    fn take(&mut self, verb: Verb, failure: &Failure) -> Step {
        match verb {
            Verb::RetrySameClient { wait } => {
                self.waiting_after = Some(failure.clone());
                Step::Wait { delay: wait }
            }
            Verb::NextCredential => {
                self.credential += 1;
                self.number = self.number.saturating_add(1);
                self.attempts_here = 1;
                self.attempt()
            }
            Verb::NextPlatform => match self.next(&self.shut) {
                Some(next) => self.go_on_to(next),
                None => Step::Stop(Stop { reason: Reason::NoNextPlatform, failure: failure.clone(), entry: None }),
            },
            Verb::Stop(reason) => Step::Stop(Stop { reason, failure: failure.clone(), entry: None }),
        }
    }

    fn go_on_to(&mut self, next: usize) -> Step {
        self.current = next;
        self.credential = 0;
        self.number = self.number.saturating_add(1);
        self.attempts_here = 1;
        self.platforms_tried += 1;
        self.limits.lower(&self.selection.candidates[next].offer);
        self.attempt()
    }

    /// A prompt that was too long here needs a larger context from now on.
    fn learn(&mut self, failure: &Failure) {
        if failure.category == Category::ContextLength {
            self.context_above = self.context_above.max(self.candidate().offer.context_tokens);
        }
    }

    fn policies(&self) -> Policies<'_> {
        Policies { candidate: &self.candidate().offer, runner: &self.policy, limits: &self.limits }
    }

    fn facts(&self, elapsed: Duration, dice: Dice) -> Facts {
        let mut shut = self.shut.clone();
        let next = self.describe(self.next(&shut));
        shut.push(self.candidate().offer.platform.id);
        Facts {
            model_type: self.model_type,
            attempts_here: self.attempts_here,
            platforms_tried: self.platforms_tried,
            elapsed,
            deadline: self.deadline,
            next,
            out: self.out,
            other_credential: self.candidate().credential(self.credential + 1).is_some(),
            next_elsewhere: self.describe(self.next(&shut)),
            dice: dice.0,
        }
    }

    /// The first candidate after this one that is on none of these platforms and not known to be too small.
    fn next(&self, shut: &[PlatformId]) -> Option<usize> {
        let fits = |offer: &PlatformModel| !shut.contains(&offer.platform.id) && self.is_large_enough(offer);
        let later = self.selection.candidates.iter().enumerate().skip(self.current + 1);
        later.filter(|(_, candidate)| fits(&candidate.offer)).map(|(index, _)| index).next()
    }

    fn is_large_enough(&self, offer: &PlatformModel) -> bool {
        match (self.context_above, offer.context_tokens) {
            (Some(too_small), Some(context)) => context > too_small,
            (None, _) | (_, None) => true,
        }
    }

    fn describe(&self, next: Option<usize>) -> Next {
        match (next, self.context_above) {
            (Some(_), _) => Next::Fits,
            (None, Some(tokens)) => Next::NoneLarger(tokens),
            (None, None) => Next::NoneLeft,
        }
    }

    fn stop(&self, failure: Failure, elapsed: Duration, ruling: Ruling) -> Stop {
        let reason = ruling.reason;
        let decision = Decision { verb: Verb::Stop(reason), ruling, same_client: None, remedy: None };
        let entry = Some(Box::new(self.entry(&failure, elapsed, &decision)));
        Stop { reason, failure, entry }
    }

    fn entry(&self, failure: &Failure, elapsed: Duration, decision: &Decision) -> TraceEntry {
        entry(self.candidate(), self.credential, self.number, failure, elapsed, decision)
    }
}

/// Whether chance had a say: a wait was drawn, whether or not there was time for it.
fn draws_a_wait(decision: &Decision) -> bool {
    let no_time = |ruling: &Ruling| ruling.reason == Reason::WaitPassesTimeLimit;
    matches!(decision.verb, Verb::RetrySameClient { .. }) || decision.same_client.as_ref().is_some_and(no_time)
}

/// The trace entry of a decision about `candidate`.
pub(super) fn entry(
    candidate: &Candidate,
    credential: usize,
    number: NonZeroU32,
    failure: &Failure,
    elapsed: Duration,
    decision: &Decision,
) -> TraceEntry {
    let (action, wait) = match decision.verb {
        Verb::RetrySameClient { wait } => (Action::RetrySameClient, Some(wait)),
        Verb::NextCredential => (Action::NextCredential, None),
        Verb::NextPlatform => (Action::NextPlatform, None),
        Verb::Stop(_) => (Action::Stop, None),
    };
    let Ruling { source, policy, rule, value, reason } = decision.ruling.clone();
    TraceEntry {
        at_ms: millis(elapsed),
        attempt: number.get(),
        platform: candidate.offer.platform.name.to_string(),
        platform_model: candidate.offer.id,
        credential: candidate.several_credentials().then(|| candidate.credential(credential).map(|used| used.name.to_string())).flatten(),
        source,
        policy,
        rule,
        value,
        reason,
        action,
        wait_ms: wait.map(millis),
        dice: None,
        same_client: decision.same_client.clone(),
        remedies: decision.remedy.iter().map(|(_, note)| note.clone()).collect(),
        failure: FailureNote::of(failure),
    }
}
