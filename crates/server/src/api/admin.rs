//! Who may use the admin API: whoever has the token of the settings. Without that setting nobody has.

use std::hint::black_box;

use axum::http::HeaderMap;
use easyai_core::error::ErrorCode;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::auth;
use super::error::ApiError;
use crate::app::App;

/// One message for a token that is missing or another.
const REFUSED: &str = "the admin token is missing or not valid: send it as `Authorization: Bearer …`";
const OFF: &str = "the admin API is off: set EASYAI_ADMIN_TOKEN (or admin_token in the file of settings) and restart to switch it on";

/// The admin token, as its hash: it can't be shown by mistake.
#[derive(Debug, Clone)]
pub struct AdminToken([u8; 32]);

impl AdminToken {
    /// That of the settings.
    #[must_use]
    pub fn new(token: &SecretString) -> Self {
        Self(hash(token.expose_secret()))
    }

    /// Whether `given` is the token. Takes as long for any text of the same length: hashes are compared to their end.
    fn is(&self, given: &str) -> bool {
        let differing = self.0.iter().zip(hash(given)).fold(0, |differing, (one, other)| differing | (one ^ other));
        black_box(differing) == 0
    }
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Lets an operator pass.
///
/// # Errors
/// `permission_denied` where there is no token, `invalid_api_key` for any other.
pub fn operator(app: &App, headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(token) = &app.admin_token else { return Err(ApiError::new(ErrorCode::PermissionDenied, OFF)) };
    auth::bounded(headers, app.max_header_bytes)?;
    match auth::bearer(headers) {
        Some(given) if token.is(given) => Ok(()),
        Some(_) | None => Err(ApiError::new(ErrorCode::InvalidApiKey, REFUSED)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_passes() {
        let token = AdminToken::new(&SecretString::from("a long and random text"));
        assert!(token.is("a long and random text"));
        for other in ["", "a long and random tex", "a long and random texts", "A long and random text"] {
            assert!(!token.is(other), "{other}");
        }
        assert!(!format!("{token:?}").contains("random"));
    }
}
