//! The gateway as an operator sets it up: catalogue, account, money, key, all through its command line.

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, bail};
use easyai_bench::process::Memory;
use serde::{Deserialize, Serialize};

use super::{CompareArgs, Endpoint, output_of, program, program::Program, summary::Target, text_of, upstream::Upstreams};

pub(super) struct Gateway {
    cli: Cli,
    addr: SocketAddr,
    proxy_core: usize,
    log: PathBuf,
    key: String,
    /// None once it has been stopped.
    program: Option<Program>,
    ready_after: Duration,
    idle: Memory,
}

/// What was seen of the gateway beside the loads.
#[derive(Debug, Serialize)]
pub(super) struct Facts {
    ready_on_new_database_ms: u128,
    first_answer_on_existing_database_ms: u128,
    drained_ms: u128,
    idle_resident_bytes: u64,
    pub(super) ledger_clean: bool,
    ledger_verify: String,
}

/// `easyai --data DIR …`.
struct Cli {
    binary: PathBuf,
    data: PathBuf,
    database_url: Option<String>,
}

impl Cli {
    fn configure<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.arg("--data").arg(&self.data);
        match &self.database_url {
            Some(url) => command.env("EASYAI_DATABASE_URL", url),
            None => command.env_remove("EASYAI_DATABASE_URL"),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        self.configure(&mut command).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        output_of(&mut self.command(arguments), "preparing the gateway")
    }
}

impl Gateway {
    pub(super) fn start(args: &CompareArgs, upstreams: &Upstreams, folder: &Path) -> anyhow::Result<Self> {
        let binary = args.gateway.canonicalize();
        let binary =
            binary.with_context(|| format!("{}: build it with cargo build --release, or --skip-gateway", args.gateway.display()))?;
        let cli = Cli { binary, data: folder.join("data"), database_url: args.database_url.clone() };
        let catalog = folder.join("catalog.toml");
        std::fs::write(&catalog, catalogue(upstreams)).context("writing the catalogue")?;
        // A database that is used again has the account of the last run.
        let account = format!("bench-{}", std::process::id());
        cli.run(&["apply", "-f", &text_of(&catalog)?])?;
        cli.run(&["account", "create", &account])?;
        cli.run(&["account", "top-up", &account, "1000000"])?;
        let key = key_in(&cli.run(&["key", "create", "--account", &account, "--json"])?)?;

        let addr = SocketAddr::from(([127, 0, 0, 1], super::free_port()?));
        let log = folder.join("gateway.log");
        let mut program = serve(&cli, args.proxy_core, addr, &log)?;
        let request = format!("GET /readyz HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n\r\n");
        let ready_after = program.ready(addr, &request).context("the gateway")?;
        let idle = Memory::of(program.pid())?;
        Ok(Self { cli, addr, proxy_core: args.proxy_core, log, key, program: Some(program), ready_after, idle })
    }

    pub(super) fn endpoint(&self, args: &CompareArgs) -> Endpoint {
        Endpoint {
            target: Target::Gateway,
            base_url: format!("http://{}/v1", self.addr),
            key: self.key.clone(),
            pid: self.program.as_ref().map(Program::pid),
            database_pid: args.postgres_pid,
        }
    }

    /// Stops it, verifies its ledger, and starts it once more on what is now an existing database.
    pub(super) fn finish(&mut self) -> anyhow::Result<Facts> {
        let Some(program) = self.program.take() else { bail!("the gateway has been stopped before") };
        let drained = program.stop().context("the gateway")?;
        let verified = self.cli.command(&["ledger", "verify"]).output().context("verifying the ledger")?;
        let mut again = serve(&self.cli, self.proxy_core, self.addr, &self.log)?;
        let first_answer = again.ready(self.addr, &first_request(self.addr, &self.key)).context("the gateway, started again")?;
        let said = [verified.stdout, verified.stderr].concat();
        Ok(Facts {
            ready_on_new_database_ms: self.ready_after.as_millis(),
            first_answer_on_existing_database_ms: first_answer.as_millis(),
            drained_ms: drained.as_millis(),
            idle_resident_bytes: self.idle.resident_bytes,
            ledger_clean: verified.status.success(),
            ledger_verify: String::from_utf8_lossy(&said).trim().to_owned(),
        })
    }
}

fn serve(cli: &Cli, core: usize, addr: SocketAddr, log: &Path) -> anyhow::Result<Program> {
    let mut command = program::pinned(core, &cli.binary);
    cli.configure(&mut command).args(["serve", "--listen", &addr.to_string()]);
    Program::start(command, log)
}

fn key_in(output: &str) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Created {
        key: String,
    }
    let created: Created = serde_json::from_str(output).with_context(|| format!("no key in: {output}"))?;
    Ok(created.key)
}

fn first_request(addr: SocketAddr, key: &str) -> String {
    let body = r#"{"model":"bench","messages":[{"role":"user","content":"Hello"}]}"#;
    let length = body.len();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {addr}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// A platform and a model of each dialect.
fn catalogue(upstreams: &Upstreams) -> String {
    let Upstreams { chat, responses, messages, generate_content } = upstreams;
    let all = [
        ("bench", "openai", chat.base_url(), "chat"),
        ("responses", "openai", responses.base_url(), "responses"),
        ("messages", "anthropic", messages.base_url(), ""),
        ("generate_content", "gemini", generate_content.base_url(), ""),
    ];
    let offers = all.map(|(name, provider, base_url, api)| {
        let api = if api.is_empty() { String::new() } else { format!("api = \"{api}\"\n") };
        format!(
            r#"[[platform]]
name = "{name}"
provider = "{provider}"
base_url = "{base_url}"
priority = 0
credentials = [{{ secret = "sk-mock" }}]

[[model]]
name = "{name}"
strategy = "priority"

[[platform_model]]
platform = "{name}"
model = "{name}"
upstream_name = "mock"
model_types = ["text_generate"]
{api}price = {{ input_per_million = "1.25", cached_input_per_million = "0.125", output_per_million = "10" }}
cost = {{ input_per_million = "1.00", output_per_million = "8" }}

"#
        )
    });
    let group = "[[group]]\nname = \"default\"\nprice_multiplier = \"1.0\"\nmodels = [\"*\"]\n";
    offers.concat() + group
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let idle = self.idle_resident_bytes as f64 / 1e6;
        write!(
            f,
            "\ngateway: ready after {} ms on a new database, first answer after {} ms on an existing one, drained in {} ms, \
             {idle:.1} MB idle\nledger verify: {} {}",
            self.ready_on_new_database_ms,
            self.first_answer_on_existing_database_ms,
            self.drained_ms,
            if self.ledger_clean { "clean." } else { "NOT CLEAN." },
            self.ledger_verify,
        )
    }
}
