//! What is asked of a client, and what it gives.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use easyai_core::catalog::{Credential, PlatformModel, Simulation};
use easyai_core::failure::Failure;
use easyai_core::id::{PlatformId, TaskId};
use easyai_core::kind::Provider;
use easyai_core::time::Timestamp;
use easyai_core::usage::Usage;
use easyai_protocols::bridge;
use easyai_protocols::conversation::{CannotCarry, Notes};
use easyai_protocols::request::TextRequest;
use easyai_protocols::wire::{Envelope, Protocol, Written};
use http::{HeaderMap, HeaderValue};
use secrecy::SecretString;
use tokio::time::Instant;

use crate::egress::{Download, DownloadAsk, Egress, EgressError, FetchError, PrivateAddresses};
use crate::media::{self, AcceptedJob, Made};
use crate::simulation::Faults;
use crate::stream::UpstreamStream;
use crate::{count, simulation, text, unary, upstream};

/// How long a platform that had no `/responses` is believed to have none.
const ABSENT_FOR: Duration = Duration::from_secs(600);

/// One call of one candidate.
#[derive(Debug)]
pub struct TextCall<'a> {
    /// The candidate.
    pub offer: &'a Arc<PlatformModel>,
    /// The platform's secret; none for platforms that need none.
    pub credential: Option<&'a Credential>,
    /// What the caller asked.
    pub request: &'a TextRequest,
    /// The same as it was written for this candidate, if it speaks another protocol.
    pub written: Option<&'a Written>,
    /// The task: what a converted answer is called by.
    pub task: TaskId,
    /// Nobody listens: what is made is given whole, so that it can be brought home and tried again.
    pub whole: bool,
    /// When the task began.
    pub started_at: Timestamp,
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

impl TextCall<'_> {
    /// What a converted answer is written with.
    pub(crate) fn envelope(&self) -> Envelope {
        let scan = &self.request.scan;
        Envelope {
            id: self.task.uuid().simple().to_string(),
            created_at: self.started_at.seconds(),
            model: Arc::clone(&scan.model),
            include_usage: scan.include_usage,
            input_tokens: scan.prompt_tokens,
            request: self.request.original().clone(),
        }
    }
}

/// An answer that has begun.
#[derive(Debug)]
pub enum TextAnswer {
    /// The whole of it.
    Plain(PlainAnswer),
    /// A stream at its first useful delta.
    Stream {
        /// The stream.
        stream: Box<UpstreamStream>,
        /// What was dropped or changed in the request.
        notes: Notes,
    },
    /// Something that was made: to be brought home before it is delivered.
    Made(Box<Made>),
    /// A job that was taken on.
    Job(Box<AcceptedJob>),
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct PlainAnswer {
    /// The caller's protocol, in which it is.
    pub protocol: Protocol,
    /// The upstream's bytes, or what was made of them.
    pub body: Bytes,
    /// The content type.
    pub content_type: HeaderValue,
    /// What the upstream counted, if it did.
    pub usage: Option<Usage>,
    /// The id the upstream gave its answer.
    pub upstream_request_id: Option<String>,
    /// What was dropped or changed in the request.
    pub notes: Notes,
}

impl PlainAnswer {
    /// All text of the answer, for counting.
    #[must_use]
    pub fn delivered_text(&self) -> String {
        bridge::delivered_text(self.protocol, &self.body)
    }
}

/// The clients of all providers. A handle: clones share their connections.
#[derive(Debug, Clone)]
pub struct Clients {
    pub(crate) egress: Arc<Egress>,
    faults: Option<Arc<dyn Faults>>,
    /// Platforms of which `/responses` was asked in vain, and when.
    without_responses: Arc<RwLock<HashMap<PlatformId, Instant>>>,
}

impl Clients {
    /// Clients that leave through `global_proxy`, unless a platform says otherwise.
    ///
    /// # Errors
    /// [`EgressError`] if the proxy's URL can't be used.
    pub fn new(global_proxy: Option<SecretString>) -> Result<Self, EgressError> {
        Self::with_private_addresses(global_proxy, PrivateAddresses::Refused)
    }

