//! Dice and stop texts.
//!
//! Source: `providers.md` sections 2.1, 2.5 and 9.6.

use serde::Serialize;

use crate::anthropic::family::Family;
use crate::conversation::{Notes, Sampling};

/// The sampling fields that are sent. Never both temperature and `top_p`.
#[derive(Debug, Default, Serialize)]
pub(super) struct Dice {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
}

/// What of the sampling fields the model takes.
pub(super) fn dice(sampling: &Sampling, family: Family, thinks: bool, notes: &mut Notes) -> Dice {
    if !family.sampling {
        let why = "the model takes no sampling fields";
        // One is what the model does anyway.
        drop_if(sampling.temperature.is_some_and(|value| !is_one(value)), "temperature", why, notes);
        drop_if(sampling.top_p.is_some_and(|value| !is_one(value)), "top_p", why, notes);
        drop_if(sampling.top_k.is_some(), "top_k", why, notes);
        return Dice::default();
    }
    if thinks {
        let why = "the model does not take it while it thinks";
        drop_if(sampling.temperature.is_some_and(|value| !is_one(value)), "temperature", why, notes);
        drop_if(sampling.top_k.is_some(), "top_k", why, notes);
        let top_p = sampling.top_p.filter(|value| (0.95..=1.0).contains(value));
        drop_if(sampling.top_p.is_some() && top_p.is_none(), "top_p", "while it thinks the model takes only 0.95 to 1", notes);
        return Dice { top_p, ..Dice::default() };
    }
    let temperature = sampling.temperature.map(|value| value.clamp(0.0, 1.0));
    if temperature != sampling.temperature {
        notes.changed("temperature", "brought into 0 to 1");
    }
    let top_p = sampling.top_p.filter(|_| temperature.is_none());
    drop_if(
        sampling.top_p.is_some_and(|value| !is_one(value)) && top_p.is_none(),
        "top_p",
        "the temperature is sent, and only one of both is taken",
        notes,
    );
    Dice { temperature, top_p, top_k: sampling.top_k }
}

/// Stop texts; those of white space alone are refused.
pub(super) fn stop_sequences<'a>(sampling: &'a Sampling, notes: &mut Notes) -> Vec<&'a str> {
    let kept: Vec<&str> = sampling.stop.iter().map(String::as_str).filter(|text| !text.trim().is_empty()).collect();
    drop_if(kept.len() < sampling.stop.len(), "stop", "texts of white space alone are not taken", notes);
    kept
}

fn drop_if(is_set: bool, name: &str, why: &str, notes: &mut Notes) {
    if is_set {
        notes.dropped(name, why);
    }
}

fn is_one(value: f64) -> bool {
    (value - 1.0).abs() < f64::EPSILON
}
