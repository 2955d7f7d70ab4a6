//! Media at OpenAI and compatible upstreams: what the caller wrote goes on, with the upstream's name of the model.
//!
//! A submit whose outcome is not known is a failure that says so ([`Sent::Maybe`]): nobody submits it again. An image is waited for as
//! long as making it takes ([`patient`](super::patient)).

mod expected;
mod fits;
mod model;

use std::time::Duration;

use easyai_core::catalog::PlatformModel;
use easyai_core::failure::{Category, Failure, Sent};
use easyai_core::media::MediaUsage;
use easyai_core::usage::{Usage, UsageSource};
use easyai_protocols::conversation::Notes;
use easyai_protocols::json::looks_like_object;
use easyai_protocols::media::{
    Fetched, ImageRequest, ImageWork, InputFile, InputSource, JobReport, MadeFile, MediaAnswer, MediaRequest, Outbound, SpeechAnswer,
    SpeechRequest, StreamFormat, TranscriptionRequest, TranscriptionWork, VideoRequest, WantedVideo, edit_form, outbound, read_images,
    read_transcript, read_video, read_video_page, recording_form,
};
use easyai_protocols::request::BadRequest;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Request};

pub(super) use self::expected::expected;
pub(super) use self::fits::fits;
use self::model::Family;
use super::begun::{Begun, begun};
use super::job::{JobCall, JobLookup};
use super::{AcceptedJob, Made, patient, way};
use crate::call::{Clients, TextAnswer, TextCall};
use crate::egress::{AnswerBody, Segments};
use crate::refusal::bad_response;
use crate::stream::{self, Asked, Clock, Passage, Source};
use crate::text::{answered, bad_answer};
use crate::upstream::{Endpoint, is_openai, segment};

/// When to ask for a job again: by the header that official SDKs obey.
const POLL_AFTER: &str = "openai-poll-after-ms";

/// What is believed of it: a mistaken upstream should neither be asked without a pause nor be forgotten.
const LEAST_POLL: Duration = Duration::from_millis(500);
const MOST_POLL: Duration = Duration::from_secs(60);

/// Where the answer to a call for media comes from.
struct Asking<'a> {
    clients: &'a Clients,
    call: &'a TextCall<'a>,
    clock: Clock,
}

pub(super) async fn call(clients: &Clients, call: &TextCall<'_>, asked: &MediaRequest) -> Result<TextAnswer, Failure> {
    let clock = Clock::start(patient(call.offer.platform.timeouts), call.deadline);
    let asking = Asking { clients, call, clock };
    match asked {
        MediaRequest::Image(request) => asking.images(asked, request).await,
        MediaRequest::Video(request) => asking.video(request).await,
        MediaRequest::Speech(request) => asking.speech(asked, request).await,
        MediaRequest::Transcription(request) => asking.transcription(asked, request).await,
    }
}

