//! The catalogue file: TOML in, declared objects out. Everything that is wrong with it is told at once, each with file, line and column;
//! a file with anything wrong declares nothing.
//!
//! The file is read in three steps: TOML, with its spans; each table as its wire type (`object`); and references, secrets and values
//! that types can't check (`declare`).

mod declare;
mod limits;
mod model;
pub mod object;
mod offer;
mod platform;
mod secret;
#[cfg(test)]
mod tests;
mod wire;

use std::path::Path;

use anyhow::Context;
use easyai_store::catalog::Declared;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::nearest;
use crate::problem::{Problem, render};
use secret::Secrets;
use wire::File;

/// The largest file that is read: thousands of platform models.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// What a file may declare.
pub const TABLES: [&str; 6] = ["platform", "model", "platform_model", "policy_set", "runner_policy", "group"];

/// What a file declares.
#[derive(Debug)]
pub struct Read {
    /// Its objects.
    pub declared: Declared,
    /// What is allowed, but hardly meant; one line each, with file, line and column.
    pub warnings: Vec<String>,
}

/// Reads the file at `path`. Secrets come from the file itself, the environment, or files beside it.
///
/// # Errors
/// Everything that is wrong with it, one line each.
pub fn read_file(path: &Path) -> anyhow::Result<Read> {
    let name = path.display().to_string();
    let size = std::fs::metadata(path).with_context(|| format!("{name} can't be read"))?.len();
    anyhow::ensure!(size <= MAX_FILE_BYTES, "{name} is larger than {MAX_FILE_BYTES} bytes: it can't be a catalogue");
    let text = std::fs::read_to_string(path).with_context(|| format!("{name} can't be read"))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    read(&name, &text, &Secrets { folder, variable: &|name| std::env::var(name).ok() }).map_err(anyhow::Error::msg)
}

/// Reads the text of the file `name`.
fn read(name: &str, text: &str, secrets: &Secrets<'_>) -> Result<Read, String> {
    let (root, broken) = DeTable::parse_recoverable(text);
    if !broken.is_empty() {
        // What follows a mistake in the notation itself can't be trusted: only the notation is told.
        let problems = broken.iter().map(|error| Problem { span: error.span(), message: error.message().to_owned() });
        return Err(render(name, text, problems.collect()));
    }
    let mut problems = Vec::new();
    let file = tables(root.into_inner(), &mut problems);
    let declared = declare::declare(file, secrets, &mut problems);
    if problems.is_empty() {
        let warnings = render(name, text, declared.warnings);
        Ok(Read { declared: declared.declared, warnings: warnings.lines().map(str::to_owned).collect() })
    } else {
        Err(render(name, text, problems))
    }
}

/// What the tables of a larger file declare; whose secrets are in files of their own, in `folder`. None if a table can't be read.
pub fn declared(root: DeTable<'_>, folder: &Path, problems: &mut Vec<Problem>) -> Option<Declared> {
    let told_before = problems.len();
    let mut own = Vec::new();
    let file = tables(root, &mut own);
    let secrets = Secrets { folder, variable: &|name| std::env::var(name).ok() };
    let declared = declare::declare(file, &secrets, &mut own).declared;
    problems.append(&mut own);
    (problems.len() == told_before).then_some(declared)
}

/// The tables of the file, each as its wire type; those that can't be read are told and left out.
fn tables(root: DeTable<'_>, problems: &mut Vec<Problem>) -> File {
    let mut file = File::default();
    for (key, value) in root {
        match key.get_ref().as_ref() {
            "platform" => file.platforms = array("platform", value, problems),
            "model" => file.models = array("model", value, problems),
            "platform_model" => file.platform_models = array("platform_model", value, problems),
            "policy_set" => file.policy_sets = array("policy_set", value, problems),
            "group" => file.groups = array("group", value, problems),
            "runner_policy" => file.runner_policy = object::read("runner_policy", value, problems),
            unknown => {
                problems.push(Problem::new(key.span(), format!("unknown table `{unknown}`{}", nearest::hint(unknown, TABLES))));
            }
        }
    }
    file
}

/// The elements of `[[noun]]`.
pub fn array<T: serde::de::DeserializeOwned>(noun: &str, value: Spanned<DeValue<'_>>, problems: &mut Vec<Problem>) -> Vec<Spanned<T>> {
    let span = value.span();
    let DeValue::Array(elements) = value.into_inner() else {
        problems.push(Problem::new(span, format!("`{noun}` is a list of tables: write [[{noun}]]")));
        return Vec::new();
    };
    elements.into_iter().filter_map(|element| object::read(noun, element, problems)).collect()
}
