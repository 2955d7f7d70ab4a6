//! Makes the rows say what a file declares, in one transaction: all of it or nothing. A plan with conflicts changes nothing.

use std::collections::HashMap;

use uuid::Uuid;

use super::declared::{Declared, DeclaredPlatformModel, OfferName};
use super::defaults::default_group;
use super::diff::diff;
use super::plan::{Change, Noun, Plan, Step};
use super::stored::{Source, Stored};
use super::write::{self, Refers};
use super::{bump, read};
use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::vault::Vault;
use crate::{now, sql};

/// What came of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// Nothing had to change.
    Nothing(Plan),
    /// The plan stands in the way of itself; nothing was changed.
    Conflicts(Plan),
    /// Everything was changed, at this revision.
    Changed(Plan, i64),
}

/// Applies what `desired` declares for `actor` (a name for the record).
///
/// # Errors
/// [`StoreError`] if the rows can't be read or written; then nothing was changed.
pub async fn apply(db: &Db, vault: &Vault, desired: &Declared, actor: &str) -> Result<Applied, StoreError> {
    let mut tx = db.write().await?;
    // First the revision: on PostgreSQL it makes those who apply at once take turns.
    let revision = bump(&mut tx).await?;
    let mut stored = read::read(&mut tx, vault).await?;
    stored.revision = revision - 1;
    let plan = diff(&stored, desired, vault);
    if !plan.conflicts.is_empty() {
        return Ok(Applied::Conflicts(plan));
    }
    if plan.changes.is_empty() {
        return Ok(Applied::Nothing(plan));
    }
    let mut writer = Writer { tx: &mut tx, vault, desired, ids: Ids::of(&stored), stored: &stored };
    for change in plan.changes.iter().filter(|change| change.step != Step::Remove) {
        writer.put(change).await?;
    }
    // In the opposite order: what refers goes before what is referred to.
    for change in plan.changes.iter().rev().filter(|change| change.step == Step::Remove) {
        writer.remove(change).await?;
    }
    record(&mut tx, revision, actor, &plan).await?;
    tx.commit().await?;
    Ok(Applied::Changed(plan, revision))
}

/// The ids of all objects, by noun and name; platform models by how they are shown.
struct Ids(HashMap<(Noun, String), Uuid>);

impl Ids {
    fn of(stored: &Stored) -> Self {
        let groups = stored.groups.iter().map(|(name, row)| ((Noun::Group, name.clone()), row.id.uuid()));
        let sets = stored.policy_sets.iter().map(|(name, row)| ((Noun::PolicySet, name.clone()), row.id.uuid()));
        let models = stored.models.iter().map(|(name, row)| ((Noun::Model, name.clone()), row.id.uuid()));
        let platforms = stored.platforms.iter().map(|(name, row)| ((Noun::Platform, name.clone()), row.id.uuid()));
        let offers = stored.platform_models.iter().map(|(name, row)| ((Noun::PlatformModel, name.to_string()), row.id.uuid()));
        Self(groups.chain(sets).chain(models).chain(platforms).chain(offers).collect())
    }

    /// The id of an object; a new one for what is not there yet.
    fn get_or_new(&mut self, object: Noun, name: &str) -> Uuid {
        *self.0.entry((object, name.to_owned())).or_insert_with(Uuid::now_v7)
    }

    fn get(&self, object: Noun, name: &str) -> Result<Uuid, StoreError> {
        let id = self.0.get(&(object, name.to_owned())).copied();
        id.ok_or_else(|| StoreError::NotFound(format!("the {object} `{name}`")))
    }
}

struct Writer<'a> {
    tx: &'a mut Tx,
    vault: &'a Vault,
    desired: &'a Declared,
    stored: &'a Stored,
    ids: Ids,
}

