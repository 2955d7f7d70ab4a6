//! `easyai lab`: what the policies do when platforms fail, played and reported.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use super::LabCommand;
use super::out::{List, Out, table};
use super::timeline;
use super::verdict::Verdict;
use crate::lab::scenario::{self, Scenario};
use crate::lab::{Explain, Report, Wanted, library, play, render};
use crate::nearest;

/// One scenario of a list.
#[derive(Serialize)]
struct Entry {
    name: &'static str,
    about: String,
}

/// What came of a run, for programs.
#[derive(Serialize)]
struct View<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// The stories that were asked for, as `task show` tells them.
    tasks: Vec<String>,
}

/// Does what `command` says.
///
/// # Errors
/// If the scenario can't be read or played.
pub fn run(command: LabCommand, out: &Out) -> anyhow::Result<Verdict> {
    match command {
        LabCommand::List => list(out),
        LabCommand::Run { scenario, keep, task, explain } => {
            let explain = if explain { Explain::First } else { Explain::No };
            run_one(out, &scenario, keep.as_deref(), Wanted { stories: &task, explain })
        }
    }
}

fn list(out: &Out) -> anyhow::Result<Verdict> {
    let entry = |known: &library::Known| Ok(Entry { name: known.name, about: known.read()?.about });
    let data = library::ALL.iter().map(entry).collect::<anyhow::Result<Vec<_>>>()?;
    let rows: Vec<_> = data.iter().map(|entry| [entry.name.to_owned(), entry.about.clone()]).collect();
    out.show(&List { data }, |_| table(["scenario", "what it shows"], rows, "no scenarios"))?;
    Ok(Verdict::Good)
}

fn run_one(out: &Out, given: &str, keep: Option<&Path>, wanted: Wanted<'_>) -> anyhow::Result<Verdict> {
    let scenario = find(given)?;
    let thrown_away;
    let folder = match keep {
        Some(folder) => folder,
        None => {
            thrown_away = tempfile::tempdir().context("there is no folder for the lab's database")?;
            thrown_away.path()
        }
    };
    let played = play(&scenario, folder, wanted)?;
    let report = Report::of(&scenario, &played);
    let stories = played.stories.iter().map(|(_, story)| timeline::render(story, report.money.currency, out.paint));
    let view = View { report: &report, tasks: stories.collect() };
    out.show(&view, |view| {
        let kept = keep.map(|folder| format!("\nKept: easyai --data {} task list", folder.display()));
        let parts = [render(&report).trim_end().to_owned()].into_iter().chain(view.tasks.iter().map(|story| format!("\n{story}")));
        parts.chain(kept).collect::<Vec<_>>().join("\n")
    })?;
    Ok(if report.is_right() { Verdict::Good } else { Verdict::Bad })
}

/// A scenario that comes with the program, or else a file.
fn find(given: &str) -> anyhow::Result<Scenario> {
    if let Some(known) = library::ALL.iter().find(|known| known.name == given) {
        return known.read();
    }
    let path = PathBuf::from(given);
    if !path.exists() {
        let hint = nearest::hint(given, library::ALL.iter().map(|known| known.name));
        anyhow::bail!("there is neither a scenario nor a file `{given}`{hint}");
    }
    scenario::read_file(&path)
}
