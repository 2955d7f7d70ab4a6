//! The calls of one task, or of one job, to one platform: which limits of time they have and what their answers are.

use std::sync::Arc;

use bytes::Bytes;
use easyai_core::catalog::{Credential, PlatformModel};
use easyai_core::failure::{Category, Failure, Sent};
use easyai_protocols::conversation::Notes;
use easyai_protocols::media::{InputFile, InputSource, MediaAnswer, sniff};
use easyai_protocols::wire::BadAnswer;
use http::{HeaderName, HeaderValue, Method};

use super::{Made, patient, way};
use crate::call::{Clients, TextAnswer, TextCall};
use crate::egress::Segments;
use crate::stream::Clock;
use crate::text::{Answered, answered, bad_answer};
use crate::upstream::Endpoint;

/// A way to a platform with its limits of time.
pub(super) struct Line<'a> {
    clients: &'a Clients,
    offer: &'a Arc<PlatformModel>,
    credential: Option<&'a Credential>,
    clock: Clock,
}

impl<'a> Line<'a> {
    /// For what comes at once, which may take minutes.
    pub(super) fn patient(clients: &'a Clients, call: &TextCall<'a>) -> Self {
        let clock = Clock::start(patient(call.offer.platform.timeouts), call.deadline);
        Self { clients, offer: call.offer, credential: call.credential, clock }
    }

    /// For what is taken on at once.
    pub(super) fn brief(clients: &'a Clients, call: &TextCall<'a>) -> Self {
        let clock = Clock::start(call.offer.platform.timeouts, call.deadline);
        Self { clients, offer: call.offer, credential: call.credential, clock }
    }

    /// For questions about a job: no caller waits for them.
    pub(super) fn of_job(clients: &'a Clients, offer: &'a Arc<PlatformModel>, credential: Option<&'a Credential>) -> Self {
        Self { clients, offer, credential, clock: Clock::start(offer.platform.timeouts, None) }
    }

    /// What the platform calls the model.
    pub(super) fn upstream_name(&self) -> &'a str {
        &self.offer.upstream_name
    }

    /// Sends a body to an endpoint.
    pub(super) async fn post(&self, endpoint: Endpoint, body: Bytes) -> Result<Answered, Failure> {
        self.post_with(endpoint, body, &[]).await
    }

    /// The same with more headers.
    pub(super) async fn post_with(&self, endpoint: Endpoint, body: Bytes, more: &[(&'static str, &str)]) -> Result<Answered, Failure> {
        let route = way(self.clients, self.offer, self.credential, endpoint)?;
        let mut request = route.post(Segments::new(vec![body]), "application/json", None);
        for (name, value) in more {
            let value = HeaderValue::from_str(value)
                .map_err(|_| Failure::new(Category::Internal, Sent::Nothing, format!("`{name}` can't be sent: {value:?}")))?;
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        answered(&route, request, &self.clock).await
    }

    /// Asks without a body for what lies below an endpoint.
    pub(super) async fn ask(&self, method: Method, endpoint: Endpoint, below: &str) -> Result<Answered, Failure> {
        let route = way(self.clients, self.offer, self.credential, endpoint)?;
        let request = route
            .request(method, below)
            .map_err(|error| Failure::new(Category::Internal, Sent::Nothing, format!("{below} can't be asked for: {error}")))?;
        answered(&route, request, &self.clock).await
    }

    /// A caller's file as bytes with their type: what lies elsewhere is fetched through the guarded door.
    pub(super) async fn inline(&self, file: &InputFile) -> Result<(String, Bytes), Failure> {
        match &file.source {
            InputSource::Inline { media_type, data } => Ok((media_type.clone(), data.clone())),
            InputSource::Url(url) => {
                let fetched = self.clients.egress.fetch(url).await.map_err(|error| {
                    let message = format!("`{}`: the file at {url} can't be fetched: {error}", file.field);
                    Failure { param: Some(file.field.clone()), ..Failure::new(Category::BadRequest, Sent::Nothing, message) }
                })?;
                // Storages say `application/octet-stream` of everything.
                let told = fetched.media_type.unwrap_or_else(|| "application/octet-stream".to_owned());
                // A page that asks to sign in says of itself what the address promised.
                let sniffed = sniff(&fetched.body);
                if told.starts_with("image/") && sniffed == Some("text/plain") {
                    let message = format!("`{}`: the file at {url} is text, and not {told}", file.field);
                    return Err(Failure { param: Some(file.field.clone()), ..Failure::new(Category::BadRequest, Sent::Nothing, message) });
                }
                let media_type = sniffed.filter(|kind| kind.starts_with("image/")).map_or(told, str::to_owned);
                Ok((media_type, fetched.body))
            }
        }
    }
}

/// The failure of an answer that came and can't be used.
pub(super) fn unusable(bad: BadAnswer, answered: &Answered) -> Failure {
    let mut failure = bad_answer(bad);
    failure.upstream_request_id = failure.upstream_request_id.or_else(|| answered.request_id());
    failure.status = failure.status.or(Some(200));
    failure
}

/// What a client gives for something that was made.
pub(super) fn made(answer: MediaAnswer, upstream_request_id: Option<String>, notes: Notes) -> TextAnswer {
    TextAnswer::Made(Box::new(Made { answer, upstream_request_id, notes }))
}
