//! The journal's statements on PostgreSQL: constant text, each one for a whole set of rows.

use std::collections::{BTreeMap, BTreeSet};

use easyai_core::id::{AccountId, TaskId};
use easyai_core::ledger::{EntryKind, Wallet};
use easyai_core::money::Money;
use easyai_core::task::TaskStatus;
use easyai_core::time::Timestamp;
use sqlx::postgres::PgConnection;
use sqlx::{query, query_as};
use uuid::Uuid;

use super::begin::{self, Begin};
use super::plan::{Charge, Ending, Facts, FirstUse, KnownTask, Needs, NewCallback, Plan};
use super::refusal::{self, Refusal};
use super::row::{AnswerRow, CheckpointRow, EventsRow};
use crate::books;
use crate::error::StoreError;
use crate::journal::note::AttemptRow;
use crate::rows;

type Done = Result<(), StoreError>;

rows! {
    struct WalletRow { account_id: AccountId, balance: Money, held: Money, }
}

rows! {
    struct TaskRow {
        id: TaskId,
        account_id: AccountId,
        status: TaskStatus,
        simulated: bool,
        hold: Money,
        charge: Option<Money>,
        finished_at: Option<Timestamp>,
    }
}

rows! {
    struct KeyRow { id: TaskId, account_id: AccountId, idempotency_key: String, body_hash: [u8; 32], status: TaskStatus, }
}

/// Reads what the batch needs, and locks it.
pub(super) async fn read(on: &mut PgConnection, needs: &Needs) -> Result<Facts, StoreError> {
    let mut facts = Facts::default();
    // Sets of ids are sorted, so all nodes lock in the same order.
    if !needs.accounts.is_empty() {
        let ids: Vec<Uuid> = needs.accounts.iter().map(|id| id.uuid()).collect();
        let select = "SELECT account_id, balance, held FROM wallets WHERE account_id = ANY($1) ORDER BY account_id FOR UPDATE";
        let found: Vec<WalletRow> = query_as(select).bind(ids).fetch_all(&mut *on).await?;
        facts.wallets = found.into_iter().map(|row| (row.account_id, Wallet { balance: row.balance, held: row.held })).collect();
    }
    if !needs.tasks.is_empty() {
        facts.tasks = read_tasks(on, &needs.tasks).await?;
    }
    // After the wallets: another node's begin with the same key holds the wallet until it is committed, and is seen here.
    if !needs.keys.is_empty() {
        let (accounts, keys): (Vec<Uuid>, Vec<&str>) = needs.keys.iter().map(|(account, key)| (account.uuid(), key.as_str())).unzip();
        let select = "SELECT id, account_id, idempotency_key, body_hash, status FROM tasks
            JOIN UNNEST($1::uuid[], $2::text[]) AS asked (account, key) ON account_id = asked.account AND idempotency_key = asked.key";
        let found: Vec<KeyRow> = query_as(select).bind(accounts).bind(keys).fetch_all(&mut *on).await?;
        let first = |row: KeyRow| FirstUse { task: row.id, body_hash: row.body_hash, status: row.status };
        facts.keys = found.into_iter().map(|row| ((row.account_id, row.idempotency_key.clone()), first(row))).collect();
    }
    Ok(facts)
}

async fn read_tasks(on: &mut PgConnection, tasks: &BTreeSet<TaskId>) -> Result<std::collections::HashMap<TaskId, KnownTask>, StoreError> {
    let ids: Vec<Uuid> = tasks.iter().map(|id| id.uuid()).collect();
    let select = "SELECT id, account_id, status, simulated, hold, charge, finished_at FROM tasks WHERE id = ANY($1) ORDER BY id FOR UPDATE";
    let found: Vec<TaskRow> = query_as(select).bind(ids).fetch_all(on).await?;
    let known = |row: TaskRow| KnownTask {
        account: row.account_id,
        status: row.status,
        simulated: row.simulated,
        hold: row.hold,
        charge: row.charge,
        finished_at: row.finished_at,
    };
    Ok(found.into_iter().map(|row| (row.id, known(row))).collect())
}

