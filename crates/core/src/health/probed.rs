//! Active probes: which of those who are out by a policy is asked now whether it is well again, through whom, and what a good answer heals.
//!
//! ```text
//!   out ── interval ──▶ probe ── in vain: twice the wait ──▶ probe ── … ── well: whatever it was out for is over
//! ```
//!
//! Pure: the time is an argument. A probe's time is counted before its next one's wait begins, so there is never more than one under way
//! for a subject, also if the process that made it is killed. What a person switched off is never asked.

use std::sync::Arc;
use std::time::Duration;

use super::{Breaker, Condition, HealthBook, Standing, Subject};
use crate::catalog::{Credential, Enabled, PlatformModel};
use crate::kind::ModelType;
use crate::policy::ProbePolicy;
use crate::time::Timestamp;

/// How often something that is out was asked, and when it is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probed {
    /// Probes so far, all in vain, or still under way.
    pub tries: u32,
    /// When the next one is due.
    pub next: Timestamp,
}

/// The smallest thing that a platform model can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// One token of an answer.
    Text,
    /// The vector of a word.
    Embedding,
    /// Whether a word is harmful.
    Moderation,
    /// The relevance of one document.
    Rerank,
}

/// A probe to make.
#[derive(Debug, Clone)]
pub struct ProbeOrder {
    /// What it is about.
    pub subject: Subject,
    /// Who is called.
    pub offer: Arc<PlatformModel>,
    /// With which secret.
    pub credential: Option<Arc<Credential>>,
    /// What is asked.
    pub question: Question,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How the subject was: a good answer heals just that.
    pub seen: Condition,
}

/// What is to be done about probes.
#[derive(Debug, Clone, Default)]
pub struct ProbePlan {
    /// Probes to make now.
    pub orders: Vec<ProbeOrder>,
    /// Whose rows are to be written.
    pub changed: Vec<Subject>,
}

impl Condition {
    /// Whether a policy keeps it out at `now`, and no person does.
    #[must_use]
    pub fn is_out_by_policy(&self, now: Timestamp) -> bool {
        self.is_out(now) && self.disabled.as_ref().is_none_or(|disabled| disabled.is_by_policy())
    }

    /// A good answer to a probe that was made when it was as `seen`: what has not changed since then is over. Says whether anything was.
    pub fn heal(&mut self, seen: &Self) -> bool {
        let before = self.clone();
        if self.cooling == seen.cooling {
            self.cooling = None;
        }
        if self.disabled == seen.disabled && self.disabled.as_ref().is_some_and(super::Disabled::is_by_policy) {
            self.disabled = None;
        }
        // One that opened again since has a failure that is younger than the probe.
        if self.breaker.opens() == seen.breaker.opens() && !self.breaker.is_closed() {
            self.breaker = Breaker::default();
        }
        if !self.is_ill() {
            self.probed = None;
        }
        *self != before
    }

    /// `reason`, and how often it was probed in vain.
    #[must_use]
    pub fn told(&self, reason: &Arc<str>) -> Arc<str> {
        match self.probed.filter(|probed| probed.tries > 0) {
            None => Arc::clone(reason),
            Some(Probed { tries, next }) => {
                let times = if tries == 1 { "once".to_owned() } else { format!("{tries} times") };
                format!("{reason}; probed {times} in vain, the next probe is due at {next}").into()
            }
        }
    }

    /// Who goes out again is asked as soon as whoever goes out for the first time.
    pub(super) fn forget_probes_of_the_past(&mut self, now: Timestamp) {
        self.probed = self.probed.filter(|_| self.is_out(now));
    }

    fn is_out(&self, now: Timestamp) -> bool {
        self.disabled.is_some() || self.cooling_at(now).is_some() || !self.breaker.is_closed()
    }

    /// Whether anything is noted that a probe could heal.
    pub(super) const fn is_ill(&self) -> bool {
        self.disabled.is_some() || self.cooling.is_some() || !self.breaker.is_closed()
    }

    /// Notes that a probe begins if one is due; the first look only says when the first is due.
    fn begin_active_probe(&mut self, policy: &ProbePolicy, now: Timestamp) -> bool {
        let (probed, due) = match self.probed {
            None => (Probed { tries: 0, next: now.plus(policy.wait(0)) }, false),
            // The clock was set back, or the policy has become more eager.
            Some(Probed { tries, next }) if next > now => {
                (Probed { tries, next: next.min(now.plus(policy.timeout() + policy.wait(tries))) }, false)
            }
            Some(Probed { tries, .. }) => {
                let tries = tries.saturating_add(1);
                (Probed { tries, next: now.plus(policy.timeout() + policy.wait(tries)) }, true)
            }
        };
        self.probed = Some(probed);
        due
    }
}

impl HealthBook {
    /// Whether anybody is out by a policy: asked every second, and almost never so.
    #[must_use]
    pub fn has_ill(&self) -> bool {
        self.iter().any(|(_, condition)| condition.is_ill())
    }

