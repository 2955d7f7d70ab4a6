//! Ark's video tasks: submitted, asked about, stopped, found again.
//!
//! There is no idempotency key: a submission of which nobody knows whether it arrived is looked for in the list of tasks, by its model
//! and its time, before anybody thinks of another one (`providers.md` section 7.6).

use easyai_core::failure::{Category, Failure, Sent};
use easyai_protocols::conversation::CannotCarry;
use easyai_protocols::media::{JobReport, VideoRequest, WantedVideo};
use easyai_protocols::volces::task;
use easyai_protocols::volces::video;
use http::Method;

use crate::call::{Clients, TextAnswer};
use crate::media::line::{Line, unusable};
use crate::media::{AcceptedJob, JobCall, JobLookup, StoppedJob};
use crate::upstream::{Endpoint, segment};

/// Tasks on a page of the list.
const PAGE_SIZE: usize = 100;

/// Pages that are looked through, the newest first: a thousand tasks of one model in the minutes since a submission are enough.
const MAX_PAGES: usize = 10;

pub(super) async fn submit(line: &Line<'_>, asked: &VideoRequest) -> Result<TextAnswer, Failure> {
    let refused = |lost: CannotCarry| Failure::new(Category::BadRequest, Sent::Nothing, lost.to_string());
    let written = video::write(line.upstream_name(), asked).map_err(refused)?;
    let answered = line.post(Endpoint::ContentTasks, written.body).await?;
    let id = task::read_submitted(&answered.body).map_err(|bad| unusable(bad, &answered))?;
    let upstream_request_id = answered.request_id();
    Ok(TextAnswer::Job(Box::new(AcceptedJob { id, upstream_request_id, notes: written.notes, poll_after: None })))
}

pub(in crate::media) async fn job(clients: &Clients, call: &JobCall<'_>) -> Result<JobReport, Failure> {
    report(&Line::of_job(clients, call.offer, call.credential), call).await
}

async fn report(line: &Line<'_>, call: &JobCall<'_>) -> Result<JobReport, Failure> {
    let answered = line.ask(Method::GET, Endpoint::ContentTasks, &format!("/{}", segment(call.job_id))).await?;
    task::read_report(&answered.body, call.asked).map_err(|bad| unusable(bad, &answered))
}

/// Asks first: to delete a task that has ended takes its record away, and says nothing of what it cost.
pub(in crate::media) async fn stop_job(clients: &Clients, call: &JobCall<'_>) -> Result<StoppedJob, Failure> {
    let line = Line::of_job(clients, call.offer, call.credential);
    match report(&line, call).await? {
        JobReport::Queued => match line.ask(Method::DELETE, Endpoint::ContentTasks, &format!("/{}", segment(call.job_id))).await {
            Ok(_) => Ok(StoppedJob::Stopped),
            // It began in between, and can't be stopped any more.
            Err(failure) if failure.status == Some(409) => Ok(StoppedJob::GoesOn),
            Err(failure) => Err(failure),
        },
        JobReport::Running { .. } | JobReport::Succeeded(_) => Ok(StoppedJob::GoesOn),
        JobReport::Failed(_) | JobReport::Cancelled | JobReport::Expired => Ok(StoppedJob::Stopped),
    }
}

pub(in crate::media) async fn find_jobs(clients: &Clients, lookup: &JobLookup<'_>) -> Result<Vec<String>, Failure> {
    let line = Line::of_job(clients, lookup.offer, lookup.credential);
    let (after, before) = (lookup.submitted_after.seconds(), lookup.now.seconds());
    let wanted = WantedVideo { model: line.upstream_name(), request: lookup.request, after, before };
    let mut found = Vec::new();
    for page in 1..=MAX_PAGES {
        let below = format!("?page_num={page}&page_size={PAGE_SIZE}&filter.model={}", segment(line.upstream_name()));
        let answered = line.ask(Method::GET, Endpoint::ContentTasks, &below).await?;
        let page = task::read_page(&answered.body, &wanted).map_err(|bad| unusable(bad, &answered))?;
        found.extend(page.matching);
        if page.items < PAGE_SIZE {
            break;
        }
    }
    Ok(found)
}
