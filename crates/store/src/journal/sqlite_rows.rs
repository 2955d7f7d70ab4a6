//! The journal's statements on SQLite: prepared once, looked up once a batch, run row by row.

use std::collections::{BTreeSet, HashMap};

use easyai_core::id::{AccountId, TaskId};
use easyai_core::ledger::{EntryKind, Wallet};
use easyai_core::money::Money;
use easyai_core::task::TaskStatus;
use easyai_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::begin::{self, Begin};
use super::note::AttemptRow;
use super::plan::{Charge, Ending, Facts, FirstUse, KnownTask, Needs, NewCallback, Plan};
use super::refusal::{self, Refusal};
use crate::books;
use crate::error::StoreError;

type Done = Result<(), rusqlite::Error>;

/// Reads what the batch needs, within its transaction, but for tasks that are `unfinished` for sure.
pub(super) fn read(on: &Connection, needs: &Needs, unfinished: &HashMap<TaskId, KnownTask>) -> Result<Facts, StoreError> {
    let mut facts = Facts::default();
    read_wallets(on, &needs.accounts, &mut facts)?;
    for task in &needs.tasks {
        let known = match unfinished.get(task) {
            Some(known) => Some(known.clone()),
            None => read_task(on, *task)?,
        };
        if let Some(known) = known {
            facts.tasks.insert(*task, known);
        }
    }
    for (account, key) in &needs.keys {
        if let Some(first) = read_key(on, *account, key)? {
            facts.keys.insert((*account, key.clone()), first);
        }
    }
    Ok(facts)
}

fn read_wallets(on: &Connection, accounts: &BTreeSet<AccountId>, facts: &mut Facts) -> Result<(), StoreError> {
    let mut select = on.prepare_cached("SELECT balance, held FROM wallets WHERE account_id = ?1")?;
    for account in accounts {
        let wallet = select
            .query_row([account.uuid().as_bytes()], |row| {
                Ok(Wallet { balance: Money::from_nanos(row.get(0)?), held: Money::from_nanos(row.get(1)?) })
            })
            .optional()?;
        facts.wallets.extend(wallet.map(|wallet| (*account, wallet)));
    }
    Ok(())
}

fn read_task(on: &Connection, task: TaskId) -> Result<Option<KnownTask>, StoreError> {
    let mut select = on.prepare_cached("SELECT account_id, status, simulated, hold, charge, finished_at FROM tasks WHERE id = ?1")?;
    let row = select.query_row([task.uuid().as_bytes()], |row| {
        let status = row.get_ref(1)?.as_str()?.parse::<TaskStatus>();
        let known = |status| -> Result<KnownTask, rusqlite::Error> {
            Ok(KnownTask {
                account: AccountId::from_uuid(uuid::Uuid::from_bytes(row.get(0)?)),
                status,
                simulated: row.get(2)?,
                hold: Money::from_nanos(row.get(3)?),
                charge: row.get::<_, Option<i64>>(4)?.map(Money::from_nanos),
                finished_at: row.get::<_, Option<i64>>(5)?.map(Timestamp::from_micros),
            })
        };
        Ok(match status {
            Ok(status) => Ok(known(status)?),
            Err(unknown) => Err(StoreError::Corrupt(unknown.to_string())),
        })
    });
    row.optional()?.transpose()
}

fn read_key(on: &Connection, account: AccountId, key: &str) -> Result<Option<FirstUse>, StoreError> {
    let mut select = on.prepare_cached("SELECT id, body_hash, status FROM tasks WHERE account_id = ?1 AND idempotency_key = ?2")?;
    let row = select.query_row(params![account.uuid().as_bytes(), key], |row| {
        Ok((uuid::Uuid::from_bytes(row.get(0)?), row.get::<_, [u8; 32]>(1)?, row.get::<_, String>(2)?))
    });
    let Some((task, body_hash, status)) = row.optional()? else { return Ok(None) };
    let status = status.parse::<TaskStatus>().map_err(|unknown| StoreError::Corrupt(unknown.to_string()))?;
    Ok(Some(FirstUse { task: TaskId::from_uuid(task), body_hash, status }))
}

