//! An asset's bytes as an answer: whole, a part, or that the caller has them already.
//!
//! The body is read from the storage as fast as its caller takes it; a piece is in memory at a time. If the storage fails in the middle,
//! the connection breaks: the length was told, so nobody takes it for whole, and a client goes on by a range.

use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use easyai_store::assets::{AssetStore, MediaClass, StoredAsset};

use super::range::{Wanted, wanted};
use super::unavailable;
use super::view::hex;
use crate::api::error::ApiError;

/// Answers with `asset` what `headers` ask for.
///
/// # Errors
/// `store_unavailable` if the storage is gone, `asset_not_found` if its bytes are.
pub async fn answer(store: &Arc<AssetStore>, asset: &StoredAsset, method: &Method, headers: &HeaderMap) -> Result<Response, ApiError> {
    let etag = format!("\"{}\"", hex(&asset.sha256));
    let size = asset.size_bytes;
    let (status, range) = match wanted(headers, &etag, size) {
        Wanted::Whole => (StatusCode::OK, Some(0..size)),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, Some(range)),
        Wanted::NotThere => (StatusCode::RANGE_NOT_SATISFIABLE, None),
        Wanted::Nothing => (StatusCode::NOT_MODIFIED, None),
    };
    let body = match &range {
        Some(range) if *method != Method::HEAD => {
            Body::from_stream(store.read(asset, range.clone()).await.map_err(|error| unavailable(asset, error))?)
        }
        Some(_) | None => Body::empty(),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    describe(response.headers_mut(), asset, &etag, status, range);
    Ok(response)
}

fn describe(map: &mut HeaderMap, asset: &StoredAsset, etag: &str, status: StatusCode, range: Option<Range<u64>>) {
    map.extend(HeaderValue::from_str(etag).map(|etag| (ETAG, etag)));
    map.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // A shared cache would give it to whoever asks, after the link has expired too.
    map.insert(CACHE_CONTROL, HeaderValue::from_static("private"));
    map.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let size = asset.size_bytes;
    match range {
        Some(range) => {
            map.extend(HeaderValue::from_str(&asset.media_type).map(|kind| (CONTENT_TYPE, kind)));
            map.extend(HeaderValue::from_str(&disposition(asset)).map(|name| (CONTENT_DISPOSITION, name)));
            map.insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
            if status == StatusCode::PARTIAL_CONTENT {
                let place = format!("bytes {}-{}/{size}", range.start, range.end - 1);
                map.extend(HeaderValue::from_str(&place).map(|place| (CONTENT_RANGE, place)));
            }
        }
        None if status == StatusCode::RANGE_NOT_SATISFIABLE => {
            map.extend(HeaderValue::from_str(&format!("bytes */{size}")).map(|place| (CONTENT_RANGE, place)));
        }
        None => {}
    }
}

/// Media are shown; whatever else it is, is saved and never opened in our name.
fn disposition(asset: &StoredAsset) -> String {
    let how = if MediaClass::of(&asset.media_type).is_some() { "inline" } else { "attachment" };
    format!("{how}; filename=\"{}.{}\"", asset.id, extension(&asset.media_type))
}

/// What files of a media type are called.
fn extension(media_type: &str) -> &str {
    let Some((_, subtype)) = media_type.split_once('/') else { return "bin" };
    match (media_type, subtype) {
        ("application/octet-stream", _) => "bin",
        ("audio/mpeg", _) => "mp3",
        ("audio/mp4", _) => "m4a",
        (_, "jpeg") => "jpg",
        (_, "quicktime") => "mov",
        (_, "matroska") => "mkv",
        (_, subtype) => subtype,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_called_as_people_call_them() {
        let check = |media_type, expected| assert_eq!(extension(media_type), expected);
        check("image/jpeg", "jpg");
        check("image/png", "png");
        check("video/mp4", "mp4");
        check("video/quicktime", "mov");
        check("audio/mpeg", "mp3");
        check("audio/mp4", "m4a");
        check("audio/wav", "wav");
        check("application/octet-stream", "bin");
    }
}
