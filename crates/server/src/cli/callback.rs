//! `easyai callback`: who was told of tasks, what was given up, and the secrets that sign.

use clap::{Args, Subcommand};
use easyai_core::delivery::CallbackState;
use easyai_core::id::{AccountId, CallbackId, TaskId};
use easyai_core::time::Timestamp;
use easyai_store::callbacks::{self, Callback, Filter, GATEWAY, Secret, Which};
use easyai_store::vault::Vault;
use easyai_store::{Db, accounts, now};
use secrecy::ExposeSecret;
use serde::Serialize;

use super::open::open;
use super::out::{Out, table};
use super::verdict::Verdict;
use crate::api::callbacks::CallbackView;
use crate::config::Config;

/// What `easyai callback` can do.
#[derive(Debug, Subcommand)]
pub enum CallbackCommand {
    /// Callbacks, the latest first
    List(ListArgs),
    /// Send again what was given up
    Resend(ResendArgs),
    /// The secrets that sign callbacks
    #[command(subcommand)]
    Secret(SecretCommand),
}

/// Which callbacks are listed.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only what was given up
    #[arg(long)]
    dead: bool,
    /// Of this account's tasks
    #[arg(long)]
    account: Option<String>,
    /// Of this task
    #[arg(long)]
    task: Option<TaskId>,
    /// The next_cursor of the page before
    #[arg(long)]
    cursor: Option<CallbackId>,
    /// Callbacks shown
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
}

/// Which callbacks are sent again.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct ResendArgs {
    /// This one
    id: Option<CallbackId>,
    /// All of this task that were given up
    #[arg(long)]
    task: Option<TaskId>,
    /// All that were given up
    #[arg(long)]
    all_dead: bool,
}

/// What can be done with a secret.
#[derive(Debug, Subcommand)]
pub enum SecretCommand {
    /// Show the secret that signs; makes one if there is none
    Show(OwnerArgs),
    /// Make a new one; the old one signs along for 24 hours
    Rotate(OwnerArgs),
}

/// Whose secret.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct OwnerArgs {
    /// Of this account: it signs what its callers named
    #[arg(long)]
    account: Option<String>,
    /// The gateway's own: it signs what goes to callback_url
    #[arg(long)]
    gateway: bool,
}

#[derive(Serialize)]
struct Page {
    data: Vec<CallbackView>,
    next_cursor: Option<CallbackId>,
}

#[derive(Serialize)]
struct Resent {
    callbacks: u64,
}

#[derive(Serialize)]
struct Secrets {
    owner: String,
    secret: String,
    created_at: Timestamp,
    /// The one before, while it signs along.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_until: Option<Timestamp>,
}

/// Does what the command says.
///
/// # Errors
/// If the account, callback or task does not exist, or the database can't be used.
pub async fn run(config: &Config, out: &Out, command: CallbackCommand) -> anyhow::Result<Verdict> {
    let (db, vault) = open(config).await?;
    match command {
        CallbackCommand::List(given) => list(&db, out, given).await?,
        CallbackCommand::Resend(ResendArgs { id, task, .. }) => {
            let which = match (id, task) {
                (Some(id), _) => Which::One(id),
                (None, Some(task)) => Which::Task(task),
                (None, None) => Which::AllDead,
            };
            let callbacks = callbacks::resend(&db, which, now()).await?;
            out.show(&Resent { callbacks }, |resent| match resent.callbacks {
                0 => "nothing was given up".to_owned(),
                1 => "1 callback is sent again".to_owned(),
                many => format!("{many} callbacks are sent again"),
            })?;
        }
        CallbackCommand::Secret(SecretCommand::Show(owner)) => {
            let (owner, name) = owner_of(&db, owner).await?;
            show(out, name, callbacks::signing(&db, &vault, owner, now()).await?)?;
        }
        CallbackCommand::Secret(SecretCommand::Rotate(owner)) => rotate(&db, &vault, out, owner).await?,
    }
    Ok(Verdict::Good)
}

async fn rotate(db: &Db, vault: &Vault, out: &Out, owner: OwnerArgs) -> anyhow::Result<()> {
    let (owner, name) = owner_of(db, owner).await?;
    let secrets = callbacks::rotate(db, vault, owner, &name, now()).await?;
    show(out, name, secrets)
}

async fn owner_of(db: &Db, owner: OwnerArgs) -> anyhow::Result<(AccountId, String)> {
    match owner.account {
        Some(name) => Ok((accounts::find(db, &name).await?.id, name)),
        None => Ok((GATEWAY, "gateway".to_owned())),
    }
}

fn show(out: &Out, owner: String, secrets: Vec<Secret>) -> anyhow::Result<()> {
    let previous_until = secrets.iter().find_map(|secret| secret.expires_at);
    let current = secrets.into_iter().next().ok_or_else(|| anyhow::anyhow!("the secret that was made is gone"))?;
    let told = Secrets { owner, secret: current.secret.expose_secret().to_owned(), created_at: current.created_at, previous_until };
    out.show(&told, |told| match told.previous_until {
        Some(until) => format!("{}\n\nThe one before signs along until {until}: tell receivers the new one by then.", told.secret),
        None => told.secret.clone(),
    })
}

async fn list(db: &Db, out: &Out, given: ListArgs) -> anyhow::Result<()> {
    let account = match given.account {
        Some(name) => Some(accounts::find(db, &name).await?.id),
        None => None,
    };
    let filter = Filter { account, task: given.task, state: given.dead.then_some(CallbackState::Dead), receiver: None };
    let page = callbacks::list(db, &filter, given.cursor, given.limit).await?;
    let text = callbacks_table(&page.callbacks);
    let data = page.callbacks.into_iter().map(CallbackView::of).collect();
    out.show(&Page { data, next_cursor: page.next }, |page| match page.next_cursor {
        Some(next) => format!("{text}\nmore: --cursor {next}"),
        None => text,
    })
}

fn callbacks_table(callbacks: &[Callback]) -> String {
    let rows = callbacks.iter().map(|callback| {
        let event = if callback.only_seq > 0 { format!("only {}", callback.only_seq) } else { format!("from {}", callback.next_seq) };
        let due = callback.due_at.map_or_else(|| "-".to_owned(), |due| due.to_string());
        let error = callback.error.clone().unwrap_or_else(|| "-".to_owned());
        [
            callback.id.to_string(),
            callback.task_id.to_string(),
            callback.receiver.to_string(),
            callback.url.to_string(),
            callback.state.to_string(),
            event,
            callback.failures.to_string(),
            due,
            error,
        ]
    });
    table(["id", "task", "receiver", "url", "state", "event", "failures", "next (UTC)", "error"], rows, "no callbacks")
}