/// Writes what was decided, within the same transaction.
pub(super) fn write(on: &Connection, plan: &Plan<'_>) -> Done {
    insert_tasks(on, &plan.begins)?;
    plan.begins.iter().try_for_each(|begin| insert_job(on, begin))?;
    plan.refusals.iter().try_for_each(|refusal| insert_refusal(on, refusal))?;
    plan.callbacks.iter().try_for_each(|callback| insert_callback(on, callback))?;
    plan.holds.iter().try_for_each(|(task, hold)| set_hold(on, *task, *hold))?;
    for checkpoint in &plan.checkpoints {
        on.prepare_cached("UPDATE tasks SET usage = ?2, bill = ?3 WHERE id = ?1 AND status = 'running'")?.execute(params![
            checkpoint.task.uuid().as_bytes(),
            checkpoint.usage,
            checkpoint.bill
        ])?;
    }
    end_tasks(on, &plan.endings)?;
    for task in &plan.released_keys {
        on.prepare_cached("UPDATE tasks SET idempotency_key = NULL WHERE id = ?1")?.execute([task.uuid().as_bytes()])?;
    }
    for task in &plan.ended_jobs {
        on.prepare_cached("UPDATE jobs SET state = 'ended' WHERE task_id = ?1")?.execute([task.uuid().as_bytes()])?;
    }
    insert_charges(on, &plan.charges)?;
    put_attempts(on, &plan.attempts)?;
    for (task, row) in &plan.events {
        on.prepare_cached(
            "INSERT INTO task_events (task_id, first_seq, events) VALUES (?1, ?2, ?3)
             ON CONFLICT (task_id, first_seq) DO UPDATE SET events = excluded.events",
        )?
        .execute(params![task.uuid().as_bytes(), signed(row.first_seq), row.json])?;
    }
    for (task, answer) in &plan.answers {
        let response = answer.response.as_ref();
        on.prepare_cached(
            "INSERT INTO answers (task_id, status, content_type, body, size_bytes, response_id, previous_response_id, input, input_bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            task.uuid().as_bytes(),
            answer.status,
            answer.content_type,
            answer.body,
            signed(answer.size_bytes as u64),
            response.map(|response| response.id.as_str()),
            response.and_then(|response| response.previous.as_deref()),
            response.map(|response| response.input.as_slice()),
            response.map(|response| signed(response.input_bytes as u64)),
        ])?;
        for item in response.iter().flat_map(|response| &response.items) {
            on.prepare_cached("INSERT INTO response_items (task_id, item_id) VALUES (?1, ?2)")?
                .execute(params![task.uuid().as_bytes(), item])?;
        }
    }
    plan.wallets.iter().try_for_each(|(account, wallet)| set_wallet(on, *account, wallet))
}

fn insert_tasks(on: &Connection, begins: &[&Begin]) -> Done {
    let mut insert = on.prepare_cached(
        "INSERT INTO tasks (id, account_id, key_id, node_id, kind, model, model_type, stream, simulated, status, platform_model_id,
            platform, hold, input_tokens, expected_output_tokens, price_id, catalog_revision, runner_policy_id, idempotency_key,
            body_hash, started_at, attempts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?22, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)",
    )?;
    for begin in begins {
        insert.execute(params![
            begin.task.uuid().as_bytes(),
            begin.account.uuid().as_bytes(),
            begin.key.uuid().as_bytes(),
            begin.node.uuid().as_bytes(),
            begin.kind.as_str(),
            &*begin.model,
            begin.model_type.as_str(),
            begin.stream,
            begin.simulated(),
            begin.platform_model.uuid().as_bytes(),
            &*begin.platform,
            begin.hold.nanos(),
            signed(begin.input_tokens),
            signed(begin.expected_output_tokens),
            begin.price.uuid().as_bytes(),
            begin.catalog_revision,
            begin.runner_policy.uuid().as_bytes(),
            begin.idempotency.as_ref().map(|idempotency| &idempotency.key),
            begin.idempotency.as_ref().map(|idempotency| &idempotency.body_hash),
            begin.started_at.micros(),
            begin.attempts(),
            begin.status().as_str(),
        ])?;
    }
    Ok(())
}

fn insert_job(on: &Connection, begin: &Begin) -> Done {
    let Some(job) = &begin.job else { return Ok(()) };
    on.prepare_cached(&begin::INSERT_JOB.replace('$', "?"))?.execute(params![
        begin.task.uuid().as_bytes(),
        begin.account.uuid().as_bytes(),
        job.priority,
        begin.started_at.micros(),
        job.deadline.map(Timestamp::micros),
    ])?;
    Ok(())
}

fn insert_refusal(on: &Connection, refusal: &Refusal) -> Done {
    let mut insert = on.prepare_cached(&refusal::INSERT.replace('$', "?"))?;
    insert.execute(params![
        refusal.task.uuid().as_bytes(),
        refusal.account.uuid().as_bytes(),
        refusal.key.uuid().as_bytes(),
        refusal.node.uuid().as_bytes(),
        refusal.kind.as_str(),
        &*refusal.model,
        refusal.model_type.as_str(),
        refusal.stream,
        refusal.simulated(),
        refusal::NOBODY.as_bytes(),
        signed(refusal.input_tokens),
        refusal.catalog_revision,
        refusal.runner_policy.uuid().as_bytes(),
        refusal.started_at.micros(),
        refusal.finished_at.micros(),
        refusal.code.as_str(),
        refusal.message,
        refusal.trace_json,
    ])?;
    Ok(())
}