    /// The probes that are due at `now`, at most `most`, and notes that they begin. `offers` are all platform models, in any order.
    pub fn plan_probes(&mut self, offers: &[Arc<PlatformModel>], now: Timestamp, most: usize) -> ProbePlan {
        let mut plan = ProbePlan::default();
        let mut out: Vec<Subject> =
            self.iter().filter(|(_, condition)| condition.is_out_by_policy(now)).map(|(subject, _)| subject).collect();
        out.sort_unstable();
        for subject in out {
            if plan.orders.len() == most {
                break;
            }
            self.plan_one(subject, offers, now, &mut plan);
        }
        plan
    }

    /// A probe of `subject` went well, which was as `seen` when it began. Says whether that changed it.
    pub fn heal(&mut self, subject: Subject, seen: &Condition, now: Timestamp) -> bool {
        let mut changed = Vec::new();
        self.change(subject, now, &mut changed, |condition| condition.heal(seen));
        !changed.is_empty()
    }

    fn plan_one(&mut self, subject: Subject, offers: &[Arc<PlatformModel>], now: Timestamp, plan: &mut ProbePlan) {
        let tries = self.get(subject).and_then(|condition| condition.probed).map_or(0, |probed| probed.tries);
        let Some((offer, credential, question)) = self.through(subject, offers, tries, now) else { return };
        let Some(policy) = &offer.policy_set.probe else { return };
        let mut seen = Condition::default();
        let due = self.change(subject, now, &mut plan.changed, |condition| {
            let due = condition.begin_active_probe(policy, now);
            seen = condition.clone();
            due
        });
        if due {
            plan.orders.push(ProbeOrder { subject, question, timeout: policy.timeout(), seen, credential, offer });
        }
    }

    /// Through whom `subject` is asked: of the platform models that come into question each in its turn, so that one which is broken for
    /// reasons of its own does not keep out its whole platform. None if nobody may be called for it now.
    fn through(
        &self,
        subject: Subject,
        offers: &[Arc<PlatformModel>],
        tries: u32,
        now: Timestamp,
    ) -> Option<(Arc<PlatformModel>, Option<Arc<Credential>>, Question)> {
        let mut ways: Vec<_> = offers.iter().filter_map(|offer| self.way(subject, offer, now)).collect();
        // Those who are well themselves first.
        ways.sort_unstable_by_key(|(offer, ..)| (self.is_out(Subject::PlatformModel(offer.id), now), offer.id));
        let place = usize::try_from(tries).unwrap_or(0).checked_rem(ways.len())?;
        Some(ways.swap_remove(place))
    }

    fn way(
        &self,
        subject: Subject,
        offer: &Arc<PlatformModel>,
        now: Timestamp,
    ) -> Option<(Arc<PlatformModel>, Option<Arc<Credential>>, Question)> {
        let platform = &offer.platform;
        let may_be_called = offer.enabled == Enabled::Yes && platform.enabled == Enabled::Yes && !platform.test_mode;
        let question = Question::of(offer).filter(|_| may_be_called && offer.policy_set.probe.is_some())?;
        // A platform that is out is asked for itself first: whatever is on it would only be refused with it.
        let above_is_well = !self.is_out(Subject::Platform(platform.id), now);
        let usable = |credential: &&Arc<Credential>| matches!(self.credential_standing(credential.id, now), Standing::Well { .. });
        let any = platform.credentials.iter().find(usable).cloned();
        let credential = match subject {
            Subject::Platform(id) if platform.id == id => any,
            Subject::PlatformModel(id) if offer.id == id && above_is_well && !self.is_probed_by_a_call(offer, now) => any,
            Subject::Credential(id) if above_is_well => {
                return platform
                    .credentials
                    .iter()
                    .find(|own| own.id == id)
                    .map(|own| (Arc::clone(offer), Some(Arc::clone(own)), question));
            }
            Subject::Platform(_) | Subject::PlatformModel(_) | Subject::Credential(_) => return None,
        };
        // Credentials that are all out are asked for themselves.
        (platform.credentials.is_empty() || credential.is_some()).then(|| (Arc::clone(offer), credential, question))
    }

    fn is_probed_by_a_call(&self, offer: &PlatformModel, now: Timestamp) -> bool {
        self.get(Subject::PlatformModel(offer.id)).is_some_and(|condition| condition.breaker.probe_until(now).is_some())
    }

    fn is_out(&self, subject: Subject, now: Timestamp) -> bool {
        self.get(subject).is_some_and(|condition| condition.is_out(now))
    }
}

impl Question {
    /// What `offer` is asked. None if it does only what costs too much to be asked for nothing.
    fn of(offer: &PlatformModel) -> Option<Self> {
        offer.model_types.iter().find_map(|model_type| match model_type {
            ModelType::TextGenerate => Some(Self::Text),
            ModelType::TextEmbed => Some(Self::Embedding),
            ModelType::TextModerate => Some(Self::Moderation),
            ModelType::Rerank => Some(Self::Rerank),
            ModelType::ImageGenerate
            | ModelType::ImageEdit
            | ModelType::VideoGenerate
            | ModelType::ImageToVideo
            | ModelType::AudioSpeech
            | ModelType::AudioTranscribe => None,
        })
    }
}
