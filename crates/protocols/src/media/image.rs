//! What is asked of a model that makes images.

use std::num::NonZeroU32;
use std::sync::Arc;

use easyai_core::media::{ImageQuality, Pixels};

use super::file::{InputFile, MediaBody};

/// Whether images are made from nothing or from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageWork {
    /// From a prompt: `POST /images/generations`.
    Generate,
    /// From images and a prompt: `POST /images/edits`.
    Edit,
}

easyai_core::words! {
    /// How an image is given to its caller.
    pub enum ResponseFormat as "response format" {
        /// As a URL of the gateway.
        Url = "url",
        /// As base64 in the answer.
        B64Json = "b64_json",
    }
}

easyai_core::words! {
    /// The file format of an image.
    pub enum ImageFormat as "image format" {
        /// PNG.
        Png = "png",
        /// JPEG.
        Jpeg = "jpeg",
        /// WebP.
        Webp = "webp",
    }
}

easyai_core::words! {
    /// What lies behind the picture.
    pub enum Background as "background" {
        /// As the model likes.
        Auto = "auto",
        /// Nothing.
        Transparent = "transparent",
        /// Something.
        Opaque = "opaque",
    }
}

/// A request for images, checked.
///
/// Fields that only OpenAI's own models know (`moderation`, `style`, `input_fidelity`, `user`) stay in the body: an upstream of the same
/// shape gets them.
#[derive(Debug)]
pub struct ImageRequest {
    /// From nothing, or from images.
    pub work: ImageWork,
    /// The public model name.
    pub model: Arc<str>,
    /// What to show; not blank.
    pub prompt: String,
    /// How many images.
    pub n: NonZeroU32,
    /// Their size; none leaves it to the model (`auto`).
    pub size: Option<Pixels>,
    /// Their quality; none leaves it to the model.
    pub quality: Option<ImageQuality>,
    /// Their file format.
    pub output_format: Option<ImageFormat>,
    /// In percent; only JPEG and WebP.
    pub output_compression: Option<u8>,
    /// What lies behind the picture.
    pub background: Option<Background>,
    /// How they are given; none: as the model's own API would.
    pub response_format: Option<ResponseFormat>,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Drafts wanted in a stream.
    pub partial_images: u8,
    /// For the same picture again, where a model keeps that promise.
    pub seed: Option<i64>,
    /// What to start from, in the caller's order.
    pub images: Vec<InputFile>,
    /// Transparent where the first image is to change.
    pub mask: Option<InputFile>,
    /// As it came.
    pub body: MediaBody,
}
