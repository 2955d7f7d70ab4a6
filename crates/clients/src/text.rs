//! Text from an upstream over HTTP, whatever its protocol: the caller's own passes through, another one is converted.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Bytes, BytesMut};
use easyai_core::catalog::PlatformModel;
use easyai_core::failure::{Category, Failure, Sent};
use easyai_core::kind::Provider;
use easyai_core::usage::Usage;
use easyai_protocols::conversation::custom::CustomCalls;
use easyai_protocols::conversation::stop_text::StopTexts;
use easyai_protocols::conversation::{Conversation, Notes, Opaque};
use easyai_protocols::convert::Converter;
use easyai_protocols::openai::error::{WireError, read_error};
use easyai_protocols::openai::failure::classify;
use easyai_protocols::request::{StreamUsage, TextRequest};
use easyai_protocols::responses::expand::with_previous;
use easyai_protocols::wire::{BadAnswer, Protocol};
use easyai_protocols::{bridge, gemini, openai, responses, tokens, volces};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use tokio::time::{Instant, timeout_at};

use crate::call::{Clients, PlainAnswer, TextAnswer, TextCall};
use crate::egress::{AnswerBody, Route, Segments};
use crate::refusal::{TimeOut, bad_response, body_broken};
use crate::stream::{self, Asked, Clock, Passage, Source, UpstreamStream};
use crate::upstream::{self, Endpoint};

/// The largest plain answer: images in an answer may be large, memory is not endless.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// The largest error body that is read.
const MAX_ERROR_BYTES: usize = 64 << 10;

/// What is sent to one upstream.
struct Outgoing {
    protocol: Protocol,
    body: Vec<Bytes>,
    notes: Notes,
}

pub(crate) async fn call(clients: &Clients, call: &TextCall<'_>) -> Result<TextAnswer, Failure> {
    let protocol = clients.protocol(call.offer, call.request.protocol);
    if protocol == Protocol::GenerateContent && protocol != call.request.protocol {
        return Box::pin(with_media_inline(clients, call)).await;
    }
    let clock = Clock::start(call.offer.platform.timeouts, call.deadline);
    match ask(clients, call, outgoing(call, protocol, protocol)?, &clock).await {
        Err(Asking::NoSuchEndpoint) => {
            tracing::info!(platform = %call.offer.platform.name, "The platform has no /responses: it is asked by /chat/completions");
            clients.has_no_responses(call.offer.platform.id);
            Box::pin(ask(clients, call, outgoing(call, Protocol::Chat, protocol)?, &clock)).await.map_err(Asking::into_failure)
        }
        Err(Asking::Failed(failure)) if refuses_state(call, protocol, &failure) => match without_state(call, protocol) {
            Some(outgoing) => Box::pin(ask(clients, call, outgoing, &clock)).await.map_err(Asking::into_failure),
            None => Err(failure),
        },
        answered => answered.map_err(Asking::into_failure),
    }
}

/// Whether an upstream refuses opaque state or ids that came back to it from another one: its own protocol's callers carry these, and
/// nobody can tell whose they are. It has done nothing for the request then.
fn refuses_state(call: &TextCall<'_>, protocol: Protocol, failure: &Failure) -> bool {
    let words = ["encrypted content", "encrypted_content", "Item with id", "Invalid `signature`", "thought signature", "thought_signature"];
    protocol == call.request.protocol
        && matches!(failure.status, Some(400 | 404))
        && words.iter().any(|words| failure.message.contains(words))
}

/// The same request without any such state. None if it can't be written anew.
fn without_state(call: &TextCall<'_>, protocol: Protocol) -> Option<Outgoing> {
    let conversation = call.request.conversation().ok()?.without_state();
    let mut written = bridge::write_request(protocol, &conversation, &upstream::target(call.offer)).ok()?;
    written.notes.dropped("reasoning", "the platform refused the state of earlier reasoning, which may be another one's");
    Some(Outgoing { protocol, body: vec![written.body], notes: written.notes })
}

