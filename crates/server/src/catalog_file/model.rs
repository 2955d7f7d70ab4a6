//! Models: their fallbacks must be there.

use std::sync::Arc;

use easyai_core::catalog::ModelSettings;
use easyai_store::catalog::ModelSpec;
use toml::Spanned;

use super::offer::{Names, refer};
use super::wire::ModelTable;
use crate::problem::Problem;

/// A fallback as it is written, and the model it is of.
#[derive(Debug)]
pub struct Fallback {
    model: String,
    name: Spanned<String>,
}

/// The model that a table means. Its fallbacks go to `fallbacks`, to be checked when all models are known.
pub fn model(table: ModelTable, fallbacks: &mut Vec<Fallback>) -> ModelSpec {
    let model = table.name.into_inner();
    let names: Vec<Arc<str>> = table.fallbacks.iter().map(|name| name.get_ref().as_str().into()).collect();
    fallbacks.extend(table.fallbacks.into_iter().map(|name| Fallback { model: model.clone(), name }));
    let settings = ModelSettings { fallbacks: names, stickiness: table.stickiness, response_cache: table.response_cache };
    ModelSpec { strategy: table.strategy, settings }
}

/// Each fallback names another model, once.
pub fn check_fallbacks(fallbacks: &[Fallback], models: &Names, problems: &mut Vec<Problem>) {
    for (index, Fallback { model, name }) in fallbacks.iter().enumerate() {
        let label = format!("model \"{model}\": `fallbacks`");
        let given = name.get_ref();
        if given == model {
            problems.push(Problem::new(name.span(), format!("{label}: a model can't fall back on itself: take it out")));
        } else if fallbacks.iter().take(index).any(|other| other.model == *model && other.name.get_ref() == given) {
            problems.push(Problem::new(name.span(), format!("{label}: `{given}` is named twice")));
        } else {
            refer(&label, "model", name, models, problems);
        }
    }
}
