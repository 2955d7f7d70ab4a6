//! What can go wrong with an asset, in the few ways that are treated differently.

use super::probe::MediaClass;
use crate::error::StoreError;

/// Why an asset could not be stored, read or deleted. Nothing is left of what was not stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssetError {
    /// The storage can't be reached, is full, or refuses us. The same again may help later.
    #[error("the storage of assets failed: {0}")]
    Storage(String),
    /// The row could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is a row but no object.
    #[error("the asset's bytes are not in the storage")]
    Missing,
    /// The object is not what the row says.
    #[error("the asset has {found} bytes in the storage where {expected} were stored")]
    Damaged {
        /// What was stored.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// It has more bytes than are allowed.
    #[error("it is larger than {0} bytes (max_asset_bytes)")]
    TooLarge(u64),
    /// It has no bytes at all.
    #[error("it is empty")]
    Empty,
    /// Its bytes are something else than they should be.
    #[error("it is {found}, not {expected}")]
    WrongType {
        /// What it should be.
        expected: MediaClass,
        /// What its bytes are.
        found: String,
    },
    /// An earlier write failed or was given up: what follows would be stored with a hole in it.
    #[error("an earlier piece was not written")]
    Broken,
    /// A setting that makes no sense.
    #[error("{0}")]
    Setting(String),
}

impl AssetError {
    /// Whether the same again may succeed later, without a change by a person or other bytes.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Storage(_) | Self::Broken => true,
            Self::Store(error) => error.is_temporary(),
            Self::Missing | Self::Damaged { .. } | Self::TooLarge(_) | Self::Empty | Self::WrongType { .. } | Self::Setting(_) => false,
        }
    }
}

impl From<object_store::Error> for AssetError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Missing,
            // Non-exhaustive. A refused login or a full disk too is put right by a person while tasks wait, so it is temporary to them.
            other => Self::Storage(other.to_string()),
        }
    }
}
