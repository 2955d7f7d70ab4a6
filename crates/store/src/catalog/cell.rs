//! One value of one row, checked where it leaves the database: whoever finds a bad one says where it stands.

use std::fmt::Display;
use std::num::NonZeroU32;

use crate::error::StoreError;

/// Where values come from, for the error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell<'a> {
    table: &'static str,
    row: &'a str,
}

impl<'a> Cell<'a> {
    /// The row `row` (its name or id) of `table`.
    pub(crate) const fn of(table: &'static str, row: &'a str) -> Self {
        Self { table, row }
    }

    /// The error about `field`.
    pub(crate) fn corrupt(self, field: &str, what: impl Display) -> StoreError {
        StoreError::Corrupt(format!("table {}, row `{}`, field {field}: {what}", self.table, self.row))
    }

    /// A value that is kept as text.
    pub(crate) fn parse<T: std::str::FromStr<Err: Display>>(self, field: &str, text: &str) -> Result<T, StoreError> {
        text.parse().map_err(|error| self.corrupt(field, error))
    }

    /// A value that is kept as JSON.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(self, field: &str, text: &str) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|error| self.corrupt(field, error))
    }

    /// A count from 0 on.
    pub(crate) fn count(self, field: &str, value: i64) -> Result<u32, StoreError> {
        u32::try_from(value).map_err(|_| self.corrupt(field, format_args!("{value} is not a number from 0 to {}", u32::MAX)))
    }

    /// A count from 1 on.
    pub(crate) fn at_least_one(self, field: &str, value: i64) -> Result<NonZeroU32, StoreError> {
        NonZeroU32::new(self.count(field, value)?).ok_or_else(|| self.corrupt(field, "it must be at least 1"))
    }

    /// The same for a value that may be absent.
    pub(crate) fn some_at_least_one(self, field: &str, value: Option<i64>) -> Result<Option<NonZeroU32>, StoreError> {
        value.map(|value| self.at_least_one(field, value)).transpose()
    }
}

/// Names the table of a value whose very type is wrong, which the row reader finds before anyone knows the row.
pub(crate) fn in_table<T>(table: &'static str, read: Result<T, StoreError>) -> Result<T, StoreError> {
    read.map_err(|error| match error {
        StoreError::Corrupt(what) => StoreError::Corrupt(format!("table {table}, {what}")),
        other => other,
    })
}
