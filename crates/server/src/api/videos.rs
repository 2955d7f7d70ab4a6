//! `/v1/videos` in OpenAI's shape: a video is a task that goes on by itself, and is asked about until it is done.
//!
//! A video's id is its task's, under another name: `video_…` for `task_…`; either is taken.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Path, Query, Request, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use axum::response::Response;
use easyai_core::error::ErrorCode;
use easyai_core::event::Progress;
use easyai_core::id::{TaskId, VideoId};
use easyai_core::kind::Kind;
use easyai_core::media::MediaUsage;
use easyai_core::task::TaskStatus;
use easyai_protocols::media::{
    MediaRequest, RemixOf, VideoError, VideoObject, VideoRequest, VideoStatus, read_remix, write_deleted_video, write_video,
    write_video_list,
};
use easyai_protocols::read::read;
use easyai_protocols::request::{TextRequest, Unary};
use easyai_protocols::wire::Protocol;
use easyai_runner::Caller;
use easyai_store::assets::AssetRole;
use easyai_store::jobs;
use easyai_store::tasks::{self, Filter, TaskRow};

use crate::api::error::ApiError;
use crate::api::gemini::json;
use crate::api::later::{self, Preference};
use crate::api::text::{self, ask};
use crate::api::{assets, auth, body, headers, tasks as api_tasks};
use crate::app::App;

/// Answer: when to ask again, as OpenAI's SDKs obey it.
const POLL_AFTER_MS: HeaderName = HeaderName::from_static("openai-poll-after-ms");

/// Videos take minutes; a simulated one takes seconds.
const POLL_AFTER: HeaderValue = HeaderValue::from_static("2000");

const DEFAULT_PAGE: u32 = 20;
const MAX_PAGE: u32 = 100;

/// Makes a video: answers at once with what there is to ask about.
pub async fn create(State(app): State<Arc<App>>, request: Request) -> Response {
    let started = Instant::now();
    let content_type = content_type(&request);
    let response = submit(&app, request, |body| read(Kind::VideosGenerations, None, content_type.as_deref(), body)).await;
    app.telemetry.answered(Kind::VideosGenerations.as_str(), response.status().as_u16(), started.elapsed());
    response
}

