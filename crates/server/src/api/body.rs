//! Request bodies, bounded and read into one piece.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use bytes::{Bytes, BytesMut};
use easyai_core::error::ErrorCode;
use http_body_util::BodyExt;
use tokio::time::{Duration, timeout};

use super::error::ApiError;

/// How long a whole body may take to arrive. A caller slower than this holds a connection for nothing.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// Memory that a declared length gets at once; a longer body grows as it comes, so that a lie costs nothing.
const TRUSTED_LENGTH: usize = 1 << 20;

/// Reads the whole body.
///
/// # Errors
/// `request_too_large` beyond `max_bytes`, `bad_request` if it breaks off or comes too slowly.
pub async fn read(headers: &HeaderMap, body: Body, max_bytes: usize) -> Result<Bytes, ApiError> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|value| value.parse::<usize>().ok());
    if declared.is_some_and(|length| length > max_bytes) {
        return Err(too_large(max_bytes));
    }
    match timeout(BODY_TIMEOUT, collect(body, declared.unwrap_or(0), max_bytes)).await {
        Ok(read) => read,
        Err(_) => Err(ApiError::new(ErrorCode::BadRequest, format!("the request body did not arrive within {} s", BODY_TIMEOUT.as_secs()))),
    }
}

async fn collect(mut body: Body, declared: usize, max_bytes: usize) -> Result<Bytes, ApiError> {
    let Some(first) = data(&mut body).await? else { return Ok(Bytes::new()) };
    // Small bodies come in one read: they are used where they lie.
    if first.len() >= declared && declared > 0 {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(declared.clamp(first.len(), TRUSTED_LENGTH));
    whole.extend_from_slice(&first);
    while let Some(more) = data(&mut body).await? {
        if whole.len() + more.len() > max_bytes {
            return Err(too_large(max_bytes));
        }
        whole.extend_from_slice(&more);
    }
    if whole.len() > max_bytes {
        return Err(too_large(max_bytes));
    }
    Ok(whole.freeze())
}

async fn data(body: &mut Body) -> Result<Option<Bytes>, ApiError> {
    loop {
        match body.frame().await {
            None => return Ok(None),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Some(Err(error)) => return Err(ApiError::new(ErrorCode::BadRequest, format!("the request body broke off: {error}"))),
        }
    }
}

fn too_large(max_bytes: usize) -> ApiError {
    ApiError::new(
        ErrorCode::RequestTooLarge,
        format!("the request body is larger than {max_bytes} bytes: send less, or ask your operator to raise max_body_bytes"),
    )
}