impl Writer<'_> {
    async fn put(&mut self, change: &Change) -> Result<(), StoreError> {
        let (object, name) = (change.object, change.name.as_str());
        let id = self.ids.get_or_new(object, name);
        match object {
            Noun::Group => self.put_group(id, name, &change.step).await,
            Noun::PolicySet => match self.desired.policy_sets.get(name) {
                Some(set) => write::put_policy_set(self.tx, id, name, set).await,
                None => Ok(()),
            },
            Noun::Model => match self.desired.models.get(name) {
                Some(model) => write::put_model(self.tx, id, name, model).await,
                None => Ok(()),
            },
            Noun::Platform => match self.desired.platforms.get(name) {
                Some(platform) => write::put_platform(self.tx, self.vault, id, name, platform).await,
                None => Ok(()),
            },
            Noun::PlatformModel => match self.desired.platform_models.iter().find(|(offer, _)| offer.to_string() == name) {
                Some((offer_name, offer)) => self.put_platform_model(id, offer_name, offer).await,
                None => Ok(()),
            },
            Noun::RunnerPolicy => {
                let source = if self.desired.runner_policy.is_some() { Source::File } else { Source::Builtin };
                write::create_runner_policy(self.tx, &self.desired.runner_policy.clone().unwrap_or_default(), source).await
            }
        }
    }

    async fn put_group(&mut self, id: Uuid, name: &str, step: &Step) -> Result<(), StoreError> {
        let declared = self.desired.groups.get(name).cloned();
        let (source, group) = declared.map_or_else(|| (Source::Builtin, default_group()), |group| (Source::File, group));
        match step {
            Step::Create(_) => write::create_group(self.tx, id, name, &group, source).await,
            Step::Update(_) => write::update_group(self.tx, id, &group, source).await,
            Step::Remove => Ok(()),
        }
    }

    async fn put_platform_model(&mut self, id: Uuid, name: &OfferName, offer: &DeclaredPlatformModel) -> Result<(), StoreError> {
        let before = self.stored.platform_models.get(name);
        let same_price = before.is_some_and(|row| row.value.price == offer.price && row.value.cost == offer.cost);
        let price = match before.filter(|_| same_price) {
            Some(row) => self.stored.prices.get(&row.id).map(|price| price.uuid()),
            None => write::create_price(self.tx, id, offer).await?,
        };
        let refers = Refers {
            platform: self.ids.get(Noun::Platform, &name.platform)?,
            model: self.ids.get(Noun::Model, &name.model)?,
            policy_set: offer.policy_set.as_ref().map(|set| self.ids.get(Noun::PolicySet, set)).transpose()?,
            price,
        };
        write::put_platform_model(self.tx, id, refers, offer).await
    }

    async fn remove(&mut self, change: &Change) -> Result<(), StoreError> {
        let id = self.ids.get(change.object, &change.name)?;
        let delete = match change.object {
            Noun::Group => "DELETE FROM groups WHERE id = $1",
            Noun::PolicySet => "DELETE FROM policy_sets WHERE id = $1",
            Noun::Model => "DELETE FROM models WHERE id = $1",
            Noun::Platform => "DELETE FROM platforms WHERE id = $1",
            Noun::PlatformModel => "DELETE FROM platform_models WHERE id = $1",
            Noun::RunnerPolicy => return Ok(()),
        };
        sql!(self.tx, execute delete, id)?;
        sql!(self.tx, execute "DELETE FROM candidate_state WHERE subject_id = $1", id).map(drop)
    }
}

/// What was done, by whom: the revision's record and the audit entry are the plan, which holds no secret.
async fn record(tx: &mut Tx, revision: i64, actor: &str, plan: &Plan) -> Result<(), StoreError> {
    let (document, at) = (write::json(&plan.changes)?, now().micros());
    let insert = "INSERT INTO catalog_revisions (revision, source, actor, document, created_at) VALUES ($1, $2, $3, $4, $5)";
    sql!(tx, execute insert, revision, Source::File.as_str(), actor, &document, at)?;
    let audit = "INSERT INTO audit_log (id, actor, origin, action, object, before, after, created_at)
        VALUES ($1, $2, 'command line', 'catalog.apply', $3, NULL, $4, $5)";
    sql!(tx, execute audit, Uuid::now_v7(), actor, format!("revision {revision}"), &document, at).map(drop)
}
