//! The binary `easyai`.
mod api; mod app; mod cli; mod config; mod serve; mod telemetry;
fn main() { let _ = serve::serve; }
