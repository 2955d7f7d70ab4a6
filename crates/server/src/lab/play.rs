//! Plays a scenario on a turned clock: an hour takes as long as its work, and the same scenario with the same seed gives the same story.
//!
//! All of it runs on one thread, whose runtime's clock stands still while there is work and jumps to the next timer when there is none.
//! What another thread does (the journal's) is waited for in place. So nothing depends on who is faster.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use easyai_core::time::Timestamp;
use easyai_store::{turned, verify};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::caller::{Explain, Outcome, call};
use super::faults::{FaultPlan, Seen};
use super::gather::{Told, gather, story};
use super::load::arrivals;
use super::scenario::Scenario;
use super::watch::{Change, Watch};
use super::world::World;
use crate::cli::task::Story;

/// The day on which all scenarios play: 2030-01-01.
pub const START: Timestamp = Timestamp::from_micros(1_893_456_000_000_000);

/// After the last caller: what was broken off is noticed, what was given back is free.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// What came of a scenario.
#[derive(Debug)]
pub struct Played {
    /// What became of each caller, in their order.
    pub outcomes: Vec<Outcome>,
    /// What the platforms saw.
    pub seen: Vec<Seen>,
    /// How the candidates' health changed.
    pub changes: Vec<Change>,
    /// What the database tells of each task, in their order.
    pub told: Vec<Told>,
    /// Whether the books are right.
    pub books: verify::Report,
    /// The whole stories of the tasks that were asked for, by their numbers.
    pub stories: Vec<(usize, Story)>,
}

/// What is wanted beside the report.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Numbers of tasks whose whole stories are to be told.
    pub stories: &'a [usize],
    /// Whether each call is explained first.
    pub explain: Explain,
}

/// Plays `scenario` on a database in `folder`.
///
/// # Errors
/// If the gateway of the scenario can't be made, or something goes wrong that is no fault of the scenario's.
pub fn play(scenario: &Scenario, folder: &Path, wanted: Wanted<'_>) -> anyhow::Result<Played> {
    std::thread::scope(|threads| {
        let stage = std::thread::Builder::new().name("lab".to_owned());
        let stage = stage.spawn_scoped(threads, || on_stage(scenario, folder, wanted))?;
        stage.join().map_err(|_| anyhow::anyhow!("the lab's thread died"))?
    })
}

fn on_stage(scenario: &Scenario, folder: &Path, wanted: Wanted<'_>) -> anyhow::Result<Played> {
    let turning = turned::turn(START, scenario.seed);
    let faults = Arc::new(FaultPlan::new(scenario.faults.clone(), scenario.seed));
    // Before and after the play other threads read and write the database, and that takes real time.
    let usual = Builder::new_current_thread().enable_all().build()?;
    let made = usual.block_on(World::make(scenario, folder, faults.clone()));
    let world = made.context("the gateway of the scenario can't be made")?;
    let watch = Arc::new(Watch::new(&world.runner));
    // A runtime of its own, whose clock stood still from its beginning on: timers are rounded to its milliseconds.
    let paused = Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let outcomes = paused.block_on(async {
        turning.run();
        let outcomes = perform(scenario, &world, &faults, &watch, wanted.explain).await;
        turning.stand();
        outcomes
    })?;
    drop(paused);
    let (told, books, stories) = usual.block_on(afterwards(world, wanted.stories))?;
    Ok(Played { outcomes, seen: faults.seen(), changes: watch.changes(), told, books, stories })
}

type Afterwards = (Vec<Told>, verify::Report, Vec<(usize, Story)>);

async fn afterwards(world: World, wanted: &[usize]) -> anyhow::Result<Afterwards> {
    let db = world.end().await?;
    let told = gather(&db).await?;
    let mut stories = Vec::new();
    for number in wanted {
        let one = number.checked_sub(1).and_then(|place| told.get(place));
        let one = one.with_context(|| format!("there is no task {number}: there are {}", told.len()))?;
        stories.push((*number, story(&db, one).await?));
    }
    let books = verify::verify(&db).await?;
    db.close().await;
    Ok((told, books, stories))
}

async fn perform(
    scenario: &Scenario,
    world: &World,
    faults: &FaultPlan,
    watch: &Arc<Watch>,
    explain: Explain,
) -> anyhow::Result<Vec<Outcome>> {
    let started = Instant::now();
    faults.begin(started);
    let watching = tokio::spawn(Arc::clone(watch).keep(Arc::clone(&world.runner), started, scenario.duration));
    let mut callers = JoinSet::new();
    for arrival in arrivals(scenario) {
        sleep_until(started + arrival.at).await;
        let Some(load) = scenario.loads.get(arrival.load) else { continue };
        callers.spawn(call(Arc::clone(&world.runner), world.caller()?, load.clone(), arrival, explain));
    }
    sleep_until(started + scenario.duration).await;
    let mut outcomes = callers.join_all().await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    // What goes on without its caller ends too.
    while world.runner.in_flight() > 0 {
        sleep(AFTERWARDS).await;
    }
    sleep(AFTERWARDS).await;
    watching.abort();
    outcomes.sort_by_key(|outcome| outcome.number);
    Ok(outcomes)
}
