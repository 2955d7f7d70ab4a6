//! How long a prompt is, by whoever would answer it. No task, no charge: nothing is made.

use std::time::Duration;

use easyai_clients::TextCall;
use easyai_core::id::TaskId;

use crate::carry::Carried;
use crate::clock::{Stopwatch, new_id};
use crate::prepare::{self, TextAsk};
use crate::runner::Runner;

/// A count is asked for before every turn of an agent: better an estimate than a wait.
const PATIENCE: Duration = Duration::from_secs(5);

impl Runner {
    /// The tokens of `ask`'s prompt as its first candidate counts them; none if that can't or does not.
    pub async fn count(&self, ask: &TextAsk) -> Option<u64> {
        let watch = Stopwatch::start();
        let selection = prepare::candidates(self, ask, &Carried::default(), &watch).ok()?;
        let best = selection.candidates.best();
        if self.is_draining() || best.offer.platform.test_mode || ask.run_mode() == easyai_core::kind::RunMode::Simulation {
            return None;
        }
        let call = TextCall {
            offer: &best.offer,
            credential: best.credential(0).map(AsRef::as_ref),
            request: &ask.request,
            written: None,
            task: TaskId::from_uuid(new_id()),
            started_at: watch.started_at,
            simulated: false,
            simulation: None,
            call_of_platform: 0,
            whole: false,
            deadline: Some(tokio::time::Instant::now() + PATIENCE),
            forward: &ask.headers,
        };
        let counted = self.clients.count(call).await;
        counted.inspect_err(|failure| tracing::debug!(failure = %failure.message, "A prompt was not counted upstream")).ok()
    }
}
