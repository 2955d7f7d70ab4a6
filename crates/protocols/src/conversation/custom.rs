//! Custom tools, which take free text, for protocols that only have functions: sent as a function with one string `input`, and taken
//! apart again in the answer, so that no protocol's writer or reader need know of it.
//!
//! Source: `providers.md` section 2.3.

use serde_json::{Value, json};

use super::{Answer, AnswerEvent, Conversation, Part, Tool, ToolKind};

#[derive(serde::Serialize)]
struct Written<'a> {
    input: &'a str,
}

#[derive(serde::Deserialize)]
struct Read {
    input: String,
}

/// The one parameter of the function that stands for a custom tool, as a JSON schema.
#[must_use]
pub fn parameters() -> Value {
    json!({"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"], "additionalProperties": false})
}

/// A custom tool's description with its grammar, which a function has no field for.
#[must_use]
pub fn description(description: Option<&str>, format: Option<&Value>) -> Option<String> {
    let Some((syntax, definition)) = format.and_then(grammar) else { return description.map(str::to_owned) };
    let grammar = format!("`input` must follow this grammar ({syntax}):\n{definition}");
    Some(description.map_or_else(|| grammar.clone(), |text| format!("{text}\n\n{grammar}")))
}

/// Whether a custom tool has a grammar.
#[must_use]
pub fn has_grammar(format: Option<&Value>) -> bool {
    format.and_then(grammar).is_some()
}

/// A grammar's syntax and definition. Chat nests them under `grammar`, Responses does not.
#[must_use]
pub fn grammar(format: &Value) -> Option<(&str, &str)> {
    let grammar = format.get("grammar").unwrap_or(format);
    Some((grammar.get("syntax")?.as_str()?, grammar.get("definition")?.as_str()?))
}

/// The arguments of a function that stands for a custom tool called with `input`.
#[must_use]
pub fn wrap(input: &str) -> String {
    // A string alone can't fail to be written.
    serde_json::to_string(&Written { input }).unwrap_or_default()
}

/// The text in what [`wrap`] describes. A model that sent something else meant that.
fn unwrap(arguments: String) -> String {
    serde_json::from_str::<Read>(&arguments).map_or(arguments, |read| read.input)
}

impl Tool {
    /// Whether it takes free text.
    #[must_use]
    pub const fn is_custom(&self) -> bool {
        matches!(self.kind, ToolKind::Custom { .. })
    }
}

impl Conversation {
    /// The names of the tools that take free text.
    #[must_use]
    pub fn custom_tool_names(&self) -> Vec<String> {
        self.tools.iter().filter(|tool| tool.is_custom()).map(|tool| tool.name.clone()).collect()
    }
}

/// Turns calls of functions that stand for custom tools back into calls of these. Calls that are custom already pass.
#[derive(Debug, Default)]
pub struct CustomCalls {
    names: Vec<String>,
    /// By the call's index: what is known of the arguments so far, for those that are taken apart.
    held: Vec<Option<String>>,
}

impl CustomCalls {
    /// For answers to `conversation`; none if it has no custom tools, and nothing need be done.
    #[must_use]
    pub fn of(conversation: &Conversation) -> Option<Self> {
        let names = conversation.custom_tool_names();
        (!names.is_empty()).then_some(Self { names, held: Vec::new() })
    }

    /// Passes one step on. The input of a custom call comes in one piece, when the call ends: cutting a string out of JSON that is not
    /// complete would gain nothing, since a tool starts only then.
    pub fn event(&mut self, event: AnswerEvent, out: &mut Vec<AnswerEvent>) {
        match event {
            AnswerEvent::CallBegin { index, id, name, custom } => {
                let held = !custom && self.names.contains(&name);
                if held {
                    // Indexes have no gaps, so this grows with the number of calls.
                    self.held.resize(self.held.len().max(index.saturating_add(1)), None);
                    self.set(index, Some(String::new()));
                }
                out.push(AnswerEvent::CallBegin { index, id, name, custom: custom || held });
            }
            AnswerEvent::CallArguments { index, delta } => match self.held.get_mut(index) {
                Some(Some(arguments)) => arguments.push_str(&delta),
                Some(None) | None => out.push(AnswerEvent::CallArguments { index, delta }),
            },
            AnswerEvent::CallEnd { index } => {
                self.release(index, out);
                out.push(AnswerEvent::CallEnd { index });
            }
            AnswerEvent::Stop(stop) => {
                (0..self.held.len()).for_each(|index| self.release(index, out));
                out.push(AnswerEvent::Stop(stop));
            }
            AnswerEvent::Begin { .. }
            | AnswerEvent::Text(_)
            | AnswerEvent::TextOpaque(_)
            | AnswerEvent::Citation(_)
            | AnswerEvent::Reasoning(_)
            | AnswerEvent::ReasoningOpaque(_)
            | AnswerEvent::Refusal(_)
            | AnswerEvent::CallOpaque { .. }
            | AnswerEvent::Image(_)
            | AnswerEvent::Usage(_)
            | AnswerEvent::Error(_) => out.push(event),
        }
    }

