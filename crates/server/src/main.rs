//! `easyai`: the gateway and its command line in one binary.
//!
//! A command that fails says so in one line on standard error and ends with 1; a command line that can't be read ends with 2.

mod api;
mod app;
mod catalog_file;
mod cli;
mod config;
mod lab;
mod nearest;
mod problem;
mod replay;
mod serve;
mod telemetry;

use std::process::ExitCode;

// Many small allocations of many sizes, freed by other threads: what it is good at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
