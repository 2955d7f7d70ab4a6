//! The turns of a request: where they lie, how long their text is, and what in them is no text.

use std::ops::Range;

use crate::json::{JsonError, Scanner, Sort};
use crate::request::BadRequest;
use crate::responses::expand::REFERENCE;
use crate::tokens::TextSize;

/// What was found in `input`, or in `messages`.
#[derive(Debug, Default)]
pub(super) struct Turns {
    pub(super) span: Range<usize>,
    /// How many items.
    pub(super) count: usize,
    pub(super) size: TextSize,
    /// There are images.
    pub(super) vision: bool,
    /// There is audio.
    pub(super) audio: bool,
    /// Items of earlier responses are referred to.
    pub(super) refers: bool,
}

/// Reads the turns, a string or an array of items; `null` is none.
pub(super) fn turns(scanner: &mut Scanner<'_>, name: &str) -> Result<Option<Turns>, BadRequest> {
    let mut turns = Turns::default();
    match scanner.peek()? {
        Sort::Null => {
            scanner.skip()?;
            return Ok(None);
        }
        Sort::String => {
            turns.count = 1;
            turns.span = scanner.measure(&mut turns.size)?;
        }
        Sort::Array => {
            let start = scanner.position();
            scanner.array(|scanner, index| {
                turns.count = index + 1;
                if scanner.peek()? != Sort::Object {
                    let problem = "must be an item: an object with a `type`, or with `role` and `content`";
                    return Err(BadRequest::field(&format!("{name}[{index}]"), problem));
                }
                turns.item(scanner, &|key| format!("{name}[{index}].{key}"))
            })?;
            if turns.count == 0 {
                return Err(BadRequest::field(name, "is empty: send at least one item"));
            }
            turns.span = start..scanner.position();
        }
        Sort::Bool | Sort::Number | Sort::Object => return Err(BadRequest::field(name, "must be a string or an array of items")),
    }
    Ok(Some(turns))
}

impl Turns {
    fn item(&mut self, scanner: &mut Scanner<'_>, at: &dyn Fn(&str) -> String) -> Result<(), BadRequest> {
        let (mut kind, mut has_role, mut seen) = (None, false, [false; 3]);
        scanner.object(|scanner, key| {
            // Whether it is a reference, and to what, hangs on these: another reader might take the other one.
            if let Some(place) = ["type", "role", "id"].iter().position(|known| *known == key)
                && std::mem::replace(&mut seen[place], true)
            {
                return Err(BadRequest::field(&at(&key), "stands twice in the item: send it once"));
            }
            match (&*key, scanner.peek()?) {
                ("content" | "output", Sort::Array) => scanner.array(|scanner, _index| self.part(scanner))?,
                // What only its owner can read, and pictures: no text.
                ("encrypted_content" | "result", _) => scanner.skip().map(|_span| ())?,
                ("type", Sort::String) => kind = Some(scanner.measure(&mut self.size)?),
                (key, sort) => {
                    has_role |= key == "role" && sort != Sort::Null;
                    scanner.measure(&mut self.size)?;
                }
            }
            Ok(())
        })?;
        self.refers |= match kind {
            Some(kind) => scanner.unescaped(&kind)? == REFERENCE,
            None => !has_role,
        };
        Ok(())
    }

    fn part(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        if scanner.peek()? != Sort::Object {
            return scanner.measure(&mut self.size).map(drop);
        }
        scanner.object(|scanner, key| {
            if matches!(&*key, "image_url" | "input_audio" | "file_data") {
                return scanner.skip().map(drop);
            }
            let span = scanner.measure(&mut self.size)?;
            if key == "type" {
                match scanner.slice(&span) {
                    "\"input_image\"" | "\"image_url\"" => self.vision = true,
                    "\"input_audio\"" => self.audio = true,
                    _other => {}
                }
            }
            Ok(())
        })
    }
}