/// Google takes media inline: what the caller gave by URL is fetched first.
async fn with_media_inline(clients: &Clients, call: &TextCall<'_>) -> Result<TextAnswer, Failure> {
    let clock = Clock::start(call.offer.platform.timeouts, call.deadline);
    let refused = |message: String| Failure::new(Category::BadRequest, Sent::Nothing, message);
    let conversation = call.request.conversation().map_err(|bad| refused(bad.message))?;
    let urls = gemini::fetch::needed(&conversation);
    let outgoing = if urls.is_empty() {
        outgoing(call, Protocol::GenerateContent, Protocol::GenerateContent)?
    } else {
        let mut conversation = Conversation::clone(&conversation);
        for url in urls {
            let fetched = clients
                .egress
                .fetch(&url)
                .await
                .map_err(|error| refused(format!("the image or file at {url} can't be fetched: {error}")))?;
            let media_type = fetched.media_type.as_deref().unwrap_or("application/octet-stream");
            gemini::fetch::inline(&mut conversation, &url, media_type, &BASE64.encode(&fetched.body));
        }
        let written = bridge::write_request(Protocol::GenerateContent, &conversation, &upstream::target(call.offer));
        let written = written.map_err(|lost| refused(lost.to_string()))?;
        Outgoing { protocol: Protocol::GenerateContent, body: vec![written.body], notes: written.notes }
    };
    ask(clients, call, outgoing, &clock).await.map_err(Asking::into_failure)
}

/// Why nothing came of asking.
enum Asking {
    Failed(Failure),
    /// There is no such endpoint, and nobody had said that there was.
    NoSuchEndpoint,
}

impl Asking {
    fn into_failure(self) -> Failure {
        match self {
            Self::Failed(failure) => failure,
            Self::NoSuchEndpoint => Failure::new(Category::ModelUnavailable, Sent::Maybe, "the platform has no such endpoint"),
        }
    }
}