/// Makes a video anew, from one that is done.
pub async fn remix(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Response {
    let content_type = content_type(&request);
    let headers = request.headers().clone();
    let of = async {
        let caller = auth::caller(&app, &headers)?;
        let row = find(&app, &caller, &id).await?;
        if row.status != TaskStatus::Succeeded {
            return Err(ApiError::field("video_id", "the video is not done: only one that is can be made anew"));
        }
        let job = jobs::get(&app.db, row.id).await?;
        let upstream_id = job.and_then(|job| job.upstream_job_id);
        let upstream_id =
            upstream_id.ok_or_else(|| ApiError::field("video_id", "the video can't be made anew: its platform does not know it"))?;
        Ok((row.model, RemixOf { task: row.id, upstream_id }))
    };
    match of.await {
        Ok((model, of)) => {
            let scan = |body| {
                let video = read_remix(content_type.as_deref(), body, model, of)?;
                Ok(TextRequest::unary(Unary::Media(Box::new(MediaRequest::Video(video)))))
            };
            submit(&app, request, scan).await
        }
        Err(error) => text::refusal(error, Protocol::Videos),
    }
}

fn content_type(request: &Request) -> Option<String> {
    request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

async fn submit(
    app: &Arc<App>,
    request: Request,
    scan: impl FnOnce(bytes::Bytes) -> Result<TextRequest, easyai_protocols::request::BadRequest>,
) -> Response {
    let submitted = async {
        let (head, incoming) = request.into_parts();
        let caller = auth::caller_of(app, &head)?;
        let asked = async {
            let bytes = body::read(&head.headers, incoming, app.max_media_body_bytes).await?;
            ask::of_call(app, &caller, head, scan(bytes)?)
        };
        let ask = match asked.await {
            Ok(ask) => ask,
            Err(error) => return Err(text::unread(app, &caller, Protocol::Videos, error).await),
        };
        if let Some(preference) = Preference::of(&ask.headers) {
            return later::answer(app, &caller, ask, preference, 0).await;
        }
        let task = later::enqueue(app, ask, 0).await?;
        shown(app, &find(app, &caller, &task.to_string()).await?).await
    };
    submitted.await.unwrap_or_else(|error| text::refusal(error, Protocol::Videos))
}

/// One video.
pub async fn retrieve(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let found = async {
        let caller = auth::caller(&app, &headers)?;
        shown(&app, &find(&app, &caller, &id).await?).await
    };
    found.await.unwrap_or_else(|error| text::refusal(error, Protocol::Videos))
}

async fn shown(app: &App, row: &TaskRow) -> Result<Response, ApiError> {
    let mut response = json(write_video(&object(app, row).await?));
    headers::task(response.headers_mut(), row.id);
    if !row.status.is_terminal() {
        response.headers_mut().insert(POLL_AFTER_MS, POLL_AFTER);
    }
    Ok(response)
}

/// Which page of a list.
#[derive(Debug, serde::Deserialize)]
pub struct PageQuery {
    after: Option<String>,
    limit: Option<u32>,
    order: Option<String>,
}

/// The caller's videos.
pub async fn list(State(app): State<Arc<App>>, Query(query): Query<PageQuery>, headers: HeaderMap) -> Response {
    let listed = async {
        let caller = auth::caller(&app, &headers)?;
        let limit = query.limit.unwrap_or(DEFAULT_PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(ApiError::field("limit", format!("`limit` must be from 1 to {MAX_PAGE}")));
        }
        let after = query.after.as_deref().map(task_id).transpose()?;
        let filter = Filter { account: Some(caller.account.id), kind: Some(Kind::VideosGenerations), ..Filter::default() };
        let page = match query.order.as_deref() {
            None | Some("desc") => tasks::list(&app.db, &filter, after, limit).await?,
            Some("asc") => tasks::list_oldest_first(&app.db, &filter, after, limit).await?,
            Some(_) => return Err(ApiError::field("order", "`order` must be asc or desc")),
        };
        let mut videos = Vec::with_capacity(page.tasks.len());
        for row in &page.tasks {
            videos.push(object(&app, row).await?);
        }
        Ok(json(write_video_list(&videos, page.next.is_some())))
    };
    listed.await.unwrap_or_else(|error| text::refusal(error, Protocol::Videos))
}

/// Deletes a video that is over.
pub async fn delete(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let deleted = async {
        let caller = auth::caller(&app, &headers)?;
        let row = find(&app, &caller, &id).await?;
        if !row.status.is_terminal() {
            app.runner.cancel(row.id).await?;
        }
        api_tasks::control::forget(&app, row.id).await?;
        Ok::<_, ApiError>(json(write_deleted_video(&video_id(row.id).to_string())))
    };
    deleted.await.unwrap_or_else(|error| text::refusal(error, Protocol::Videos))
}

/// What of a video is wanted.
#[derive(Debug, serde::Deserialize)]
pub struct ContentQuery {
    variant: Option<String>,
}

/// The video itself, or a picture of it; whole or by ranges.
pub async fn content(State(app): State<Arc<App>>, Path(id): Path<String>, Query(query): Query<ContentQuery>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let found = async {
        let caller = auth::caller_of(&app, &head)?;
        let row = find(&app, &caller, &id).await?;
        let role = match query.variant.as_deref() {
            None | Some("video") => AssetRole::Result,
            Some("thumbnail") => AssetRole::Thumbnail,
            Some(other) => return Err(ApiError::field("variant", format!("`variant` {other} is not kept: use video or thumbnail"))),
        };
        if !row.status.is_terminal() {
            return Err(ApiError::status(
                409,
                ErrorCode::BadRequest,
                "the video is not done yet: ask for it again when its status is completed",
            ));
        }
        let stored = easyai_store::assets::by_task(&app.db, row.id).await?;
        let asset = stored.into_iter().find(|asset| asset.role == role);
        let asset = asset.ok_or_else(|| ApiError::status(404, ErrorCode::TaskNotFound, "there is no such file of this video"))?;
        assets::answer(&app.assets, &asset, &head.method, &head.headers).await
    };
    found.await.unwrap_or_else(|error| text::refusal(error, Protocol::Videos))
}

fn task_id(id: &str) -> Result<TaskId, ApiError> {
    let missing = || ApiError {
        param: Some("video_id".to_owned()),
        ..ApiError::new(ErrorCode::TaskNotFound, format!("there is no video `{id}` among yours"))
    };
    if let Ok(video) = id.parse::<VideoId>() {
        return Ok(TaskId::from_uuid(video.uuid()));
    }
    id.parse().map_err(|_| missing())
}

fn video_id(task: TaskId) -> VideoId {
    VideoId::from_uuid(task.uuid())
}

async fn find(app: &App, caller: &Caller, id: &str) -> Result<TaskRow, ApiError> {
    let task = task_id(id)?;
    let row = api_tasks::find(app, caller, &task.to_string()).await?;
    if row.kind == Kind::VideosGenerations { Ok(row) } else { Err(ApiError::no_such_task()) }
}

/// A video as its caller sees it.
async fn object(app: &App, row: &TaskRow) -> Result<VideoObject, ApiError> {
    let asked = asked(app, row).await?;
    let (asked, remix_of) = asked.map_or((None, None), |(asked, of)| (Some(asked), of));
    let (status, progress) = match row.status {
        TaskStatus::Queued => (VideoStatus::Queued, 0),
        TaskStatus::Running => (VideoStatus::InProgress, progress(app, row).await?),
        TaskStatus::Succeeded => (VideoStatus::Completed, 100),
        TaskStatus::Failed | TaskStatus::Cancelled => (VideoStatus::Failed, progress(app, row).await?),
    };
    let stored = if row.status == TaskStatus::Succeeded { easyai_store::assets::by_task(&app.db, row.id).await? } else { Vec::new() };
    let file = stored.iter().find(|asset| asset.role == AssetRole::Result);
    let made = row.usage.and_then(|usage| usage.media);
    let made_seconds = match made {
        Some(MediaUsage::Video { millis, .. }) => u32::try_from(millis.div_ceil(1000)).ok().filter(|seconds| *seconds > 0),
        Some(MediaUsage::Images { .. } | MediaUsage::Speech { .. } | MediaUsage::Audio { .. }) | None => None,
    };
    let real_size = file.and_then(|file| Some(format!("{}x{}", file.width?, file.height?)));
    let error = row
        .code
        .filter(|_| row.status != TaskStatus::Succeeded)
        .map(|code| VideoError { code: code.as_str().to_owned(), message: row.message.clone().unwrap_or_default() });
    Ok(VideoObject {
        id: video_id(row.id).to_string(),
        model: Arc::clone(&row.model),
        status,
        progress,
        created_at: row.started_at.seconds(),
        completed_at: row.finished_at.filter(|_| row.status == TaskStatus::Succeeded).map(|at| at.seconds()),
        expires_at: file.and_then(|file| file.expires_at).map(|at| at.seconds()),
        prompt: asked.as_ref().map(|asked| asked.prompt.clone()),
        seconds: asked.as_ref().and_then(|asked| asked.seconds).map(std::num::NonZeroU32::get).or(made_seconds),
        size: asked.as_ref().and_then(|asked| asked.size).map(|size| size.to_string()).or(real_size),
        remixed_from_video_id: remix_of.map(|task| video_id(task).to_string()),
        error,
    })
}

/// What was asked for, and the video that it is a remix of; none when it is not kept any more.
async fn asked(app: &App, row: &TaskRow) -> Result<Option<(VideoRequest, Option<TaskId>)>, ApiError> {
    let Some(saved) = jobs::request(&app.db, row.id).await? else { return Ok(None) };
    let video = match saved.head.remix_of {
        Some(task) => {
            let of = RemixOf { task, upstream_id: String::new() };
            read_remix(Some(&saved.content_type), saved.body, Arc::clone(&row.model), of).ok()
        }
        None => match easyai_protocols::media::read(Kind::VideosGenerations, Some(&saved.content_type), saved.body) {
            Ok(MediaRequest::Video(video)) => Some(video),
            Ok(MediaRequest::Image(_) | MediaRequest::Speech(_) | MediaRequest::Transcription(_)) | Err(_) => None,
        },
    };
    Ok(video.map(|video| (video, saved.head.remix_of)))
}

/// In percent, as its last event tells.
async fn progress(app: &App, row: &TaskRow) -> Result<u8, ApiError> {
    let events = tasks::events_of(&app.db, row, 1, &app.currency).await?;
    let running = events.iter().rev().map(|event| event.progress).find(|progress| *progress < Progress::DONE);
    Ok(running.map_or(0, Progress::hundredths))
}
