//! `GET /api/v1/wallet`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use easyai_core::money::Money;

use crate::api::auth;
use crate::api::error::ApiError;
use crate::app::App;

/// What an account has.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct WalletView {
    /// What is booked; below zero when an answer exceeded its hold.
    #[schema(value_type = String, example = "12.5")]
    balance: Money,
    /// What is set aside for calls under way.
    #[schema(value_type = String, example = "0.000042")]
    held: Money,
    /// What a new call may use: the balance without what is held.
    #[schema(value_type = String)]
    available: Money,
    #[schema(value_type = String, example = "USD")]
    currency: Arc<str>,
}

/// The wallet of the caller's account.
///
/// # Errors
/// `invalid_api_key`, `store_unavailable`.
#[utoipa::path(get, path = "/api/v1/wallet", tag = "Gateway", security(("key" = [])), responses((status = 200, body = WalletView)))]
pub async fn get(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Json<WalletView>, ApiError> {
    let caller = auth::caller(&app, &headers)?;
    let wallet = easyai_store::ledger::wallet(&app.db, caller.account.id).await?.unwrap_or_default();
    let currency = Arc::clone(&app.currency);
    Ok(Json(WalletView { balance: wallet.balance, held: wallet.held, available: wallet.available(), currency }))
}
