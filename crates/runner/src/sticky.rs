//! Who served a conversation before: its prompt cache is there.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use easyai_core::catalog::Model;
use easyai_core::id::{AccountId, ModelId, PlatformModelId};
use easyai_core::time::Timestamp;
use moka::sync::Cache;

/// Conversations that are remembered; the least used are forgotten.
const REMEMBERED: u64 = 100_000;

/// What the calls of one conversation have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Conversation {
    account: AccountId,
    model: ModelId,
    common: u64,
}

impl Conversation {
    /// That of a call by `account`, if the model's calls stick and the call has something to stick by.
    #[must_use]
    pub fn of(model: &Model, account: AccountId, common: Option<&[u8]>) -> Option<Self> {
        model.settings.stickiness?;
        let mut hasher = DefaultHasher::new();
        common?.hash(&mut hasher);
        Some(Self { account, model: model.id, common: hasher.finish() })
    }
}

/// Who served which conversation. In memory: a prompt cache is soon gone anyway.
#[derive(Debug)]
pub struct Served {
    by: Cache<Conversation, (PlatformModelId, Timestamp)>,
}

impl Default for Served {
    fn default() -> Self {
        Self { by: Cache::new(REMEMBERED) }
    }
}

impl Served {
    /// Who served it, if that is not too long ago.
    #[must_use]
    pub fn by(&self, conversation: Conversation, now: Timestamp) -> Option<PlatformModelId> {
        self.by.get(&conversation).filter(|(_, until)| *until > now).map(|(offer, _)| offer)
    }

    /// `offer` serves it now.
    pub fn note(&self, conversation: Conversation, offer: PlatformModelId, model: &Model, now: Timestamp) {
        if let Some(stickiness) = model.settings.stickiness {
            self.by.insert(conversation, (offer, now.plus(Duration::from_secs(stickiness.seconds.get().into()))));
        }
    }
}