impl From<Failure> for Asking {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The body for an upstream: the caller's bytes, or the conversation in the upstream's protocol. `planned` is the protocol that it was
/// written for when candidates were chosen.
fn outgoing(call: &TextCall<'_>, protocol: Protocol, planned: Protocol) -> Result<Outgoing, Failure> {
    let offer = call.offer;
    if protocol == call.request.protocol {
        let usage = if offer.platform.options.stream_options { StreamUsage::Ask } else { StreamUsage::Leave };
        // What another provider left in the conversation means nothing here: such a request is written anew, without it.
        if Opaque::may_be_tagged_in(protocol, call.request.body())
            // Google's own chat endpoint knows Google's own state.
            && !(protocol == Protocol::Chat && offer.platform.base_url.contains("googleapis.com"))
            && let Ok(conversation) = call.request.conversation()
            && let Ok(written) = bridge::write_request(protocol, &conversation, &upstream::target(offer))
        {
            return Ok(Outgoing { protocol, body: vec![written.body], notes: written.notes });
        }
        let (request, notes) = match reshaped(offer, call.request) {
            Some((request, notes)) => (Cow::Owned(request), notes),
            None => (Cow::Borrowed(call.request), Notes::default()),
        };
        return Ok(Outgoing { protocol, body: request.outbound(&offer.upstream_name, usage), notes });
    }
    if let Some(written) = call.written.filter(|_| protocol == planned) {
        return Ok(Outgoing { protocol, body: vec![written.body.clone()], notes: written.notes.clone() });
    }
    // An upstream turned out to have another protocol than was believed when candidates were chosen.
    let refused = |message: String| Failure::new(Category::BadRequest, Sent::Nothing, message);
    let conversation = call.request.conversation().map_err(|bad| refused(bad.message))?;
    let written = bridge::write_request(protocol, &conversation, &upstream::target(offer)).map_err(|lost| refused(lost.to_string()))?;
    Ok(Outgoing { protocol, body: vec![written.body], notes: written.notes })
}

/// The request without what an upstream of the same protocol refuses. None for nearly all: then bytes pass through.
fn reshaped(offer: &PlatformModel, request: &TextRequest) -> Option<(TextRequest, Notes)> {
    if offer.platform.provider != Provider::Volces {
        return None;
    }
    match request.protocol {
        Protocol::Chat => {
            let (body, notes) = volces::shape(request.body())?;
            openai::scan::scan(body).ok().map(|request| (request, notes))
        }
        Protocol::Responses => {
            let body = responses::write_request::for_ark(request.body())?;
            let mut notes = Notes::default();
            notes.changed("reasoning", "Ark calls it thinking");
            responses::scan::scan(body).ok().map(|(request, _)| (request, notes))
        }
        Protocol::Messages
        | Protocol::GenerateContent
        | Protocol::Completions
        | Protocol::Embeddings
        | Protocol::Moderations
        | Protocol::Rerank
        | Protocol::Compaction
        | Protocol::Images
        | Protocol::ImageEdits
        | Protocol::Videos
        | Protocol::Speech
        | Protocol::Transcriptions
        | Protocol::Translations => None,
    }
}

async fn ask(clients: &Clients, call: &TextCall<'_>, outgoing: Outgoing, clock: &Clock) -> Result<TextAnswer, Asking> {
    let platform = &call.offer.platform;
    let unusable =
        |error: crate::EgressError| Failure::new(Category::Network, Sent::Nothing, format!("{} can't be called: {error}", platform.name));
    let Outgoing { protocol, body, notes } = outgoing;
    let streamed = call.request.scan.stream;
    let own = protocol == call.request.protocol;
    let beta = own && call.forward.contains_key("anthropic-beta");
    let route = clients.egress.route(call.offer, call.credential, Endpoint::of(protocol, streamed, beta)).map_err(unusable)?;
    let accept = if streamed { "text/event-stream" } else { "application/json" };
    let request = route.post(Segments::new(body), accept, own.then_some(call.forward));
    let head = timeout_at(clock.first_delta(), route.pool.send(request)).await.map_err(|_| clock.too_late(TimeOut::FirstDelta))??;
    let (head, incoming) = head.into_parts();
    if head.status != StatusCode::OK {
        return Err(refused(call, protocol, head.status, &head.headers, incoming, clock).await);
    }
    let request_id = request_id(&head.headers);
    let failed = |mut failure: Failure| {
        failure.upstream_request_id = failure.upstream_request_id.or_else(|| request_id.clone());
        failure.status = failure.status.or(Some(200));
        failure
    };
    let content_type = head.headers.get(CONTENT_TYPE).cloned();
    let answering = Answering { call, protocol, notes, request_id: request_id.clone() };
    match (streamed, Sort::of(content_type.as_ref())) {
        (_, Sort::Html) => Err(failed(bad_response("a 200 with an HTML page, as a proxy in between gives")).into()),
        (true, Sort::Other) => Ok(answering.stream(incoming, clock).await.map_err(failed)?),
        // An upstream that ignores `stream` answers whole: the caller still gets a stream.
        (true, Sort::Json) => {
            let body = read(incoming, clock).await.map_err(failed)?;
            Ok(answering.whole_as_stream(&body, clock).await.map_err(failed)?)
        }
        (false, Sort::Json | Sort::Other) => {
            let body = read(incoming, clock).await.map_err(failed)?;
            Ok(answering.plain(body, content_type).map_err(failed)?)
        }
    }
}

/// One question, one whole answer with the id that the upstream gave it.
pub(crate) async fn exchange(
    clients: &Clients,
    call: &TextCall<'_>,
    endpoint: Endpoint,
    body: Vec<Bytes>,
    clock: &Clock,
) -> Result<(Bytes, Option<String>), Failure> {
    let platform = &call.offer.platform;
    let unusable =
        |error: crate::EgressError| Failure::new(Category::Network, Sent::Nothing, format!("{} can't be called: {error}", platform.name));
    let route = clients.egress.route(call.offer, call.credential, endpoint).map_err(unusable)?;
    let answered = answered(&route, route.post(Segments::new(body), "application/json", None), clock).await?;
    let id = answered.request_id();
    Ok((answered.body, id))
}

/// A whole answer with its head.
pub(crate) struct Answered {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answered {
    /// The id that the upstream gave its answer.
    pub(crate) fn request_id(&self) -> Option<String> {
        request_id(&self.headers)
    }
}

/// Sends `request` along `route` and reads the whole answer.
///
/// # Errors
/// A [`Failure`] for everything but a 2xx with a body that came whole and is no HTML page.
pub(crate) async fn answered(route: &Route, request: Request<Segments>, clock: &Clock) -> Result<Answered, Failure> {
    let head = timeout_at(clock.first_delta(), route.pool.send(request)).await.map_err(|_| clock.too_late(TimeOut::FirstDelta))??;
    let (head, incoming) = head.into_parts();
    if !head.status.is_success() {
        return Err(refusal(head.status, &head.headers, incoming, clock).await.1);
    }
    if matches!(Sort::of(head.headers.get(CONTENT_TYPE)), Sort::Html) {
        return Err(bad_response("a 200 with an HTML page, as a proxy in between gives"));
    }
    Ok(Answered { body: read(incoming, clock).await?, headers: head.headers })
}

/// An answer that has begun with a 200.
struct Answering<'a> {
    call: &'a TextCall<'a>,
    protocol: Protocol,
    notes: Notes,
    request_id: Option<String>,
}

impl Answering<'_> {
    fn is_own(&self) -> bool {
        self.protocol == self.call.request.protocol
    }

