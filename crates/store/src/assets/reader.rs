//! Reading an asset: a stream that is as fast as whoever reads it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt, try_unfold};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResultPayload, ObjectStore};

use super::{AssetError, AssetStore, StoredAsset};

/// Read from a file at once: `object_store`'s own 8 KiB are 250,000 hops to another thread for a video of 2 GB.
const PIECE: u64 = 256 << 10;

/// An asset's bytes. An error ends it.
pub type AssetBytes = BoxStream<'static, Result<Bytes, AssetError>>;

impl AssetStore {
    /// The bytes of an asset from `range.start` up to `range.end`, which lie within it.
    ///
    /// # Errors
    /// [`AssetError::Storage`] if the storage can't be reached, [`AssetError::Missing`] or [`AssetError::Damaged`] if it does not have
    /// what was stored.
    pub async fn read(self: &Arc<Self>, asset: &StoredAsset, range: Range<u64>) -> Result<AssetBytes, AssetError> {
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let found = self.objects.get_opts(&Path::from(asset.object_key.as_str()), options).await.map_err(|error| self.failed(error))?;
        if found.meta.size != asset.size_bytes {
            return Err(AssetError::Damaged { expected: asset.size_bytes, found: found.meta.size });
        }
        let store = Arc::clone(self);
        Ok(match found.payload {
            GetResultPayload::File(file, _) => file_pieces(file, found.range),
            GetResultPayload::Stream(pieces) => pieces.map_err(move |error| store.failed(error)).boxed(),
        })
    }
}

fn file_pieces(file: File, range: Range<u64>) -> AssetBytes {
    let pieces = try_unfold((file, range), |(file, range)| async move {
        if range.is_empty() {
            return Ok(None);
        }
        let read = tokio::task::spawn_blocking(move || read_piece(file, &range).map(|(piece, file)| (piece, file, range)));
        let failed = |error: String| AssetError::Storage(error);
        let (piece, file, range) = read.await.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))?;
        let next = range.start + piece.len() as u64..range.end;
        Ok(Some((piece, (file, next))))
    });
    pieces.boxed()
}

fn read_piece(mut file: File, range: &Range<u64>) -> std::io::Result<(Bytes, File)> {
    let length = PIECE.min(range.end - range.start);
    let mut piece = BytesMut::zeroed(usize::try_from(length).unwrap_or_default());
    file.seek(SeekFrom::Start(range.start))?;
    file.read_exact(&mut piece)?;
    Ok((piece.freeze(), file))
}
