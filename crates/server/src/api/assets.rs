//! `/api/v1/assets` and `/assets`: what was generated, for its owner by key, and for whoever has a link.

mod range;
mod serve;
mod view;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use easyai_core::error::ErrorCode;
use easyai_core::id::AssetId;
use easyai_runner::clock;
use easyai_store::assets::{self, AssetError, StoredAsset, is_link_good};

use crate::api::error::ApiError;
use crate::api::{auth, tasks};
use crate::app::App;

pub use self::serve::answer;
pub use self::view::{AssetList, AssetView, base};

/// When it makes sense to come again while the storage is gone.
const COME_AGAIN: std::time::Duration = std::time::Duration::from_secs(5);

/// What a link says of itself.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Link {
    /// Seconds since 1970.
    #[serde(default)]
    expires: String,
    /// Of the asset and its time.
    #[serde(default)]
    signature: String,
}

/// An asset of the caller's own. `Range`, `If-Range` and `If-None-Match` are obeyed.
///
/// # Errors
/// `asset_not_found`, also for those of other accounts and those that have gone; `store_unavailable`.
#[utoipa::path(get, path = "/api/v1/assets/{id}", tag = "Gateway", security(("key" = [])), params(("id" = String, Path)),
    responses(
        (status = 200, description = "Its bytes, with their own content type"),
        (status = 206, description = "A part of them"),
        (status = 304, description = "The caller has them"),
        (status = 404, description = "asset_not_found"),
        (status = 416, description = "It has no such part"),
    ))]
pub async fn get(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Result<Response, ApiError> {
    let head = request.into_parts().0;
    let asset = own(&app, &head.headers, &id).await?;
    serve::answer(&app.assets, &asset, &head.method, &head.headers).await
}

/// The same by a link that the gateway gave, without a key.
///
/// # Errors
/// `permission_denied` for a link that has expired or was changed; `asset_not_found`; `store_unavailable`.
#[utoipa::path(get, path = "/assets/{id}", tag = "Gateway", params(("id" = String, Path), Link),
    responses(
        (status = 200, description = "Its bytes, with their own content type"),
        (status = 206, description = "A part of them"),
        (status = 403, description = "permission_denied: the link has expired, or is none of ours"),
        (status = 404, description = "asset_not_found"),
    ))]
pub async fn by_link(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(link): Query<Link>,
    request: Request,
) -> Result<Response, ApiError> {
    let head = request.into_parts().0;
    auth::bounded(&head.headers, app.max_header_bytes)?;
    let now = clock::now();
    let good = id.parse::<AssetId>().ok().filter(|id| is_link_good(&app.vault, *id, &link.expires, &link.signature, now));
    let refused = "the link has expired or is not complete: GET /api/v1/tasks/{id}/assets gives a new one";
    let id = good.ok_or_else(|| ApiError::new(ErrorCode::PermissionDenied, refused))?;
    let asset = assets::get(&app.db, id).await?.filter(|asset| asset.is_there(now)).ok_or_else(no_such_asset)?;
    serve::answer(&app.assets, &asset, &head.method, &head.headers).await
}

/// Deletes an asset of the caller's own, for good. Links to it are void at once.
///
/// # Errors
/// `asset_not_found`, `store_unavailable`.
#[utoipa::path(delete, path = "/api/v1/assets/{id}", tag = "Gateway", security(("key" = [])), params(("id" = String, Path)),
    responses((status = 204, description = "It is gone"), (status = 404, description = "asset_not_found")))]
pub async fn delete(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Result<StatusCode, ApiError> {
    let asset = own(&app, &headers, &id).await?;
    app.assets.delete(&asset, clock::now()).await.map_err(|error| unavailable(&asset, error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a task of the caller's made, and what it was made from, with links. Those that have gone are not among them.
///
/// # Errors
/// `task_not_found`.
#[utoipa::path(get, path = "/api/v1/tasks/{id}/assets", tag = "Gateway", security(("key" = [])), params(("id" = String, Path)), responses((status = 200, body = AssetList)))]
pub async fn of_task(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Result<Json<AssetList>, ApiError> {
    let head: Parts = request.into_parts().0;
    let caller = auth::caller(&app, &head.headers)?;
    let task = tasks::find(&app, &caller, &id).await?;
    let (now, base) = (clock::now(), base(&app.links, &head));
    let stored = assets::by_task(&app.db, task.id).await?;
    Ok(Json(AssetList { data: AssetView::all(&app, &base, stored, now) }))
}

/// Finds an asset of the caller's own.
async fn own(app: &App, headers: &HeaderMap, id: &str) -> Result<StoredAsset, ApiError> {
    let caller = auth::caller(app, headers)?;
    let id: AssetId = id.parse().map_err(|_| no_such_asset())?;
    let now = clock::now();
    let asset = assets::get(&app.db, id).await?.filter(|asset| asset.account_id == caller.account.id && asset.is_there(now));
    asset.ok_or_else(no_such_asset)
}

/// One answer for those that never were, have gone, or are another's, so that ids can't be guessed.
fn no_such_asset() -> ApiError {
    ApiError::new(ErrorCode::AssetNotFound, "there is no such asset among yours, or it has gone: GET /api/v1/tasks/{id}/assets lists them")
}

pub fn unavailable(asset: &StoredAsset, error: AssetError) -> ApiError {
    match error {
        AssetError::Store(error) => error.into(),
        // It went between our two looks.
        AssetError::Missing => no_such_asset(),
        error if error.is_temporary() => {
            tracing::warn!(asset.id = %asset.id, %error, "An asset was refused: the storage is not available");
            let message = "the storage of assets is not available: try again in a moment";
            ApiError { retry_after: Some(COME_AGAIN), ..ApiError::new(ErrorCode::StoreUnavailable, message) }
        }
        error => {
            tracing::error!(asset.id = %asset.id, %error, "An asset can't be given out");
            ApiError::new(ErrorCode::InternalError, "the asset can't be given out: the gateway's log says why")
        }
    }
}