    fn passage(&self) -> Passage {
        if self.is_own() {
            Passage::same(self.protocol).going_on_from(self.call.request.previous_response())
        } else {
            Passage::Converted(Box::new(self.converter(self.protocol)))
        }
    }

    fn converter(&self, from: Protocol) -> Converter {
        let converter = Converter::new(from, self.call.request.protocol, self.call.envelope()).of(self.call.offer.platform.provider);
        match self.call.request.conversation() {
            Ok(conversation) => converter.answering(&conversation),
            // A request that can't be read is never converted: only its answer is, if it came whole.
            Err(_) => converter,
        }
    }

    async fn stream(self, incoming: AnswerBody, clock: &Clock) -> Result<TextAnswer, Failure> {
        let (passage, asked) = (self.passage(), Asked::by(self.call.request));
        let opened = stream::open(Source::Http(Box::new(incoming)), *clock, asked, passage, self.request_id).await?;
        Ok(TextAnswer::Stream { stream: Box::new(opened), notes: self.notes })
    }

    async fn whole_as_stream(self, body: &Bytes, clock: &Clock) -> Result<TextAnswer, Failure> {
        if self.is_own() && self.protocol == Protocol::Chat {
            let frames = stream::from_whole(body).map_err(bad_answer)?;
            let (passage, asked) = (self.passage(), Asked::by(self.call.request));
            let opened = stream::open(Source::Whole(Some(frames)), *clock, asked, passage, self.request_id).await?;
            return Ok(TextAnswer::Stream { stream: Box::new(opened), notes: self.notes });
        }
        let answer = bridge::read_answer(self.protocol, body).map_err(bad_answer)?;
        let mut converter = self.converter(self.protocol);
        let mut frames = BytesMut::new();
        converter.whole(answer, &mut frames);
        let opened = UpstreamStream::whole(frames.freeze(), converter, *clock, self.request_id);
        Ok(TextAnswer::Stream { stream: Box::new(opened), notes: self.notes })
    }

    fn plain(self, body: Bytes, content_type: Option<HeaderValue>) -> Result<TextAnswer, Failure> {
        let json = || HeaderValue::from_static("application/json");
        if self.is_own() {
            let facts = bridge::answer_facts(self.protocol, &body).map_err(bad_answer)?;
            let content_type = content_type.unwrap_or_else(json);
            let body = bridge::mended_answer(self.protocol, &body).unwrap_or(body);
            let body = match self.call.request.previous_response() {
                Some(previous) => with_previous(&body, previous),
                None => body,
            };
            return Ok(TextAnswer::Plain(self.answer(body, content_type, facts.usage)));
        }
        let mut answer = bridge::read_answer(self.protocol, &body).map_err(bad_answer)?;
        answer.given_by(self.call.offer.platform.provider);
        if let Ok(conversation) = self.call.request.conversation() {
            if let Some(custom) = CustomCalls::of(&conversation) {
                custom.answer(&mut answer);
            }
            if let Some(stops) = StopTexts::of(&conversation).filter(|_| self.protocol == Protocol::Responses) {
                stops.answer(&mut answer);
            }
        }
        let envelope = self.call.envelope();
        let shown = answer.usage.unwrap_or_else(|| Usage::counted(envelope.input_tokens, tokens::estimate(&answer.delivered_text())));
        let body = bridge::write_answer(self.call.request.protocol, &answer, &shown, &envelope);
        Ok(TextAnswer::Plain(self.answer(body, json(), answer.usage)))
    }