/// Writes what was decided, within the same transaction.
pub(super) async fn write(on: &mut PgConnection, plan: &Plan<'_>) -> Done {
    insert_tasks(on, &plan.begins).await?;
    insert_jobs(on, &plan.begins).await?;
    insert_refusals(on, &plan.refusals).await?;
    insert_callbacks(on, &plan.callbacks).await?;
    set_holds(on, &plan.holds).await?;
    set_checkpoints(on, &plan.checkpoints).await?;
    end_tasks(on, &plan.endings).await?;
    release_keys(on, &plan.released_keys).await?;
    end_jobs(on, &plan.ended_jobs).await?;
    insert_charges(on, &plan.charges).await?;
    put_attempts(on, &plan.attempts).await?;
    put_events(on, &plan.events).await?;
    insert_answers(on, &plan.answers).await?;
    set_wallets(on, &plan.wallets).await
}

/// One column of a set of rows.
fn column<'a, T, C>(rows: &'a [T], value: impl Fn(&'a T) -> C) -> Vec<C> {
    rows.iter().map(value).collect()
}

/// Counters are `BIGINT`; none comes near its end.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The last row of each key: a set statement may touch a row only once.
fn last_of_each<K: Ord, T: Copy>(rows: &[T], key: impl Fn(&T) -> K) -> Vec<T> {
    rows.iter().map(|row| (key(row), *row)).collect::<BTreeMap<K, T>>().into_values().collect()
}

async fn insert_tasks(on: &mut PgConnection, begins: &[&Begin]) -> Done {
    if begins.is_empty() {
        return Ok(());
    }
    let insert = "INSERT INTO tasks (id, account_id, key_id, node_id, kind, model, model_type, stream, simulated, platform_model_id,
            platform, hold, input_tokens, expected_output_tokens, price_id, catalog_revision, runner_policy_id, idempotency_key,
            body_hash, started_at, attempts, status)
        SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::bool[],
            $9::bool[], $10::uuid[], $11::text[], $12::bigint[], $13::bigint[], $14::bigint[], $15::uuid[], $16::bigint[], $17::uuid[],
            $18::text[], $19::bytea[], $20::bigint[], $21::bigint[], $22::text[])";
    query(insert)
        .bind(column(begins, |begin| begin.task.uuid()))
        .bind(column(begins, |begin| begin.account.uuid()))
        .bind(column(begins, |begin| begin.key.uuid()))
        .bind(column(begins, |begin| begin.node.uuid()))
        .bind(column(begins, |begin| begin.kind.as_str()))
        .bind(column(begins, |begin| &*begin.model))
        .bind(column(begins, |begin| begin.model_type.as_str()))
        .bind(column(begins, |begin| begin.stream))
        .bind(column(begins, |begin| begin.simulated()))
        .bind(column(begins, |begin| begin.platform_model.uuid()))
        .bind(column(begins, |begin| &*begin.platform))
        .bind(column(begins, |begin| begin.hold.nanos()))
        .bind(column(begins, |begin| signed(begin.input_tokens)))
        .bind(column(begins, |begin| signed(begin.expected_output_tokens)))
        .bind(column(begins, |begin| begin.price.uuid()))
        .bind(column(begins, |begin| begin.catalog_revision))
        .bind(column(begins, |begin| begin.runner_policy.uuid()))
        .bind(column(begins, |begin| begin.idempotency.as_ref().map(|idempotency| idempotency.key.as_str())))
        .bind(column(begins, |begin| begin.idempotency.as_ref().map(|idempotency| idempotency.body_hash.as_slice())))
        .bind(column(begins, |begin| begin.started_at.micros()))
        .bind(column(begins, |begin| i64::from(begin.attempts())))
        .bind(column(begins, |begin| begin.status().as_str()))
        .execute(on)
        .await?;
    Ok(())
}

/// One by one: jobs take minutes, so few begin at once.
async fn insert_jobs(on: &mut PgConnection, begins: &[&Begin]) -> Done {
    for (begin, job) in begins.iter().filter_map(|begin| begin.job.as_ref().map(|job| (begin, job))) {
        query(begin::INSERT_JOB)
            .bind(begin.task.uuid())
            .bind(begin.account.uuid())
            .bind(job.priority)
            .bind(begin.started_at.micros())
            .bind(job.deadline.map(Timestamp::micros))
            .execute(&mut *on)
            .await?;
    }
    Ok(())
}

