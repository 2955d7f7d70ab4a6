//! Some upstreams answer numbers whatever was asked, some base64: the vectors are written as the caller asked, the rest stays.

use std::ops::Range;

use bytes::Bytes;

use super::Encoding;
use super::encoding::{Vector, Written};
use crate::json::splice::{Edit, splice};
use crate::json::{JsonError, Scanner, Sort};

/// The answer with its vectors as `wanted`; none if they are already, or if it is not an answer that can be read.
///
/// The first vector decides: an answer that needs no change is not read beyond it.
#[must_use]
pub fn reencode(body: &Bytes, wanted: Encoding) -> Option<Bytes> {
    let text = std::str::from_utf8(body).ok()?;
    let mut scanner = Scanner::new(text);
    let mut found = Vec::new();
    vectors(&mut scanner, wanted, &mut found).ok()?;
    if found.is_empty() {
        return None;
    }
    let edits: Option<Vec<Edit>> = found.into_iter().map(|at| rewritten(text, at, wanted)).collect();
    Some(Bytes::from(splice(body, edits?).concat()))
}

/// An answer that is left as it is: its vectors are as wanted, or it can't be read.
struct Leave;

impl From<JsonError> for Leave {
    fn from(_error: JsonError) -> Self {
        Self
    }
}

/// Where the vectors lie that must change.
fn vectors(scanner: &mut Scanner<'_>, wanted: Encoding, found: &mut Vec<Range<usize>>) -> Result<(), Leave> {
    if scanner.peek()? != Sort::Object {
        return Err(Leave);
    }
    scanner.object(|scanner, key| {
        if key != "data" || scanner.peek()? != Sort::Array {
            return scanner.skip().map(drop).map_err(Leave::from);
        }
        scanner.array(|scanner, _index| {
            if scanner.peek()? != Sort::Object {
                return Err(Leave);
            }
            scanner.object(|scanner, key| {
                if key != "embedding" {
                    return scanner.skip().map(drop).map_err(Leave::from);
                }
                if form(scanner)? == wanted {
                    return Err(Leave);
                }
                found.push(scanner.skip()?);
                Ok(())
            })
        })
    })?;
    scanner.end()?;
    Ok(())
}

fn form(scanner: &mut Scanner<'_>) -> Result<Encoding, Leave> {
    match scanner.peek()? {
        Sort::Array => Ok(Encoding::Float),
        Sort::String => Ok(Encoding::Base64),
        Sort::Null | Sort::Bool | Sort::Number | Sort::Object => Err(Leave),
    }
}

fn rewritten(text: &str, at: Range<usize>, encoding: Encoding) -> Option<Edit> {
    let vector: Vector = serde_json::from_str(text.get(at.clone())?).ok()?;
    let with = serde_json::to_vec(&Written { vector: &vector.0, encoding }).ok()?;
    Some(Edit { at, with: Bytes::from(with) })
}
