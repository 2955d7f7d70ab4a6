//! What would change: data, shown to a person as a diff and to programs as JSON. It never holds a secret.

easyai_core::words! {
    /// A sort of object in the catalogue; the words of the catalogue file.
    pub enum Noun as "object" {
        /// A class of accounts.
        Group = "group",
        /// Retry rules.
        PolicySet = "policy_set",
        /// A public model.
        Model = "model",
        /// An account at a provider.
        Platform = "platform",
        /// A model as a platform offers it.
        PlatformModel = "platform_model",
        /// The active failover policy.
        RunnerPolicy = "runner_policy",
    }
}

/// A field and what it says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Field {
    /// Its name, as in the file; parts of it after a dot.
    pub field: String,
    /// Its value, for a person; a fingerprint in place of a secret.
    pub value: String,
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldChange {
    /// Its name.
    pub field: String,
    /// What it said; none if it was absent.
    pub before: Option<String>,
    /// What it will say; none if it will be absent.
    pub after: Option<String>,
}

/// What happens to one object.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "action", content = "fields", rename_all = "snake_case")]
pub enum Step {
    /// It is new.
    Create(Vec<Field>),
    /// These of its fields change; none if only its owner does.
    Update(Vec<FieldChange>),
    /// It goes. What tasks recorded of it (names, price versions) stays.
    Remove,
}

/// One object that changes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    /// What it is.
    pub object: Noun,
    /// Its name.
    pub name: String,
    /// What happens to it.
    #[serde(flatten)]
    pub step: Step,
}

/// Everything that would change.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Plan {
    /// The revision that it was made against.
    pub revision: i64,
    /// Objects that change, in the order of their references.
    pub changes: Vec<Change>,
    /// Objects that stay as they are.
    pub unchanged: usize,
    /// Why it can't be applied: one sentence each.
    pub conflicts: Vec<String>,
}

impl Plan {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.conflicts.is_empty()
    }

    pub(super) fn step(&self, object: Noun, name: &str) -> Option<&Step> {
        self.changes.iter().find(|change| change.object == object && change.name == name).map(|change| &change.step)
    }
}
