//! The schema: explicit, embedded, forward-only. A node refuses to serve on a schema that isn't its own.
//!
//! Each migration is one transaction under a lock, so that two processes that migrate at once do it once.

use sqlx::raw_sql;

use crate::column::One;
use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::{now, sql};

/// One step forward: the text for both engines, and what each says differently (nothing, for many).
struct Migration {
    version: i64,
    name: &'static str,
    both: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! sql_file {
    ($name:literal, $end:literal) => {
        include_str!(concat!("../migrations/", $name, $end))
    };
}

macro_rules! migration {
    ($version:literal, $name:literal) => {
        Migration { version: $version, name: $name, both: sql_file!($name, ".sql"), sqlite: "", postgres: "" }
    };
    ($version:literal, $name:literal, by engine) => {
        Migration { sqlite: sql_file!($name, ".sqlite.sql"), postgres: sql_file!($name, ".postgres.sql"), ..migration!($version, $name) }
    };
}

/// All steps, oldest first. One that was released is never edited.
const MIGRATIONS: &[Migration] = &[
    migration!(1, "0001_initial", by engine),
    migration!(2, "0002_limits"),
    migration!(3, "0003_text"),
    migration!(4, "0004_jobs"),
    migration!(5, "0005_assets"),
    migration!(6, "0006_callbacks"),
    migration!(7, "0007_clustered", by engine),
    migration!(8, "0008_response_items"),
];

/// Serialises migrations on PostgreSQL: any number that nothing else of ours locks (`easyai` in ASCII).
const MIGRATION_LOCK: i64 = 0x65_61_73_79_61_69;

/// How the database's schema stands to this program's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaState {
    /// There is none.
    Missing,
    /// Older.
    Behind,
    /// The same.
    Current,
    /// Newer: a later version of the program migrated it.
    Newer,
}

impl SchemaState {
    /// What to do about it.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Missing | Self::Behind => "run `easyai migrate`",
            Self::Current => "nothing to do",
            Self::Newer => "use the version of easyai that migrated it, or a later one",
        }
    }
}

impl std::fmt::Display for SchemaState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Missing => "missing",
            Self::Behind => "older than this program",
            Self::Current => "current",
            Self::Newer => "newer than this program",
        })
    }
}

impl Db {
    /// How the schema stands.
    ///
    /// # Errors
    /// [`StoreError`] if it can't be read.
    pub async fn schema_state(&self) -> Result<SchemaState, StoreError> {
        let mut conn = self.read().await?;
        let exists: Option<(i64,)> = match self {
            Self::Sqlite(_) => {
                sql!(conn, optional One<i64>, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'")?
            }
            Self::Postgres(_) => sql!(conn, optional One<i64>, "SELECT 1::BIGINT WHERE to_regclass('schema_migrations') IS NOT NULL")?,
        };
        if exists.is_none() {
            return Ok(SchemaState::Missing);
        }
        let (version,) = sql!(conn, one One<i64>, "SELECT COALESCE(MAX(version), 0) FROM schema_migrations")?;
        Ok(state_of(version))
    }

    /// Refuses a schema that isn't this program's own.
    ///
    /// # Errors
    /// [`StoreError::Schema`] with what to do about it.
    pub async fn require_current_schema(&self) -> Result<(), StoreError> {
        match self.schema_state().await? {
            SchemaState::Current => Ok(()),
            state @ (SchemaState::Missing | SchemaState::Behind | SchemaState::Newer) => Err(StoreError::Schema(state)),
        }
    }

    /// Brings the schema up to this program's; gives the names of the steps taken.
    ///
    /// # Errors
    /// [`StoreError::Schema`] if it is newer; other errors leave the schema at the last complete step.
    pub async fn migrate(&self) -> Result<Vec<&'static str>, StoreError> {
        let taken = self.migrate_to(i64::MAX).await?;
        self.require_current_schema().await?;
        Ok(taken)
    }

    /// Takes the steps up to `version` that are missing; gives their names.
    pub(crate) async fn migrate_to(&self, version: i64) -> Result<Vec<&'static str>, StoreError> {
        let mut taken = Vec::new();
        for migration in MIGRATIONS.iter().filter(|migration| migration.version <= version) {
            let mut tx = self.write().await?;
            if step(&mut tx, migration).await? {
                tx.commit().await?;
                taken.push(migration.name);
            }
        }
        Ok(taken)
    }
}

fn state_of(version: i64) -> SchemaState {
    let newest = MIGRATIONS.last().map_or(0, |migration| migration.version);
    match version.cmp(&newest) {
        std::cmp::Ordering::Less if version == 0 => SchemaState::Missing,
        std::cmp::Ordering::Less => SchemaState::Behind,
        std::cmp::Ordering::Equal => SchemaState::Current,
        std::cmp::Ordering::Greater => SchemaState::Newer,
    }
}

/// Takes one step unless it was taken. On SQLite the transaction itself is the lock.
async fn step(tx: &mut Tx, migration: &Migration) -> Result<bool, StoreError> {
    if let Tx::Postgres(_) = tx {
        sql!(tx, execute "SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK)?;
    }
    sql!(tx, execute "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)")?;
    if sql!(tx, optional One<i64>, "SELECT version FROM schema_migrations WHERE version >= $1", migration.version)?.is_some() {
        return Ok(false);
    }
    match tx {
        Tx::Sqlite(on) => {
            raw_sql(migration.both).execute(&mut **on).await?;
            if !migration.sqlite.is_empty() {
                raw_sql(migration.sqlite).execute(&mut **on).await?;
            }
        }
        Tx::Postgres(on) => {
            raw_sql(migration.both).execute(&mut **on).await?;
            if !migration.postgres.is_empty() {
                raw_sql(migration.postgres).execute(&mut **on).await?;
            }
        }
    }
    let insert = "INSERT INTO schema_migrations (version, name, applied_at) VALUES ($1, $2, $3)";
    sql!(tx, execute insert, migration.version, migration.name, now().micros())?;
    Ok(true)
}
