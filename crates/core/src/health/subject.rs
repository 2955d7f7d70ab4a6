//! What has a health of its own.

use uuid::Uuid;

use crate::catalog::PlatformModel;
use crate::id::{CredentialId, PlatformId, PlatformModelId};
use crate::policy::Scope;

/// What has a health of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A platform, with all its models.
    Platform(PlatformId),
    /// One secret of a platform.
    Credential(CredentialId),
    /// One model of a platform.
    PlatformModel(PlatformModelId),
}

impl Subject {
    /// What `scope` means for a call of `offer` with `credential`. A platform without credentials stands for the one it doesn't need.
    #[must_use]
    pub fn of(scope: Scope, offer: &PlatformModel, credential: Option<CredentialId>) -> Self {
        match (scope, credential) {
            (Scope::PlatformModel, _) => Self::PlatformModel(offer.id),
            (Scope::Credential, Some(credential)) => Self::Credential(credential),
            (Scope::Platform, _) | (Scope::Credential, None) => Self::Platform(offer.platform.id),
        }
    }

    /// Its scope: with [`Self::uuid`], the key of its row.
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::Platform(_) => Scope::Platform,
            Self::Credential(_) => Scope::Credential,
            Self::PlatformModel(_) => Scope::PlatformModel,
        }
    }

    /// The bits of its id.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        match self {
            Self::Platform(id) => id.uuid(),
            Self::Credential(id) => id.uuid(),
            Self::PlatformModel(id) => id.uuid(),
        }
    }

    /// The subject of a row.
    #[must_use]
    pub const fn of_row(scope: Scope, id: Uuid) -> Self {
        match scope {
            Scope::Platform => Self::Platform(PlatformId::from_uuid(id)),
            Scope::Credential => Self::Credential(CredentialId::from_uuid(id)),
            Scope::PlatformModel => Self::PlatformModel(PlatformModelId::from_uuid(id)),
        }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Platform(id) => id.fmt(f),
            Self::Credential(id) => id.fmt(f),
            Self::PlatformModel(id) => id.fmt(f),
        }
    }
}