/// One by one: refusals are few, and cheap to refuse when they are many.
async fn insert_refusals(on: &mut PgConnection, refusals: &[&Refusal]) -> Done {
    for refusal in refusals {
        query(refusal::INSERT)
            .bind(refusal.task.uuid())
            .bind(refusal.account.uuid())
            .bind(refusal.key.uuid())
            .bind(refusal.node.uuid())
            .bind(refusal.kind.as_str())
            .bind(&*refusal.model)
            .bind(refusal.model_type.as_str())
            .bind(refusal.stream)
            .bind(refusal.simulated())
            .bind(refusal::NOBODY)
            .bind(signed(refusal.input_tokens))
            .bind(refusal.catalog_revision)
            .bind(refusal.runner_policy.uuid())
            .bind(refusal.started_at.micros())
            .bind(refusal.finished_at.micros())
            .bind(refusal.code.as_str())
            .bind(refusal.message.as_str())
            .bind(refusal.trace_json.as_deref())
            .execute(&mut *on)
            .await?;
    }
    Ok(())
}

async fn insert_callbacks(on: &mut PgConnection, callbacks: &[NewCallback<'_>]) -> Done {
    if callbacks.is_empty() {
        return Ok(());
    }
    let insert = "INSERT INTO callbacks (id, task_id, account_id, receiver, only_seq, url, host, events, state, next_seq, failures, due_at,
            created_at, updated_at)
        SELECT id, task_id, account_id, receiver, 0, url, host, events, 'open', 1, 0, at, at, at
        FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[])
            AS new (id, task_id, account_id, receiver, url, host, events, at)
        ON CONFLICT (task_id, receiver, only_seq) DO NOTHING";
    query(insert)
        .bind(column(callbacks, |callback| callback.id.uuid()))
        .bind(column(callbacks, |callback| callback.task.uuid()))
        .bind(column(callbacks, |callback| callback.account.uuid()))
        .bind(column(callbacks, |callback| callback.target.receiver.as_str()))
        .bind(column(callbacks, |callback| &*callback.target.url))
        .bind(column(callbacks, |callback| &*callback.target.host))
        .bind(column(callbacks, NewCallback::events))
        .bind(column(callbacks, |callback| callback.at.micros()))
        .execute(on)
        .await?;
    Ok(())
}

async fn set_holds(on: &mut PgConnection, holds: &[(TaskId, Money)]) -> Done {
    if holds.is_empty() {
        return Ok(());
    }
    let holds = last_of_each(holds, |(task, _)| *task);
    query("UPDATE tasks SET hold = new.hold FROM UNNEST($1::uuid[], $2::bigint[]) AS new (id, hold) WHERE tasks.id = new.id")
        .bind(column(&holds, |(task, _)| task.uuid()))
        .bind(column(&holds, |(_, hold)| hold.nanos()))
        .execute(on)
        .await?;
    Ok(())
}

async fn set_checkpoints(on: &mut PgConnection, checkpoints: &[&CheckpointRow]) -> Done {
    if checkpoints.is_empty() {
        return Ok(());
    }
    let rows = last_of_each(checkpoints, |checkpoint| checkpoint.task);
    let update =
        "UPDATE tasks SET usage = new.usage, bill = new.bill FROM UNNEST($1::uuid[], $2::text[], $3::text[]) AS new (id, usage, bill)
        WHERE tasks.id = new.id AND tasks.status = 'running'";
    query(update)
        .bind(column(&rows, |row| row.task.uuid()))
        .bind(column(&rows, |row| row.usage.as_str()))
        .bind(column(&rows, |row| row.bill.as_str()))
        .execute(on)
        .await?;
    Ok(())
}

