//! Rows as typed structs: a value is checked where it leaves the database, and is a domain type from there on.
//!
//! A value that can't be read gives [`StoreError::Corrupt`](crate::StoreError::Corrupt) with the name of its column.

use easyai_core::id;
use easyai_core::kind::{Kind, ModelType, Provider, RunMode};
use easyai_core::money::Money;
use easyai_core::task::{AttemptStatus, TaskStatus};
use easyai_core::time::Timestamp;
use uuid::Uuid;

/// A row of one column.
pub type One<T> = (T,);

/// What went wrong with a value.
pub type BadValue = Box<dyn std::error::Error + Send + Sync>;

/// A domain type and how the database keeps it.
pub trait Column: Sized {
    /// How it is kept.
    type Stored;

    /// The value from how it is kept.
    ///
    /// # Errors
    /// Text for the log if this is no such value.
    fn read(stored: Self::Stored) -> Result<Self, BadValue>;
}

impl<C: Column> Column for Option<C> {
    type Stored = Option<C::Stored>;

    fn read(stored: Self::Stored) -> Result<Self, BadValue> {
        stored.map(C::read).transpose()
    }
}

macro_rules! columns {
    ($($type:ty, $stored:ty, $read:expr;)+) => { $(
        impl Column for $type {
            type Stored = $stored;

            fn read(stored: $stored) -> Result<Self, BadValue> {
                ($read)(stored)
            }
        }
    )+ };
}

columns! {
    i64, i64, Ok;
    bool, bool, Ok;
    String, String, Ok;
    Vec<u8>, Vec<u8>, Ok;
    Uuid, Uuid, Ok;
    u64, i64, |stored: i64| Ok(u64::try_from(stored)?);
    u32, i64, |stored: i64| Ok(u32::try_from(stored)?);
    u16, i64, |stored: i64| Ok(u16::try_from(stored)?);
    std::num::NonZeroU32, i64, |stored: i64| Ok(u32::try_from(stored)?.try_into()?);
    [u8; 32], Vec<u8>, |stored: Vec<u8>| stored.try_into().map_err(|_| BadValue::from("not 32 bytes"));
    std::sync::Arc<str>, String, |stored: String| Ok(stored.into());
    Money, i64, |stored| Ok(Money::from_nanos(stored));
    Timestamp, i64, |stored| Ok(Timestamp::from_micros(stored));
}

columns! {
    easyai_core::usage::Usage, String, |stored: String| Ok(serde_json::from_str(&stored)?);
    easyai_core::pricing::Bill, String, |stored: String| Ok(serde_json::from_str(&stored)?);
    easyai_core::limit::LimitSet, String, |stored: String| Ok(serde_json::from_str(&stored)?);
    easyai_core::delivery::EventNames, String, |stored: String| Ok(serde_json::from_str(&stored)?);
}

macro_rules! words { ($($type:ty),+ $(,)?) => { columns! { $($type, String, |stored: String| Ok(stored.parse()?);)+ } }; }
macro_rules! ids { ($($name:ident),+ $(,)?) => { columns! { $(id::$name, Uuid, |stored| Ok(id::$name::from_uuid(stored));)+ } }; }

words!(Kind, ModelType, Provider, RunMode, TaskStatus, AttemptStatus);
words!(easyai_core::job::JobState);
words!(easyai_core::delivery::CallbackState, easyai_core::delivery::Receiver);
words!(easyai_core::error::ErrorCode, easyai_core::ledger::EntryKind);
words!(crate::assets::AssetRole);
words!(easyai_core::catalog::Strategy, easyai_core::failure::Category, easyai_core::failure::Sent);
ids!(AccountId, GroupId, KeyId, PlatformId, CredentialId, ModelId, PlatformModelId, PriceId, PolicySetId, RunnerPolicyId);
ids!(TaskId, AttemptId, EntryId, NodeId, AuditId, AssetId, CallbackId);

/// Reads one column of a row of either engine.
///
/// # Errors
/// [`sqlx::Error::ColumnDecode`] if the value is no `C`.
pub fn read<'r, C, R>(row: &'r R, name: &'static str) -> Result<C, sqlx::Error>
where
    C: Column,
    R: sqlx::Row,
    C::Stored: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    &'static str: sqlx::ColumnIndex<R>,
{
    let stored = row.try_get::<C::Stored, _>(name)?;
    C::read(stored).map_err(|source| sqlx::Error::ColumnDecode { index: name.to_owned(), source })
}

/// A struct whose fields are the columns of the same names, read from a row of either engine. Every field is a [`Column`].
#[macro_export]
macro_rules! rows {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$fmeta:meta])* $fvis:vis $field:ident: $type:ty,)+ }) => {
        $(#[$meta])*
        $vis struct $name { $($(#[$fmeta])* $fvis $field: $type,)+ }
        $crate::rows!(@ $name, ::sqlx::sqlite::SqliteRow, $($field)+);
        $crate::rows!(@ $name, ::sqlx::postgres::PgRow, $($field)+);
    };
    (@ $name:ident, $row:ty, $($field:ident)+) => {
        impl<'r> ::sqlx::FromRow<'r, $row> for $name {
            fn from_row(row: &'r $row) -> Result<Self, ::sqlx::Error> {
                Ok(Self { $($field: $crate::column::read(row, stringify!($field))?,)+ })
            }
        }
    };
}