impl Asking<'_> {
    fn request(
        &self,
        endpoint: Endpoint,
        below: &str,
        body: Outbound,
        accept: &'static str,
    ) -> Result<(std::sync::Arc<crate::egress::Route>, Request<Segments>), Failure> {
        let route = way(self.clients, self.call.offer, self.call.credential, endpoint)?;
        let mut request = route.post(Segments::new(body.body), accept, Some(self.call.forward));
        if !below.is_empty() {
            let unusable = |error: crate::EgressError| Failure::new(Category::Network, Sent::Nothing, error.to_string());
            *request.uri_mut() = route.request(Method::POST, below).map_err(unusable)?.uri().clone();
        }
        let content_type =
            HeaderValue::from_str(&body.content_type).map_err(|_| refused(&BadRequest::field("content-type", "can't be sent on")))?;
        request.headers_mut().insert(CONTENT_TYPE, content_type);
        Ok((route, request))
    }

    async fn images(&self, asked: &MediaRequest, request: &ImageRequest) -> Result<TextAnswer, Failure> {
        let family = Family::of(&self.call.offer.upstream_name);
        let mut notes = Notes::default();
        // The gateway gives images in whichever form was asked for; these models know only one.
        let without: &[&str] = if family.is_some_and(Family::refuses_response_format) { &["response_format"] } else { &[] };
        let body = self.image_body(request, without).await?;
        let endpoint = match request.work {
            ImageWork::Generate => Endpoint::Images,
            ImageWork::Edit => Endpoint::ImageEdits,
        };
        let accept = if request.stream { "text/event-stream" } else { "application/json" };
        let (route, sent) = self.request(endpoint, "", body, accept)?;
        let (body, id) = match begun(&route, sent, &self.clock).await? {
            Begun::Stream { body, request_id } if request.stream => {
                return self.stream(body, asked, request_id, notes).await;
            }
            begun => begun.whole(&self.clock).await?,
        };
        if request.stream {
            notes.changed("stream", "the platform answers whole");
        }
        let mut answer = read_images(&body, request).map_err(bad_answer)?;
        answer.usage = self.with_tokens(answer.usage, asked);
        Ok(made(MediaAnswer::Images(answer), id, notes))
    }

    /// As the caller wrote it. An edit that came as JSON becomes a form for all but OpenAI itself, who alone is known to take it.
    async fn image_body(&self, request: &ImageRequest, without: &[&str]) -> Result<Outbound, Failure> {
        let model = &self.call.offer.upstream_name;
        if request.work == ImageWork::Generate || request.body.is_form() || is_openai(self.call.offer) {
            return outbound(&request.body, model, without).map_err(|bad| refused(&bad));
        }
        let mut fetched = Vec::new();
        for file in request.images.iter().chain(&request.mask) {
            fetched.extend(self.fetch(file, "image", is_image).await?);
        }
        edit_form(request, &fetched, model, without).map_err(|bad| refused(&bad))
    }

    /// What lies at an address, if it is what is `wanted`; nothing for what is here.
    async fn fetch(&self, file: &InputFile, wanted: &str, is_wanted: impl Fn(&str) -> bool) -> Result<Option<Fetched>, Failure> {
        let InputSource::Url(url) = &file.source else { return Ok(None) };
        let refuse = |why: String| refused(&BadRequest::field(&file.field, why));
        let fetched = self.clients.egress.fetch(url).await.map_err(|error| refuse(format!("can't be fetched: {error}")))?;
        let media_type = easyai_protocols::media::sniff(&fetched.body).filter(|kind| is_wanted(kind));
        let media_type = media_type.ok_or_else(|| refuse(format!("leads to something that is no {wanted}")))?;
        Ok(Some((file.field.clone(), media_type.to_owned(), fetched.body)))
    }

    async fn speech(&self, asked: &MediaRequest, request: &SpeechRequest) -> Result<TextAnswer, Failure> {
        let body = outbound(&request.body, &self.call.offer.upstream_name, &[]).map_err(|bad| refused(&bad))?;
        let streamed = request.stream_format == StreamFormat::Sse;
        let (route, sent) = self.request(Endpoint::Speech, "", body, if streamed { "text/event-stream" } else { "*/*" })?;
        let begun = begun(&route, sent, &self.clock).await?;
        let usage = self.with_tokens(Usage::counted(0, 0), asked);
        let media_type = begun.content_type().filter(|kind| kind.starts_with("audio/")).map(str::to_owned);
        let (data, id) = match begun {
            Begun::Stream { body, request_id } if streamed => return self.stream(body, asked, request_id, Notes::default()).await,
            Begun::Whole { body, content_type: Some(kind), request_id } if media_type.is_some() && !streamed && !self.call.whole => {
                return self.pass(body, asked, Passage::sound(kind, usage), request_id, Notes::default()).await;
            }
            begun => begun.whole(&self.clock).await?,
        };
        if data.is_empty() {
            return Err(bad_response("the answer is empty"));
        }
        // Sound as JSON is an error in spite of the status.
        if looks_like_object(&data) {
            return Err(bad_answer(easyai_protocols::wire::BadAnswer::Error(easyai_protocols::openai::error::read_error(&data))));
        }
        let media_type = media_type.unwrap_or_else(|| request.format.media_type().to_owned());
        Ok(made(MediaAnswer::Speech(SpeechAnswer { media_type, data, usage }), id, Notes::default()))
    }

    async fn transcription(&self, asked: &MediaRequest, request: &TranscriptionRequest) -> Result<TextAnswer, Failure> {
        let endpoint = match request.work {
            TranscriptionWork::Transcribe => Endpoint::Transcriptions,
            TranscriptionWork::Translate => Endpoint::Translations,
        };
        let model = &self.call.offer.upstream_name;
        let body = if request.body.is_form() {
            outbound(&request.body, model, &[])
        } else {
            let fetched = self.fetch(&request.file, "recording", is_recording).await?;
            recording_form(request, fetched.as_slice(), model)
        };
        let body = body.map_err(|bad| refused(&bad))?;
        let (route, sent) = self.request(endpoint, "", body, if request.stream { "text/event-stream" } else { "*/*" })?;
        let begun = begun(&route, sent, &self.clock).await?;
        let content_type = begun.content_type().map(str::to_owned);
        let (body, id) = match begun {
            Begun::Stream { body, request_id } if request.stream => {
                return self.stream(body, asked, request_id, Notes::default()).await;
            }
            begun => begun.whole(&self.clock).await?,
        };
        let mut answer = read_transcript(body, content_type.as_deref(), request.format).map_err(bad_answer)?;
        answer.usage = self.with_tokens(answer.usage, asked);
        Ok(made(MediaAnswer::Transcription(answer), id, Notes::default()))
    }

    async fn video(&self, request: &VideoRequest) -> Result<TextAnswer, Failure> {
        let below = request.remix_of.as_ref().map(|of| format!("/{}/remix", segment(&of.upstream_id))).unwrap_or_default();
        let body = match (&request.remix_of, model::rewritten(request, &self.call.offer.upstream_name)) {
            (None, Some(body)) => body,
            (_, _) => outbound(&request.body, &self.call.offer.upstream_name, &[]).map_err(|bad| refused(&bad))?,
        };
        let (route, sent) = self.request(Endpoint::Videos, &below, body, "application/json")?;
        let answered = answered(&route, sent, &self.clock).await?;
        let state = read_video(&answered.body).map_err(bad_answer)?;
        let Some(id) = state.id else {
            return Err(bad_response("the video was accepted, but the answer does not say under which id"));
        };
        let (upstream_request_id, poll_after) = (answered.request_id(), poll_after(&answered.headers));
        Ok(TextAnswer::Job(Box::new(AcceptedJob { id, upstream_request_id, notes: Notes::default(), poll_after })))
    }

    async fn stream(&self, body: AnswerBody, asked: &MediaRequest, id: Option<String>, notes: Notes) -> Result<TextAnswer, Failure> {
        self.pass(body, asked, Passage::same(self.call.request.protocol), id, notes).await
    }

    async fn pass(
        &self,
        body: AnswerBody,
        asked: &MediaRequest,
        passage: Passage,
        id: Option<String>,
        notes: Notes,
    ) -> Result<TextAnswer, Failure> {
        let media = expected(self.call.offer, asked, self.call.request.scan.prompt_tokens).media;
        let of_stream = Asked::by(self.call.request).with_media(media);
        let opened = stream::open(Source::Http(Box::new(body)), self.clock, of_stream, passage, id).await?;
        Ok(TextAnswer::Stream { stream: Box::new(opened), notes })
    }

    /// Usage with what the upstream did not tell: tokens, and what is billed beside them, as they were expected.
    fn with_tokens(&self, told: Usage, asked: &MediaRequest) -> Usage {
        let expected = expected(self.call.offer, asked, self.call.request.scan.prompt_tokens);
        let media = told.media.or(expected.media);
        if told.total_tokens() > 0 {
            return Usage { media, source: UsageSource::Upstream, ..told };
        }
        // Of several images that were asked for, some may not have come.
        let output_tokens = match (media, expected.media) {
            (Some(MediaUsage::Images { count, .. }), Some(MediaUsage::Images { count: asked, .. })) if asked > 0 => {
                expected.output_tokens / u64::from(asked) * u64::from(count)
            }
            (_, _) => expected.output_tokens,
        };
        Usage { media, output_tokens, source: UsageSource::Counted, ..expected }
    }
}

