//! One candidate, and what a caller would see of its answers.

use std::num::NonZeroU32;
use std::sync::Arc;

use easyai_bench::mock::{Behaviour, MockUpstream, Reply};
use easyai_clients::{Clients, PlainAnswer, StreamItem, TextAnswer, TextCall, UpstreamStream};
use easyai_core::catalog::{
    CandidateOverrides, Credential, Enabled, Platform, PlatformModel, PlatformOptions, ProxySetting, Simulation, Timeouts,
    default_policy_set,
};
use easyai_core::failure::Failure;
use easyai_core::id::{CredentialId, PlatformId, PlatformModelId, TaskId};
use easyai_core::kind::{Kind, ModelType, Provider};
use easyai_core::time::Timestamp;
use easyai_core::usage::Usage;
use easyai_protocols::request::{TextRequest, Unary};
use http::HeaderMap;
use tokio::time::Instant;
use uuid::Uuid;

pub const PLAIN: &str = r#"{"model":"m","messages":[{"role":"user","content":"hello"}]}"#;
pub const STREAM: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hello"}]}"#;
pub const STREAM_WITH_USAGE: &str =
    r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hello"}]}"#;

/// A candidate with its clients. Change what is public before the first call.
pub struct Bed {
    pub clients: Clients,
    pub offer: PlatformModel,
    pub headers: HeaderMap,
    pub simulation: Option<Simulation>,
    pub call_of_platform: u32,
    pub deadline: Option<Instant>,
    pub whole: bool,
}

/// What came of a stream.
#[derive(Debug)]
pub struct Told {
    /// The pieces that were sent on before the end.
    pub pieces: Vec<String>,
    /// The last frames with the usage, or the failure.
    pub end: Result<(String, Option<Usage>), Failure>,
}

impl Told {
    /// Everything a caller got.
    pub fn frames(&self) -> String {
        self.pieces.concat() + self.end.as_ref().map_or("", |(last, _)| last)
    }

    /// The text of all deltas.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for frame in self.frames().split("\n\n").filter_map(|frame| frame.strip_prefix("data: ")) {
            easyai_protocols::openai::side::delivered_text(frame.as_bytes(), &mut text);
        }
        text
    }
}

pub async fn mock(reply: impl Into<Reply>) -> MockUpstream {
    MockUpstream::start(Behaviour::always(reply)).await.unwrap()
}

fn platform(base_url: &str) -> Platform {
    let ms = |value| NonZeroU32::new(value).unwrap();
    Platform {
        id: PlatformId::from_uuid(Uuid::from_u128(1)),
        name: "p".into(),
        provider: Provider::Openai,
        base_url: base_url.into(),
        priority: 0,
        credentials: Vec::new(),
        proxy: Some(ProxySetting::Direct),
        timeouts: Timeouts { connect_ms: ms(2_000), first_delta_ms: ms(10_000), idle_ms: ms(10_000), total_ms: ms(20_000) },
        test_mode: false,
        options: PlatformOptions::default(),
        limits: Arc::default(),
        enabled: Enabled::Yes,
    }
}

impl Bed {
    pub fn at(base_url: &str) -> Self {
        let offer = PlatformModel {
            id: PlatformModelId::from_uuid(Uuid::from_u128(2)),
            platform: Arc::new(platform(base_url)),
            model: "m".into(),
            upstream_name: "upstream-m".into(),
            model_types: ModelType::ALL.to_vec(),
            price: None,
            weight: NonZeroU32::MIN,
            priority: None,
            context_tokens: None,
            max_output_tokens: None,
            policy_set: Arc::new(default_policy_set()),
            overrides: CandidateOverrides::default(),
            capabilities: None,
            options: Default::default(),
            limits: Arc::default(),
            enabled: Enabled::Yes,
        };
        let clients = Clients::new(None).unwrap();
        Self { clients, offer, headers: HeaderMap::new(), simulation: None, call_of_platform: 0, deadline: None, whole: false }
    }

    /// The same with a changed platform.
    pub fn with(mut self, change: impl FnOnce(&mut Platform)) -> Self {
        let mut platform = Platform::clone(&self.offer.platform);
        change(&mut platform);
        self.offer.platform = Arc::new(platform);
        self
    }

    pub fn impatient(self) -> Self {
        let ms = NonZeroU32::new(150).unwrap();
        self.with(|platform| platform.timeouts = Timeouts { first_delta_ms: ms, idle_ms: ms, ..platform.timeouts })
    }

    pub fn through(self, proxy: &str) -> Self {
        self.with(|platform| platform.proxy = Some(ProxySetting::Url(proxy.to_owned().into())))
    }

    pub async fn chat(&self, body: &'static str) -> Result<TextAnswer, Failure> {
        self.ask(&easyai_protocols::openai::scan::scan(body.into()).unwrap()).await
    }

    /// A request for media.
    pub async fn media(&self, kind: Kind, content_type: Option<&str>, body: impl Into<bytes::Bytes>) -> Result<TextAnswer, Failure> {
        self.ask(&media_request(kind, content_type, body)).await
    }

    pub fn credential() -> Credential {
        Credential {
            id: CredentialId::from_uuid(Uuid::from_u128(3)),
            weight: NonZeroU32::MIN,
            secret: "sk-ours".to_owned().into(),
            name: "credential 1".into(),
            limits: Arc::default(),
        }
    }

    pub async fn ask(&self, request: &TextRequest) -> Result<TextAnswer, Failure> {
        let call = TextCall {
            offer: &Arc::new(self.offer.clone()),
            credential: Some(&Self::credential()),
            request,
            written: None,
            task: TaskId::from_uuid(Uuid::from_u128(3)),
            started_at: Timestamp::from_micros(0),
            simulated: false,
            simulation: self.simulation.as_ref(),
            call_of_platform: self.call_of_platform,
            whole: self.whole,
            deadline: self.deadline,
            forward: &self.headers,
        };
        self.clients.text(call).await
    }

    pub async fn open(&self, body: &'static str) -> Box<UpstreamStream> {
        match self.chat(body).await.unwrap() {
            TextAnswer::Stream { stream, .. } => stream,
            other => panic!("no stream: {other:?}"),
        }
    }

    pub async fn tell(&self, body: &'static str) -> Told {
        told(self.open(body).await).await
    }

    pub async fn plain(&self) -> PlainAnswer {
        match self.chat(PLAIN).await.unwrap() {
            TextAnswer::Plain(answer) => answer,
            other => panic!("no plain answer: {other:?}"),
        }
    }
}

pub async fn next(stream: &mut UpstreamStream) -> StreamItem {
    std::future::poll_fn(|cx| stream.poll_next(cx)).await
}

pub fn media_request(kind: Kind, content_type: Option<&str>, body: impl Into<bytes::Bytes>) -> TextRequest {
    TextRequest::unary(Unary::Media(Box::new(easyai_protocols::media::read(kind, content_type, body.into()).unwrap())))
}

/// All of a stream.
pub async fn told(mut stream: Box<UpstreamStream>) -> Told {
    let mut pieces = Vec::new();
    let text = |bytes: bytes::Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    loop {
        match next(&mut stream).await {
            StreamItem::Deltas(piece) => pieces.push(text(piece)),
            StreamItem::End { last, usage } => {
                let last = last.telling(&usage.unwrap_or(Usage::counted(0, 0)));
                return Told { pieces, end: Ok((text(last), usage)) };
            }
            StreamItem::Failed(failure) => return Told { pieces, end: Err(failure) },
        }
    }
}
