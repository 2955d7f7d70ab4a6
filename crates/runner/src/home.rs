//! Brings home what was made: out of an answer, or from where its provider keeps it for a while, into the gateway's own storage.
//!
//! Doing it again is safe: the same file of the same task is the same asset. Nothing here is ever a reason to pay a provider again.

use std::sync::Arc;
use std::time::Duration;

use easyai_clients::{DownloadAsk, DownloadLimits, FetchError};
use easyai_core::catalog::{Credential, PlatformModel};
use easyai_core::id::{AccountId, TaskId};
use easyai_core::kind::ModelType;
use easyai_protocols::media::MadeFile;
use easyai_store::assets::{AssetError, AssetRole, AssetStore, MediaClass, NewAsset, StoredAsset};

use crate::runner::Runner;

/// The first wait after a file that did not come; doubled up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Nothing may come for so long, and the whole may take so long: gigabytes over a slow line.
const IDLE: Duration = Duration::from_secs(30);
const TOTAL: Duration = Duration::from_secs(3_600);

/// What to bring home.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HomeAsk<'a> {
    pub(crate) task: TaskId,
    pub(crate) account: AccountId,
    pub(crate) role: AssetRole,
    pub(crate) files: &'a [MadeFile],
    /// What they must be; none: whatever they are.
    pub(crate) class: Option<MediaClass>,
    /// Where they were made.
    pub(crate) offer: &'a Arc<PlatformModel>,
    pub(crate) credential: Option<&'a Credential>,
}

/// Why something is not home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotHome {
    /// The same may succeed later: a storage that fails, a network that breaks.
    Later(String),
    /// Its URL is no good any more, or not yet; whoever gave it may give another.
    Expired(String),
    /// It is not what it should be, or nobody can have it.
    Never(String),
}

impl NotHome {
    /// What happened.
    pub(crate) fn why(self) -> String {
        match self {
            Self::Later(why) | Self::Expired(why) | Self::Never(why) => why,
        }
    }
}

/// What a model of this type makes.
pub(crate) const fn class(model_type: ModelType) -> Option<MediaClass> {
    match model_type {
        ModelType::ImageGenerate | ModelType::ImageEdit => Some(MediaClass::Image),
        ModelType::VideoGenerate | ModelType::ImageToVideo => Some(MediaClass::Video),
        ModelType::AudioSpeech => Some(MediaClass::Audio),
        ModelType::TextGenerate | ModelType::TextEmbed | ModelType::TextModerate | ModelType::AudioTranscribe | ModelType::Rerank => None,
    }
}

/// The wait before the next try, after `tries` of them.
pub(crate) fn wait_after(tries: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << tries.min(8)).min(LONGEST_WAIT)
}

impl Runner {
    /// Stores all files, in their order.
    ///
    /// # Errors
    /// [`NotHome`] of the first that could not be stored; those before it are.
    pub(crate) async fn bring_home(&self, ask: HomeAsk<'_>) -> Result<Vec<StoredAsset>, NotHome> {
        let mut stored = Vec::with_capacity(ask.files.len());
        for (file, position) in ask.files.iter().zip(0..) {
            stored.push(self.bring_one(&ask, file, position).await?);
        }
        if ask.role == AssetRole::Result && ask.class == Some(MediaClass::Image) {
            self.add_thumbnails(stored.clone());
        }
        Ok(stored)
    }

    /// Nobody waits for them, and who ends does not.
    fn add_thumbnails(&self, images: Vec<StoredAsset>) {
        let assets = Arc::clone(&self.assets);
        drop(tokio::spawn(async move {
            for image in images {
                if let Err(error) = assets.add_thumbnail(&image).await {
                    tracing::debug!(asset.id = %image.id, %error, "An image stays without a thumbnail");
                }
            }
        }));
    }

    async fn bring_one(&self, ask: &HomeAsk<'_>, file: &MadeFile, position: u32) -> Result<StoredAsset, NotHome> {
        let new = |declared: Option<&str>| NewAsset {
            account: ask.account,
            task: ask.task,
            role: ask.role,
            position,
            expected: ask.class,
            declared: declared.map(str::to_owned),
        };
        match file {
            MadeFile::Inline { media_type, data } => {
                let mut writer = AssetStore::begin(&self.assets, new(media_type.as_deref()));
                writer.write(data.clone()).await.map_err(not_stored)?;
                writer.finish().await.map_err(not_stored)
            }
            MadeFile::Url { url } => {
                let limits = DownloadLimits { max_bytes: self.assets.max_bytes(), idle: IDLE, total: TOTAL };
                let fetch = DownloadAsk { url, offer: Some(ask.offer), credential: ask.credential, limits };
                let mut download = self.clients.download(fetch).await.map_err(not_fetched)?;
                let mut writer = AssetStore::begin(&self.assets, new(download.media_type.as_deref()));
                while let Some(piece) = download.next().await.map_err(not_fetched)? {
                    writer.write(piece).await.map_err(not_stored)?;
                }
                writer.finish().await.map_err(not_stored)
            }
        }
    }
}

fn not_stored(error: AssetError) -> NotHome {
    let why = error.to_string();
    if error.is_temporary() { NotHome::Later(why) } else { NotHome::Never(why) }
}

fn not_fetched(error: FetchError) -> NotHome {
    let why = format!("the platform's file can't be fetched: {error}");
    match error {
        error if error.is_temporary() => NotHome::Later(why),
        FetchError::Refused(400 | 401 | 403 | 404 | 410 | 422) => NotHome::Expired(why),
        _lasting => NotHome::Never(why),
    }
}
