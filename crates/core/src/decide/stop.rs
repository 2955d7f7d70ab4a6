//! Whether the run ends here rather than going on to the next platform, and why.

use super::then::Response;
use super::{Facts, Next, Policies, by_table, deadline_passed, fixed, may_have_been_accepted};
use crate::failure::Failure;
use crate::policy::FailoverAction;
use crate::reason::Reason;
use crate::trace::Ruling;

/// Why nothing more is tried; none if something is. The first line that applies decides.
pub(super) fn reason(failure: &Failure, facts: &Facts, policies: &Policies<'_>, response: &Response) -> Option<Ruling> {
    if response.action == FailoverAction::Stop {
        return Some(response.rule.clone().unwrap_or_else(|| by_table(failure, Reason::NotRecoverable)));
    }
    if may_have_been_accepted(failure, facts.model_type) {
        return Some(fixed("sent=maybe", Reason::MediaMayHaveBeenSent));
    }
    if let Some(ruling) = deadline_passed(facts) {
        return Some(ruling);
    }
    if facts.elapsed >= policies.limits.max_duration() {
        return Some(policies.limits.time_over(policies.runner));
    }
    let next = if response.leaves_the_platform() { facts.next_elsewhere } else { facts.next };
    match next {
        Next::NoneLeft => return Some(fixed(format!("platforms_tried={}", facts.platforms_tried), Reason::NoNextPlatform)),
        Next::NoneLarger(tokens) => return Some(fixed(format!("context_tokens>{tokens}"), Reason::NoNextPlatform)),
        Next::Fits => {}
    }
    (facts.platforms_tried >= policies.limits.max_platforms()).then(|| policies.limits.platforms_reached(policies.runner))
}
