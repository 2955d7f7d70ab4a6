//! A gateway with limits at one scope.

use std::time::Duration;

use easyai_bench::mock::MockUpstream;
use serde_json::Value;

use crate::app::{Catalog, Setup, TestApp};
use crate::caller::Caller;
use crate::patience::within;

/// Whose limits.
#[derive(Debug, Clone, Copy)]
pub enum Scope {
    Key,
    Account,
    Group,
    Platform,
    Credential,
    PlatformModel,
}

/// A gateway with one platform and one model, and these limits at `scope`. The caller waits for up to 30 s.
pub async fn limited(scope: Scope, limits: &[(&str, u32)], upstream: &MockUpstream) -> TestApp {
    let table = limits.iter().map(|(name, limit)| format!("{name} = {limit}")).collect::<Vec<_>>().join(", ");
    let at = |wanted: bool, text: String| if wanted { text } else { String::new() };
    let limits_here = format!("limits = {{ {table} }}");
    let secret = at(matches!(scope, Scope::Credential), format!(", {limits_here}"));
    let platform = at(matches!(scope, Scope::Platform), limits_here.clone());
    let offer = at(matches!(scope, Scope::PlatformModel), limits_here.clone());
    let text = format!(
        "[[platform]]\nname = \"only\"\nprovider = \"openai\"\nbase_url = \"{}\"\ncredentials = [{{ secret = \"sk-mock\"{secret} }}]\n{platform}\n\
         timeouts = {{ connect_ms = 5000, first_delta_ms = 1500, idle_ms = 1500, total_ms = 20000 }}\n\
         [[model]]\nname = \"demo\"\n\
         [[platform_model]]\nplatform = \"only\"\nmodel = \"demo\"\nprice = {{ input_per_million = \"1000\", output_per_million = \"2000\" }}\n{offer}\n",
        upstream.base_url()
    );
    let group = at(matches!(scope, Scope::Group), format!("[[group]]\nname = \"default\"\n{limits_here}\n"));
    let app = Setup::new(Catalog::default().and(&text).and(&group)).with("EASYAI_QUEUE_TIMEOUT_MS", "30000").start().await;
    for (name, limit) in limits {
        let limit = format!("{name}={limit}");
        match scope {
            Scope::Key => drop(app.program.good(&["key", "set", &app.key_id, "--limit", &limit])),
            Scope::Account => drop(app.program.good(&["account", "set", "demo", "--limit", &limit])),
            Scope::Group | Scope::Platform | Scope::Credential | Scope::PlatformModel => {}
        }
    }
    within(Duration::from_secs(5), "the limits are known", async || {
        !explained(&app.caller).await["limits"].as_array().unwrap().is_empty()
            || !explained(&app.caller).await["candidates"][0]["limits"].as_array().unwrap().is_empty()
    })
    .await;
    app
}

pub async fn explained(caller: &Caller) -> Value {
    let body = br#"{"model": "demo", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 4}"#;
    caller.send("POST", "/api/v1/explain", &[], body).await.unwrap().rest().await.ok().json()
}

impl Scope {
    pub fn is_the_callers(self) -> bool {
        matches!(self, Self::Key | Self::Account | Self::Group)
    }
}