async fn end_tasks(on: &mut PgConnection, endings: &[Ending<'_>]) -> Done {
    if endings.is_empty() {
        return Ok(());
    }
    let update = "UPDATE tasks SET status = new.status, finished_at = new.finished_at, code = new.code, message = new.message,
            usage = new.usage, bill = new.bill, charge = new.charge, cost = new.cost, attempts = GREATEST(tasks.attempts, new.attempts),
            served_by = new.served_by, upstream_request_id = new.upstream_request_id, trace = new.trace
        FROM UNNEST($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[],
            $10::bigint[], $11::uuid[], $12::text[], $13::text[])
            AS new (id, status, finished_at, code, message, usage, bill, charge, cost, attempts, served_by, upstream_request_id, trace)
        WHERE tasks.id = new.id";
    query(update)
        .bind(column(endings, |ending| ending.row.finish.task.uuid()))
        .bind(column(endings, |ending| ending.row.finish.status.as_str()))
        .bind(column(endings, |ending| ending.row.finish.finished_at.micros()))
        .bind(column(endings, |ending| ending.row.finish.code.map(|code| code.as_str())))
        .bind(column(endings, |ending| ending.row.finish.message.as_deref()))
        .bind(column(endings, |ending| ending.row.usage.as_deref()))
        .bind(column(endings, |ending| ending.row.bill.as_deref()))
        .bind(column(endings, |ending| ending.charge.nanos()))
        .bind(column(endings, |ending| ending.row.finish.bill.as_ref().and_then(|bill| bill.cost).map(Money::nanos)))
        .bind(column(endings, |ending| i64::from(ending.row.attempts())))
        .bind(column(endings, |ending| ending.row.finish.served_by.map(|served_by| served_by.uuid())))
        .bind(column(endings, |ending| ending.row.finish.upstream_request_id.as_deref()))
        .bind(column(endings, |ending| ending.row.trace()))
        .execute(on)
        .await?;
    Ok(())
}

async fn end_jobs(on: &mut PgConnection, tasks: &[TaskId]) -> Done {
    if tasks.is_empty() {
        return Ok(());
    }
    query("UPDATE jobs SET state = 'ended' WHERE task_id = ANY($1)").bind(column(tasks, |task| task.uuid())).execute(on).await?;
    Ok(())
}

async fn release_keys(on: &mut PgConnection, tasks: &[TaskId]) -> Done {
    if tasks.is_empty() {
        return Ok(());
    }
    let tasks = column(tasks, |task| task.uuid());
    query("UPDATE tasks SET idempotency_key = NULL WHERE id = ANY($1)").bind(tasks).execute(on).await?;
    Ok(())
}

async fn insert_charges(on: &mut PgConnection, charges: &[Charge<'_>]) -> Done {
    if charges.is_empty() {
        return Ok(());
    }
    let (debit, credit) = books::of(EntryKind::Charge);
    let insert = "INSERT INTO ledger_entries (kind, debit, credit, id, account_id, amount, task_id, price_id, created_at)
        SELECT $1, $2, $3, * FROM UNNEST($4::uuid[], $5::uuid[], $6::bigint[], $7::uuid[], $8::uuid[], $9::bigint[])";
    query(insert)
        .bind(EntryKind::Charge.as_str())
        .bind(debit)
        .bind(credit)
        .bind(column(charges, |charge| charge.entry.uuid()))
        .bind(column(charges, |charge| charge.row.finish.account.uuid()))
        .bind(column(charges, |charge| charge.amount.nanos()))
        .bind(column(charges, |charge| charge.row.finish.task.uuid()))
        .bind(column(charges, |charge| charge.row.finish.bill.as_ref().map(|bill| bill.price.uuid())))
        .bind(column(charges, |charge| charge.row.finish.finished_at.micros()))
        .execute(on)
        .await?;
    Ok(())
}

async fn put_attempts(on: &mut PgConnection, attempts: &[(TaskId, &AttemptRow)]) -> Done {
    if attempts.is_empty() {
        return Ok(());
    }
    let rows = last_of_each(attempts, |(task, attempt)| (*task, attempt.number));
    let put = "INSERT INTO attempts (task_id, number, id, platform_model_id, platform, status, category, code, http_status, message, sent,
            upstream_request_id, started_at, first_delta_ms, duration_ms, trace)
        SELECT * FROM UNNEST($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::bigint[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::bigint[], $15::bigint[], $16::text[])
        ON CONFLICT (task_id, number) DO UPDATE SET id = excluded.id, platform_model_id = excluded.platform_model_id,
            platform = excluded.platform, status = excluded.status, category = excluded.category, code = excluded.code,
            http_status = excluded.http_status, message = excluded.message, sent = excluded.sent,
            upstream_request_id = excluded.upstream_request_id, started_at = excluded.started_at,
            first_delta_ms = excluded.first_delta_ms, duration_ms = excluded.duration_ms, trace = excluded.trace";
    query(put)
        .bind(column(&rows, |(task, _)| task.uuid()))
        .bind(column(&rows, |(_, row)| i64::from(row.number)))
        .bind(column(&rows, |(_, row)| row.id.uuid()))
        .bind(column(&rows, |(_, row)| row.platform_model.uuid()))
        .bind(column(&rows, |(_, row)| &*row.platform))
        .bind(column(&rows, |(_, row)| row.status.as_str()))
        .bind(column(&rows, |(_, row)| row.failure.as_ref().map(|failure| failure.category.as_str())))
        .bind(column(&rows, |(_, row)| row.failure.as_ref().and_then(|failure| failure.code.as_deref())))
        .bind(column(&rows, |(_, row)| row.failure.as_ref().and_then(|failure| failure.http_status).map(i64::from)))
        .bind(column(&rows, |(_, row)| row.failure.as_ref().map(|failure| failure.message.as_str())))
        .bind(column(&rows, |(_, row)| row.sent.map(|sent| sent.as_str())))
        .bind(column(&rows, |(_, row)| row.upstream_request_id.as_deref()))
        .bind(column(&rows, |(_, row)| row.started_at.micros()))
        .bind(column(&rows, |(_, row)| row.first_delta_ms.map(signed)))
        .bind(column(&rows, |(_, row)| row.duration_ms.map(signed)))
        .bind(column(&rows, |(_, row)| row.trace_json.as_deref()))
        .execute(on)
        .await?;
    Ok(())
}

async fn put_events(on: &mut PgConnection, events: &[(TaskId, &EventsRow)]) -> Done {
    if events.is_empty() {
        return Ok(());
    }
    let rows = last_of_each(events, |(task, row)| (*task, row.first_seq));
    let put = "INSERT INTO task_events (task_id, first_seq, events) SELECT * FROM UNNEST($1::uuid[], $2::bigint[], $3::text[])
        ON CONFLICT (task_id, first_seq) DO UPDATE SET events = excluded.events";
    query(put)
        .bind(column(&rows, |(task, _)| task.uuid()))
        .bind(column(&rows, |(_, row)| signed(row.first_seq)))
        .bind(column(&rows, |(_, row)| row.json.as_str()))
        .execute(on)
        .await?;
    Ok(())
}

async fn insert_answers<'a>(on: &mut PgConnection, answers: &[(TaskId, &'a AnswerRow)]) -> Done {
    if answers.is_empty() {
        return Ok(());
    }
    let response = |row: &'_ AnswerRow| row.response.as_ref().map(|response| response.id.clone());
    let insert =
        "INSERT INTO answers (task_id, status, content_type, body, size_bytes, response_id, previous_response_id, input, input_bytes)
        SELECT * FROM UNNEST($1::uuid[], $2::bigint[], $3::text[], $4::bytea[], $5::bigint[], $6::text[], $7::text[], $8::bytea[],
            $9::bigint[])";
    query(insert)
        .bind(column(answers, |(task, _)| task.uuid()))
        .bind(column(answers, |(_, row)| i64::from(row.status)))
        .bind(column(answers, |(_, row)| row.content_type.as_str()))
        .bind(column(answers, |(_, row)| row.body.as_slice()))
        .bind(column(answers, |(_, row)| signed(row.size_bytes as u64)))
        .bind(column(answers, |(_, row)| response(row)))
        .bind(column(answers, |(_, row)| row.response.as_ref().and_then(|response| response.previous.clone())))
        .bind(column(answers, |(_, row)| row.response.as_ref().map(|response| response.input.clone())))
        .bind(column(answers, |(_, row)| row.response.as_ref().map(|response| signed(response.input_bytes as u64))))
        .execute(&mut *on)
        .await?;
    let of_answer = |(task, row): &(TaskId, &'a AnswerRow)| {
        let (task, response) = (task.uuid(), row.response.as_ref());
        response.into_iter().flat_map(|response| &response.items).map(move |item| (task, item.as_str()))
    };
    let items: Vec<_> = answers.iter().flat_map(of_answer).collect();
    if items.is_empty() {
        return Ok(());
    }
    query("INSERT INTO response_items (task_id, item_id) SELECT * FROM UNNEST($1::uuid[], $2::text[])")
        .bind(column(&items, |(task, _)| *task))
        .bind(column(&items, |(_, item)| *item))
        .execute(on)
        .await?;
    Ok(())
}

async fn set_wallets(on: &mut PgConnection, wallets: &BTreeMap<AccountId, Wallet>) -> Done {
    if wallets.is_empty() {
        return Ok(());
    }
    let update = "UPDATE wallets SET balance = new.balance, held = new.held
        FROM UNNEST($1::uuid[], $2::bigint[], $3::bigint[]) AS new (account_id, balance, held) WHERE wallets.account_id = new.account_id";
    query(update)
        .bind(wallets.keys().map(|account| account.uuid()).collect::<Vec<_>>())
        .bind(wallets.values().map(|wallet| wallet.balance.nanos()).collect::<Vec<_>>())
        .bind(wallets.values().map(|wallet| wallet.held.nanos()).collect::<Vec<_>>())
        .execute(on)
        .await?;
    Ok(())
}
