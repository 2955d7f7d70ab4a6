//! The draft file: a part of a catalogue file. What it names is replaced, everything else stays as it is; what it can't change or doesn't
//! know is refused, with file, line, column and the nearest right name.

mod wire;

use std::collections::{BTreeMap, BTreeSet};

use easyai_core::catalog::{Catalog, Enabled};
use easyai_core::replay::{Draft, OfferDraft, PlatformDraft, PolicySetDraft};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::catalog_file::object;
use crate::nearest;
use crate::problem::{Problem, render};
use wire::{File, ModelTable, OfferTable, PlatformTable, PolicySetTable};

/// What a draft may say.
const TABLES: [&str; 5] = ["platform", "model", "platform_model", "policy_set", "runner_policy"];

/// Reads the text of the draft `name`, held against the catalogue that it is a draft for.
///
/// # Errors
/// Everything that is wrong with it, one line each.
pub fn read(name: &str, text: &str, catalog: &Catalog) -> Result<Draft, String> {
    let (root, broken) = DeTable::parse_recoverable(text);
    if !broken.is_empty() {
        let problems = broken.iter().map(|error| Problem { span: error.span(), message: error.message().to_owned() });
        return Err(render(name, text, problems.collect()));
    }
    let mut reader = Reader { problems: Vec::new(), known: Known::of(catalog) };
    let file = reader.file(root.into_inner());
    let draft = reader.draft(file);
    if reader.problems.is_empty() { Ok(draft) } else { Err(render(name, text, reader.problems)) }
}

/// What the catalogue has, by name.
struct Known {
    platforms: BTreeSet<String>,
    models: BTreeSet<String>,
    /// Platform and model, and whether it has a price.
    offers: BTreeMap<(String, String), bool>,
    policy_sets: BTreeSet<String>,
}

impl Known {
    fn of(catalog: &Catalog) -> Self {
        let built_in = easyai_core::catalog::default_policy_set().id;
        let offers = || catalog.models.values().flat_map(|model| &model.offers);
        let name = |offer: &easyai_core::catalog::PlatformModel| (offer.platform.name.to_string(), offer.model.to_string());
        Self {
            platforms: offers().map(|offer| offer.platform.name.to_string()).collect(),
            models: catalog.models.keys().map(ToString::to_string).collect(),
            offers: offers().map(|offer| (name(offer), offer.price.is_some())).collect(),
            // The set of platform models that name none can't be named.
            policy_sets: offers().map(|offer| &offer.policy_set).filter(|set| set.id != built_in).map(|set| set.name.to_string()).collect(),
        }
    }
}

struct Reader {
    problems: Vec<Problem>,
    known: Known,
}

impl Reader {
    fn file(&mut self, root: DeTable<'_>) -> File {
        let mut file = File::default();
        let problems = &mut self.problems;
        for (key, value) in root {
            match key.get_ref().as_ref() {
                "platform" => file.platforms = array("platform", value, problems),
                "model" => file.models = array("model", value, problems),
                "platform_model" => file.offers = array("platform_model", value, problems),
                "policy_set" => file.policy_sets = array("policy_set", value, problems),
                "runner_policy" => file.runner_policy = object::read("runner_policy", value, problems),
                unknown => {
                    let hint = nearest::hint(unknown, TABLES);
                    problems.push(Problem::new(key.span(), format!("`{unknown}` is nothing that a draft can change{hint}")));
                }
            }
        }
        file
    }

    fn draft(&mut self, file: File) -> Draft {
        let runner = file.runner_policy.map(Spanned::into_inner).unwrap_or_default();
        let used: BTreeSet<String> =
            file.offers.iter().filter_map(|table| table.get_ref().policy_set.as_ref()).map(|name| name.get_ref().clone()).collect();
        let mut draft =
            Draft { failover: runner.failover, demotion: runner.demotion, availability: runner.availability, ..Draft::default() };
        for table in file.policy_sets {
            self.policy_set(table.into_inner(), &used, &mut draft);
        }
        for table in file.platforms {
            self.platform(table.into_inner(), &mut draft);
        }
        for table in file.models {
            self.model(table.into_inner(), &mut draft);
        }
        for table in file.offers {
            self.offer(table, &mut draft);
        }
        draft
    }

