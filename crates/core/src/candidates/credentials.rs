//! Which of a platform's credentials is used first: by weight, among those that are well.

use std::sync::Arc;

use super::Candidate;
use super::order::SplitMix;
use crate::catalog::Credential;
use crate::health::{HealthBook, Standing};
use crate::time::Timestamp;

/// The platform's credentials in the order in which they are tried; empty where there is no choice. If none is well, and the candidate
/// serves all the same, the one that comes back soonest is tried.
pub(super) fn order(candidate: &Candidate, health: &HealthBook, now: Timestamp, random: &mut SplitMix) -> Vec<Arc<Credential>> {
    let all = &candidate.offer.platform.credentials;
    if all.len() < 2 {
        return Vec::new();
    }
    let standing = |credential: &Arc<Credential>| health.credential_standing(credential.id, now);
    let mut well: Vec<Arc<Credential>> =
        all.iter().filter(|credential| matches!(standing(credential), Standing::Well { .. })).cloned().collect();
    if well.is_empty() {
        let cooling = all.iter().filter_map(|credential| Some((standing(credential).until()?, credential)));
        return cooling.min_by_key(|(until, _)| *until).map(|(_, credential)| vec![Arc::clone(credential)]).unwrap_or_default();
    }
    random.draw(&mut well, |credential| u64::from(credential.weight.get()));
    well
}