    /// The same, and says whether callers' URLs may lead into our own network.
    ///
    /// # Errors
    /// [`EgressError`] if the proxy's URL can't be used.
    pub fn with_private_addresses(global_proxy: Option<SecretString>, private: PrivateAddresses) -> Result<Self, EgressError> {
        Ok(Self { egress: Arc::new(Egress::new(global_proxy, private)?), faults: None, without_responses: Arc::default() })
    }

    /// The same, but what simulated calls meet comes from `faults`.
    #[must_use]
    pub fn with_faults(self, faults: Arc<dyn Faults>) -> Self {
        Self { faults: Some(faults), ..self }
    }

    /// The protocol in which `offer` is asked for what a caller asks in `caller`'s.
    #[must_use]
    pub fn protocol(&self, offer: &PlatformModel, caller: Protocol) -> Protocol {
        let protocol = upstream::protocol(offer, caller);
        if upstream::is_a_guess(offer, protocol) && self.lacks_responses(offer.platform.id) { Protocol::Chat } else { protocol }
    }

    /// Whether `offer` can be asked this at all, where it is neither a conversation nor streamed.
    ///
    /// # Errors
    /// [`CannotCarry`] names what it can't be asked.
    pub fn fits(&self, offer: &PlatformModel, request: &TextRequest) -> Result<(), CannotCarry> {
        unary::fits(offer, request)
    }

    fn lacks_responses(&self, platform: PlatformId) -> bool {
        let known = self.without_responses.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&platform).is_some_and(|since| since.elapsed() < ABSENT_FOR)
    }

    pub(crate) fn has_no_responses(&self, platform: PlatformId) {
        self.without_responses.write().unwrap_or_else(PoisonError::into_inner).insert(platform, Instant::now());
    }

    /// What a call of `offer` is expected to use, where it makes or hears media; none if it is text.
    #[must_use]
    pub fn expected_usage(&self, offer: &PlatformModel, request: &TextRequest) -> Option<Usage> {
        request.media().map(|asked| media::expected(offer, asked, request.scan.prompt_tokens))
    }

    /// Asks a candidate how long a prompt is.
    ///
    /// # Errors
    /// A [`Failure`] if it does not count in the caller's protocol, or does not answer.
    pub async fn count(&self, call: TextCall<'_>) -> Result<u64, Failure> {
        count::count(self, &call).await
    }

    /// Downloads what was made from where its provider keeps it, or what a caller's URL names; the head of the answer is here when this
    /// returns, the body comes by [`Download::next`].
    ///
    /// # Errors
    /// [`FetchError`], which says whether the same again may succeed.
    pub async fn download(&self, ask: DownloadAsk<'_>) -> Result<Download, FetchError> {
        self.egress.download(ask).await
    }

    /// Calls a candidate. What is seldom asked is boxed: every call carries the largest of its ways with it.
    ///
    /// # Errors
    /// A [`Failure`] for everything that goes wrong before the first useful delta, or before the whole of a plain answer is here.
    pub async fn text(&self, call: TextCall<'_>) -> Result<TextAnswer, Failure> {
        if call.simulated {
            return Box::pin(simulation::text(&call, self.faults.as_deref())).await;
        }
        if let (Some(unary), true) = (call.request.unary.as_deref(), call.offer.platform.provider != Provider::Simulation) {
            return Box::pin(unary::call(self, &call, unary)).await;
        }
        match call.offer.platform.provider {
            Provider::Simulation => Box::pin(simulation::text(&call, self.faults.as_deref())).await,
            Provider::Openai | Provider::Anthropic | Provider::Gemini | Provider::Volces => text::call(self, &call).await,
        }
    }
}
