//! Platforms: addresses, proxies and credentials are checked here.

use std::collections::BTreeSet;

use easyai_core::catalog::{Enabled, PlatformOptions};
use easyai_core::kind::Provider;
use easyai_store::catalog::{CredentialSpec, PlatformSpec, ProxySpec};
use secrecy::SecretString;
use toml::Spanned;

use super::limits::{Budgets, limits};
use super::secret::Secrets;
use super::wire::{CredentialTable, PlatformTable};
use crate::nearest;
use crate::problem::Problem;

/// How an outbound proxy may be spoken to.
const PROXY_SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];

/// The platform that a table means.
pub fn platform(table: Spanned<PlatformTable>, secrets: &Secrets<'_>, problems: &mut Vec<Problem>) -> PlatformSpec {
    let span = table.span();
    let table = table.into_inner();
    let name = table.name.get_ref().clone();
    let base_url = match (table.provider, table.base_url) {
        (Provider::Simulation, None) => String::new(),
        (Provider::Simulation, Some(url)) => {
            problems.push(Problem::new(url.span(), format!("platform \"{name}\": the simulation calls nobody: take `base_url` out")));
            String::new()
        }
        (Provider::Openai | Provider::Anthropic | Provider::Gemini | Provider::Volces, Some(url)) => base_url(&name, &url, problems),
        // Too many platforms speak OpenAI's protocol for one of them to be meant by saying nothing.
        (Provider::Openai, None) => {
            problems
                .push(Problem::new(span, format!("platform \"{name}\": missing field `base_url`, such as \"https://api.openai.com/v1\"")));
            String::new()
        }
        (Provider::Anthropic, None) => "https://api.anthropic.com".to_owned(),
        (Provider::Gemini, None) => "https://generativelanguage.googleapis.com/v1beta".to_owned(),
        (Provider::Volces, None) => "https://ark.cn-beijing.volces.com/api/v3".to_owned(),
    };
    PlatformSpec {
        provider: table.provider,
        base_url,
        priority: table.priority,
        credentials: credentials(&name, table.credentials, secrets, problems),
        proxy: table.proxy.and_then(|given| proxy(&name, &given, problems)),
        timeouts: table.timeouts,
        options: PlatformOptions {
            stream_options: table.options.stream_options,
            api: table.options.api,
            rerank: table.options.rerank,
            simulation: table.simulation,
        },
        test_mode: table.test_mode,
        limits: limits(&format!("platform \"{name}\""), Budgets::Refused("a platform"), table.limits, problems),
        enabled: table.enabled.map(enabled),
    }
}

/// The credentials of a list; their names are different.
fn credentials(
    platform: &str,
    tables: Vec<Spanned<CredentialTable>>,
    secrets: &Secrets<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<CredentialSpec> {
    let mut names = BTreeSet::new();
    for name in tables.iter().filter_map(|table| table.get_ref().name.as_ref()) {
        if !names.insert(name.get_ref()) {
            let given = name.get_ref();
            problems.push(Problem::new(name.span(), format!("platform \"{platform}\": two credentials are named \"{given}\"")));
        }
    }
    tables.into_iter().filter_map(|table| secrets.credential(platform, table, problems)).collect()
}

pub const fn enabled(given: bool) -> Enabled {
    if given { Enabled::Yes } else { Enabled::No }
}

/// The URL without its trailing slash.
fn base_url(platform: &str, given: &Spanned<String>, problems: &mut Vec<Problem>) -> String {
    let url = given.get_ref().trim_end_matches('/');
    let mut bad = |why: &str| problems.push(Problem::new(given.span(), format!("platform \"{platform}\": `base_url`: {why}")));
    match url.parse::<http::Uri>() {
        Ok(uri) => match (uri.scheme_str(), uri.authority()) {
            (Some("http" | "https"), Some(authority)) if authority.as_str().contains('@') => {
                bad("it carries a login: put secrets into `credentials`");
            }
            (Some("http" | "https"), Some(_)) if uri.query().is_some() => bad("it has a query: write the address alone"),
            (Some("http" | "https"), Some(_)) => {}
            (Some(_) | None, _) => bad("it is not a URL: write it like \"https://api.openai.com/v1\""),
        },
        Err(_) => bad("it is not a URL: write it like \"https://api.openai.com/v1\""),
    }
    url.to_owned()
}

fn proxy(platform: &str, given: &Spanned<String>, problems: &mut Vec<Problem>) -> Option<ProxySpec> {
    let text = given.get_ref().as_str();
    if text == "none" {
        return Some(ProxySpec::Direct);
    }
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    if PROXY_SCHEMES.contains(&scheme) && !rest.is_empty() && text.parse::<http::Uri>().is_ok() {
        return Some(ProxySpec::Url(SecretString::from(text)));
    }
    // The text itself is not repeated: it may carry a password.
    let hint = if scheme.is_empty() || PROXY_SCHEMES.contains(&scheme) { String::new() } else { nearest::hint(scheme, PROXY_SCHEMES) };
    let why = "write \"none\", or a URL that begins with http://, https://, socks5:// or socks5h://";
    problems.push(Problem::new(given.span(), format!("platform \"{platform}\": `proxy`: {why}{hint}")));
    None
}
