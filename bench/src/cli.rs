//! The subcommands.

mod load;
mod mock;

use std::{io::Write as _, process::ExitCode};

use clap::{Parser, Subcommand};

/// A mock upstream, a load client and a comparison with nginx.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves OpenAI-compatible chat completions until it is killed; prints its address when it is ready
    Mock(mock::MockArgs),
    /// Sends requests, checks every answer, reports; exits with 1 if any answer was wrong
    Load(load::LoadArgs),
    /// Compares gateway, nginx and no proxy at all, in front of the same mock; needs nginx, taskset and two cores
    Compare(crate::compare::CompareArgs),
}

/// Runs what was asked for.
///
/// # Errors
/// When it can't be run; the exit code tells of findings.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Mock(args) => mock::run(args),
        Command::Load(args) => load::run(args),
        Command::Compare(args) => crate::compare::run(&args),
    }
}

/// Writes a line to standard output, at once.
pub fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}
