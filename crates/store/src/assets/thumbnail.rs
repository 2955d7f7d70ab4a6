//! A small picture of an image, made when the image is stored and shown beside it. Nice to have: an image without one is whole.
//!
//! Pictures are made one at a time, from what the storage has, so that memory holds one decoded image however many are stored.

use std::io::Cursor;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::{AssetError, AssetRole, AssetStore, MediaClass, NewAsset, StoredAsset, rows};

/// Pixels of the longer side, at most.
const SIDE: u32 = 512;

/// Of a photograph nobody looks at closely.
const JPEG_QUALITY: u8 = 82;

/// A larger file is not looked at: no provider's image is.
const MAX_FILE_BYTES: u64 = 48 << 20;

/// What a decoder may take: 16 megapixels with eight bits a channel.
const MAX_DECODED_BYTES: u64 = 80 << 20;

/// Images that may wait for theirs; beyond, they stay without.
pub(super) const MAX_WAITING: usize = 256;

impl AssetStore {
    /// Makes and stores the small picture of an image that is stored, and gives it; none if its format is not known here, if it is too
    /// large, if too many wait, or if the image has been deleted meanwhile.
    ///
    /// # Errors
    /// [`AssetError`] if it can't be read or stored.
    pub async fn add_thumbnail(self: &Arc<Self>, of: &StoredAsset) -> Result<Option<StoredAsset>, AssetError> {
        let Ok(_place) = self.waiting_for_thumbnails.try_acquire() else { return Ok(None) };
        let Ok(_turn) = self.thumbnails.acquire().await else { return Ok(None) };
        let Some(format) = format(&of.media_type).filter(|_| of.size_bytes <= MAX_FILE_BYTES) else { return Ok(None) };
        let pieces: Vec<Bytes> = self.read(of, 0..of.size_bytes).await?.try_collect().await?;
        let made = tokio::task::spawn_blocking(move || small(&pieces.concat(), format)).await;
        let Ok(Some(picture)) = made else { return Ok(None) };
        let new = NewAsset {
            account: of.account_id,
            task: of.task_id,
            role: AssetRole::Thumbnail,
            position: of.position,
            expected: Some(MediaClass::Image),
            declared: None,
        };
        let mut writer = self.begin(new);
        writer.write(picture.into()).await?;
        let thumbnail = writer.finish().await?;
        let now = crate::now();
        if rows::get(&self.db, of.id).await?.is_some_and(|image| image.is_there(now)) {
            return Ok(Some(thumbnail));
        }
        self.delete(&thumbnail, now).await?;
        Ok(None)
    }
}

fn format(media_type: &str) -> Option<ImageFormat> {
    match media_type {
        "image/png" => Some(ImageFormat::Png),
        "image/jpeg" => Some(ImageFormat::Jpeg),
        "image/webp" => Some(ImageFormat::WebP),
        "image/gif" => Some(ImageFormat::Gif),
        _other => None,
    }
}

/// The image, turned upright and made to fit: a PNG if one can see through it, else a JPEG. None if it can't be read.
fn small(image: &[u8], format: ImageFormat) -> Option<Vec<u8>> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(image), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    if decoder.total_bytes() > MAX_DECODED_BYTES {
        return None;
    }
    let orientation = decoder.orientation().ok()?;
    let whole = DynamicImage::from_decoder(decoder).ok()?;
    let mut picture = if whole.width().max(whole.height()) > SIDE { whole.thumbnail(SIDE, SIDE) } else { whole };
    picture.apply_orientation(orientation);
    let mut file = Cursor::new(Vec::new());
    if is_transparent(&picture) {
        DynamicImage::from(picture.into_rgba8()).write_to(&mut file, ImageFormat::Png).ok()?;
    } else {
        picture.into_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY)).ok()?;
    }
    Some(file.into_inner())
}

/// Whether anything can be seen through it: an alpha channel alone says nothing.
fn is_transparent(picture: &DynamicImage) -> bool {
    picture.color().has_alpha() && picture.to_rgba8().pixels().any(|pixel| pixel.0[3] < u8::MAX)
}

#[cfg(test)]
mod tests {
    use image::{GenericImageView, Rgba, RgbaImage};

    use super::*;

    fn png(width: u32, height: u32, pixel: [u8; 4]) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        RgbaImage::from_pixel(width, height, Rgba(pixel)).write_to(&mut file, ImageFormat::Png).unwrap();
        file.into_inner()
    }

    #[test]
    fn a_picture_fits_keeps_its_shape_and_stays_transparent_if_it_was() {
        for (size, alpha, expected) in [
            ((2048, 1024), 255, ((512, 256), ImageFormat::Jpeg)),
            ((1000, 3000), 100, ((171, 512), ImageFormat::Png)),
            ((64, 32), 255, ((64, 32), ImageFormat::Jpeg)),
            ((1, 1), 0, ((1, 1), ImageFormat::Png)),
        ] {
            let made = small(&png(size.0, size.1, [200, 30, 30, alpha]), ImageFormat::Png).unwrap();
            let read = image::load_from_memory(&made).unwrap();
            assert_eq!((read.dimensions(), image::guess_format(&made).unwrap()), expected, "{size:?}");
        }
    }

    #[test]
    fn what_is_too_large_or_broken_has_none() {
        assert!(small(b"\x89PNG\r\n\x1a\nnonsense", ImageFormat::Png).is_none());
        let whole = png(300, 300, [1, 2, 3, 255]);
        assert!(small(&whole[..whole.len() / 2], ImageFormat::Png).is_none());
        // A head that promises 30,000 × 30,000 pixels, with the checksum that belongs to it.
        let mut bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x75\x30\0\0\x75\x30\x08\x06\0\0\0".to_vec();
        bomb.extend(crc32(&bomb[12..29]).to_be_bytes());
        bomb.extend(&whole[33..]);
        assert!(small(&bomb, ImageFormat::Png).is_none());
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 })
        })
    }
}