fn insert_callback(on: &Connection, callback: &NewCallback<'_>) -> Done {
    let mut insert = on.prepare_cached(
        "INSERT INTO callbacks (id, task_id, account_id, receiver, only_seq, url, host, events, state, next_seq, failures, due_at,
            created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, 'open', 1, 0, ?8, ?8, ?8)
         ON CONFLICT (task_id, receiver, only_seq) DO NOTHING",
    )?;
    insert.execute(params![
        callback.id.uuid().as_bytes(),
        callback.task.uuid().as_bytes(),
        callback.account.uuid().as_bytes(),
        callback.target.receiver.as_str(),
        &*callback.target.url,
        &*callback.target.host,
        callback.events(),
        callback.at.micros(),
    ])?;
    Ok(())
}

/// Whether a statement about an unfinished task found it so. Else somebody ended it behind our back, and nothing of the batch is written.
const fn of_one_unfinished(changed: usize) -> Done {
    if changed == 1 { Ok(()) } else { Err(rusqlite::Error::StatementChangedRows(changed)) }
}

fn set_hold(on: &Connection, task: TaskId, hold: Money) -> Done {
    let mut update = on.prepare_cached("UPDATE tasks SET hold = ?2 WHERE id = ?1 AND status IN ('queued', 'running')")?;
    of_one_unfinished(update.execute(params![task.uuid().as_bytes(), hold.nanos()])?)
}

fn end_tasks(on: &Connection, endings: &[Ending<'_>]) -> Done {
    let mut update = on.prepare_cached(
        "UPDATE tasks SET status = ?2, finished_at = ?3, code = ?4, message = ?5, usage = ?6, bill = ?7, charge = ?8, cost = ?9,
            attempts = MAX(attempts, ?10), served_by = ?11, upstream_request_id = ?12, trace = ?13
         WHERE id = ?1 AND status IN ('queued', 'running')",
    )?;
    for ending in endings {
        let finish = &ending.row.finish;
        let ended = update.execute(params![
            finish.task.uuid().as_bytes(),
            finish.status.as_str(),
            finish.finished_at.micros(),
            finish.code.map(|code| code.as_str()),
            finish.message,
            ending.row.usage,
            ending.row.bill,
            ending.charge.nanos(),
            finish.bill.as_ref().and_then(|bill| bill.cost).map(Money::nanos),
            ending.row.attempts(),
            finish.served_by.as_ref().map(|served_by| served_by.uuid().into_bytes()),
            finish.upstream_request_id,
            ending.row.trace(),
        ])?;
        of_one_unfinished(ended)?;
    }
    Ok(())
}

fn insert_charges(on: &Connection, charges: &[Charge<'_>]) -> Done {
    let (debit, credit) = books::of(EntryKind::Charge);
    let mut insert = on.prepare_cached(
        "INSERT INTO ledger_entries (id, account_id, kind, debit, credit, amount, task_id, price_id, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for charge in charges {
        let finish = &charge.row.finish;
        insert.execute(params![
            charge.entry.uuid().as_bytes(),
            finish.account.uuid().as_bytes(),
            EntryKind::Charge.as_str(),
            debit,
            credit,
            charge.amount.nanos(),
            finish.task.uuid().as_bytes(),
            finish.bill.as_ref().map(|bill| bill.price.uuid().into_bytes()),
            finish.finished_at.micros(),
        ])?;
    }
    Ok(())
}

fn put_attempts(on: &Connection, attempts: &[(TaskId, &AttemptRow)]) -> Done {
    let mut put = on.prepare_cached(
        "INSERT OR REPLACE INTO attempts (task_id, number, id, platform_model_id, platform, status, category, code, http_status, message,
            sent, upstream_request_id, started_at, first_delta_ms, duration_ms, trace)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )?;
    for (task, attempt) in attempts {
        let failure = attempt.failure.as_ref();
        put.execute(params![
            task.uuid().as_bytes(),
            attempt.number,
            attempt.id.uuid().as_bytes(),
            attempt.platform_model.uuid().as_bytes(),
            &*attempt.platform,
            attempt.status.as_str(),
            failure.map(|failure| failure.category.as_str()),
            failure.and_then(|failure| failure.code.as_deref()),
            failure.and_then(|failure| failure.http_status),
            failure.map(|failure| &failure.message),
            attempt.sent.map(|sent| sent.as_str()),
            attempt.upstream_request_id,
            attempt.started_at.micros(),
            attempt.first_delta_ms.map(signed),
            attempt.duration_ms.map(signed),
            attempt.trace_json,
        ])?;
    }
    Ok(())
}

fn set_wallet(on: &Connection, account: AccountId, wallet: &Wallet) -> Done {
    on.prepare_cached("UPDATE wallets SET balance = ?2, held = ?3 WHERE account_id = ?1")?.execute(params![
        account.uuid().as_bytes(),
        wallet.balance.nanos(),
        wallet.held.nanos()
    ])?;
    Ok(())
}

/// Counters are `BIGINT`; none comes near its end.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
