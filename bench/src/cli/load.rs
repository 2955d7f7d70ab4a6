//! `easyai-bench load`.

use std::{process::ExitCode, time::Duration};

use clap::Args;
use easyai_bench::{
    load::{self, Expectation, ExpectedUsage, Load, Shape, Stop, Target},
    mock::Answer,
};

#[derive(Debug, Args)]
pub struct LoadArgs {
    /// The endpoint, such as http://127.0.0.1:8080/v1/chat/completions
    #[arg(long)]
    url: String,
    /// The key
    #[arg(long, default_value = "sk-bench")]
    key: String,
    /// The model
    #[arg(long, default_value = "bench")]
    model: String,
    /// Connections, each with one request at a time
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Stop after so many requests
    #[arg(long, default_value_t = 10_000, conflicts_with = "duration")]
    requests: u64,
    /// Stop after so many seconds
    #[arg(long)]
    duration: Option<f64>,
    /// Ask for streams
    #[arg(long)]
    stream: bool,
    /// Ask for usage in streams
    #[arg(long, requires = "stream")]
    include_usage: bool,
    /// Fill request bodies up to this size
    #[arg(long, default_value_t = 0)]
    body_bytes: usize,
    /// Requests before measuring begins
    #[arg(long, default_value_t = 0)]
    warmup: u64,
    /// Report CPU time and memory of this process
    #[arg(long)]
    pid: Option<u32>,
    /// Report CPU time of this PostgreSQL postmaster and its children
    #[arg(long)]
    database_pid: Option<u32>,
    /// The --chunks of the mock upstream, from which text and usage follow
    #[arg(long, default_value_t = 50)]
    chunks: usize,
    /// Take any text and usage: the upstream isn't our mock
    #[arg(long)]
    any_text: bool,
    /// The longest wait for one answer
    #[arg(long, default_value_t = 30_000)]
    timeout_ms: u64,
    /// Print the report as JSON only
    #[arg(long)]
    json: bool,
}

impl LoadArgs {
    fn expectation(&self) -> Expectation {
        let shape = match (self.stream, self.include_usage) {
            (false, _) => Shape::Plain,
            (true, false) => Shape::Stream(ExpectedUsage::Absent),
            (true, true) => Shape::Stream(ExpectedUsage::Present),
        };
        if self.any_text {
            return Expectation { shape, text: None, deltas: None, tokens: None };
        }
        let answer = Answer::of_deltas(self.chunks);
        let tokens = Some((answer.usage.prompt_tokens, answer.usage.completion_tokens));
        Expectation { shape, text: Some(answer.text()), deltas: Some(self.chunks), tokens }
    }
}

pub fn run(args: LoadArgs) -> anyhow::Result<ExitCode> {
    let load = Load {
        target: Target::parse(&args.url)?,
        expectation: args.expectation(),
        stop: match args.duration {
            Some(seconds) => Stop::For(Duration::try_from_secs_f64(seconds)?),
            None => Stop::After(args.requests),
        },
        key: args.key,
        model: args.model,
        connections: args.connections,
        warmup: args.warmup,
        body_bytes: args.body_bytes,
        timeout: Duration::from_millis(args.timeout_ms),
        pid: args.pid,
        database_pid: args.database_pid,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(load::run(load))?;
    super::print(&serde_json::to_string(&report)?)?;
    if !args.json {
        super::print(&report.to_string())?;
    }
    Ok(if report.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
