//! Connections to one host that wait for their next call.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use easyai_core::failure::{Category, Failure, Sent};
use http::{Request, Response, Uri};

use super::Segments;
use super::connector::{ConnectTimeOut, Connector};
use super::guard::{PRIVATE, Private};
use super::lane::{AnswerBody, Lane};
use crate::refusal::{broken, chain};

/// Connections kept for the next call; beyond the busiest platform's concurrency they would only idle.
const MAX_IDLE: usize = 512;

/// Most servers close idle connections after a minute or more: closing first saves calls on connections that are just being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// The way to one host.
#[derive(Debug)]
pub(crate) struct Pool {
    connector: Connector,
    to: Uri,
    limit: Duration,
    /// The latest used at the back, where it is taken from: those that are not needed grow old at the front.
    idle: Mutex<VecDeque<(Instant, Lane)>>,
}

impl Pool {
    pub(super) const fn new(connector: Connector, to: Uri, limit: Duration) -> Self {
        Self { connector, to, limit, idle: Mutex::new(VecDeque::new()) }
    }

    /// Sends a request and waits for the head of the answer.
    pub(crate) async fn send(self: &Arc<Self>, mut request: Request<Segments>) -> Result<Response<AnswerBody>, Failure> {
        loop {
            let waiting = self.take();
            let is_new = waiting.is_none();
            let mut lane = match waiting {
                Some(lane) => lane,
                None => self.connect().await?,
            };
            match lane.send(request).await {
                Ok(answer) => return Ok(answer.map(|incoming| AnswerBody::new(incoming, lane, Arc::clone(self)))),
                // The peer closed the idle connection just now, and nothing was sent: that is no failure yet.
                Err((_, Some(unsent))) if !is_new => request = unsent,
                Err((error, _)) => return Err(broken(&error)),
            }
        }
    }

    fn take(&self) -> Option<Lane> {
        loop {
            let (since, mut lane) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop_back()?;
            if since.elapsed() < IDLE_TIMEOUT && lane.is_usable() {
                return Some(lane);
            }
        }
    }

    pub(super) fn give_back(&self, lane: Lane) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while idle.len() >= MAX_IDLE || idle.front().is_some_and(|(since, _)| since.elapsed() >= IDLE_TIMEOUT) {
            idle.pop_front();
        }
        idle.push_back((Instant::now(), lane));
    }

    async fn connect(&self) -> Result<Lane, Failure> {
        let io = self.connector.connect(self.to.clone(), self.limit).await.map_err(|error| {
            let (category, message) = match ConnectTimeOut::find(error.as_ref()) {
                Some(time_out) => (Category::Timeout, time_out.to_string()),
                None => (Category::Network, format!("no connection: {}", chain(error.as_ref()))),
            };
            let code = Private::is_in(error.as_ref()).then(|| PRIVATE.to_owned());
            Failure { code, ..Failure::new(category, Sent::Nothing, message) }
        })?;
        let unusable = |error: hyper::Error| Failure::new(Category::Network, Sent::Nothing, format!("no connection: {}", chain(&error)));
        Lane::over(io).await.map_err(unusable)
    }
}
