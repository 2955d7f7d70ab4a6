//! Scenario files: TOML in, a [`Scenario`] out. Everything that is wrong with one is told at once, with file, line and column.
//!
//! Beside `[scenario]`, `[[load]]` and `[[fault]]` a scenario has the tables of a catalogue file, as they are.

mod check;
mod wire;

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use easyai_core::catalog::Capability;
use easyai_core::money::Money;
use easyai_store::catalog::Declared;
use toml::de::DeTable;

use crate::catalog_file::{self, array, object};
use crate::nearest;
use crate::problem::{Problem, render};
pub use wire::FaultTable;
use wire::File;

/// The largest file that is read.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// The tables of a scenario that are not a catalogue's.
const OWN_TABLES: [&str; 3] = ["scenario", "load", "fault"];

/// What is to be played.
#[derive(Debug)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What it shows, for people.
    pub about: String,
    /// What chance goes by.
    pub seed: u64,
    /// How long callers come.
    pub duration: Duration,
    /// What the callers' account has.
    pub balance: Money,
    /// The catalogue.
    pub catalog: Declared,
    /// Who comes when.
    pub loads: Vec<Load>,
    /// What goes wrong when.
    pub faults: Vec<Fault>,
}

/// Callers of one sort.
#[derive(Debug, Clone)]
pub struct Load {
    /// The model they ask for.
    pub model: String,
    /// How many come in a second.
    pub requests_per_second: u32,
    /// From when on.
    pub from: Duration,
    /// Until when.
    pub until: Duration,
    /// How many of a hundred want a stream.
    pub streamed_percent: u32,
    /// `max_tokens` of their requests, if they say so.
    pub max_tokens: Option<u32>,
    /// Words of their prompts.
    pub prompt_words: u32,
    /// The caller's own deadline.
    pub timeout_ms: Option<u32>,
    /// How long they wait for a limit.
    pub queue_timeout_ms: Option<u32>,
    /// When they go away.
    pub leaves_after_ms: Option<u32>,
    /// What their requests need.
    pub needs: Vec<Capability>,
    /// How many conversations they hold; none: each request is its own.
    pub conversations: Option<u32>,
}

/// A fault of one platform for a while.
#[derive(Debug, Clone)]
pub struct Fault {
    /// From when on.
    pub from: Duration,
    /// Until when.
    pub until: Duration,
    /// How many of a hundred calls it meets.
    pub share_percent: u32,
    /// Whom it befalls, and what happens.
    pub table: FaultTable,
}

/// Reads the file at `path`.
///
/// # Errors
/// Everything that is wrong with it, one line each.
pub fn read_file(path: &Path) -> anyhow::Result<Scenario> {
    let name = path.display().to_string();
    let size = std::fs::metadata(path).with_context(|| format!("{name} can't be read"))?.len();
    anyhow::ensure!(size <= MAX_FILE_BYTES, "{name} is larger than {MAX_FILE_BYTES} bytes: it can't be a scenario");
    let text = std::fs::read_to_string(path).with_context(|| format!("{name} can't be read"))?;
    read(&name, &text, path.parent().unwrap_or(Path::new(""))).map_err(anyhow::Error::msg)
}

/// Reads the text of the file `name`; secrets in files are looked for in `folder`.
///
/// # Errors
/// Everything that is wrong with it, one line each.
pub fn read(name: &str, text: &str, folder: &Path) -> Result<Scenario, String> {
    let (root, broken) = DeTable::parse_recoverable(text);
    if !broken.is_empty() {
        let problems = broken.iter().map(|error| Problem { span: error.span(), message: error.message().to_owned() });
        return Err(render(name, text, problems.collect()));
    }
    let mut problems = Vec::new();
    let (file, rest) = own_tables(root.into_inner(), &mut problems);
    let catalog = catalog_file::declared(rest, folder, &mut problems);
    let scenario = check::checked(file, catalog, &mut problems);
    match scenario {
        Some(scenario) if problems.is_empty() => Ok(scenario),
        Some(_) | None => Err(render(name, text, problems)),
    }
}

/// The scenario's own tables, and the catalogue's.
fn own_tables<'a>(root: DeTable<'a>, problems: &mut Vec<Problem>) -> (File, DeTable<'a>) {
    let (mut file, mut rest) = (File::default(), DeTable::new());
    for (key, value) in root {
        match key.get_ref().as_ref() {
            "scenario" => file.scenario = object::read("scenario", value, problems),
            "load" => file.loads = array("load", value, problems),
            "fault" => file.faults = array("fault", value, problems),
            name if catalog_file::TABLES.contains(&name) => {
                rest.insert(key, value);
            }
            unknown => {
                let hint = nearest::hint(unknown, OWN_TABLES.into_iter().chain(catalog_file::TABLES));
                problems.push(Problem::new(key.span(), format!("unknown table `{unknown}`{hint}")));
            }
        }
    }
    (file, rest)
}

#[cfg(test)]
mod tests;
