//! Settings of assets: where they are kept, how long, how large, and on what terms links to them are given.

use std::path::{Path, PathBuf};
use std::time::Duration;

use easyai_store::assets::{Addressing, AssetPlace, AssetSettings, Bucket, LinkTerms};
use secrecy::SecretString;

use super::source::Given;

const GIB: u64 = 1 << 30;

/// Where no other is named, in signatures too. What providers with endpoints of their own take mostly.
const REGION: &str = "us-east-1";

/// A link that is good for longer can't be taken back for longer.
const WEEK_SECONDS: u64 = 7 * 86_400;

pub(super) fn settings(given: &mut Given, data: &Path) -> AssetSettings {
    let days = given.number("assets_retention_days", 30, 0..=36_500);
    AssetSettings {
        place: place(given, data),
        // A bucket takes 10,000 parts of 8 MiB.
        max_bytes: given.number("max_asset_bytes", 4 * GIB, 1 << 20..=64 * GIB),
        keep: (days > 0).then(|| Duration::from_secs(days * 86_400)),
    }
}

pub(super) fn links(given: &mut Given) -> LinkTerms {
    LinkTerms { public_url: public_url(given), lifetime: Duration::from_secs(given.number("asset_link_seconds", 3_600, 60..=WEEK_SECONDS)) }
}

fn place(given: &mut Given, data: &Path) -> AssetPlace {
    let Some(text) = given.text("assets_url") else { return AssetPlace::Folder(data.join("assets")) };
    if let Some(place) = text.strip_prefix("s3://") {
        let (name, prefix) = place.split_once('/').unwrap_or((place, ""));
        if name.is_empty() {
            given.wrong("assets_url", &text, WRITE_PLACE);
        }
        return AssetPlace::Bucket(bucket(given, name, prefix));
    }
    let folder = text.strip_prefix("file:").unwrap_or(&text);
    if folder.is_empty() || folder.contains("://") {
        given.wrong("assets_url", &text, WRITE_PLACE);
    }
    AssetPlace::Folder(PathBuf::from(folder))
}

const WRITE_PLACE: &str = "a folder, or s3://BUCKET or s3://BUCKET/PREFIX";

fn bucket(given: &mut Given, name: &str, prefix: &str) -> Bucket {
    let endpoint = given.text("assets_endpoint").and_then(|text| {
        let endpoint = text.parse().ok().filter(|url: &url::Url| matches!(url.scheme(), "http" | "https") && url.username().is_empty());
        if endpoint.is_none() {
            given.wrong("assets_endpoint", "(not shown)", "https://HOST or http://HOST:PORT, without a login");
        }
        endpoint
    });
    let (key, secret) = (given.text("assets_access_key"), given.text("assets_secret_key"));
    if key.is_some() != secret.is_some() {
        let lonely = if key.is_some() { "assets_access_key" } else { "assets_secret_key" };
        given.wrong(lonely, "(not shown)", "both assets_access_key and assets_secret_key, or neither");
    }
    Bucket {
        name: name.to_owned(),
        prefix: prefix.trim_matches('/').to_owned(),
        endpoint,
        region: given.text("assets_region").unwrap_or_else(|| REGION.to_owned()),
        login: key.zip(secret.map(SecretString::from)),
        addressing: given.parsed("assets_addressing", "path or host").unwrap_or(Addressing::Path),
    }
}

fn public_url(given: &mut Given) -> Option<String> {
    let text = given.text("public_url")?;
    let good = text.parse::<url::Url>().is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    if !good {
        given.wrong("public_url", &text, "https://HOST, as callers reach the gateway");
    }
    Some(text.trim_end_matches('/').to_owned())
}
