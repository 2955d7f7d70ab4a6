//! A begin on its way to whoever asked for it. Between the moment in which the journal tells that a task began and the one in which the
//! asker hears of it, the asker may go away: then the journal has done its part, nobody has taken over, and the task would stay unfinished
//! with its hold. So the answer has an owner all the way: dropped unheard, it ends the task.

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::begin::{Begin, Begun};
use super::work::{Waiting, Work, abandon};
use crate::error::StoreError;

/// Waits for the answer to a begin.
pub(super) struct Beginning<'a> {
    pub(super) queue: &'a mpsc::Sender<Work>,
    pub(super) begin: Begin,
    pub(super) waiting: Waiting<Begun>,
}

impl Beginning<'_> {
    pub(super) async fn answered(mut self) -> Result<Begun, StoreError> {
        super::answer(&mut self.waiting).await
    }
}

impl Drop for Beginning<'_> {
    fn drop(&mut self) {
        // From here on the journal finds that nobody waits, and ends the task itself. What it told before that lies here.
        self.waiting.close();
        if let Ok(Ok(Begun::Begun)) = self.waiting.try_recv()
            && let Some(end) = abandon(&self.begin)
        {
            send(self.queue, end);
        }
    }
}

/// A begin is refused while there is little room, so there nearly always is some for its end.
fn send(queue: &mpsc::Sender<Work>, end: Work) {
    match (queue.try_send(end), Handle::try_current()) {
        (Err(TrySendError::Full(end)), Ok(runtime)) => {
            let queue = queue.clone();
            // It ends with the journal, which takes from its queue until it ends.
            runtime.spawn(async move { drop(queue.send(end).await) });
        }
        // Without a journal or a runtime the process is ending: the next start ends the task.
        (Ok(()) | Err(TrySendError::Full(_) | TrySendError::Closed(_)), _) => {}
    }
}
