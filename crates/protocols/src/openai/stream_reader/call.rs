//! Which fragment belongs to which call.
//!
//! OpenAI sends id and name once, and tells calls apart by an index that counts from 0. Others count from 1, or send no index, or the
//! same one for all; some send no id, others repeat id or name in every fragment; some send the whole call in one piece, its arguments
//! as an object. Source: `providers.md` section 4.1.

use serde::de::IgnoredAny;

use crate::conversation::AnswerEvent;
use crate::openai::delta::{Call, Function};
use crate::openai::signature;

/// What is kept of the answer's id in the ids of calls: enough to be unique in a conversation, short enough for everybody (OpenAI takes
/// 40 characters).
const SEED: usize = 24;

/// A call, or a piece of one.
pub(super) struct Fragment {
    index: Option<u64>,
    id: Option<String>,
    name: String,
    arguments: String,
    custom: bool,
    signature: Option<String>,
}

/// The calls of one answer.
#[derive(Debug, Default)]
pub(super) struct Calls {
    open: Vec<Open>,
    /// How many have been passed on.
    begun: usize,
    /// What the ids that we mint begin with.
    seed: String,
}

#[derive(Debug)]
struct Open {
    wire_index: Option<u64>,
    wire_id: Option<String>,
    name: String,
    custom: bool,
    /// Its index in the inner form, once its name is known.
    passed_on: Option<usize>,
    /// Arguments: those that came before the name; for a call without an id all of them, since only they tell where it ends.
    arguments: String,
    signature: Option<String>,
}

impl From<Call> for Fragment {
    fn from(mut call: Call) -> Self {
        let signature = call.signature();
        let custom = call.custom.0.is_some() && call.function.0.is_none();
        let (name, arguments) = match (call.function.0, call.custom.0) {
            (Some(function), _) => (function.name.0, function.arguments.0),
            (None, Some(custom)) => (custom.name.0, custom.input.0),
            (None, None) => (String::new(), String::new()),
        };
        let index = call.index.0.and_then(|index| index.parse().ok());
        Self { index, id: call.id.0, name, arguments, custom, signature }
    }
}

impl From<Function> for Fragment {
    /// The old `function_call`: there is only one, and it has no id.
    fn from(function: Function) -> Self {
        Self { index: None, id: None, name: function.name.0, arguments: function.arguments.0, custom: false, signature: None }
    }
}

impl Calls {
    /// Ids are minted from the answer's own, which is unique, or at least from its date.
    pub(super) fn seed(&mut self, answer_id: Option<&str>, created: u64) {
        let id = answer_id.map(|id| id.chars().filter(char::is_ascii_alphanumeric).collect::<String>()).filter(|id| !id.is_empty());
        let id = id.unwrap_or_else(|| created.to_string());
        // ASCII alone is left: every place is a boundary.
        self.seed = id.get(id.len().saturating_sub(SEED)..).unwrap_or_default().to_owned();
    }

    /// Whether none has begun.
    pub(super) const fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Takes a fragment and passes on what it brings.
    pub(super) fn take(&mut self, fragment: Fragment, out: &mut Vec<AnswerEvent>) {
        let at = self.find(&fragment).unwrap_or_else(|| {
            self.open.push(Open::new(&fragment));
            self.open.len() - 1
        });
        if let Some(open) = self.open.get_mut(at) {
            open.take(fragment, &mut self.begun, &self.seed, out);
        }
    }

    /// Ends all calls. Whether there was any.
    pub(super) fn end(&mut self, out: &mut Vec<AnswerEvent>) -> bool {
        out.extend((0..self.begun).map(|index| AnswerEvent::CallEnd { index }));
        self.begun > 0
    }

    /// The call that a fragment goes on with; none if it begins another.
    fn find(&self, fragment: &Fragment) -> Option<usize> {
        let is_named = !fragment.name.is_empty();
        if let Some(id) = &fragment.id {
            let known = self.open.iter().rposition(|open| open.wire_id.as_ref() == Some(id));
            // An id that was never seen, with a name: another call, even under the same index.
            if known.is_some() || is_named {
                return known;
            }
        }
        let of_index = |index| self.open.iter().rposition(|open| open.wire_index == Some(index));
        let last = self.open.len().checked_sub(1);
        let at = match fragment.index {
            Some(index) if is_named => of_index(index),
            Some(index) => of_index(index).or(last),
            None => last,
        }?;
        let open = self.open.get(at)?;
        let begins_another = is_named && !open.name.is_empty() && (open.name != fragment.name || open.is_whole());
        (!begins_another).then_some(at)
    }
}

impl Open {
    fn new(fragment: &Fragment) -> Self {
        Self {
            wire_index: fragment.index,
            wire_id: fragment.id.clone(),
            name: String::new(),
            custom: fragment.custom,
            passed_on: None,
            arguments: String::new(),
            signature: None,
        }
    }

    fn take(&mut self, fragment: Fragment, begun: &mut usize, seed: &str, out: &mut Vec<AnswerEvent>) {
        self.signature = fragment.signature.or(self.signature.take());
        if self.name.is_empty() {
            self.name = fragment.name;
        }
        let delta = match self.passed_on {
            Some(_) => fragment.arguments,
            None if self.name.is_empty() => {
                // Nobody can be told of a call without its name.
                self.arguments.push_str(&fragment.arguments);
                return;
            }
            None => {
                let index = *begun;
                self.passed_on = Some(index);
                *begun += 1;
                let id = fragment.id.or_else(|| self.wire_id.clone()).unwrap_or_else(|| format!("call_{seed}_{index}"));
                out.push(AnswerEvent::CallBegin { index, id, name: self.name.clone(), custom: self.custom });
                std::mem::take(&mut self.arguments) + &fragment.arguments
            }
        };
        let Some(index) = self.passed_on else { return };
        if self.wire_id.is_none() {
            self.arguments.push_str(&delta);
        }
        if !delta.is_empty() {
            out.push(AnswerEvent::CallArguments { index, delta });
        }
        if let Some(data) = self.signature.take() {
            out.push(AnswerEvent::CallOpaque { index, opaque: signature::read(data) });
        }
    }

    /// Whether nothing can be missing: only asked of a call that no id tells apart.
    fn is_whole(&self) -> bool {
        self.wire_id.is_none() && self.arguments.starts_with('{') && serde_json::from_str::<IgnoredAny>(&self.arguments).is_ok()
    }
}
