//! Media at Gemini and at Volcengine: requests as callers make them, and what comes of them at a platform that follows `providers.md`.

mod gemini;
mod upstream;
mod volces;

use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use easyai_clients::{AcceptedJob, Clients, JobCall, JobLookup, Made, PrivateAddresses, TextAnswer, TextCall};
use easyai_core::catalog::{Credential, PlatformModel};
use easyai_core::failure::Failure;
use easyai_core::id::{CredentialId, TaskId};
use easyai_core::kind::Provider;
use easyai_core::media::{MediaUsage, Resolution};
use easyai_core::time::Timestamp;
use easyai_protocols::media::{
    ImageAnswer, ImageRequest, ImageWork, InputFile, InputSource, MediaAnswer, MediaBody, MediaRequest, SpeechFormat, SpeechRequest,
    StreamFormat, TranscriptFormat, TranscriptionRequest, TranscriptionWork, VideoRequest,
};
use easyai_protocols::request::{TextRequest, Unary};
use http::HeaderMap;
use uuid::Uuid;

use crate::bed::Bed;

pub const ASKED: MediaUsage = MediaUsage::Video { millis: 5_000, resolution: Some(Resolution::P720), audio: true, video_input: false };

/// A platform that makes media.
pub struct Studio {
    pub clients: Clients,
    pub offer: Arc<PlatformModel>,
    credential: Credential,
}

impl Studio {
    pub fn at(provider: Provider, base_url: &str, upstream_name: &str) -> Self {
        let bed = Bed::at(base_url).with(|platform| platform.provider = provider);
        let offer = Arc::new(PlatformModel { upstream_name: upstream_name.into(), ..bed.offer });
        let credential = Credential {
            id: CredentialId::from_uuid(Uuid::from_u128(3)),
            weight: NonZeroU32::MIN,
            secret: "sk-ours".to_owned().into(),
            name: "credential 1".into(),
            limits: Arc::default(),
        };
        Self { clients: Clients::with_private_addresses(None, PrivateAddresses::Allowed).unwrap(), offer, credential }
    }

    /// The same, but callers' addresses may not lead into our own network.
    pub fn guarded(self) -> Self {
        Self { clients: Clients::new(None).unwrap(), ..self }
    }

    pub async fn ask(&self, asked: MediaRequest) -> Result<TextAnswer, Failure> {
        let request = TextRequest::unary(Unary::Media(Box::new(asked)));
        let call = TextCall {
            offer: &self.offer,
            credential: Some(&self.credential),
            request: &request,
            written: None,
            task: TaskId::from_uuid(Uuid::from_u128(7)),
            started_at: Timestamp::from_micros(0),
            simulated: false,
            simulation: None,
            call_of_platform: 0,
            whole: false,
            deadline: None,
            forward: &HeaderMap::new(),
        };
        self.clients.text(call).await
    }

    pub async fn made(&self, asked: MediaRequest) -> Made {
        match self.ask(asked).await.unwrap() {
            TextAnswer::Made(made) => *made,
            other => panic!("nothing made: {other:?}"),
        }
    }

    pub async fn images(&self, asked: MediaRequest) -> ImageAnswer {
        match self.made(asked).await.answer {
            MediaAnswer::Images(images) => images,
            other => panic!("no images: {other:?}"),
        }
    }

    pub async fn accepted(&self, asked: MediaRequest) -> AcceptedJob {
        match self.ask(asked).await.unwrap() {
            TextAnswer::Job(job) => *job,
            other => panic!("no job: {other:?}"),
        }
    }

    pub fn job<'a>(&'a self, job_id: &'a str) -> JobCall<'a> {
        JobCall {
            offer: &self.offer,
            credential: Some(&self.credential),
            job_id,
            asked: ASKED,
            submitted_at: Timestamp::from_micros(1_000_000_000),
            now: Timestamp::from_micros(1_060_000_000),
            simulated: false,
        }
    }

    pub fn lookup<'a>(&'a self, request: &'a VideoRequest) -> JobLookup<'a> {
        JobLookup {
            offer: &self.offer,
            credential: Some(&self.credential),
            request,
            submitted_after: Timestamp::from_micros(1_000_000_000),
            now: Timestamp::from_micros(1_060_000_000),
        }
    }
}

fn no_body() -> MediaBody {
    MediaBody { content_type: "application/json".to_owned(), bytes: Bytes::new() }
}

pub fn file(source: InputSource) -> InputFile {
    InputFile { field: "image".to_owned(), filename: None, source }
}

pub fn inline(media_type: &str) -> InputFile {
    file(InputSource::Inline { media_type: media_type.to_owned(), data: Bytes::from_static(b"hi") })
}

pub fn images(n: u32, change: impl FnOnce(&mut ImageRequest)) -> MediaRequest {
    let mut asked = ImageRequest {
        work: ImageWork::Generate,
        model: "m".into(),
        prompt: "a cat".to_owned(),
        n: NonZeroU32::new(n).unwrap(),
        size: None,
        quality: None,
        output_format: None,
        output_compression: None,
        background: None,
        response_format: None,
        stream: false,
        partial_images: 0,
        seed: None,
        images: Vec::new(),
        mask: None,
        body: no_body(),
    };
    change(&mut asked);
    MediaRequest::Image(asked)
}

pub fn video_request(change: impl FnOnce(&mut VideoRequest)) -> VideoRequest {
    let mut asked = VideoRequest {
        model: "m".into(),
        prompt: "a cat".to_owned(),
        seconds: None,
        size: None,
        resolution: None,
        aspect_ratio: None,
        audio: None,
        negative_prompt: None,
        seed: None,
        watermark: None,
        first_frame: None,
        last_frame: None,
        references: Vec::new(),
        remix_of: None,
        body: no_body(),
    };
    change(&mut asked);
    asked
}

pub fn video(change: impl FnOnce(&mut VideoRequest)) -> MediaRequest {
    MediaRequest::Video(video_request(change))
}

pub fn speech(format: SpeechFormat) -> MediaRequest {
    MediaRequest::Speech(SpeechRequest {
        model: "m".into(),
        input: "hello".to_owned(),
        voice: "Kore".to_owned(),
        instructions: None,
        format,
        speed_percent: None,
        stream_format: StreamFormat::default(),
        body: no_body(),
    })
}

pub fn transcription(source: InputSource) -> MediaRequest {
    MediaRequest::Transcription(TranscriptionRequest {
        work: TranscriptionWork::Transcribe,
        model: "m".into(),
        file: InputFile { field: "file".to_owned(), ..file(source) },
        language: None,
        prompt: None,
        format: TranscriptFormat::Json,
        stream: false,
        word_times: false,
        body: no_body(),
    })
}
