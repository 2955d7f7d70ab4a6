//! `POST /api/admin/v1/replay`: what a draft would have done to recorded tasks.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use easyai_core::error::ErrorCode;
use easyai_core::replay::Seed;
use easyai_core::time::Timestamp;
use easyai_store::history::Span;
use easyai_store::{StoreError, accounts};
use serde::Deserialize;

use crate::api::error::ApiError;
use crate::api::{admin, body};
use crate::app::App;
use crate::replay::{DIFFERENCES, MOST_DIFFERENCES, Outcome, Plan, read_draft, run};

/// Tasks of one call: some seconds of work, beside the calls that are served.
const MOST_TASKS: u64 = 100_000;

/// When it makes sense to come again while another replay runs.
const COME_AGAIN: Duration = Duration::from_secs(5);

/// What is to be replayed. All of it may be left out.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReplayBody {
    /// Tasks that began at this time or later.
    #[schema(value_type = Option<String>, example = "2026-01-31T00:00:00Z")]
    since: Option<Timestamp>,
    /// Tasks that began before this time.
    #[schema(value_type = Option<String>)]
    until: Option<Timestamp>,
    /// Of this model.
    model: Option<String>,
    /// Of the account of this name.
    account: Option<String>,
    /// The draft, as TOML: a part of a catalogue file.
    policy: Option<String>,
    /// What chance comes from: the same again gives the same report.
    seed: u64,
    /// Differing tasks that are shown, up to 1000.
    differences: u32,
}

impl Default for ReplayBody {
    fn default() -> Self {
        Self { since: None, until: None, model: None, account: None, policy: None, seed: 0, differences: DIFFERENCES }
    }
}

/// Replays at most 100,000 tasks, the oldest first: `complete` says whether these were all. One replay runs at a time; it ends when its
/// caller goes away.
///
/// # Errors
/// `permission_denied`, `invalid_api_key`, `bad_request`, `rate_limit` while another replay runs, `store_unavailable`.
#[utoipa::path(post, path = "/api/admin/v1/replay", tag = "Admin", security(("admin" = [])), request_body = ReplayBody,
    responses(
        (status = 200, description = "What would change: success, attempts, latency, charge, cost, margin, and the tasks that differ", body = serde_json::Value),
        (status = 400, description = "bad_request: a wrong field, or a draft with mistakes, each with line and column"),
        (status = 401, description = "invalid_api_key: not the admin token"),
        (status = 403, description = "permission_denied: no admin token is set"),
        (status = 429, description = "rate_limit: another replay is running"),
    ))]
pub async fn replay(State(app): State<Arc<App>>, request: Request) -> Result<Json<Outcome>, ApiError> {
    let (head, incoming) = request.into_parts();
    admin::operator(&app, &head.headers)?;
    let bytes = body::read(&head.headers, incoming, app.max_body_bytes).await?;
    let asked = if bytes.is_empty() { Ok(ReplayBody::default()) } else { serde_json::from_slice(&bytes) };
    let asked = asked.map_err(|error| ApiError::new(ErrorCode::BadRequest, format!("the body can't be read: {error}")))?;
    let busy = || ApiError {
        retry_after: Some(COME_AGAIN),
        ..ApiError::new(ErrorCode::RateLimit, "one replay runs at a time: try again when the other one is done")
    };
    // Held until the answer is there, or the caller is gone.
    let _turn = app.replaying.try_acquire().map_err(|_| busy())?;
    let catalog = app.runner.catalog();
    let plan = plan(&app, asked, &catalog).await?;
    let outcome = run(&app.db, &catalog, &plan, |_| ()).await.map_err(|error| failed(&error))?;
    Ok(Json(outcome))
}

async fn plan(app: &App, asked: ReplayBody, today: &easyai_core::catalog::Catalog) -> Result<Plan, ApiError> {
    if asked.differences > MOST_DIFFERENCES {
        let message = format!("`differences` is {}: write at most {MOST_DIFFERENCES}", asked.differences);
        return Err(ApiError::field("differences", message));
    }
    let draft = asked.policy.as_deref().map(|text| read_draft("policy", text, today)).transpose();
    let draft = draft.map_err(|problems| ApiError::field("policy", problems))?.unwrap_or_default();
    let account = match asked.account {
        None => None,
        Some(name) => match accounts::find(&app.db, &name).await {
            Ok(account) => Some(account.id),
            Err(error @ StoreError::NotFound(_)) => return Err(ApiError::field("account", error.to_string())),
            Err(error) => return Err(error.into()),
        },
    };
    let span = Span { since: asked.since, until: asked.until, model: asked.model, account };
    Ok(Plan { span, draft, seed: Seed(asked.seed), differences: asked.differences, most_tasks: Some(MOST_TASKS) })
}

fn failed(error: &anyhow::Error) -> ApiError {
    match error.downcast_ref::<StoreError>() {
        Some(error) => error.clone().into(),
        None => {
            tracing::error!(error = format!("{error:#}"), "A replay failed");
            ApiError::new(ErrorCode::InternalError, "the replay failed: the gateway's log says why")
        }
    }
}
