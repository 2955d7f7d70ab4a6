//! `easyai account`: who pays, and what they have.

use easyai_core::id::AccountId;
use easyai_core::limit::LimitSet;
use easyai_core::money::Money;
use easyai_core::time::Timestamp;
use easyai_store::accounts::{self, AccountChange, AccountRow};
use easyai_store::ledger::{self, EntryRow};
use easyai_store::limit_edit::edited;
use serde::Serialize;

use super::AccountCommand;
use super::limit_args::told;
use super::open::open;
use super::out::{List, Out, table};
use super::verdict::Verdict;
use crate::config::Config;

/// Entries that `show` lists.
const ENTRIES: u32 = 20;

#[derive(Serialize)]
struct AccountView {
    id: AccountId,
    name: String,
    group: String,
    enabled: bool,
    balance: Money,
    held: Money,
    available: Money,
    currency: String,
    limits: LimitSet,
    created_at: Timestamp,
}

#[derive(Serialize)]
struct EntryView {
    id: String,
    kind: &'static str,
    amount: Money,
    task: Option<String>,
    note: Option<String>,
    created_at: Timestamp,
}

#[derive(Serialize)]
struct Detail {
    #[serde(flatten)]
    account: AccountView,
    entries: Vec<EntryView>,
}

/// Does what the command says.
///
/// # Errors
/// If the account or group does not exist, or the database can't be used.
pub async fn run(config: &Config, out: &Out, command: AccountCommand) -> anyhow::Result<Verdict> {
    let (db, _vault) = open(config).await?;
    let view = |row: AccountRow| AccountView::of(row, &config.currency);
    match command {
        AccountCommand::Create { name, group, limits } => {
            accounts::create_limited(&db, &name, &group, &edited(&LimitSet::default(), &limits.edits())).await?;
            let account = view(accounts::find(&db, &name).await?);
            out.show(&account, created)?;
        }
        AccountCommand::List => {
            let list = List { data: accounts::list(&db).await?.into_iter().map(view).collect() };
            out.show(&list, |list| accounts_table(&list.data))?;
        }
        AccountCommand::Show { name } => {
            let account = view(accounts::find(&db, &name).await?);
            let entries = ledger::entries(&db, account.id, None, ENTRIES).await?.into_iter().map(EntryView::of).collect();
            out.show(&Detail { account, entries }, detail)?;
        }
        AccountCommand::Set { name, group, limits } => {
            let edits = limits.edits();
            anyhow::ensure!(group.is_some() || !edits.is_empty(), "nothing to set: give --group, --limit, --budget or --shadow");
            accounts::set(&db, &name, &AccountChange { group: group.as_deref(), limits: &edits }).await?;
            let account = view(accounts::find(&db, &name).await?);
            out.show(&account, |account| {
                format!("account \"{}\" is in group \"{}\" and has the limits: {}", account.name, account.group, told(&account.limits))
            })?;
        }
        AccountCommand::TopUp { name, amount, note } => {
            let account = accounts::find(&db, &name).await?;
            ledger::top_up(&db, account.id, amount, note.as_deref()).await?;
            let account = view(accounts::find(&db, &name).await?);
            out.show(&account, |account| {
                format!("added {amount} {0}: \"{1}\" has {2} {0}", account.currency, account.name, account.balance)
            })?;
        }
    }
    Ok(Verdict::Good)
}

impl AccountView {
    fn of(row: AccountRow, currency: &str) -> Self {
        Self {
            id: row.id,
            name: row.name.to_string(),
            group: row.group_name.to_string(),
            enabled: row.enabled,
            balance: row.balance,
            held: row.held,
            available: easyai_core::ledger::Wallet { balance: row.balance, held: row.held }.available(),
            currency: currency.to_owned(),
            limits: row.limits,
            created_at: row.created_at,
        }
    }
}

impl EntryView {
    fn of(row: EntryRow) -> Self {
        let task = row.task_id.map(|task| task.to_string());
        Self { id: row.id.to_string(), kind: row.kind.as_str(), amount: row.amount, task, note: row.note, created_at: row.created_at }
    }
}

fn created(account: &AccountView) -> String {
    let limits = if account.limits.is_empty() { String::new() } else { format!(" with the limits: {}", told(&account.limits)) };
    format!("created account \"{}\" ({}) in group \"{}\"{limits}", account.name, account.id, account.group)
}

fn accounts_table(accounts: &[AccountView]) -> String {
    let rows = accounts.iter().map(|account| {
        let state = if account.enabled { "enabled" } else { "disabled" };
        let (balance, held) = (format!("{} {}", account.balance, account.currency), account.held.to_string());
        [account.name.clone(), account.group.clone(), balance, held, state.to_owned(), told(&account.limits), account.id.to_string()]
    });
    table(["name", "group", "balance", "held", "state", "limits", "id"], rows, "no accounts yet: `easyai account create NAME` makes one")
}

fn detail(detail: &Detail) -> String {
    let entries = detail.entries.iter().map(|entry| {
        let about = entry.task.clone().or_else(|| entry.note.clone()).unwrap_or_default();
        [entry.created_at.to_string(), entry.kind.to_owned(), entry.amount.to_string(), about]
    });
    let entries = table(["time (UTC)", "kind", "amount", "for"], entries, "no entries yet: `easyai account top-up NAME AMOUNT` adds money");
    format!("{}\n\n{entries}", accounts_table(std::slice::from_ref(&detail.account)))
}