fn is_image(media_type: &str) -> bool {
    media_type.starts_with("image/")
}

/// Sound, or what may hold some.
fn is_recording(media_type: &str) -> bool {
    media_type.starts_with("audio/") || media_type.starts_with("video/")
}

fn made(answer: MediaAnswer, upstream_request_id: Option<String>, notes: Notes) -> TextAnswer {
    TextAnswer::Made(Box::new(Made { answer, upstream_request_id, notes }))
}

fn refused(bad: &BadRequest) -> Failure {
    Failure { param: bad.param.clone(), ..Failure::new(Category::BadRequest, Sent::Nothing, bad.message.clone()) }
}

fn poll_after(headers: &HeaderMap) -> Option<Duration> {
    let millis = headers.get(POLL_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_millis(millis).clamp(LEAST_POLL, MOST_POLL))
}

pub(super) async fn job(clients: &Clients, call: &JobCall<'_>) -> Result<JobReport, Failure> {
    let clock = Clock::start(call.offer.platform.timeouts, None);
    let route = way(clients, call.offer, call.credential, Endpoint::Videos)?;
    let below = format!("/{}", segment(call.job_id));
    let unusable = |error: crate::EgressError| Failure::new(Category::Network, Sent::Nothing, error.to_string());
    let answered = answered(&route, route.request(Method::GET, &below).map_err(unusable)?, &clock).await?;
    let content = format!("{}{below}/content", Endpoint::Videos.url(&call.offer.platform.base_url, &call.offer.upstream_name));
    let report = read_video(&answered.body).map_err(bad_answer)?.report(call.asked, content.clone(), poll_after(&answered.headers));
    Ok(match report {
        // OpenAI itself has a picture of every video; of others it is not known.
        JobReport::Succeeded(mut result) if is_openai(call.offer) => {
            result.thumbnail = Some(MadeFile::Url { url: format!("{content}?variant=thumbnail") });
            JobReport::Succeeded(result)
        }
        report => report,
    })
}

