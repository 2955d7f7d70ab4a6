//! Waiting for what another process does: asked again and again, since it can't be subscribed to.

use std::time::{Duration, Instant};

/// Between two looks; short, so that what is measured is the gateway.
const PAUSE: Duration = Duration::from_millis(10);

/// Asks until the answer is yes, and says how long it took.
#[track_caller]
pub fn within(patience: Duration, what: &str, mut asked: impl AsyncFnMut() -> bool) -> impl Future<Output = Duration> {
    let began = Instant::now();
    async move {
        while !asked().await {
            assert!(began.elapsed() < patience, "not within {patience:?}: {what}");
            tokio::time::sleep(PAUSE).await;
        }
        began.elapsed()
    }
}
