//! Changing a few places of JSON without reading, or touching, the rest.

use std::ops::Range;

use bytes::Bytes;

/// One change: what lies at `at` becomes `with`. An empty range inserts.
#[derive(Debug)]
pub(crate) struct Edit {
    pub(crate) at: Range<usize>,
    pub(crate) with: Bytes,
}

impl Edit {
    /// What lies at `at` becomes the JSON string `text`.
    pub(crate) fn text(at: Range<usize>, text: &str) -> Self {
        // A string can't fail to be written.
        Self { at, with: Bytes::from(serde_json::to_vec(text).unwrap_or_default()) }
    }
}

/// The body after `edits`, as pieces that share its memory. The edits don't overlap.
pub(crate) fn splice(body: &Bytes, mut edits: Vec<Edit>) -> Vec<Bytes> {
    edits.sort_by_key(|edit| edit.at.start);
    let mut pieces = Vec::with_capacity(edits.len() * 2 + 1);
    let mut from = 0;
    for edit in edits {
        pieces.push(body.slice(from..edit.at.start));
        pieces.push(edit.with);
        from = edit.at.end;
    }
    pieces.push(body.slice(from..));
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// The same in one piece, of what can't be shared.
pub(crate) fn spliced(data: &[u8], mut edits: Vec<Edit>) -> Bytes {
    edits.sort_by_key(|edit| edit.at.start);
    let mut out = Vec::with_capacity(data.len() + edits.iter().map(|edit| edit.with.len()).sum::<usize>());
    let mut from = 0;
    for edit in &edits {
        out.extend_from_slice(&data[from..edit.at.start]);
        out.extend_from_slice(&edit.with);
        from = edit.at.end;
    }
    out.extend_from_slice(&data[from..]);
    Bytes::from(out)
}

/// The body of a request that calls the model `name`: what lies at `at`, or a new member before the brace at `end`.
pub(crate) fn with_model(body: &Bytes, at: Option<&Range<usize>>, end: usize, name: &str) -> Vec<Bytes> {
    let Some(at) = at else {
        let member = serde_json::to_string(name).map(|name| format!(",\"model\":{name}")).unwrap_or_default();
        return splice(body, vec![Edit { at: end..end, with: Bytes::from(member) }]);
    };
    let edit = Edit::text(at.clone(), name);
    if body.get(at.clone()) == Some(&*edit.with) { vec![body.clone()] } else { splice(body, vec![edit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_edited_places_change() {
        let body = Bytes::from_static(b"0123456789");
        let edit = |at: Range<usize>, with: &'static str| Edit { at, with: Bytes::from_static(with.as_bytes()) };
        let pieces = splice(&body, vec![edit(9..9, "x"), edit(0..2, "ab")]);
        assert_eq!(pieces.concat(), b"ab2345678x9");
        assert_eq!(pieces[1].as_ptr(), body[2..].as_ptr(), "the rest is not copied");
        assert_eq!(splice(&body, Vec::new()), vec![body.clone()]);
        assert_eq!(spliced(&body, vec![edit(9..9, "x"), edit(0..2, "ab")]), "ab2345678x9");
    }
}
