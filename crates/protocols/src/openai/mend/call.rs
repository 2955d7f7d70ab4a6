//! The numbers, ids, names and arguments of calls.

use std::ops::Range;

use bytes::Bytes;

use super::{number, string};
use crate::json::splice::Edit;
use crate::json::{JsonError, Scanner, Sort};
use crate::openai::call_identity::{Identity, find};

/// Calls of one answer that are told apart. No model makes so many; beyond them fragments pass as they come.
const MAX_CALLS: usize = 1024;

/// What is kept of an answer's id in the ids of calls that have none: OpenAI takes 40 characters.
const SEED: usize = 24;

/// The calls of one stream.
#[derive(Debug, Default)]
pub(in crate::openai) struct Calls {
    known: Vec<Known>,
}

#[derive(Debug)]
struct Known {
    identity: Identity,
    /// Whether the caller was told its id.
    is_identified: bool,
}

/// A fragment of a call, and where in the chunk its members lie.
#[derive(Debug, Default)]
pub(super) struct Fragment {
    /// Right behind its `{`.
    inside: usize,
    is_empty: bool,
    index: Option<(Range<usize>, Option<u64>)>,
    id: Option<(Range<usize>, String)>,
    name: Option<(Range<usize>, String)>,
    arguments: String,
    /// Arguments that are an object.
    object: Option<Range<usize>>,
    /// Arguments that are null.
    null: Option<Range<usize>>,
}

impl Calls {
    /// Puts one fragment of a call right.
    pub(super) fn mend(&mut self, fragment: Fragment, answer: Option<&str>, edits: &mut Vec<Edit>) {
        let said = fragment.identity();
        let found = find(&self.known, &said, |known| &known.identity);
        let at = found.unwrap_or(self.known.len());
        if at >= MAX_CALLS {
            return;
        }
        if said.index != Some(at as u64) {
            edits.push(fragment.put(fragment.index.as_ref().map(|(span, _)| span), "index", &at.to_string()));
        }
        let (is_named, has_id) = (!said.name.is_empty(), said.id.is_some());
        let Some(known) = self.known.get_mut(at) else {
            edits.extend((is_named && !has_id).then(|| fragment.with_minted_id(answer, at)));
            let mut known = Known { identity: said, is_identified: is_named || has_id };
            known.identity.called_with(&fragment.arguments);
            self.known.push(known);
            return;
        };
        let is_repeated = |is_told: bool, span: Option<&Range<usize>>| {
            span.filter(|_| is_told).map(|span| Edit { at: span.clone(), with: Bytes::from_static(b"\"\"") })
        };
        edits.extend(is_repeated(has_id && known.is_identified, fragment.id.as_ref().map(|(span, _)| span)));
        edits.extend(is_repeated(is_named && !known.identity.name.is_empty(), fragment.name.as_ref().map(|(span, _)| span)));
        known.is_identified |= has_id;
        known.identity.learn(said);
        known.identity.called_with(&fragment.arguments);
    }
}

impl Fragment {
    /// Reads one; none if it is no object.
    pub(super) fn read(scanner: &mut Scanner<'_>) -> Result<Option<Self>, JsonError> {
        if scanner.peek()? != Sort::Object {
            return scanner.skip().map(|_| None);
        }
        let mut fragment = Self { inside: scanner.position() + 1, is_empty: true, ..Self::default() };
        scanner.object(|scanner, key| {
            fragment.is_empty = false;
            match (&*key, scanner.peek()?) {
                ("index", _) => number(scanner).map(|found| fragment.index = Some(found)),
                ("id", _) => string(scanner).map(|found| fragment.id = Some(found)),
                ("function" | "custom", Sort::Object) => scanner.object(|scanner, key| match (&*key, scanner.peek()?) {
                    ("name", _) => string(scanner).map(|found| fragment.name = Some(found)),
                    ("arguments", Sort::Object) => scanner.skip().map(|span| fragment.object = Some(span)),
                    ("arguments", Sort::Null) => scanner.skip().map(|span| fragment.null = Some(span)),
                    ("arguments", Sort::String) => string(scanner).map(|(_, arguments)| fragment.arguments = arguments),
                    (_other, _) => scanner.skip().map(drop),
                }),
                (_other, _) => scanner.skip().map(drop),
            }
        })?;
        Ok(Some(fragment))
    }

    fn identity(&self) -> Identity {
        let text = |member: &Option<(Range<usize>, String)>| member.as_ref().map(|(_, text)| text.clone());
        let index = self.index.as_ref().and_then(|(_, index)| *index);
        Identity::new(index, text(&self.id), text(&self.name).unwrap_or_default())
    }

    /// Arguments that are an object, as the text that they should be.
    pub(super) fn object_as_text(&self, text: &str) -> Option<Edit> {
        let span = self.object.clone()?;
        Some(Edit::text(span.clone(), text.get(span)?))
    }

    /// Puts a call of a whole answer right, the one at `at`.
    pub(super) fn mend_whole(&self, at: usize, answer: Option<&str>, edits: &mut Vec<Edit>) {
        // Callers parse them.
        edits.extend(self.null.clone().map(|at| Edit { at, with: Bytes::from_static(b"\"{}\"") }));
        let has_id = self.id.as_ref().is_some_and(|(_, id)| !id.is_empty());
        edits.extend((self.name.is_some() && !has_id && at < MAX_CALLS).then(|| self.with_minted_id(answer, at)));
    }

    fn with_minted_id(&self, answer: Option<&str>, at: usize) -> Edit {
        self.put(self.id.as_ref().map(|(span, _)| span), "id", &minted(answer, at))
    }

    /// Puts a member in place of another value, or before all others.
    fn put(&self, span: Option<&Range<usize>>, name: &str, value: &str) -> Edit {
        let (at, with) = match span {
            Some(span) => (span.clone(), value.to_owned()),
            None => {
                let comma = if self.is_empty { "" } else { "," };
                (self.inside..self.inside, format!("\"{name}\":{value}{comma}"))
            }
        };
        Edit { at, with: Bytes::from(with) }
    }
}

/// An id for a call that has none, in its quotes: of the answer's own, which is unique.
fn minted(answer: Option<&str>, at: usize) -> String {
    let letters: String = answer.unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).collect();
    // ASCII alone is left: every place is a boundary.
    let seed = letters.get(letters.len().saturating_sub(SEED)..).unwrap_or_default();
    format!("\"call_{seed}_{at}\"")
}
