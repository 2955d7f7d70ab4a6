//! What can go wrong with the database, in the few ways that a caller treats differently.

/// Why something could not be read or written. Nothing was changed, unless it says so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database can't be reached, or did not answer in time. Trying again later may help.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// Too much is waiting for the journal: refuse early.
    #[error("too much is waiting to be written")]
    Busy,
    /// The disk is full, or the file can't be written. Trying again later may help.
    #[error("the database can't be written: {0}")]
    Unwritable(String),
    /// The schema is not this program's own.
    #[error("the database's schema is {0}: {hint}", hint = .0.hint())]
    Schema(crate::migrate::SchemaState),
    /// A name or another value that must be unique is taken.
    #[error("{0} exists already")]
    Conflict(String),
    /// What was asked for does not exist.
    #[error("{0} does not exist")]
    NotFound(String),
    /// A value in the database that this program can't read.
    #[error("the database holds a value that can't be read: {0}")]
    Corrupt(String),
    /// A setting of the store that makes no sense: a URL, a key file.
    #[error("{0}")]
    Setting(String),
    /// A statement failed; a mistake of ours.
    #[error("a database statement failed: {0}")]
    Statement(String),
}

impl StoreError {
    /// Whether the same call may succeed later without a change by a person: the answer is 503.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Busy | Self::Unwritable(_) => true,
            Self::Schema(_) | Self::Conflict(_) | Self::NotFound(_) | Self::Corrupt(_) | Self::Setting(_) | Self::Statement(_) => false,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(database) => from_database(database.as_ref()),
            sqlx::Error::ColumnDecode { index, source } => Self::Corrupt(format!("column {index}: {source}")),
            sqlx::Error::Decode(source) => Self::Corrupt(source.to_string()),
            sqlx::Error::RowNotFound => Self::NotFound("the row".to_owned()),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => Self::Unavailable(error.to_string()),
            // Non-exhaustive; the rest are mistakes in statements, types or settings.
            other => Self::Statement(other.to_string()),
        }
    }
}

fn from_database(error: &dyn sqlx::error::DatabaseError) -> StoreError {
    use sqlx::error::ErrorKind;
    if matches!(error.kind(), ErrorKind::UniqueViolation) {
        return StoreError::Conflict(error.message().to_owned());
    }
    match error.code() {
        Some(code) => by_code(&code, error.message()),
        None => StoreError::Statement(error.message().to_owned()),
    }
}

/// Classes of PostgreSQL's SQLSTATE and SQLite's extended result codes (as decimal text) that are not a mistake of ours.
///
/// Source: PostgreSQL manual, appendix A; sqlite.org/rescode.html (the low byte is the primary code).
fn by_code(code: &str, message: &str) -> StoreError {
    if code.len() == 5 {
        return match code.get(..2) {
            // Connection exceptions, operator intervention (shutdown, killed), too many connections.
            Some("08" | "57") => StoreError::Unavailable(message.to_owned()),
            // Insufficient resources: disk full, out of memory; system errors.
            Some("53" | "58") => StoreError::Unwritable(message.to_owned()),
            // Deadlock or serialisation failure: rolled back whole, may be tried again.
            Some("40") => StoreError::Unavailable(message.to_owned()),
            Some(_) | None => StoreError::Statement(message.to_owned()),
        };
    }
    match code.parse::<i32>().map(|code| code & 0xff) {
        Ok(code) => from_sqlite_code(code, message),
        Err(_) => StoreError::Statement(message.to_owned()),
    }
}

/// An error of SQLite by its primary result code.
pub(crate) fn from_sqlite_code(primary: i32, message: &str) -> StoreError {
    match primary {
        5 | 6 => StoreError::Unavailable(message.to_owned()),           // BUSY, LOCKED
        8 | 10 | 13 | 14 => StoreError::Unwritable(message.to_owned()), // READONLY, IOERR, FULL, CANTOPEN
        11 | 26 => StoreError::Corrupt(message.to_owned()),             // CORRUPT, NOTADB
        _ => StoreError::Statement(message.to_owned()),
    }
}
