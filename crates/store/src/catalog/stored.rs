//! The catalogue as its rows hold it: the declared values, with ids and owners.

use std::collections::{BTreeMap, HashMap, HashSet};

use easyai_core::id::{CredentialId, GroupId, ModelId, PlatformId, PlatformModelId, PolicySetId, PriceId, RunnerPolicyId};
use easyai_core::policy::FailoverPolicy;
use easyai_core::time::Timestamp;

use super::declared::{DeclaredGroup, DeclaredModel, DeclaredPlatform, DeclaredPlatformModel, DeclaredPolicySet, OfferName};

easyai_core::words! {
    /// Who owns a row. A file changes and removes what is its own; it may take over what nobody owns.
    pub enum Source as "source" {
        /// The catalogue file.
        File = "file",
        /// A person, by the admin API or the command line.
        Admin = "admin",
        /// Nobody: it was there from the start.
        Builtin = "builtin",
    }
}

/// A value with its row's identity.
#[derive(Debug, Clone)]
pub struct Owned<I, T> {
    /// The row.
    pub id: I,
    /// Who owns it.
    pub source: Source,
    /// Since when.
    pub created_at: Timestamp,
    /// What it says.
    pub value: T,
}

/// All rows of the catalogue, by name.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// The revision of these rows.
    pub revision: i64,
    /// Groups.
    pub groups: BTreeMap<String, Owned<GroupId, DeclaredGroup>>,
    /// Groups that accounts belong to.
    pub groups_in_use: HashSet<GroupId>,
    /// Policy sets.
    pub policy_sets: BTreeMap<String, Owned<PolicySetId, DeclaredPolicySet>>,
    /// Models.
    pub models: BTreeMap<String, Owned<ModelId, DeclaredModel>>,
    /// Platforms.
    pub platforms: BTreeMap<String, Owned<PlatformId, DeclaredPlatform>>,
    /// The ids of their credentials, in the order of the values.
    pub credentials: HashMap<PlatformId, Vec<CredentialId>>,
    /// Platform models.
    pub platform_models: BTreeMap<OfferName, Owned<PlatformModelId, DeclaredPlatformModel>>,
    /// The price version in force.
    pub prices: HashMap<PlatformModelId, PriceId>,
    /// The active runner policy.
    pub runner_policy: Option<Owned<RunnerPolicyId, FailoverPolicy>>,
}
