//! A stream's frames: `event: <type>`, then the data, whose `type` is the same. SDKs go by the event's name and pass over what has none.
//!
//! Source: `providers.md` sections 3.3 and 9.3.

use bytes::{BufMut, BytesMut};
use serde::{Deserialize, Serialize};

use crate::openai::lenient::Word;

/// How nearly all events begin.
const TYPE_FIRST: &[u8] = b"{\"type\":\"";

/// Appends one event. `data` is JSON on one line, as serde_json writes it.
pub(super) fn write_frame(out: &mut BytesMut, name: &str, data: &impl Serialize) {
    write_name(out, name.as_bytes());
    // Strings and numbers can't fail to be written, nor can the buffer.
    let _ = serde_json::to_writer((&mut *out).writer(), data);
    out.extend_from_slice(b"\n\n");
}

/// Appends an upstream's event as it came, under the name that SDKs expect: some compatible hosts leave it out.
pub fn pass_on(data: &[u8], out: &mut BytesMut) {
    match name_in_front(data) {
        Some(name) => write_name(out, name),
        None => write_name(out, name_somewhere(data).as_deref().unwrap_or("message").as_bytes()),
    }
    // A reader joins the data lines of one event with line feeds; `data` may hold them.
    for (index, line) in data.split(|byte| *byte == b'\n').enumerate() {
        if index > 0 {
            out.extend_from_slice(b"\ndata: ");
        }
        out.extend_from_slice(line);
    }
    out.extend_from_slice(b"\n\n");
}

fn write_name(out: &mut BytesMut, name: &[u8]) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name);
    out.extend_from_slice(b"\ndata: ");
}

fn name_in_front(data: &[u8]) -> Option<&[u8]> {
    let rest = data.strip_prefix(TYPE_FIRST)?;
    let name = rest.get(..memchr::memchr(b'"', rest)?)?;
    is_name(name).then_some(name)
}

fn name_somewhere(data: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Typed {
        #[serde(default, rename = "type")]
        kind: Word,
    }
    let typed: Typed = serde_json::from_slice(data).ok()?;
    typed.kind.0.filter(|name| is_name(name.as_bytes()))
}

/// A line break in a name would begin another field.
fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_that_pass_by_keep_their_bytes_and_get_their_name() {
        let check = |data: &str, expected: &str| {
            let mut out = BytesMut::new();
            pass_on(data.as_bytes(), &mut out);
            assert_eq!(std::str::from_utf8(&out).unwrap(), expected, "{data}");
        };
        check(r#"{"type":"ping"}"#, "event: ping\ndata: {\"type\":\"ping\"}\n\n");
        check(r#"{ "index" : 0, "type" : "new_event" }"#, "event: new_event\ndata: { \"index\" : 0, \"type\" : \"new_event\" }\n\n");
        check("{\n\"type\":\"ping\"}", "event: ping\ndata: {\ndata: \"type\":\"ping\"}\n\n");
        check(r#"{"type":"a\nid: 7"}"#, "event: message\ndata: {\"type\":\"a\\nid: 7\"}\n\n");
        check("42", "event: message\ndata: 42\n\n");
    }
}