    /// The same for a whole answer.
    pub fn answer(&self, answer: &mut Answer) {
        for part in &mut answer.parts {
            if let Part::ToolCall(call) = part
                && !call.custom
                && self.names.contains(&call.name)
            {
                call.custom = true;
                call.arguments = unwrap(std::mem::take(&mut call.arguments));
            }
        }
    }

    fn set(&mut self, index: usize, value: Option<String>) {
        if let Some(held) = self.held.get_mut(index) {
            *held = value;
        }
    }

    fn release(&mut self, index: usize, out: &mut Vec<AnswerEvent>) {
        if let Some(arguments) = self.held.get_mut(index).and_then(Option::take) {
            let delta = unwrap(arguments);
            if !delta.is_empty() {
                out.push(AnswerEvent::CallArguments { index, delta });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::{Stop, ToolCall};

    fn calls() -> CustomCalls {
        let tool = |name: &str, kind| Tool { name: name.to_owned(), description: None, kind };
        let tools =
            vec![tool("patch", ToolKind::Custom { format: None }), tool("f", ToolKind::Function { parameters: None, strict: None })];
        CustomCalls::of(&Conversation { tools, ..Conversation::default() }).unwrap()
    }

    fn begin(index: usize, name: &str, custom: bool) -> AnswerEvent {
        AnswerEvent::CallBegin { index, id: format!("c{index}"), name: name.to_owned(), custom }
    }

    fn arguments(index: usize, delta: &str) -> AnswerEvent {
        AnswerEvent::CallArguments { index, delta: delta.to_owned() }
    }

    fn check(events: Vec<AnswerEvent>, expected: Vec<AnswerEvent>) {
        let (mut calls, mut out) = (calls(), Vec::new());
        events.into_iter().for_each(|event| calls.event(event, &mut out));
        assert_eq!(out, expected);
    }

    #[test]
    fn a_custom_tools_function_is_taken_apart_and_others_pass() {
        check(
            vec![
                begin(0, "f", false),
                begin(1, "patch", false),
                arguments(1, "{\"inp"),
                arguments(0, "{}"),
                arguments(1, "ut\":\"a\\nb\"}"),
            ]
            .into_iter()
            .chain([AnswerEvent::CallEnd { index: 1 }, AnswerEvent::CallEnd { index: 0 }, AnswerEvent::Stop(Stop::default())])
            .collect(),
            vec![
                begin(0, "f", false),
                begin(1, "patch", true),
                arguments(0, "{}"),
                arguments(1, "a\nb"),
                AnswerEvent::CallEnd { index: 1 },
                AnswerEvent::CallEnd { index: 0 },
                AnswerEvent::Stop(Stop::default()),
            ],
        );
    }

    #[test]
    fn what_is_custom_already_or_no_such_object_stays_as_it_is() {
        check(
            vec![begin(0, "patch", true), arguments(0, "{\"input\":\"a\"}")],
            vec![begin(0, "patch", true), arguments(0, "{\"input\":\"a\"}")],
        );
        check(
            vec![begin(0, "patch", false), arguments(0, "*** Begin"), AnswerEvent::Stop(Stop::default())],
            vec![begin(0, "patch", true), arguments(0, "*** Begin"), AnswerEvent::Stop(Stop::default())],
        );
    }

    #[test]
    fn whole_answers_are_taken_apart_too() {
        let call = |arguments: &str, custom| {
            Part::ToolCall(ToolCall { id: "c".to_owned(), name: "patch".to_owned(), arguments: arguments.to_owned(), custom, opaque: None })
        };
        let mut answer = Answer { parts: vec![call(&wrap("a \"b\""), false)], ..Answer::default() };
        calls().answer(&mut answer);
        assert_eq!(answer.parts, [call("a \"b\"", true)]);
        assert!(CustomCalls::of(&Conversation::default()).is_none());
    }

    #[test]
    fn a_grammar_becomes_part_of_the_description() {
        let nested = json!({"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: X"}});
        let flat = json!({"type": "grammar", "syntax": "lark", "definition": "start: X"});
        let expected = "d\n\n`input` must follow this grammar (lark):\nstart: X";
        assert_eq!(description(Some("d"), Some(&nested)).as_deref(), Some(expected));
        assert_eq!(description(Some("d"), Some(&flat)).as_deref(), Some(expected));
        assert_eq!(description(Some("d"), Some(&json!({"type": "text"}))).as_deref(), Some("d"));
        assert_eq!(description(None, None), None);
    }
}
