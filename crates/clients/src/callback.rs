//! Callbacks: an event as a signed request. Source: Standard Webhooks 1.0 (standardwebhooks.com).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use easyai_core::delivery::{Answer, Receiver};
use easyai_core::time::Timestamp;
use hmac::{Hmac, Mac};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::call::Clients;
use crate::egress::BadCallbackUrl;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// What stands before a secret.
const SECRET_PREFIX: &str = "whsec_";

/// What is told.
#[derive(Debug, Clone)]
pub struct Message {
    /// The same however often it is sent.
    pub id: String,
    /// The time of this try: receivers refuse what is old.
    pub sent_at: Timestamp,
    /// JSON.
    pub body: Bytes,
}

/// The value of `webhook-signature`: a signature by each of `secrets`, so that a receiver may know any of them. A secret that is none
/// (`whsec_` and base64) signs nothing.
#[must_use]
pub fn sign(message: &Message, secrets: &[SecretString]) -> String {
    let signed = |secret: &SecretString| {
        let key = BASE64.decode(secret.expose_secret().strip_prefix(SECRET_PREFIX)?).ok()?;
        let head = format!("{}.{}.", message.id, message.sent_at.seconds());
        let mac = Hmac::<Sha256>::new_from_slice(&key).ok()?.chain_update(head).chain_update(&message.body);
        Some(format!("v1,{}", BASE64.encode(mac.finalize().into_bytes())))
    };
    secrets.iter().filter_map(signed).collect::<Vec<_>>().join(" ")
}

impl Clients {
    /// Host and port of a callback's address, if it may be one. The operator's own address may lead anywhere.
    ///
    /// # Errors
    /// [`BadCallbackUrl`] says what is wrong with it.
    pub fn callback_host(&self, url: &str, receiver: Receiver) -> Result<String, BadCallbackUrl> {
        self.egress.callback_host(url, receiver)
    }

    /// Sends `message`, signed, to `url`. Takes ten seconds at most, and never fails: whatever happens is an answer.
    pub async fn call_back(&self, url: &str, receiver: Receiver, message: Message, secrets: &[SecretString]) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(TIMESTAMP, HeaderValue::from(message.sent_at.seconds()));
        for (name, text) in [(ID, message.id.clone()), (SIGNATURE, sign(&message, secrets))] {
            // Ids and base64 are letters and digits.
            headers.extend(HeaderValue::from_str(&text).map(|value| (name, value)));
        }
        self.egress.post(url, receiver, headers, message.body).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference implementations (standard-webhooks/standard-webhooks, `libraries/*/tests`).
    #[test]
    fn a_signature_is_that_of_the_specifications_example() {
        let message = Message {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(),
            sent_at: Timestamp::from_micros(1_614_265_330_000_000),
            body: Bytes::from_static(br#"{"test": 2432232314}"#),
        };
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(sign(&message, std::slice::from_ref(&secret)), expected);
        let both = sign(&message, &[secret, SecretString::from("whsec_AAAA"), SecretString::from("no secret")]);
        let (first, second) = both.split_once(' ').unwrap();
        assert_eq!(first, expected);
        assert!(second.starts_with("v1,") && !second.contains(' '), "{both}");
    }
}
