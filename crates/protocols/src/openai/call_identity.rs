//! Which fragment of a chat stream belongs to which call.
//!
//! OpenAI sends id and name once, and tells calls apart by an index that counts from 0. Others count from 1, or send no index, or the
//! same one for all; some send no id, others repeat id or name in every fragment; some send the whole call in one piece. Source:
//! `providers.md` section 4.1.

use serde::de::IgnoredAny;

/// What tells a call of one answer from the others.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// The upstream's number of it, whatever it counts from.
    pub(super) index: Option<u64>,
    /// Never empty.
    pub(super) id: Option<String>,
    /// Empty until it is told.
    pub(super) name: String,
    /// Of a call without an id, since only they tell where it ends.
    arguments: String,
}

impl Identity {
    /// What a fragment says of the call it belongs to.
    pub(super) fn new(index: Option<u64>, id: Option<String>, name: String) -> Self {
        Self { index, id: id.filter(|id| !id.is_empty()), name, arguments: String::new() }
    }

    /// Takes what a fragment of this call says of it.
    pub(super) fn learn(&mut self, fragment: Self) {
        self.id = self.id.take().or(fragment.id);
        if self.name.is_empty() {
            self.name = fragment.name;
        }
    }

    /// Takes arguments of this call.
    pub(super) fn called_with(&mut self, arguments: &str) {
        if self.id.is_none() {
            self.arguments.push_str(arguments);
        }
    }

    /// Whether nothing can be missing: only asked of a call that no id tells apart.
    fn is_whole(&self) -> bool {
        self.id.is_none() && self.arguments.starts_with('{') && serde_json::from_str::<IgnoredAny>(&self.arguments).is_ok()
    }
}

/// The call among `known`, in the order in which they began, that a fragment goes on with; none if it begins another.
pub(super) fn find<T>(known: &[T], fragment: &Identity, identity: impl Fn(&T) -> &Identity) -> Option<usize> {
    let is_named = !fragment.name.is_empty();
    if fragment.id.is_some() {
        let found = known.iter().rposition(|call| identity(call).id == fragment.id);
        // An id that was never seen, with a name: another call, even under the same index.
        if found.is_some() || is_named {
            return found;
        }
    }
    let of_index = |index| known.iter().rposition(|call| identity(call).index == Some(index));
    let last = known.len().checked_sub(1);
    let at = match fragment.index {
        Some(index) if is_named => of_index(index),
        Some(index) => of_index(index).or(last),
        None => last,
    }?;
    let call = identity(known.get(at)?);
    let begins_another = is_named && !call.name.is_empty() && (call.name != fragment.name || call.is_whole());
    (!begins_another).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fragments as `(index, id, name, arguments)`, and the call that each belongs to.
    fn check(fragments: &[(Option<u64>, &str, &str, &str, usize)]) {
        let mut known: Vec<Identity> = Vec::new();
        for (index, id, name, arguments, expected) in fragments {
            let fragment = Identity::new(*index, Some((*id).to_owned()), (*name).to_owned());
            let at = find(&known, &fragment, |call| call).unwrap_or(known.len());
            assert_eq!(at, *expected, "{fragments:?}");
            match known.get_mut(at) {
                Some(call) => call.learn(fragment),
                None => known.push(fragment),
            }
            known[at].called_with(arguments);
        }
    }

    #[test]
    fn an_index_an_id_a_name_or_whole_arguments_tell_calls_apart() {
        check(&[(Some(0), "a", "f", "", 0), (Some(0), "", "", "{}", 0), (Some(1), "b", "f", "", 1), (Some(1), "", "", "{}", 1)]);
        check(&[(Some(0), "a", "f", "{}", 0), (Some(0), "b", "f", "{}", 1)]);
        check(&[(None, "a", "f", "{", 0), (None, "a", "f", "}", 0), (None, "b", "f", "{}", 1), (None, "", "", "", 1)]);
        check(&[(Some(0), "", "f", "{\"x\":", 0), (Some(0), "", "f", "1}", 0), (Some(0), "", "f", "{}", 1)]);
        check(&[(Some(0), "", "f", "{", 0), (Some(0), "", "g", "{}", 1), (Some(0), "", "", "", 1)]);
        check(&[(None, "", "f", "{", 0), (None, "", "f", "}", 0), (None, "", "f", "{}", 1), (None, "", "g", "", 2)]);
        check(&[(Some(0), "", "", "{", 0), (Some(0), "", "f", "}", 0), (Some(0), "a", "", "", 0), (Some(3), "a", "f", "", 0)]);
    }
}
