//! The calls of a chat stream, put together from their fragments.

use crate::conversation::AnswerEvent;
use crate::openai::call_identity::{Identity, find};
use crate::openai::delta::{Call, Function};
use crate::openai::signature;

/// What is kept of the answer's id in the ids of calls: enough to be unique in a conversation, short enough for everybody (OpenAI takes
/// 40 characters).
const SEED: usize = 24;

/// A call, or a piece of one.
pub(super) struct Fragment {
    identity: Identity,
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
    identity: Identity,
    custom: bool,
    /// Its index in the inner form, once its name is known.
    passed_on: Option<usize>,
    /// Arguments that came before the name.
    waiting: String,
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
        Self { identity: Identity::new(index, call.id.0, name), arguments, custom, signature }
    }
}

impl From<Function> for Fragment {
    /// The old `function_call`: there is only one, and it has no id.
    fn from(function: Function) -> Self {
        let identity = Identity::new(None, None, function.name.0);
        Self { identity, arguments: function.arguments.0, custom: false, signature: None }
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
        let at = find(&self.open, &fragment.identity, |open| &open.identity).unwrap_or_else(|| {
            self.open.push(Open::new(fragment.identity.index, fragment.custom));
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
}

impl Open {
    fn new(index: Option<u64>, custom: bool) -> Self {
        let identity = Identity::new(index, None, String::new());
        Self { identity, custom, passed_on: None, waiting: String::new(), signature: None }
    }

    fn take(&mut self, fragment: Fragment, begun: &mut usize, seed: &str, out: &mut Vec<AnswerEvent>) {
        self.signature = fragment.signature.or(self.signature.take());
        self.identity.learn(fragment.identity);
        self.identity.called_with(&fragment.arguments);
        let delta = match self.passed_on {
            Some(_) => fragment.arguments,
            None if self.identity.name.is_empty() => {
                // Nobody can be told of a call without its name.
                self.waiting.push_str(&fragment.arguments);
                return;
            }
            None => {
                let index = *begun;
                self.passed_on = Some(index);
                *begun += 1;
                let id = self.identity.id.clone().unwrap_or_else(|| format!("call_{seed}_{index}"));
                out.push(AnswerEvent::CallBegin { index, id, name: self.identity.name.clone(), custom: self.custom });
                std::mem::take(&mut self.waiting) + &fragment.arguments
            }
        };
        let Some(index) = self.passed_on else { return };
        if !delta.is_empty() {
            out.push(AnswerEvent::CallArguments { index, delta });
        }
        if let Some(data) = self.signature.take() {
            out.push(AnswerEvent::CallOpaque { index, opaque: signature::read(data) });
        }
    }
}
