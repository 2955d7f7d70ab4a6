//! Work that goes on without its caller: where it stands, when a provider is asked about it, and when it is given up.
//!
//! ```text
//! queued ─ claimed ─▶ running ─ about to submit ─▶ submitting ─ job id durable ─▶ polling ─▶ ended
//!    ▲                   │                             │
//!    └── no room ────────┘                             └─ node died: not known whether it was accepted
//! ```

use std::time::Duration;

crate::words! {
    /// Where a job stands.
    pub enum JobState as "job state" {
        /// Waits for a worker.
        Queued = "queued",
        /// A worker has it, and nothing was sent that may not be sent again.
        Running = "running",
        /// It is being submitted: should the node die now, it may have been accepted.
        Submitting = "submitting",
        /// A provider has it, and is asked about it.
        Polling = "polling",
        /// Over; so is its task.
        Ended = "ended",
    }
}

/// What becomes of a job whose node died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakeOver {
    /// It is worked on from the beginning.
    Again,
    /// Its provider is asked about it as before.
    Poll,
    /// Its provider is asked whether it has it. If nobody can say, it fails: it is never submitted twice.
    LookUp,
    /// There is nothing to do.
    Nothing,
}

impl JobState {
    /// What is done with a job that its node left in this state.
    #[must_use]
    pub const fn take_over(self) -> TakeOver {
        match self {
            Self::Queued | Self::Running => TakeOver::Again,
            Self::Submitting => TakeOver::LookUp,
            Self::Polling => TakeOver::Poll,
            Self::Ended => TakeOver::Nothing,
        }
    }
}

/// Which of the jobs that a provider lists is the one whose submission was not heard of, given what those are called that were submitted
/// `beside` it. None unless it can be no other: whoever takes a stranger's job shows one caller what another asked for.
#[must_use]
pub fn found_again(listed: Vec<String>, beside: &[Option<String>]) -> Option<String> {
    if beside.contains(&None) {
        return None;
    }
    let mut strangers = listed.into_iter().filter(|id| !beside.iter().flatten().any(|known| known == id));
    strangers.next().filter(|_| strangers.next().is_none())
}

/// The shortest wait between two questions about a job: simulated ones and images are that quick.
const SHORTEST: Duration = Duration::from_secs(1);

/// The longest, while the provider answers. Providers ask for 5 to 10 s (`providers.md` section 11); a job of minutes can bear a few more.
const LONGEST: Duration = Duration::from_secs(15);

/// The longest that a provider can make us wait by its own hint.
const LONGEST_HINT: Duration = Duration::from_secs(60);

/// A job is asked about after this part of its age once more: so the lag at its end stays in proportion to its length.
const PART_OF_AGE: u32 = 6;

/// Questions that one node asks in a second at most: with more jobs each is asked about less often.
const QUESTIONS_A_SECOND: u32 = 400;

/// The longest wait after questions that failed, which say nothing of the job.
const LONGEST_AFTER_FAILURES: Duration = Duration::from_secs(60);

/// What is known when the next question is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollFacts {
    /// Since it was submitted.
    pub age: Duration,
    /// How long the provider asked us to wait.
    pub hint: Option<Duration>,
    /// Questions that failed, one after the other.
    pub failures: u32,
    /// Jobs that this node asks about.
    pub jobs: usize,
}

/// When to ask about a job again.
#[must_use]
pub fn next_poll(facts: PollFacts) -> Duration {
    let crowd = Duration::from_secs(facts.jobs as u64) / QUESTIONS_A_SECOND;
    let usual = match facts.hint {
        Some(hint) => hint.clamp(SHORTEST, LONGEST_HINT),
        None => (facts.age / PART_OF_AGE).clamp(SHORTEST, LONGEST),
    };
    let backed_off = SHORTEST.saturating_mul(1 << facts.failures.min(6)).min(LONGEST_AFTER_FAILURES);
    let wait = if facts.failures == 0 { usual } else { usual.max(backed_off) };
    wait.max(crowd)
}

/// How far a job is by its age, where its provider says nothing: from 30 to 90 hundredths, ever more slowly.
#[must_use]
pub fn progress_by_age(age: Duration) -> u8 {
    /// Half of the way is believed to be over after so long: most jobs take one to five minutes.
    const HALF: u64 = 90;
    let seconds = age.as_secs().min(1 << 20);
    30 + u8::try_from(60 * seconds / (seconds + HALF)).unwrap_or(60)
}

/// The provider's percentage as the task's progress: between what submitting and the end have.
#[must_use]
pub fn progress_by_percent(percent: u8) -> u8 {
    30 + u8::try_from(u16::from(percent.min(100)) * 60 / 100).unwrap_or(60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_submission_is_found_only_where_it_can_be_no_other() {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        for (listed, beside, expected) in [
            (&["a"][..], vec![], Some("a")),
            (&["a", "b"], vec![Some("b")], Some("a")),
            (&["a", "b"], vec![], None),
            (&["b"], vec![Some("b")], None),
            (&["a"], vec![None], None),
            (&["a", "b"], vec![Some("b"), None], None),
            (&[], vec![], None),
        ] {
            let beside: Vec<Option<String>> = beside.into_iter().map(|id: Option<&str>| id.map(str::to_owned)).collect();
            assert_eq!(found_again(ids(listed), &beside).as_deref(), expected, "{listed:?} {beside:?}");
        }
    }

    fn wait(age: u64, hint: Option<u64>, failures: u32, jobs: usize) -> u64 {
        let facts = PollFacts { age: Duration::from_secs(age), hint: hint.map(Duration::from_secs), failures, jobs };
        next_poll(facts).as_secs()
    }

    #[test]
    fn a_job_is_asked_about_less_often_the_older_it_is() {
        let ages = [0, 5, 12, 30, 60, 90, 3_600];
        assert_eq!(ages.map(|age| wait(age, None, 0, 1)), [1, 1, 2, 5, 10, 15, 15]);
    }

    #[test]
    fn the_providers_hint_counts_within_bounds() {
        assert_eq!([0, 5, 900].map(|hint| wait(100, Some(hint), 0, 1)), [1, 5, 60]);
    }

    #[test]
    fn questions_that_fail_are_asked_ever_more_rarely() {
        assert_eq!([1, 2, 3, 5, 6, 40].map(|failures| wait(0, None, failures, 1)), [2, 4, 8, 32, 60, 60]);
        assert_eq!(wait(90, None, 1, 1), 15);
    }

    #[test]
    fn ten_thousand_jobs_are_asked_about_in_turn() {
        assert_eq!(wait(0, None, 0, 10_000), 25);
        assert_eq!(wait(0, None, 0, 100), 1);
    }

    #[test]
    fn progress_never_goes_back_and_never_arrives() {
        let mut last = 0;
        for age in 0..10_000 {
            let now = progress_by_age(Duration::from_secs(age));
            assert!(now >= last && (30..=90).contains(&now));
            last = now;
        }
        assert_eq!([0, 50, 100, 255].map(progress_by_percent), [30, 60, 90, 90]);
    }

    #[test]
    fn what_may_have_been_accepted_is_not_submitted_again() {
        assert_eq!(
            JobState::ALL.iter().map(|state| state.take_over()).collect::<Vec<_>>(),
            [TakeOver::Again, TakeOver::Again, TakeOver::LookUp, TakeOver::Poll, TakeOver::Nothing]
        );
    }
}
