//! `easyai-bench mock`.

use std::{net::SocketAddr, num::NonZeroUsize, process::ExitCode, time::Duration};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use easyai_bench::mock::{Answer, Behaviour, Dialect, MockUpstream, Paths, Recording, Reply, UsageReport, Writes};

#[derive(Debug, Args)]
pub struct MockArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// What every call gets: ok, status=CODE[,RETRY-AFTER], hang, reset, close, garbage, html, empty, or one of stall, cut, reset,
    /// end, error, garbage with @headers, @preamble or @DELTAS, such as cut@3
    #[arg(long, default_value = "ok")]
    fault: String,
    /// Time before the first byte of every answer
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Deltas of a stream
    #[arg(long, default_value_t = 50)]
    chunks: usize,
    /// Time between deltas
    #[arg(long, default_value_t = 0)]
    chunk_delay_ms: u64,
    /// Events handed to the network in one write
    #[arg(long, default_value_t = 1)]
    chunks_per_write: usize,
    /// Where a stream reports usage
    #[arg(long, value_enum, default_value_t = Usage::AsAsked)]
    usage: Usage,
    /// What it speaks. All but chat give good streams only, whatever is asked
    #[arg(long, value_enum, default_value_t = Speaks::Chat)]
    dialect: Speaks,
    /// Threads
    #[arg(long, default_value = "1")]
    worker_threads: NonZeroUsize,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Usage {
    AsAsked,
    Always,
    OnFinishChunk,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Speaks {
    Chat,
    Responses,
    Messages,
    GenerateContent,
}

impl From<Speaks> for Dialect {
    fn from(speaks: Speaks) -> Self {
        match speaks {
            Speaks::Chat => Self::Chat,
            Speaks::Responses => Self::Responses,
            Speaks::Messages => Self::Messages,
            Speaks::GenerateContent => Self::GenerateContent,
        }
    }
}

impl MockArgs {
    fn behaviour(&self) -> anyhow::Result<Behaviour> {
        let answer = Answer {
            chunk_delay: Duration::from_millis(self.chunk_delay_ms),
            writes: match self.chunks_per_write {
                0 | 1 => Writes::Each,
                events => Writes::Every(events),
            },
            usage_report: match self.usage {
                Usage::AsAsked => UsageReport::AsAsked,
                Usage::Always => UsageReport::Always,
                Usage::OnFinishChunk => UsageReport::OnFinishChunk,
                Usage::Never => UsageReport::Never,
            },
            ..Answer::of_deltas(self.chunks)
        };
        let (reply, paths) = match answer.streamed_as(self.dialect.into()) {
            Some(stream) => (stream.into(), Paths::Any),
            None => (Reply::named(&self.fault, &answer)?, Paths::Chat),
        };
        Ok(Behaviour { reply, latency: Duration::from_millis(self.latency_ms), recording: Recording::Off, paths })
    }
}

pub fn run(args: MockArgs) -> anyhow::Result<ExitCode> {
    let behaviour = args.behaviour()?;
    let runtime = match args.worker_threads.get() {
        // Without a pool there is nothing to wake across threads: cheapest.
        1 => tokio::runtime::Builder::new_current_thread().enable_all().build()?,
        threads => tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?,
    };
    runtime.block_on(async {
        let mock = MockUpstream::listen(args.listen, behaviour).await.with_context(|| format!("listening on {}", args.listen))?;
        super::print(&mock.addr().to_string())?;
        tokio::signal::ctrl_c().await?;
        Ok(ExitCode::SUCCESS)
    })
}