/// Videos on a page of the list, and pages that are looked through, the newest first.
const PAGE_SIZE: usize = 100;
const MAX_PAGES: usize = 10;

/// The videos of the list that were made from the same words since then.
pub(super) async fn find_jobs(clients: &Clients, lookup: &JobLookup<'_>) -> Result<Vec<String>, Failure> {
    let route = way(clients, lookup.offer, lookup.credential, Endpoint::Videos)?;
    let unusable = |error: crate::EgressError| Failure::new(Category::Network, Sent::Nothing, error.to_string());
    let (after, before) = (lookup.submitted_after.seconds(), lookup.now.seconds());
    let wanted = WantedVideo { model: &lookup.offer.upstream_name, request: lookup.request, after, before };
    let (mut found, mut below) = (Vec::new(), format!("?limit={PAGE_SIZE}&order=desc"));
    for _page in 0..MAX_PAGES {
        let clock = Clock::start(lookup.offer.platform.timeouts, None);
        let answered = answered(&route, route.request(Method::GET, &below).map_err(unusable)?, &clock).await?;
        let page = read_video_page(&answered.body, &wanted).map_err(bad_answer)?;
        found.extend(page.matching);
        let Some(after) = page.after else { break };
        below = format!("?limit={PAGE_SIZE}&order=desc&after={}", segment(&after));
    }
    Ok(found)
}

/// Whether a family is known at all: others are not judged.
fn family(offer: &PlatformModel) -> Option<Family> {
    Family::of(&offer.upstream_name)
}
