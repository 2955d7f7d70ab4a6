//! A job at a provider: asked about, stopped, found again.
//!
//! Everything here goes to the platform and credential that the job was submitted with. A failure of a call says nothing of the job, but
//! for a 404, which is its end (`providers.md` section 11).

use std::sync::Arc;

use easyai_core::catalog::{Credential, PlatformModel};
use easyai_core::failure::{Category, Failure, Sent};
use easyai_core::kind::Provider;
use easyai_core::media::MediaUsage;
use easyai_core::time::Timestamp;
use easyai_protocols::media::{JobReport, VideoRequest};

use super::{gemini, openai, volces};
use crate::call::Clients;
use crate::simulation;

/// One job at its provider.
#[derive(Debug, Clone, Copy)]
pub struct JobCall<'a> {
    /// The candidate that took it on.
    pub offer: &'a Arc<PlatformModel>,
    /// The credential it was submitted with.
    pub credential: Option<&'a Credential>,
    /// What its provider calls it.
    pub job_id: &'a str,
    /// What was asked for: what is billed where the provider says nothing of it.
    pub asked: MediaUsage,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// What time it is.
    pub now: Timestamp,
    /// Whether the simulation has it.
    pub simulated: bool,
}

/// A job of which it is not known whether it was accepted.
#[derive(Debug, Clone, Copy)]
pub struct JobLookup<'a> {
    /// The candidate that may have taken it on.
    pub offer: &'a Arc<PlatformModel>,
    /// The credential it was submitted with.
    pub credential: Option<&'a Credential>,
    /// What was asked.
    pub request: &'a VideoRequest,
    /// When it was submitted, at the earliest.
    pub submitted_after: Timestamp,
    /// What time it is.
    pub now: Timestamp,
}

/// What became of a job that was to be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoppedJob {
    /// It will make nothing, and costs nothing.
    Stopped,
    /// Its provider can't stop it, or not any more: it may be paid for, and what it makes is not wanted.
    GoesOn,
}

impl Clients {
    /// What a provider says of a job.
    ///
    /// # Errors
    /// A [`Failure`] of the question. Of the job itself it says nothing, unless it is `model_unavailable` with status 404: then the job is gone.
    pub async fn job(&self, call: JobCall<'_>) -> Result<JobReport, Failure> {
        match call.offer.platform.provider {
            _ if call.simulated => Ok(simulation::job(&call)),
            Provider::Simulation => Ok(simulation::job(&call)),
            Provider::Openai => openai::job(self, &call).await,
            Provider::Gemini => gemini::job(self, &call).await,
            Provider::Volces => volces::job(self, &call).await,
            Provider::Anthropic => Err(no_jobs()),
        }
    }

    /// Stops a job, where its provider can.
    ///
    /// # Errors
    /// A [`Failure`] of the call: nothing is known of the job.
    pub async fn stop_job(&self, call: JobCall<'_>) -> Result<StoppedJob, Failure> {
        match call.offer.platform.provider {
            _ if call.simulated => Ok(StoppedJob::Stopped),
            Provider::Simulation => Ok(StoppedJob::Stopped),
            Provider::Volces => volces::stop_job(self, &call).await,
            // Neither documents a way.
            Provider::Openai | Provider::Gemini => Ok(StoppedJob::GoesOn),
            Provider::Anthropic => Err(no_jobs()),
        }
    }

    /// Whether a provider lists its jobs, so that one whose submission was lost can be found.
    #[must_use]
    pub const fn lists_jobs(provider: Provider) -> bool {
        match provider {
            Provider::Openai | Provider::Volces => true,
            Provider::Gemini | Provider::Simulation | Provider::Anthropic => false,
        }
    }

    /// Whether its list tells what each was made from, so that two of different words can't be taken for one another.
    #[must_use]
    pub const fn lists_prompts(provider: Provider) -> bool {
        match provider {
            Provider::Openai => true,
            Provider::Volces | Provider::Gemini | Provider::Simulation | Provider::Anthropic => false,
        }
    }

    /// The ids of the jobs that may be the one that is looked for, where its provider lists jobs.
    ///
    /// # Errors
    /// A [`Failure`] of the call.
    pub async fn find_jobs(&self, lookup: JobLookup<'_>) -> Result<Vec<String>, Failure> {
        match lookup.offer.platform.provider {
            Provider::Openai => openai::find_jobs(self, &lookup).await,
            Provider::Volces => volces::find_jobs(self, &lookup).await,
            Provider::Gemini | Provider::Simulation | Provider::Anthropic => Ok(Vec::new()),
        }
    }
}

fn no_jobs() -> Failure {
    Failure::new(Category::Internal, Sent::Nothing, "the provider has no jobs")
}
