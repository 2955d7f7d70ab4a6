//! What could not be carried from one protocol to another: refused if the meaning would be lost, noted if it only tunes.
//!
//! Source: `providers.md` section 2.10.

/// Something whose meaning would be lost. The candidate is left out, and the caller is told if nobody else is there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` can't be carried to {target}: {why}")]
pub struct CannotCarry {
    /// The field on the caller's wire.
    pub field: String,
    /// Whose protocol has no word for it, such as `the Gemini API`.
    pub target: &'static str,
    /// What to do.
    pub why: String,
}

/// Something that only tunes and was dropped or changed. Shown in the trace and in the answer's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The field, by its name in the inner form or on the caller's wire, such as `seed`.
    pub field: String,
    /// What was done, for a person: `dropped: the Messages API has no seed`.
    pub what: String,
}

/// What was dropped or changed on the way.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notes(pub Vec<Note>);

impl Notes {
    /// Notes that a field was dropped, and why.
    pub fn dropped(&mut self, field: impl Into<String>, why: &str) {
        self.0.push(Note { field: field.into(), what: format!("dropped: {why}") });
    }

    /// Notes that a field was changed, and how.
    pub fn changed(&mut self, field: impl Into<String>, how: &str) {
        self.0.push(Note { field: field.into(), what: format!("changed: {how}") });
    }

    /// The fields alone, for a header.
    #[must_use]
    pub fn fields(&self) -> String {
        self.0.iter().map(|note| note.field.as_str()).collect::<Vec<_>>().join(", ")
    }
}
