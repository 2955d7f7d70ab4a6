//! Brings home what was made: from an answer or from where its provider keeps it for a while, into the gateway's own storage.

use std::sync::Arc;

use easyai_core::catalog::{Credential, PlatformModel};
use easyai_core::id::{AccountId, TaskId};
use easyai_protocols::media::MadeFile;

use crate::runner::Runner;

/// What a stored file is to its task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Result,
    Thumbnail,
}

/// What to bring home.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HomeAsk<'a> {
    pub(crate) task: TaskId,
    pub(crate) account: AccountId,
    pub(crate) role: Role,
    pub(crate) files: &'a [MadeFile],
    /// Where it was made.
    pub(crate) offer: &'a Arc<PlatformModel>,
    pub(crate) credential: Option<&'a Credential>,
}

/// Why something is not home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotHome {
    /// It may come later.
    Later(String),
    /// It is gone.
    Never(String),
}

impl Runner {
    pub(crate) async fn bring_home(&self, _ask: HomeAsk<'_>) -> Result<Vec<()>, NotHome> {
        Ok(Vec::new())
    }
}