    fn policy_set(&mut self, table: PolicySetTable, used: &BTreeSet<String>, draft: &mut Draft) {
        let PolicySetTable { name, retry, cooldown, breaker, auto_disable, probe } = table;
        let given = name.get_ref();
        if !self.known.policy_sets.contains(given) && !used.contains(given) {
            let hint = nearest::hint(given, self.known.policy_sets.iter().map(String::as_str));
            self.tell(&name, format!("policy_set \"{given}\" is named by no platform model, neither in use nor here{hint}"));
        }
        let set = PolicySetDraft { retry, cooldown, breaker, auto_disable, probe };
        if draft.policy_sets.insert(given.clone(), set).is_some() {
            self.twice(&name, "policy_set");
        }
    }

    fn platform(&mut self, table: PlatformTable, draft: &mut Draft) {
        let PlatformTable { name, priority, enabled } = table;
        self.refer("platform", &name, |known| &known.platforms);
        let platform = PlatformDraft { priority, enabled: enabled.map(switch) };
        if draft.platforms.insert(name.get_ref().clone(), platform).is_some() {
            self.twice(&name, "platform");
        }
    }

    fn model(&mut self, table: ModelTable, draft: &mut Draft) {
        self.refer("model", &table.name, |known| &known.models);
        if draft.models.insert(table.name.get_ref().clone(), table.strategy).is_some() {
            self.twice(&table.name, "model");
        }
    }

    fn offer(&mut self, table: Spanned<OfferTable>, draft: &mut Draft) {
        let span = table.span();
        let OfferTable { platform, model, priority, weight, price, cost, policy_set, overrides, enabled } = table.into_inner();
        let both_exist = self.refer("platform", &platform, |known| &known.platforms) & self.refer("model", &model, |known| &known.models);
        let names = (platform.get_ref().clone(), model.get_ref().clone());
        let label = format!("platform_model \"{}\" at \"{}\"", names.1, names.0);
        match self.known.offers.get(&names) {
            None if both_exist => self.problems.push(Problem::new(span.clone(), format!("{label} is not in the catalogue"))),
            Some(false) if price.is_none() && cost.is_some() => {
                self.problems.push(Problem::new(span.clone(), format!("{label}: `cost` without `price`: what has no price serves nobody")));
            }
            None | Some(_) => {}
        }
        if let Some(set) = &policy_set
            && !draft.policy_sets.contains_key(set.get_ref())
        {
            self.refer("policy_set", set, |known| &known.policy_sets);
        }
        let (policy_set, enabled) = (policy_set.map(Spanned::into_inner), enabled.map(switch));
        let offer = OfferDraft { priority, weight, price, cost, policy_set, overrides, enabled };
        if draft.offers.insert(names, offer).is_some() {
            self.problems.push(Problem::new(span, format!("{label} is drafted twice")));
        }
    }

    /// Whether the catalogue has something of this name; if not, that is told.
    fn refer(&mut self, noun: &str, name: &Spanned<String>, names: impl Fn(&Known) -> &BTreeSet<String>) -> bool {
        let (given, known) = (name.get_ref(), names(&self.known));
        let exists = known.contains(given);
        if !exists {
            let hint = nearest::hint(given, known.iter().map(String::as_str));
            self.tell(name, format!("there is no {noun} `{given}` in the catalogue{hint}"));
        }
        exists
    }

    fn twice(&mut self, name: &Spanned<String>, noun: &str) {
        self.tell(name, format!("{noun} \"{}\" is drafted twice", name.get_ref()));
    }

    fn tell(&mut self, at: &Spanned<String>, message: String) {
        self.problems.push(Problem::new(at.span(), message));
    }
}

const fn switch(on: bool) -> Enabled {
    if on { Enabled::Yes } else { Enabled::No }
}

/// The elements of `[[noun]]`.
fn array<T: serde::de::DeserializeOwned>(noun: &str, value: Spanned<DeValue<'_>>, problems: &mut Vec<Problem>) -> Vec<Spanned<T>> {
    let span = value.span();
    let DeValue::Array(elements) = value.into_inner() else {
        problems.push(Problem::new(span, format!("`{noun}` is a list of tables: write [[{noun}]]")));
        return Vec::new();
    };
    elements.into_iter().filter_map(|element| object::read(noun, element, problems)).collect()
}
