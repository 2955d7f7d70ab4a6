//! A chat body as Ark takes it, where the caller wrote it for OpenAI.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use memchr::memmem;

use crate::conversation::Notes;
use crate::json::{JsonError, Scanner, Sort};

/// A place that changes: what lies there gives way to these bytes.
type Edit = (Range<usize>, &'static [u8]);

/// A chat body in which what Ark refuses is changed: the role `developer`, and two bounds on output at once. None if there is nothing
/// of that sort: the bytes pass untouched.
///
/// `body` has been scanned; what is no JSON passes too.
#[must_use]
pub fn shape(body: &Bytes) -> Option<(Bytes, Notes)> {
    // Almost every body ends here.
    let has = |word: &[u8]| memmem::find(body, word).is_some();
    let may_have_both = has(b"\"max_tokens\"") && has(b"\"max_completion_tokens\"");
    if !may_have_both && !has(b"\"developer\"") {
        return None;
    }
    let draft = Draft::of(std::str::from_utf8(body).ok()?).ok()?;
    let mut notes = Notes::default();
    let mut edits = draft.roles;
    if !edits.is_empty() {
        notes.changed("messages[].role", "`developer` became `system`: Ark knows no other name for it");
    }
    // OpenAI's own rule where both are there: the newer name counts.
    if draft.bounds_completion
        && let Some(at) = draft.max_tokens
    {
        notes.dropped("max_tokens", "Ark does not take it together with `max_completion_tokens`");
        edits.push((at, b""));
    }
    (!edits.is_empty()).then(|| (edited(body, edits), notes))
}

#[derive(Default)]
struct Draft {
    /// Where `"developer"` stands as a role.
    roles: Vec<Edit>,
    /// Where `max_tokens` lies, with the comma that goes with it.
    max_tokens: Option<Range<usize>>,
    bounds_completion: bool,
}

impl Draft {
    fn of(text: &str) -> Result<Self, JsonError> {
        let mut draft = Self::default();
        let mut scanner = Scanner::new(text);
        scanner.peek()?;
        let mut end_of_last = None;
        let after_brace = scanner.position() + 1;
        scanner.object(|scanner, key| {
            let sort = scanner.peek()?;
            match (&*key, sort) {
                ("messages", Sort::Array) => scanner.array(|scanner, _index| message(scanner, &mut draft.roles))?,
                ("max_tokens", Sort::Number) => {
                    let end = scanner.skip()?.end;
                    // The comma before it goes too; if it is the first, the one behind it.
                    draft.max_tokens = Some(match end_of_last {
                        Some(start) => start..end,
                        None => after_brace..after_comma(text, end),
                    });
                }
                ("max_completion_tokens", Sort::Number) => {
                    draft.bounds_completion = true;
                    scanner.skip()?;
                }
                (_, _) => {
                    scanner.skip()?;
                }
            }
            end_of_last = Some(scanner.position());
            Ok::<_, JsonError>(())
        })?;
        Ok(draft)
    }
}

fn message(scanner: &mut Scanner<'_>, roles: &mut Vec<Edit>) -> Result<(), JsonError> {
    if scanner.peek()? != Sort::Object {
        return scanner.skip().map(drop);
    }
    scanner.object(|scanner, key| {
        let span = scanner.skip()?;
        if key == "role" && scanner.slice(&span) == "\"developer\"" {
            roles.push((span, b"\"system\""));
        }
        Ok(())
    })
}

fn after_comma(text: &str, from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let space = rest.len() - rest.trim_start().len();
    from + space + usize::from(rest.trim_start().starts_with(','))
}

fn edited(body: &Bytes, mut edits: Vec<Edit>) -> Bytes {
    edits.sort_by_key(|(at, _)| at.start);
    let mut out = BytesMut::with_capacity(body.len());
    let mut from = 0;
    for (at, with) in edits {
        out.extend_from_slice(body.get(from..at.start).unwrap_or_default());
        out.extend_from_slice(with);
        from = at.end;
    }
    out.extend_from_slice(body.get(from..).unwrap_or_default());
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: Option<(&str, &str)>) {
        let shaped = shape(&Bytes::copy_from_slice(body.as_bytes()));
        let shaped = shaped.map(|(body, notes)| (String::from_utf8(body.to_vec()).unwrap(), notes.fields()));
        assert_eq!(shaped.as_ref().map(|(body, fields)| (body.as_str(), fields.as_str())), expected, "{body}");
        if let Some((body, _)) = shaped {
            serde_json::from_str::<serde_json::Value>(&body).unwrap();
        }
    }

    #[test]
    fn only_what_ark_refuses_is_changed() {
        check(r#"{"model":"m","messages":[{"role":"user","content":"a"}],"max_tokens":5}"#, None);
        check(r#"{"messages":[{"role":"user","content":"\"developer\""}]}"#, None);
        check(r#"{"messages":[{"role":"user","content":"developer"}],"stop":"developer"}"#, None);
        check(
            r#"{"messages":[{ "role" : "developer","content":"developer"},{"content":"b","role":"developer"}],"x":1}"#,
            Some((r#"{"messages":[{ "role" : "system","content":"developer"},{"content":"b","role":"system"}],"x":1}"#, "messages[].role")),
        );
        check(
            r#"{"model":"m", "max_tokens": 5 ,"max_completion_tokens":7}"#,
            Some((r#"{"model":"m" ,"max_completion_tokens":7}"#, "max_tokens")),
        );
        check(r#"{"max_tokens":5 , "max_completion_tokens":7}"#, Some((r#"{ "max_completion_tokens":7}"#, "max_tokens")));
        check(r#"{"max_completion_tokens":7,"max_tokens":5}"#, Some((r#"{"max_completion_tokens":7}"#, "max_tokens")));
        check(r#"{"max_completion_tokens":null,"max_tokens":5}"#, None);
        check(r#"{"max_completion_tokens":7,"max_tokens":null}"#, None);
        check("{\"developer\"", None);
    }
}
