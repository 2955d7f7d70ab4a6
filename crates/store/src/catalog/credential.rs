//! Credentials from one catalogue to the next: which of those that are stored are meant, and what a revision keeps of them.

use std::num::NonZeroU32;

use easyai_core::limit::LimitSet;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::declared::{CredentialSpec, is_default};

/// A credential as a plan shows it and a revision keeps it: without its secret.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CredentialDoc {
    pub origin: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub weight: NonZeroU32,
    #[serde(default, skip_serializing_if = "is_default")]
    pub limits: LimitSet,
    pub fingerprint: String,
}

/// A credential of a platform that is stored.
pub(super) struct Stored {
    pub id: Uuid,
    pub name: Option<String>,
    pub secret: SecretString,
}

/// By what a stored credential of the same secret is known, the surest first.
#[derive(Clone, Copy)]
enum KnownBy {
    Name,
    Place,
    SecretAlone,
}

/// For each of `wanted` the stored credential that it is: the same secret, and of several with that the one of the same name, then of
/// the same place. Each is given once; none: it is new.
pub(super) fn kept(stored: &[Stored], wanted: &[CredentialSpec]) -> Vec<Option<Uuid>> {
    let mut kept = vec![None; wanted.len()];
    for known in [KnownBy::Name, KnownBy::Place, KnownBy::SecretAlone] {
        for (place, spec) in wanted.iter().enumerate() {
            let is_it = |(stored_at, stored): &(usize, &Stored)| match known {
                KnownBy::Name => spec.name.is_some() && stored.name == spec.name,
                KnownBy::Place => *stored_at == place,
                KnownBy::SecretAlone => true,
            };
            let free = |(_, stored): &(usize, &Stored)| !kept.contains(&Some(stored.id));
            let same_secret = |(_, stored): &(usize, &Stored)| stored.secret.expose_secret() == spec.secret.expose_secret();
            let found = stored.iter().enumerate().filter(free).filter(same_secret).find(is_it).map(|(_, stored)| stored.id);
            if let (Some(id), Some(slot @ None)) = (found, kept.get_mut(place)) {
                *slot = Some(id);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `name:secret` words, without a name for `-`.
    fn words(text: &str) -> impl Iterator<Item = (Option<String>, &str)> {
        text.split_whitespace().map(|word| {
            let (name, secret) = word.split_once(':').unwrap();
            ((name != "-").then(|| name.to_owned()), secret)
        })
    }

    #[track_caller]
    fn check(stored: &str, wanted: &str, expected: &[Option<u128>]) {
        let stored: Vec<Stored> =
            (1..).zip(words(stored)).map(|(id, (name, secret))| Stored { id: Uuid::from_u128(id), name, secret: secret.into() }).collect();
        let spec = |(name, secret): (Option<String>, &str)| CredentialSpec {
            origin: String::new(),
            name,
            weight: NonZeroU32::MIN,
            limits: LimitSet::default(),
            secret: secret.into(),
        };
        let wanted: Vec<CredentialSpec> = words(wanted).map(spec).collect();
        let told: Vec<Option<u128>> = kept(&stored, &wanted).into_iter().map(|id| id.map(|id| id.as_u128())).collect();
        assert_eq!(told, expected, "{} stored", stored.len());
    }

    #[test]
    fn a_credential_is_known_by_its_secret() {
        check("-:a -:b", "-:a -:b", &[Some(1), Some(2)]);
        check("-:a -:b", "-:b -:a", &[Some(2), Some(1)]);
        check("-:a -:b", "-:b", &[Some(2)]);
        check("-:a", "-:new -:a", &[None, Some(1)]);
        check("-:a", "main:a", &[Some(1)]);
        check("main:a", "main:rotated", &[None]);
        check("", "-:a", &[None]);
    }

    #[test]
    fn of_several_with_one_secret_name_and_place_decide() {
        check("x:a y:a", "y:a x:a", &[Some(2), Some(1)]);
        check("-:a -:a -:b", "-:b -:a", &[Some(3), Some(2)]);
        check("-:a", "-:a -:a", &[Some(1), None]);
        check("x:a y:a", "z:a y:a", &[Some(1), Some(2)]);
    }
}
