//! An asset as its owner sees it, with a link.

use axum::http::request::Parts;
use axum::http::uri::Authority;
use easyai_core::id::AssetId;
use easyai_core::time::Timestamp;
use easyai_store::assets::{AssetRole, LinkTerms, StoredAsset, signed_url};

use crate::app::App;

/// An asset.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct AssetView {
    #[schema(value_type = String, example = "asset_01h455vb4pex5vsknk084sn02q")]
    id: AssetId,
    object: &'static str,
    /// `result`, `thumbnail` or `input`.
    #[schema(value_type = String)]
    role: AssetRole,
    /// Among those of its role, from 0.
    position: u32,
    #[schema(example = "image/png")]
    media_type: String,
    size_bytes: u64,
    /// In hexadecimal.
    sha256: String,
    width: Option<u32>,
    height: Option<u32>,
    duration_ms: Option<u64>,
    /// Fetches it without a key.
    url: String,
    /// Fetches its small picture, of a result that has one; until then as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail_url: Option<String>,
    /// Until then.
    #[schema(value_type = String)]
    url_expires_at: Timestamp,
    #[schema(value_type = String)]
    created_at: Timestamp,
    /// When it goes; null: never by itself.
    #[schema(value_type = Option<String>)]
    expires_at: Option<Timestamp>,
}

/// A task's assets.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct AssetList {
    pub(super) data: Vec<AssetView>,
}

impl AssetView {
    /// Those of a task's assets that are there, thumbnails linked with what they show. `base` is what links begin with ([`base`]).
    pub fn all(app: &App, base: &str, mut stored: Vec<StoredAsset>, now: Timestamp) -> Vec<Self> {
        stored.retain(|asset| asset.is_there(now));
        let of_role = |role| stored.iter().filter(move |asset| asset.role == role);
        let thumbnails: Vec<(u32, AssetId)> = of_role(AssetRole::Thumbnail).map(|small| (small.position, small.id)).collect();
        let thumbnail = |asset: &StoredAsset| {
            let found = thumbnails.iter().find(|(position, _)| asset.role == AssetRole::Result && *position == asset.position);
            found.map(|(_, id)| signed_url(&app.vault, base, *id, now, app.links.lifetime))
        };
        stored.into_iter().map(|asset| (thumbnail(&asset), asset)).map(|(small, asset)| Self::of(app, base, asset, small, now)).collect()
    }

    /// Whether it is what its task made.
    pub fn is_result(&self) -> bool {
        self.role == AssetRole::Result
    }

    fn of(app: &App, base: &str, asset: StoredAsset, thumbnail_url: Option<String>, now: Timestamp) -> Self {
        let lifetime = app.links.lifetime;
        Self {
            id: asset.id,
            object: "asset",
            role: asset.role,
            position: asset.position,
            sha256: hex(&asset.sha256),
            media_type: asset.media_type,
            size_bytes: asset.size_bytes,
            width: asset.width,
            height: asset.height,
            duration_ms: asset.duration_ms,
            url: signed_url(&app.vault, base, asset.id, now, lifetime),
            thumbnail_url,
            url_expires_at: now.plus(lifetime),
            created_at: asset.created_at,
            expires_at: asset.expires_at,
        }
    }
}

/// What links begin with: the public URL of the settings, else where this very call came in; if it does not say, nothing, so that links
/// are relative. A proxy in front tells by `x-forwarded-proto` that callers speak TLS with it; whoever lies there gets a link that does
/// not work, and nobody else does.
pub fn base(links: &LinkTerms, head: &Parts) -> String {
    if let Some(url) = &links.public_url {
        return url.clone();
    }
    let named = head.headers.get(axum::http::header::HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    let Some(host) = named.as_ref().or(head.uri.authority()) else { return String::new() };
    let secure = head.headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    format!("{}://{}", if secure { "https" } else { "http" }, host.as_str().rsplit('@').next().unwrap_or_default())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::Request;

    use super::*;

    #[test]
    fn links_lead_where_callers_reach_us() {
        let check = |public: Option<&str>, headers: &[(&str, &str)], uri: &str, expected: &str| {
            let mut request = Request::builder().uri(uri);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let links = LinkTerms { public_url: public.map(str::to_owned), lifetime: Duration::from_secs(60) };
            assert_eq!(base(&links, &request.body(()).unwrap().into_parts().0), expected);
        };
        check(Some("https://g.example"), &[("host", "10.0.0.1:8080")], "/x", "https://g.example");
        check(None, &[("host", "g.example:8080")], "/x", "http://g.example:8080");
        check(None, &[("host", "g.example"), ("x-forwarded-proto", "https")], "/x", "https://g.example");
        check(None, &[], "http://h2.example/x", "http://h2.example");
        check(None, &[("host", "u:p@g.example")], "/x", "http://g.example");
        check(None, &[("host", "g example/<script>")], "/x", "");
    }
}
