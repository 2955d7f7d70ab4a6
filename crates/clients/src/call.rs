//! What is asked of a client, and what it gives.

use std::sync::Arc;

use bytes::Bytes;
use easyai_core::catalog::{Credential, PlatformModel, Simulation};
use easyai_core::failure::Failure;
use easyai_core::kind::Provider;
use easyai_core::usage::Usage;
use easyai_protocols::openai::answer::delivered_text;
use easyai_protocols::openai::request::ChatRequest;
use http::{HeaderMap, HeaderValue};
use secrecy::SecretString;
use tokio::time::Instant;

use crate::egress::{Egress, EgressError};
use crate::simulation::Faults;
use crate::stream::UpstreamStream;
use crate::{openai, simulation};

/// One call of one candidate.
#[derive(Debug)]
pub struct ChatCall<'a> {
    /// The candidate.
    pub offer: &'a Arc<PlatformModel>,
    /// The platform's secret; none for platforms that need none.
    pub credential: Option<&'a Credential>,
    /// What the caller asked.
    pub request: &'a ChatRequest,
    /// Answer with the simulation, whatever the provider is.
    pub simulated: bool,
    /// What a simulation shall do; else as the platform's options say.
    pub simulation: Option<&'a Simulation>,
    /// How many calls of this task the platform had before this one: an index into a simulation's script.
    pub call_of_platform: u32,
    /// The caller's own deadline.
    pub deadline: Option<Instant>,
    /// The caller's head; only what is known to be harmless and of use goes on.
    pub forward: &'a HeaderMap,
}

/// An answer that has begun.
#[derive(Debug)]
pub enum ChatAnswer {
    /// The whole of it.
    Plain(PlainAnswer),
    /// A stream at its first useful delta.
    Stream(Box<UpstreamStream>),
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct PlainAnswer {
    /// The upstream's bytes.
    pub body: Bytes,
    /// The upstream's content type.
    pub content_type: HeaderValue,
    /// What the upstream counted, if it did.
    pub usage: Option<Usage>,
    /// The id the upstream gave its answer.
    pub upstream_request_id: Option<String>,
}

impl PlainAnswer {
    /// All text of the answer, for counting.
    #[must_use]
    pub fn delivered_text(&self) -> String {
        delivered_text(&self.body)
    }
}

/// The clients of all providers. A handle: clones share their connections.
#[derive(Debug, Clone)]
pub struct Clients {
    egress: Arc<Egress>,
    faults: Option<Arc<dyn Faults>>,
}

impl Clients {
    /// Clients that leave through `global_proxy`, unless a platform says otherwise.
    ///
    /// # Errors
    /// [`EgressError`] if the proxy's URL can't be used.
    pub fn new(global_proxy: Option<SecretString>) -> Result<Self, EgressError> {
        Ok(Self { egress: Arc::new(Egress::new(global_proxy)?), faults: None })
    }

    /// The same, but what simulated calls meet comes from `faults`.
    #[must_use]
    pub fn with_faults(self, faults: Arc<dyn Faults>) -> Self {
        Self { faults: Some(faults), ..self }
    }

    /// Calls a candidate.
    ///
    /// # Errors
    /// A [`Failure`] for everything that goes wrong before the first useful delta, or before the whole of a plain answer is here.
    pub async fn chat(&self, call: ChatCall<'_>) -> Result<ChatAnswer, Failure> {
        if call.simulated {
            return simulation::chat(&call, self.faults.as_deref()).await;
        }
        match call.offer.platform.provider {
            Provider::Simulation => simulation::chat(&call, self.faults.as_deref()).await,
            Provider::Openai => openai::chat(&self.egress, &call).await,
        }
    }
}