    fn answer(self, body: Bytes, content_type: HeaderValue, usage: Option<Usage>) -> PlainAnswer {
        PlainAnswer {
            protocol: self.call.request.protocol,
            body,
            content_type,
            usage,
            upstream_request_id: self.request_id,
            notes: self.notes,
        }
    }
}

pub(crate) enum Sort {
    Json,
    Html,
    /// Events, or nothing that says what it is: some compatible upstreams stream as `text/plain`.
    Other,
}

impl Sort {
    pub(crate) fn of(content_type: Option<&HeaderValue>) -> Self {
        let is = |name: &[u8]| {
            content_type.is_some_and(|value| value.as_bytes().get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)))
        };
        if is(b"application/json") {
            Self::Json
        } else if is(b"text/html") {
            Self::Html
        } else {
            Self::Other
        }
    }
}

pub(crate) fn bad_answer(bad: BadAnswer) -> Failure {
    match bad {
        BadAnswer::Error(error) => classify(Some(200), &error, &|_| None),
        BadAnswer::Unparseable(_) | BadAnswer::Empty => bad_response(bad.to_string()),
        BadAnswer::Filtered(_) => Failure::new(Category::ContentFilter, Sent::Maybe, bad.to_string()),
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// The id an upstream gave its answer, by the name it has there (`providers.md` section 1).
pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    ["x-request-id", "request-id", "x-tt-logid"].iter().find_map(|name| header(headers, name))
}

async fn refused(
    call: &TextCall<'_>,
    protocol: Protocol,
    status: StatusCode,
    headers: &HeaderMap,
    body: AnswerBody,
    clock: &Clock,
) -> Asking {
    let (error, failure) = refusal(status, headers, body, clock).await;
    let absent = matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED);
    if absent && upstream::is_a_guess(call.offer, protocol) && !names_the_model(&error) {
        return Asking::NoSuchEndpoint;
    }
    Asking::Failed(failure)
}

/// What an upstream says, and what that means.
pub(crate) async fn refusal(status: StatusCode, headers: &HeaderMap, body: AnswerBody, clock: &Clock) -> (WireError, Failure) {
    // What can't be read of an error body is not worth another failure: the status says most.
    let read = timeout_at(clock.first_delta().min(Instant::now() + clock.timeouts().idle()), collect(body, MAX_ERROR_BYTES, clock)).await;
    let error = match read {
        Ok(Ok(body)) => read_error(&body),
        Ok(Err(_)) | Err(_) => WireError { message: format!("HTTP {status} without a readable body"), ..WireError::default() },
    };
    let failure = classify(Some(status.as_u16()), &error, &|name| header(headers, name));
    (error, failure)
}

/// A 404 that is about the model says nothing of the endpoint.
fn names_the_model(error: &WireError) -> bool {
    error.code.as_deref().is_some_and(|code| code.contains("odel")) || error.message.to_ascii_lowercase().contains("model")
}

/// The whole of an answer, within bounds of size and time.
pub(crate) async fn read(body: AnswerBody, clock: &Clock) -> Result<Bytes, Failure> {
    collect(body, MAX_ANSWER_BYTES, clock).await
}

async fn collect(mut body: AnswerBody, max_bytes: usize, clock: &Clock) -> Result<Bytes, Failure> {
    let mut whole: Option<BytesMut> = None;
    let mut first = Bytes::new();
    loop {
        // The timer costs nothing while pieces are there to be read: it is armed only by a wait.
        let frame = timeout_at(clock.more(Instant::now()), body.data()).await.map_err(|_| clock.too_late(TimeOut::Idle))?;
        let Some(data) = frame else { break };
        let data = data.map_err(|error| body_broken(&error))?;
        if first.is_empty() && whole.is_none() {
            first = data;
            continue;
        }
        let joined = whole.get_or_insert_with(|| BytesMut::from(std::mem::take(&mut first)));
        joined.extend_from_slice(&data);
        if joined.len() > max_bytes {
            return Err(bad_response(format!("the answer is larger than {max_bytes} bytes")));
        }
    }
    Ok(whole.map_or(first, BytesMut::freeze))
}
