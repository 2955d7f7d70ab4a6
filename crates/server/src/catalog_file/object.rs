//! One table as its wire type, with everything that is wrong with it: after a mistake, the field that has it is taken out and the rest is
//! read again.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use crate::nearest;
use crate::problem::Problem;

/// Reads `value`; what is wrong with it goes to `problems`.
pub fn read<T: DeserializeOwned>(noun: &str, mut value: Spanned<DeValue<'_>>, problems: &mut Vec<Problem>) -> Option<Spanned<T>> {
    let span = value.span();
    let told_before = problems.len();
    let label = label(noun, value.get_ref());
    // Names of fields that were taken out: that they are missing is not a mistake of the file's.
    let mut taken: Vec<String> = Vec::new();
    // Ends: each turn takes a field out, and a table has finitely many.
    loop {
        let error = match T::deserialize(ValueDeserializer::from(value.clone())) {
            Ok(read) => return (problems.len() == told_before).then(|| Spanned::new(span, read)),
            Err(error) => error,
        };
        let at = error.span().unwrap_or_else(|| span.clone());
        let names = backticked(error.message());
        if error.message().starts_with("missing field") && names.first().is_some_and(|name| taken.iter().any(|other| other == name)) {
            return None;
        }
        problems.push(Problem::new(at.clone(), format!("{label}: {}", message(error.message(), &names, &path(value.get_ref(), &at)))));
        let DeValue::Table(table) = value.get_mut() else { return None };
        match take(table, &at, error.message().starts_with("unknown field")) {
            Some(name) => taken.push(name),
            None => return None,
        }
    }
}

/// What the table is, for a person: `platform "primary"`.
fn label(noun: &str, value: &DeValue<'_>) -> String {
    let text = |field: &str| value.get(field).and_then(|name| name.get_ref().as_str());
    match (text("name"), text("platform"), text("model")) {
        (Some(name), _, _) => format!("{noun} \"{name}\""),
        (None, Some(platform), Some(model)) => format!("{noun} \"{model}\" at \"{platform}\""),
        (None, _, _) => noun.to_owned(),
    }
}

/// serde's message in our words.
fn message(told: &str, names: &[&str], path: &str) -> String {
    if let (Some((given, known)), true) = (names.split_first(), told.starts_with("unknown field")) {
        return format!("unknown field `{given}`{}", nearest::hint(given, known.iter().copied()));
    }
    if told.starts_with("missing field") {
        let place = if path.is_empty() { String::new() } else { format!(" in `{path}`") };
        return format!("{told}{place}");
    }
    // `…` is not a provider: use one of a, b.
    let suggestion = match (names.first(), told.split_once(": use one of ")) {
        (Some(given), Some((_, known))) => nearest::nearest(given, known.split(", ")).map(|name| format!("; did you mean `{name}`?")),
        _ => None,
    };
    let quoted =
        (told.starts_with("invalid type: floating point") || told.starts_with("invalid type: integer")) && told.ends_with("a string");
    let exact = if quoted { ": write it in quotes, such as \"1.25\", so that it stays exact" } else { "" };
    let place = if path.is_empty() { String::new() } else { format!("`{path}`: ") };
    format!("{place}{told}{exact}{}", suggestion.unwrap_or_default())
}

/// The names between backticks, in order.
fn backticked(message: &str) -> Vec<&str> {
    message.split('`').skip(1).step_by(2).collect()
}

/// The names of the fields around `span`, outermost first, such as `price.input_per_million`.
fn path(value: &DeValue<'_>, span: &Range<usize>) -> String {
    match value {
        DeValue::Table(table) => {
            let Some((key, inner)) = table.iter().find(|(_, inner)| holds(inner, span)) else { return String::new() };
            let rest = path(inner.get_ref(), span);
            let dot = if rest.is_empty() || rest.starts_with('[') { "" } else { "." };
            format!("{}{dot}{rest}", key.get_ref())
        }
        DeValue::Array(elements) => {
            let found = elements.iter().enumerate().find(|(_, inner)| holds(inner, span));
            let Some((index, inner)) = found else { return String::new() };
            let rest = path(inner.get_ref(), span);
            let dot = if rest.is_empty() || rest.starts_with('[') { "" } else { "." };
            format!("[{index}]{dot}{rest}")
        }
        DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => String::new(),
    }
}

/// Whether `span` is within the value. The span of a table with a `[header]` of its own is that of the header alone.
fn holds(value: &Spanned<DeValue<'_>>, span: &Range<usize>) -> bool {
    let outer = value.span();
    let within = outer.start <= span.start && span.end <= outer.end;
    within
        || match value.get_ref() {
            DeValue::Table(table) => table.values().any(|inner| holds(inner, span)),
            DeValue::Array(elements) => elements.iter().any(|inner| holds(inner, span)),
            DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => false,
        }
}

/// Takes out what is wrong at `span`: an unknown field wherever it is, else the field of the table itself that holds the mistake.
fn take(table: &mut DeTable<'_>, span: &Range<usize>, unknown: bool) -> Option<String> {
    if unknown {
        return take_key(table, span);
    }
    let name = table.iter().find(|(_, inner)| holds(inner, span)).map(|(key, _)| key.get_ref().to_string())?;
    table.remove(name.as_str());
    Some(name)
}

fn take_key(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<String> {
    if let Some(name) = table.keys().find(|key| key.span() == *span).map(|key| key.get_ref().to_string()) {
        table.remove(name.as_str());
        return Some(name);
    }
    table.iter_mut().find_map(|(_, inner)| take_key_in(inner.get_mut(), span))
}

fn take_key_in(value: &mut DeValue<'_>, span: &Range<usize>) -> Option<String> {
    match value {
        DeValue::Table(table) => take_key(table, span),
        DeValue::Array(elements) => elements.iter_mut().find_map(|inner| take_key_in(inner.get_mut(), span)),
        DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => None,
    }
}
