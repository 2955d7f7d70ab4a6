//! Several calls that make one image each, as one answer: what came is delivered and paid for, even if some of it did not.

use easyai_core::failure::Failure;
use easyai_protocols::conversation::Notes;
use easyai_protocols::media::{ImageAnswer, MediaAnswer, gather};
use easyai_protocols::openai::error::WireError;

use super::line::made;
use crate::call::TextAnswer;
use crate::refusal::bad_response;

/// What one call gave, and the id of its answer.
pub(super) type One = Result<(ImageAnswer, Option<String>), Failure>;

/// Puts the answers together.
///
/// # Errors
/// The first failure, if no image came at all.
pub(super) fn gathered(calls: Vec<One>, notes: Notes) -> Result<TextAnswer, Failure> {
    let (mut first, mut id) = (None, None);
    let mut parts = Vec::with_capacity(calls.len());
    for call in calls {
        parts.push(match call {
            Ok((answer, of)) => {
                id = id.or(of);
                Ok(answer)
            }
            Err(failure) => {
                let error = item(&failure);
                first.get_or_insert(failure);
                Err(error)
            }
        });
    }
    match gather(parts) {
        Some(answer) => Ok(made(MediaAnswer::Images(answer), id, notes)),
        None => Err(first.unwrap_or_else(|| bad_response("no image came"))),
    }
}

/// A failed call as the failure of one image.
fn item(failure: &Failure) -> WireError {
    let code = failure.code.clone().or_else(|| Some(failure.category.as_str().to_owned()));
    WireError { message: failure.message.clone(), code, param: failure.param.clone(), ..WireError::default() }
}
