//! OpenAI and everything compatible with it: `POST {base_url}/chat/completions`.

use bytes::{Bytes, BytesMut};
use easyai_core::failure::{Category, Failure, Sent};
use easyai_protocols::openai::answer::{BadAnswer, read_answer};
use easyai_protocols::openai::error::{WireError, read_error};
use easyai_protocols::openai::failure::classify;
use easyai_protocols::openai::request::StreamUsage;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::time::{Instant, timeout_at};

use crate::call::{ChatAnswer, ChatCall, PlainAnswer};
use crate::egress::{AnswerBody, Egress, Segments};
use crate::refusal::{TimeOut, bad_response, body_broken};
use crate::stream::{self, Asked, Clock, Source};

/// The largest plain answer: images in an answer may be large, memory is not endless.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// The largest error body that is read.
const MAX_ERROR_BYTES: usize = 64 << 10;

pub(crate) async fn chat(egress: &Egress, call: &ChatCall<'_>) -> Result<ChatAnswer, Failure> {
    let platform = &call.offer.platform;
    let unusable =
        |error: crate::EgressError| Failure::new(Category::Network, Sent::Nothing, format!("{} can't be called: {error}", platform.name));
    let route = egress.route(call.offer, call.credential).map_err(unusable)?;
    let usage = if platform.options.stream_options { StreamUsage::Ask } else { StreamUsage::Leave };
    let body = Segments::new(call.request.outbound(&call.offer.upstream_name, usage));
    let accept = if call.request.stream { "text/event-stream" } else { "application/json" };
    let clock = Clock::start(platform.timeouts, call.deadline);

    let request = route.post(body, accept, call.forward);
    let head = timeout_at(clock.first_delta(), route.pool.send(request)).await.map_err(|_| clock.too_late(TimeOut::FirstDelta))??;
    let (head, incoming) = head.into_parts();
    if head.status != StatusCode::OK {
        return Err(refused(head.status, &head.headers, incoming, &clock).await);
    }
    let request_id = header(&head.headers, "x-request-id");
    let failed = |mut failure: Failure| {
        failure.upstream_request_id = failure.upstream_request_id.or_else(|| request_id.clone());
        failure.status = failure.status.or(Some(200));
        failure
    };
    let content_type = head.headers.get(CONTENT_TYPE).cloned();
    let sort = Sort::of(content_type.as_ref());
    match (call.request.stream, sort) {
        (_, Sort::Html) => Err(failed(bad_response("a 200 with an HTML page, as a proxy in between gives"))),
        (true, Sort::Other) => {
            let opened = stream::open(Source::Http(Box::new(incoming)), clock, Asked::by(call.request), request_id.clone()).await;
            opened.map(|stream| ChatAnswer::Stream(Box::new(stream))).map_err(failed)
        }
        // An upstream that ignores `stream` answers whole: the caller still gets a stream.
        (true, Sort::Json) => {
            let body = read(incoming, &clock).await.map_err(failed)?;
            let frames = stream::from_whole(&body).map_err(|bad| failed(bad_answer(bad)))?;
            let opened = stream::open(Source::Whole(Some(frames)), clock, Asked::by(call.request), request_id.clone()).await;
            opened.map(|stream| ChatAnswer::Stream(Box::new(stream))).map_err(failed)
        }
        (false, Sort::Json | Sort::Other) => {
            let body = read(incoming, &clock).await.map_err(failed)?;
            let answer = read_answer(&body).map_err(|bad| failed(bad_answer(bad)))?;
            let content_type = content_type.unwrap_or(HeaderValue::from_static("application/json"));
            Ok(ChatAnswer::Plain(PlainAnswer { body, content_type, usage: answer.usage, upstream_request_id: request_id }))
        }
    }
}

enum Sort {
    Json,
    Html,
    /// Events, or nothing that says what it is: some compatible upstreams stream as `text/plain`.
    Other,
}

impl Sort {
    fn of(content_type: Option<&HeaderValue>) -> Self {
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

fn bad_answer(bad: BadAnswer) -> Failure {
    match bad {
        BadAnswer::Error(error) => classify(Some(200), &error, &|_| None),
        BadAnswer::Unparseable(_) | BadAnswer::Empty => bad_response(bad.to_string()),
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

async fn refused(status: StatusCode, headers: &HeaderMap, body: AnswerBody, clock: &Clock) -> Failure {
    // What can't be read of an error body is not worth another failure: the status says most.
    let read = timeout_at(clock.first_delta().min(Instant::now() + clock.timeouts().idle()), collect(body, MAX_ERROR_BYTES, clock)).await;
    let error = match read {
        Ok(Ok(body)) => read_error(&body),
        Ok(Err(_)) | Err(_) => WireError { message: format!("HTTP {status} without a readable body"), ..WireError::default() },
    };
    classify(Some(status.as_u16()), &error, &|name| header(headers, name))
}

async fn read(body: AnswerBody, clock: &Clock) -> Result<Bytes, Failure> {
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
