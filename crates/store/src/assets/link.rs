//! Links to assets: whoever has one may fetch the asset until it expires, without a key.
//!
//! `BASE/assets/ID?expires=SECONDS&signature=…`; the signature is an HMAC-SHA256 of id and time with a key of its own, derived from the
//! master key. With another master key all links that were given are void.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use easyai_core::id::AssetId;
use easyai_core::time::Timestamp;

use crate::vault::Vault;

/// On what terms links are given.
#[derive(Debug, Clone)]
pub struct LinkTerms {
    /// Where callers reach the gateway, `https://HOST`, without a slash at its end; if none, where the call at hand came in.
    pub public_url: Option<String>,
    /// How long a link is good.
    pub lifetime: Duration,
}

/// A link to an asset below `base` (`https://HOST`).
#[must_use]
pub fn signed_url(vault: &Vault, base: &str, id: AssetId, now: Timestamp, lifetime: Duration) -> String {
    let expires = now.plus(lifetime).seconds();
    let signature = URL_SAFE_NO_PAD.encode(vault.sign_link(&signed(id, expires)));
    format!("{}/assets/{id}?expires={expires}&signature={signature}", base.trim_end_matches('/'))
}

/// Whether a link was given by us and has not expired. Compared in constant time.
#[must_use]
pub fn is_link_good(vault: &Vault, id: AssetId, expires: &str, signature: &str, now: Timestamp) -> bool {
    let Some(expires) = expires.parse::<i64>().ok().filter(|expires| now.seconds() < *expires) else { return false };
    URL_SAFE_NO_PAD.decode(signature).is_ok_and(|signature| vault.is_link_signature(&signed(id, expires), &signature))
}

fn signed(id: AssetId, expires: i64) -> String {
    format!("{id} {expires}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_good_for_its_asset_and_its_time_alone() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path(), None).unwrap();
        let other = Vault::open(tempfile::tempdir().unwrap().path(), None).unwrap();
        let id = AssetId::from_uuid(uuid::Uuid::from_u128(7));
        let now = Timestamp::from_micros(1_000_000_000);
        let url = signed_url(&vault, "https://g.example/", id, now, Duration::from_secs(60));
        let (path, query) = url.split_once('?').unwrap();
        assert_eq!(path, format!("https://g.example/assets/{id}"));
        let (expires, signature) = query.split_once('&').unwrap();
        let (expires, signature) = (expires.strip_prefix("expires=").unwrap(), signature.strip_prefix("signature=").unwrap());
        assert_eq!(expires, "1060");
        let late = Timestamp::from_micros(1_060_000_000);
        let check = |vault: &Vault, id, expires: &str, signature: &str, now| is_link_good(vault, id, expires, signature, now);
        assert!(check(&vault, id, expires, signature, now));
        assert!(!check(&vault, id, expires, signature, late));
        assert!(!check(&vault, id, "2060", signature, now), "the time is signed");
        assert!(!check(&vault, AssetId::from_uuid(uuid::Uuid::from_u128(8)), expires, signature, now));
        assert!(!check(&other, id, expires, signature, now));
        for bad in ["", "x", "====", &signature[1..], &signature.to_uppercase()] {
            assert!(!check(&vault, id, expires, bad, now), "{bad}");
        }
        assert!(!check(&vault, id, "soon", signature, now));
    }
}
