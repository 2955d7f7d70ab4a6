//! Videos as jobs whose state follows from their id and the clock: nothing is kept, and a restart changes nothing.
//!
//! ```text
//! sim_3000_1280x720_8_00c0ffee00c0ffee_0188bac74afa78aabc3bbd1eef28d881
//!     how long the job takes in ms, size, seconds, seed, the task
//! ```

use std::time::Duration;

use easyai_core::catalog::Simulation;
use easyai_core::media::{MediaUsage, Pixels};
use easyai_core::usage::{Usage, UsageSource};
use easyai_protocols::conversation::Notes;
use easyai_protocols::media::{JobReport, JobResult, MadeFile, VideoRequest};
use easyai_protocols::openai::error::WireError;

use super::super::text::hash;
use super::mp4::{film, film_size};
use super::png::picture;
use crate::call::TextCall;
use crate::media::{AcceptedJob, JobCall};

/// How long a job takes where nobody said, in seconds.
const JOB_SECONDS: u32 = 3;

/// The length of a video where nobody said, in seconds.
const SECONDS: u32 = 4;

/// A tenth of its time a job waits.
const WAITS: u128 = 10;

/// Takes on a job.
pub(super) fn accept(call: &TextCall<'_>, asked: &VideoRequest, settings: &Simulation) -> AcceptedJob {
    let millis = u64::from(settings.job_seconds.unwrap_or(JOB_SECONDS)) * 1_000;
    let seconds = asked.seconds.map_or(SECONDS, std::num::NonZeroU32::get);
    let seed = hash(&format!("{} {:?}", asked.prompt, asked.seed));
    let size = film_size(asked.pixels());
    AcceptedJob {
        id: format!("sim_{millis}_{size}_{seconds}_{seed:016x}_{}", call.task.uuid().simple()),
        upstream_request_id: Some(format!("simulated-{seed:016x}")),
        notes: Notes::default(),
        poll_after: Some(poll_after(Duration::from_millis(millis))),
    }
}

/// A quarter of what is left, but neither always nor hardly ever.
fn poll_after(left: Duration) -> Duration {
    (left / 4).clamp(Duration::from_millis(50), Duration::from_secs(2))
}

struct Job {
    takes: Duration,
    size: Pixels,
    seconds: u32,
    seed: u64,
}

impl Job {
    fn read(id: &str) -> Option<Self> {
        let mut words = id.strip_prefix("sim_")?.split('_');
        Some(Self {
            takes: Duration::from_millis(words.next()?.parse().ok()?),
            size: words.next()?.parse().ok()?,
            seconds: words.next()?.parse().ok()?,
            seed: u64::from_str_radix(words.next()?, 16).ok()?,
        })
    }
}

/// Where a job is.
pub(super) fn report(call: &JobCall<'_>) -> JobReport {
    let Some(job) = Job::read(call.job_id) else {
        let message = format!("`{}` is no job of the simulation", call.job_id);
        return JobReport::Failed(WireError { message, code: Some("job_not_found".to_owned()), ..WireError::default() });
    };
    let passed = call.now.since(call.submitted_at);
    if passed < job.takes {
        let percent = passed.as_millis() * 100 / job.takes.as_millis().max(1);
        if percent * WAITS < 100 {
            return JobReport::Queued;
        }
        return JobReport::Running { percent: u8::try_from(percent).ok(), poll_after: Some(poll_after(job.takes - passed)) };
    }
    let inline = |media_type: &str, data| MadeFile::Inline { media_type: Some(media_type.to_owned()), data };
    let usage = Usage { source: UsageSource::Upstream, ..Usage::of_media(call.asked) };
    let resolution = match call.asked {
        MediaUsage::Video { resolution, .. } => resolution,
        MediaUsage::Images { .. } | MediaUsage::Speech { .. } | MediaUsage::Audio { .. } => None,
    };
    JobReport::Succeeded(Box::new(JobResult {
        files: vec![inline("video/mp4", film(job.size, job.seconds, job.seed))],
        thumbnail: Some(inline("image/png", picture(job.size, job.seed))),
        usage,
        resolution,
    }))
}
