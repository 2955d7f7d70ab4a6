//! Plays a scenario on a turned clock: an hour takes as long as its work, and the same scenario with the same seed gives the same story.
//!
//! All of it runs on one thread, whose runtime's clock stands still while there is work and jumps to the next timer when there is none.
//! What another thread does (the journal's) is waited for in place. So nothing depends on who is faster.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use easyai_core::time::Timestamp;
use easyai_store::turned::{self, Turning};
use easyai_store::verify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::caller::{Outcome, call};
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

/// Plays `scenario` on a database in `folder`; `wanted` are the numbers of tasks whose whole stories are wanted.
///
/// # Errors
/// If the gateway of the scenario can't be made, or something goes wrong that is no fault of the scenario's.
pub fn play(scenario: &Scenario, folder: &Path, wanted: &[usize]) -> anyhow::Result<Played> {
    std::thread::scope(|threads| {
        let stage = std::thread::Builder::new().name("lab".to_owned()).spawn_scoped(threads, || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(on_stage(scenario, folder, wanted))
        })?;
        stage.join().map_err(|_| anyhow::anyhow!("the lab's thread died"))?
    })
}

async fn on_stage(scenario: &Scenario, folder: &Path, wanted: &[usize]) -> anyhow::Result<Played> {
    let turning = turned::turn(START, scenario.seed);
    let faults = Arc::new(FaultPlan::new(scenario.faults.clone(), scenario.seed));
    let world = World::make(scenario, folder, faults.clone()).await.context("the gateway of the scenario can't be made")?;
    // From here on time only passes when nothing is left to be done at the moment.
    tokio::time::pause();
    let watch = Arc::new(Watch::new(&world.runner));
    let outcomes = perform(scenario, &world, &faults, &watch, &turning).await?;
    // And from here on it passes by itself again: reading needs other threads.
    tokio::time::resume();
    let db = world.end().await?;
    let told = gather(&db).await?;
    let told_count = told.len();
    let mut stories = Vec::new();
    for number in wanted {
        let told = number.checked_sub(1).and_then(|place| told.get(place));
        let told = told.with_context(|| format!("there is no task {number}: there are {}", told_count))?;
        stories.push((*number, story(&db, told).await?));
    }
    let books = verify::verify(&db).await?;
    db.close().await;
    Ok(Played { outcomes, seen: faults.seen(), changes: watch.changes(), told, books, stories })
}

async fn perform(
    scenario: &Scenario,
    world: &World,
    faults: &FaultPlan,
    watch: &Arc<Watch>,
    turning: &Turning,
) -> anyhow::Result<Vec<Outcome>> {
    let started = Instant::now();
    turning.run();
    faults.begin(started);
    let watching = tokio::spawn(Arc::clone(watch).keep(Arc::clone(&world.runner), started, scenario.duration));
    let mut callers = JoinSet::new();
    for arrival in arrivals(scenario) {
        sleep_until(started + arrival.at).await;
        let Some(load) = scenario.loads.get(arrival.load) else { continue };
        callers.spawn(call(Arc::clone(&world.runner), world.caller()?, load.clone(), arrival));
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
