//! What commands print: tables and lines for people, JSON for programs. A reader that goes away (`| head`) is no error.

use std::io::{ErrorKind, IsTerminal, Write};

use anyhow::Context;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::paint::Paint;

/// Where a command prints, and how.
#[derive(Debug)]
pub struct Out {
    json: bool,
    /// Colours, if a person looks.
    pub paint: Paint,
}

/// A list as every list is shown.
#[derive(Debug, Serialize)]
pub struct List<T> {
    /// Its elements.
    pub data: Vec<T>,
}

impl Out {
    /// Prints JSON if asked to.
    #[must_use]
    pub fn new(json: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { json, paint: if wanted && std::io::stdout().is_terminal() { Paint::Colours } else { Paint::Plain } }
    }

    /// Prints `value` for programs, or what `text` makes of it for people.
    ///
    /// # Errors
    /// If it can't be printed.
    pub fn show<T: Serialize>(&self, value: &T, text: impl FnOnce(&T) -> String) -> anyhow::Result<()> {
        let shown = if self.json { serde_json::to_string_pretty(value).context("the answer has no JSON form")? } else { text(value) };
        self.line(&shown)
    }

    fn line(&self, text: &str) -> anyhow::Result<()> {
        match writeln!(std::io::stdout().lock(), "{text}") {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("standard output can't be written"),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// A table for people; `empty` if there are no rows.
pub fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>, empty: &str) -> String {
    let mut rows = rows.into_iter().peekable();
    if rows.peek().is_none() {
        return empty.to_owned();
    }
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic).set_header(head);
    table.add_rows(rows);
    table.to_string()
}
