//! The command line: what it accepts, and which command does it. `--help` of each command is its documentation; `docs/cli.md` the whole.

mod account;
mod apply;
mod bar;
mod callback;
mod catalog;
mod explain;
mod key;
mod lab;
mod ledger;
mod limit_args;
mod migrate;
pub mod open;
mod out;
pub mod paint;
mod platform;
mod policy;
mod replay;
pub mod task;
pub mod timeline;
mod verdict;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use easyai_core::id::{KeyId, TaskId};
use easyai_core::kind::{Kind, RunMode};
use easyai_core::money::Money;
use easyai_core::task::TaskStatus;
use easyai_core::time::Timestamp;

use crate::api::explain::ExplainQuery;
use crate::config::{Config, Flags};
use limit_args::LimitArgs;
use out::Out;
use verdict::Verdict;

/// An AI gateway that charges exactly and explains itself.
#[derive(Debug, Parser)]
#[command(name = "easyai", version, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Global {
    /// Folder of the database and the master key [env: EASYAI_DATA] [default: ./data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A file of settings, see easyai.example.toml [env: EASYAI_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON for programs
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve callers until SIGTERM
    Serve {
        /// Address, such as 0.0.0.0:8080 [env: EASYAI_LISTEN] [default: 127.0.0.1:8080]
        #[arg(long, value_name = "ADDR")]
        listen: Option<String>,
    },
    /// Make the catalogue what a file says; shows what changes
    Apply {
        /// The catalogue file, see catalog.example.toml
        #[arg(short, long, value_name = "FILE")]
        file: PathBuf,
        /// Only show what would change
        #[arg(long)]
        dry_run: bool,
    },
    /// Show what would be done with a request, without doing it: candidates, prices, limits, the hold
    Explain {
        /// A file with the body of a chat request (or of another kind's), or - for standard input
        #[arg(value_name = "FILE")]
        request: PathBuf,
        /// The kind of the call: chat.completions, responses, messages, generate_content or completions
        #[arg(long, default_value = "chat.completions")]
        kind: Kind,
        /// The model, for generate_content, which names it in its path
        #[arg(long)]
        model: Option<String>,
        /// Who asks
        #[arg(long)]
        account: String,
        /// With which of its keys; the first one if absent
        #[arg(long, value_name = "ID")]
        key: Option<KeyId>,
    },
    /// Accounts: who pays
    #[command(subcommand)]
    Account(AccountCommand),
    /// API keys: what callers send
    #[command(subcommand)]
    Key(KeyCommand),
    /// Tasks: what was asked, and why it went as it did
    #[command(subcommand)]
    Task(TaskCommand),
    /// Callbacks: who is told of tasks, what was given up, the secrets that sign
    #[command(subcommand)]
    Callback(callback::CallbackCommand),
    /// Platforms: how they are; switch them off and on
    #[command(subcommand)]
    Platform(PlatformCommand),
    /// Policies: what is in force, and why
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// The catalogue's history
    #[command(subcommand)]
    Catalog(catalog::CatalogCommand),
    /// Run recorded tasks again with a draft policy, priorities or prices, and show what would change
    Replay(ReplayArgs),
    /// The ledger
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// What the policies do when platforms fail, played on a clock of its own
    #[command(subcommand)]
    Lab(LabCommand),
    /// Bring the database's schema up to this program's
    Migrate,
}

#[derive(Debug, Subcommand)]
enum AccountCommand {
    /// Make an account with an empty wallet
    Create {
        name: String,
        /// Its group: prices and allowed models
        #[arg(long, default_value = easyai_store::catalog::DEFAULT_GROUP)]
        group: String,
        #[command(flatten)]
        limits: LimitArgs,
    },
    /// All accounts with their wallets
    List,
    /// One account, its wallet and latest entries
    Show { name: String },
    /// Change an account's group or limits
    Set {
        name: String,
        /// Its group from now on
        #[arg(long)]
        group: Option<String>,
        #[command(flatten)]
        limits: LimitArgs,
    },
    /// Add money to an account's wallet
    TopUp {
        name: String,
        /// A decimal such as 12.50
        #[arg(allow_negative_numbers = true)]
        amount: Money,
        /// For the ledger
        #[arg(long)]
        note: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Make a key; it is shown this once
    Create {
        /// Who pays
        #[arg(long)]
        account: String,
        /// A name for people
        #[arg(long, default_value = "default")]
        name: String,
        /// Models it may use, separated by commas; `gpt-5*` for all that begin so
        #[arg(long, value_delimiter = ',', default_value = "*")]
        models: Vec<String>,
        /// From when it is refused, such as 2027-01-01 or 2027-01-01T12:00:00Z (UTC)
        #[arg(long, value_name = "DATE")]
        expires: Option<Timestamp>,
        /// live, or simulation: answers offline and costs nothing
        #[arg(long, default_value = "live", value_name = "MODE")]
        run_mode: RunMode,
        /// Its calls may be answered from the response cache of models that have one
        #[arg(long)]
        response_cache: bool,
        #[command(flatten)]
        limits: LimitArgs,
    },
    /// Change a key's limits, or whether it uses the response cache
    Set {
        id: KeyId,
        /// on, or off: whether its calls may be answered from the response cache of models that have one
        #[arg(long, value_name = "SWITCH")]
        response_cache: Option<Switch>,
        #[command(flatten)]
        limits: LimitArgs,
    },
    /// All keys, or those of one account
    List {
        #[arg(long)]
        account: Option<String>,
    },
    /// Refuse a key from now on, for good
    Revoke { id: KeyId },
}

/// What is on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Switch {
    On,
    Off,
}

