//! Reads a form from its whole bytes, without copying what lies in it.

use std::ops::Range;

use bytes::Bytes;
use memchr::memmem::{self, Finder};

use super::parameters::parameter;
use crate::request::BadRequest;

/// The most parts of one form: sixteen images and every field that we know are half of them.
pub const MAX_PARTS: usize = 64;

/// The head of one part: a name, a file's name and a type take a few hundred bytes.
const MAX_HEAD_BYTES: usize = 8 << 10;

/// The longest name of a field. Ours have thirty letters.
const MAX_NAME_BYTES: usize = 256;

/// RFC 2046 section 5.1.1.
const MAX_BOUNDARY_BYTES: usize = 70;

/// One part of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The field's name, brackets included.
    pub name: String,
    /// What its sender calls the file, if it is one.
    pub filename: Option<String>,
    /// What its sender says it is.
    pub content_type: Option<String>,
    /// What lies in it.
    pub data: Bytes,
    /// Where that lies in the body.
    pub data_at: Range<usize>,
    /// Where the whole part lies: from its delimiter's dashes to the next delimiter's. A form without these bytes is a form without the
    /// part.
    pub at: Range<usize>,
}

impl Part {
    /// Whether it is a file and no text: it has a name of a file, or says that it is something else than text.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.filename.is_some() || self.content_type.as_deref().is_some_and(|kind| !kind.starts_with("text/") && !kind.contains("json"))
    }
}

/// The parts of the form in `body`, in order.
///
/// # Errors
/// [`BadRequest`] says what is wrong: no boundary, cut off, too many parts, a part without a name.
pub fn parts(content_type: &str, body: &Bytes) -> Result<Vec<Part>, BadRequest> {
    let delimiter = format!("\r\n--{}", boundary(content_type)?);
    let reader = Reader { body, finder: Finder::new(delimiter.as_bytes()), delimiter: delimiter.as_bytes() };
    let mut at = reader.first()?;
    let mut parts = Vec::new();
    while let Some(head_at) = reader.head(at)? {
        if parts.len() == MAX_PARTS {
            return Err(BadRequest::whole(format!("the form has more than {MAX_PARTS} parts")));
        }
        let part = reader.part(at, head_at, parts.len() + 1)?;
        at = part.at.end;
        parts.push(part);
    }
    Ok(parts)
}

fn boundary(content_type: &str) -> Result<String, BadRequest> {
    let boundary = parameter(content_type, "boundary").filter(|boundary| !boundary.is_empty());
    let boundary = boundary.ok_or_else(|| {
        BadRequest::whole("the form can't be read: `content-type` names no boundary; let your HTTP library set this header")
    })?;
    if boundary.len() > MAX_BOUNDARY_BYTES {
        return Err(BadRequest::whole(format!("the form's boundary is longer than {MAX_BOUNDARY_BYTES} characters")));
    }
    Ok(boundary)
}

struct Reader<'a> {
    body: &'a Bytes,
    finder: Finder<'a>,
    /// With the line break before it.
    delimiter: &'a [u8],
}

impl Reader<'_> {
    fn rest(&self, from: usize) -> &[u8] {
        self.body.get(from..).unwrap_or_default()
    }

    /// The dashes of the first delimiter. Text may stand before it, for readers of mail.
    fn first(&self) -> Result<usize, BadRequest> {
        let dashes = self.delimiter.get(2..).unwrap_or_default();
        if self.body.starts_with(dashes) {
            return Ok(0);
        }
        let missing = || BadRequest::whole("the form has no part: the boundary that `content-type` names does not stand in it");
        self.next(0).map(|at| at + 2).ok_or_else(missing)
    }

    /// The line break before the next delimiter. What only begins like one, such as another form's, is data.
    fn next(&self, from: usize) -> Option<usize> {
        self.finder.find_iter(self.rest(from)).map(|found| from + found).find(|at| {
            let after = self.rest(at + self.delimiter.len());
            matches!(after, [b' ' | b'\t', ..] | [b'\r', b'\n', ..] | [b'-', b'-', ..])
        })
    }

    /// Where the head of the part begins whose delimiter's dashes stand at `at`; none after the last part.
    fn head(&self, at: usize) -> Result<Option<usize>, BadRequest> {
        let after = at + self.delimiter.len() - 2;
        let rest = self.rest(after);
        if rest.starts_with(b"--") {
            return Ok(None);
        }
        let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if !self.rest(after + padding).starts_with(b"\r\n") {
            return Err(BadRequest::whole("the form can't be read: a boundary is not followed by a line break"));
        }
        Ok(Some(after + padding + 2))
    }

    /// The part whose delimiter's dashes stand at `at`, and whose head begins at `head_at`; it is the form's `number`th.
    fn part(&self, at: usize, head_at: usize, number: usize) -> Result<Part, BadRequest> {
        let rest = self.rest(head_at);
        // A part without any head has only the empty line.
        let (head_length, gap) = if rest.starts_with(b"\r\n") { (0, 2) } else { (self.head_length(rest, number)?, 4) };
        let head = std::str::from_utf8(rest.get(..head_length).unwrap_or_default())
            .map_err(|_| BadRequest::whole(format!("the head of the form's part {number} is not UTF-8")))?;
        let head = Head::read(head, number)?;
        let start = head_at + head_length + gap;
        let end = self.next(start).ok_or_else(|| {
            BadRequest::field(&head.name, "is cut off: the form ends in the middle of it, without the boundary that closes it")
        })?;
        let Head { name, filename, content_type } = head;
        Ok(Part { name, filename, content_type, data: self.body.slice(start..end), data_at: start..end, at: at..end + 2 })
    }

    fn head_length(&self, rest: &[u8], number: usize) -> Result<usize, BadRequest> {
        let window = rest.get(..MAX_HEAD_BYTES).unwrap_or(rest);
        memmem::find(window, b"\r\n\r\n").ok_or_else(|| {
            let what = if rest.len() > MAX_HEAD_BYTES { "is longer than 8 KiB" } else { "is cut off" };
            BadRequest::whole(format!("the head of the form's part {number} {what}"))
        })
    }
}

/// What stands above a part.
struct Head {
    name: String,
    filename: Option<String>,
    content_type: Option<String>,
}

impl Head {
    fn read(text: &str, number: usize) -> Result<Self, BadRequest> {
        let line =
            |name: &str| text.split("\r\n").filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim().eq_ignore_ascii_case(name));
        let disposition = line("content-disposition").map(|(_, value)| value).unwrap_or_default();
        let name = parameter(disposition, "name").filter(|name| !name.is_empty()).ok_or_else(|| {
            BadRequest::whole(format!("the form's part {number} has no name: send `content-disposition: form-data; name=\"…\"`"))
        })?;
        if name.len() > MAX_NAME_BYTES {
            return Err(BadRequest::whole(format!("the name of the form's part {number} is longer than {MAX_NAME_BYTES} bytes")));
        }
        if let Some((_, encoding)) = line("content-transfer-encoding")
            && !["binary", "7bit", "8bit"].iter().any(|known| encoding.trim().eq_ignore_ascii_case(known))
        {
            return Err(BadRequest::field(&name, format!("is encoded as `{}`: send its bytes as they are", encoding.trim())));
        }
        let content_type = line("content-type").map(|(_, value)| value.trim().to_ascii_lowercase()).filter(|kind| !kind.is_empty());
        Ok(Self { name, filename: parameter(disposition, "filename"), content_type })
    }
}
