//! One run that sets the gateway beside nginx and beside no proxy at all, in front of the same mock upstream.
//!
//! Gateway and nginx run pinned to one core, mock and load client to another, each a process of its own. Every scenario is run on
//! every target several times in turn, so that a machine that slows down slows all of them; medians are shown.

mod gateway;
mod nginx;
mod program;
mod scenario;
mod summary;
mod table;
mod upstream;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context as _, bail};
use clap::Args;
use easyai_bench::load::Report;
use serde::Serialize;

use self::{
    gateway::Gateway,
    nginx::Nginx,
    scenario::Scenario,
    summary::{Summary, Target},
    upstream::Upstreams,
};
use crate::cli::print;

#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The gateway's binary
    #[arg(long, default_value = "target/release/easyai")]
    gateway: PathBuf,
    /// Compare only nginx and no proxy
    #[arg(long)]
    skip_gateway: bool,
    /// The nginx binary
    #[arg(long, default_value = "nginx")]
    nginx: PathBuf,
    /// Where a temporary folder is made for databases and logs; what disk it is on matters
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Let the gateway use this PostgreSQL database, a fresh one, instead of SQLite
    #[arg(long)]
    database_url: Option<String>,
    /// The postmaster of that database: its CPU time is shown apart
    #[arg(long, requires = "database_url")]
    postgres_pid: Option<u32>,
    /// Only this scenario (may be given again)
    #[arg(long, value_enum)]
    only: Vec<Scenario>,
    /// Fewer requests and one round: numbers for a first look, not for comparing
    #[arg(long)]
    quick: bool,
    /// Rounds
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Stream events that the mock hands to the network in one write
    #[arg(long, default_value_t = 1)]
    chunks_per_write: usize,
    /// Time between the deltas of a stream
    #[arg(long, default_value_t = 0)]
    chunk_delay_ms: u64,
    /// Write everything as JSON to this file
    #[arg(long)]
    json: Option<PathBuf>,
    /// The core of gateway and nginx
    #[arg(long, default_value_t = 0)]
    proxy_core: usize,
    /// The core of mock and load client
    #[arg(long, default_value_t = 1)]
    load_core: usize,
}

/// Everything that was found, for `--json`.
#[derive(Debug, Serialize)]
struct Findings {
    runs: Vec<Run>,
    medians: Vec<Summary>,
    gateway: Option<gateway::Facts>,
}

/// One load.
#[derive(Debug, Serialize)]
struct Run {
    scenario: Scenario,
    target: Target,
    round: usize,
    report: Report,
}

/// Where a target listens, and who it is.
struct Endpoint {
    target: Target,
    base_url: String,
    key: String,
    pid: Option<u32>,
    database_pid: Option<u32>,
}

/// Compares, prints a table, and says by its exit code whether every answer was right and the ledger clean.
///
/// # Errors
/// When something can't be started.
pub fn run(args: &CompareArgs) -> anyhow::Result<ExitCode> {
    let folder = match &args.dir {
        Some(dir) => tempfile::tempdir_in(dir),
        None => tempfile::tempdir(),
    };
    let folder = folder.context("making a temporary folder")?;
    let upstreams = Upstreams::start(args)?;
    let nginx = Nginx::start(args, &upstreams.chat, folder.path())?;
    let mut gateway = if args.skip_gateway { None } else { Some(Gateway::start(args, &upstreams, folder.path())?) };

    let mut endpoints = vec![
        Endpoint { target: Target::Direct, base_url: upstreams.chat.base_url(), key: "sk-bench".into(), pid: None, database_pid: None },
        nginx.endpoint(),
    ];
    endpoints.extend(gateway.as_ref().map(|gateway| gateway.endpoint(args)));
    let runs = all_runs(args, &endpoints)?;

    let medians = summary::medians(&runs);
    print(&table::render(&medians))?;
    let facts = gateway.as_mut().map(Gateway::finish).transpose()?;
    if let Some(facts) = &facts {
        print(&facts.to_string())?;
    }
    let good = medians.iter().all(|summary| summary.failed == 0) && facts.as_ref().is_none_or(|facts| facts.ledger_clean);
    if let Some(path) = &args.json {
        let findings = Findings { runs, medians, gateway: facts };
        std::fs::write(path, serde_json::to_vec_pretty(&findings)?).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn all_runs(args: &CompareArgs, endpoints: &[Endpoint]) -> anyhow::Result<Vec<Run>> {
    let rounds = if args.quick { 1 } else { args.rounds.max(1) };
    let mut runs = Vec::new();
    for scenario in Scenario::all().filter(|scenario| args.only.is_empty() || args.only.contains(scenario)) {
        for round in 1..=rounds {
            for endpoint in endpoints {
                let report = load(args, endpoint, scenario)?;
                print(&format!("{scenario} {round}/{rounds} {}: {report}", endpoint.target))?;
                runs.push(Run { scenario, target: endpoint.target, round, report });
            }
        }
    }
    Ok(runs)
}

/// The load client as a process of its own, whose time isn't ours.
fn load(args: &CompareArgs, endpoint: &Endpoint, scenario: Scenario) -> anyhow::Result<Report> {
    let mut command = program::pinned(args.load_core, &own_binary()?);
    command.args(["load", "--json", "--url", &format!("{}/chat/completions", endpoint.base_url), "--key", &endpoint.key]);
    command.args(scenario.load_flags(args.quick));
    for (flag, pid) in [("--pid", endpoint.pid), ("--database-pid", endpoint.database_pid)] {
        if let Some(pid) = pid {
            command.args([flag, &pid.to_string()]);
        }
    }
    let output = command.output().context("running the load client")?;
    // It exits with 1 if answers were wrong, and has a report then too.
    match serde_json::from_slice(&output.stdout) {
        Ok(report) => Ok(report),
        Err(_) => bail!("the load client failed: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

fn own_binary() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("finding this binary")
}

/// Runs a command to its end and gives its standard output.
fn output_of(command: &mut Command, what: &str) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("{what}: {command:?}"))?;
    if !output.status.success() {
        bail!("{what}: {command:?} gave {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A port that is free now. Somebody else could take it before it is used; then the start fails and says so.
fn free_port() -> anyhow::Result<u16> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").context("looking for a free port")?;
    Ok(listener.local_addr()?.port())
}

/// A file in a folder, as a command line wants it.
fn text_of(path: &Path) -> anyhow::Result<String> {
    path.to_str().map(str::to_owned).with_context(|| format!("{} is not UTF-8", path.display()))
}
