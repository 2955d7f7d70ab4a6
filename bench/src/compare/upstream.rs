//! The mock upstream, each dialect as a process of its own.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
};

use anyhow::Context as _;

use super::{CompareArgs, own_binary, program};

/// One of each dialect. Those that nobody asks cost nothing.
pub(super) struct Upstreams {
    pub(super) chat: Upstream,
    pub(super) responses: Upstream,
    pub(super) messages: Upstream,
    pub(super) generate_content: Upstream,
}

impl Upstreams {
    pub(super) fn start(args: &CompareArgs) -> anyhow::Result<Self> {
        let of = |dialect| Upstream::start(args, dialect);
        Ok(Self { chat: of("chat")?, responses: of("responses")?, messages: of("messages")?, generate_content: of("generate_content")? })
    }
}

pub(super) struct Upstream {
    child: Child,
    addr: String,
}

impl Upstream {
    fn start(args: &CompareArgs, dialect: &str) -> anyhow::Result<Self> {
        let mut command = program::pinned(args.load_core, &own_binary()?);
        command.args(["mock", "--dialect", dialect]);
        command.args(["--chunks-per-write", &args.chunks_per_write.to_string()]);
        command.args(["--chunk-delay-ms", &args.chunk_delay_ms.to_string()]);
        let mut child = command.stdout(Stdio::piped()).spawn().context("starting the mock: is taskset installed?")?;
        let mut line = String::new();
        let out = child.stdout.take().context("the mock has no output")?;
        BufReader::new(out).read_line(&mut line).context("reading the mock's address")?;
        Ok(Self { child, addr: line.trim().to_owned() })
    }

    /// `127.0.0.1:PORT`.
    pub(super) fn addr(&self) -> &str {
        &self.addr
    }

    pub(super) fn base_url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
