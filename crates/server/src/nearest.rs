//! The right name nearest to a wrong one, for messages that help.

/// How alike two names must be for one to be suggested, from 0 to 1. Below it a suggestion is a guess.
const ALIKE: f64 = 0.7;

/// `: did you mean `…`?` with the name of `known` that is most like `given`; else the list of them; empty if there are none.
#[must_use]
pub fn hint<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(given, known.iter().copied()) {
        Some(name) => format!(": did you mean `{name}`?"),
        None if known.is_empty() => String::new(),
        None => format!(": use one of {}", known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
    }
}

/// The name most like `given`, if one is alike at all.
#[must_use]
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = given.to_lowercase();
    let scored = known.into_iter().map(|name| (strsim::jaro_winkler(&lower, &name.to_lowercase()), name));
    scored.filter(|(score, _)| *score >= ALIKE).max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_name_that_was_meant() {
        let known = ["name", "provider", "base_url", "priority", "credentials"];
        for (given, meant) in [("base_ulr", "base_url"), ("baseurl", "base_url"), ("Priority", "priority"), ("credential", "credentials")] {
            assert_eq!(nearest(given, known), Some(meant));
        }
        assert_eq!(nearest("zzz", known), None);
        assert_eq!(hint("zzz", ["a1", "b2"]), ": use one of `a1`, `b2`");
    }
}