#[derive(Debug, Subcommand)]
enum TaskCommand {
    /// Tasks, the latest first
    List(TaskFilter),
    /// One task: candidates, attempts, decisions with their rules, events, charge
    Show { id: TaskId },
    /// Follows a task to its end, with a progress bar; then as `show`. Fails (exit 1) if the task did not succeed
    Watch { id: TaskId },
}

#[derive(Debug, Args)]
pub struct TaskFilter {
    /// Of this account
    #[arg(long)]
    account: Option<String>,
    /// queued, running, succeeded, failed or cancelled
    #[arg(long)]
    status: Option<TaskStatus>,
    /// Of this model
    #[arg(long)]
    model: Option<String>,
    /// Of this kind, such as chat.completions
    #[arg(long)]
    kind: Option<Kind>,
    /// That began at this time or later (UTC)
    #[arg(long)]
    since: Option<Timestamp>,
    /// That began before this time (UTC)
    #[arg(long)]
    until: Option<Timestamp>,
    /// The next_cursor of the page before
    #[arg(long)]
    cursor: Option<TaskId>,
    /// Tasks shown
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
}

#[derive(Debug, Args)]
struct ReplayArgs {
    /// What is to be different: a part of a catalogue file; without it today's catalogue is held against the history
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Tasks that began at this time or later (UTC)
    #[arg(long)]
    since: Option<Timestamp>,
    /// Tasks that began before this time (UTC)
    #[arg(long)]
    until: Option<Timestamp>,
    /// Of this model
    #[arg(long)]
    model: Option<String>,
    /// Of this account
    #[arg(long)]
    account: Option<String>,
    /// What chance comes from: the same again gives the same report
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Differing tasks shown
    #[arg(long, value_name = "N", default_value_t = crate::replay::DIFFERENCES,
        value_parser = clap::value_parser!(u32).range(0..=i64::from(crate::replay::MOST_DIFFERENCES)))]
    differences: u32,
}

#[derive(Debug, Subcommand)]
enum PlatformCommand {
    /// All platforms, the first to be tried first, and who is not well
    List,
    /// Use a platform again, also if a policy switched it off
    Enable {
        name: String,
        /// Only this model of it
        #[arg(long)]
        model: Option<String>,
    },
    /// Leave a platform alone until it is enabled
    Disable {
        name: String,
        /// Only this model of it
        #[arg(long)]
        model: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
enum LedgerCommand {
    /// Check that the books are right; ends with 1 and says what is wrong if they aren't
    Verify,
}

#[derive(Debug, Subcommand)]
pub enum LabCommand {
    /// Scenarios that come with the program
    List,
    /// Play a scenario and report it; ends with 1 if the books are wrong afterwards, or an explanation was
    Run {
        /// The name of one that comes with the program, or a file
        #[arg(value_name = "NAME|FILE")]
        scenario: String,
        /// Keep the database in this folder
        #[arg(long, value_name = "DIR")]
        keep: Option<PathBuf>,
        /// Tell the story of the Nth task too; may be given several times
        #[arg(long, value_name = "N")]
        task: Vec<usize>,
        /// Explain each call right before it is made, and compare with its trace
        #[arg(long)]
        explain: bool,
    },
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    // Ends here by itself with 2 for what can't be read, with 0 for --help.
    let cli = Cli::parse();
    match run(cli) {
        Ok(verdict) => verdict.into(),
        Err(error) => {
            // The whole chain in one line: what failed, and because of what.
            eprintln!("easyai: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<Verdict> {
    let listen = if let Command::Serve { listen } = &cli.command { listen.clone() } else { None };
    let config = Config::load(Flags { config: cli.global.config, data: cli.global.data, listen })?;
    let out = Out::new(cli.global.json);
    let runtime = runtime()?;
    let verdict = runtime.block_on(Box::pin(dispatch(cli.command, config, &out)));
    // What is still blocked (a name lookup, say) is not waited for.
    runtime.shutdown_background();
    verdict
}

/// One core needs no threads to share work among.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut builder = if cores == 1 { tokio::runtime::Builder::new_current_thread() } else { tokio::runtime::Builder::new_multi_thread() };
    builder.enable_all().build()
}

async fn dispatch(command: Command, config: Config, out: &Out) -> anyhow::Result<Verdict> {
    match command {
        Command::Serve { .. } => crate::serve::serve(config).await.map(|()| Verdict::Good),
        Command::Apply { file, dry_run } => apply::apply(&config, out, &file, apply::Mode::of(dry_run)).await,
        Command::Explain { request, kind, model, account, key } => {
            explain::run(&config, out, &request, &ExplainQuery { kind: Some(kind), model }, &account, key).await
        }
        Command::Account(command) => account::run(&config, out, command).await,
        Command::Key(command) => key::run(&config, out, command).await,
        Command::Task(TaskCommand::List(filter)) => task::list(&config, out, filter).await,
        Command::Task(TaskCommand::Show { id }) => task::show(&config, out, id).await,
        Command::Task(TaskCommand::Watch { id }) => task::watch(&config, out, id).await,
        Command::Callback(command) => callback::run(&config, out, command).await,
        Command::Platform(command) => platform::run(&config, out, command).await,
        Command::Policy(command) => policy::run(&config, out, command).await,
        Command::Catalog(command) => catalog::run(&config, out, command).await,
        Command::Replay(args) => replay::run(&config, out, args).await,
        Command::Ledger(LedgerCommand::Verify) => ledger::verify(&config, out).await,
        // Nothing else runs here: it may block, and has a runtime of its own whose clock is turned.
        Command::Lab(command) => lab::run(command, out),
        Command::Migrate => migrate::migrate(&config, out).await,
    }
}
