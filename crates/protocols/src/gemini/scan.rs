//! The one pass over a request's body: what we act on, checked, and where it lies. Model and streaming are in the path.

mod value;

use std::ops::Range;

use bytes::Bytes;

use self::value::{each, positive, string};
use crate::json::{JsonError, Scanner, Sort};
use crate::request::{BadRequest, Framing, Needs, Scan, Spans, TextRequest};
use crate::tokens::TextSize;
use crate::wire::Protocol;

/// No provider's model name is longer.
const MAX_MODEL_NAME: usize = 256;

/// Google's bound on `candidateCount`.
const MAX_CANDIDATES: u64 = 8;

/// What a turn costs beside its text.
const TOKENS_A_TURN: u64 = 4;

#[derive(Default)]
struct Draft {
    contents: Option<(Range<usize>, usize)>,
    max_output_tokens: Option<u64>,
    candidates: Option<u64>,
    cached_content: Option<Range<usize>>,
    needs: Needs,
    size: TextSize,
    seen: Vec<&'static str>,
}

/// Checks the body of a call of `model`, whose answer is streamed or not, and in which framing.
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong.
pub fn scan(body: Bytes, model: &str, stream: bool, framing: Framing) -> Result<TextRequest, BadRequest> {
    if model.trim().is_empty() || model.len() > MAX_MODEL_NAME || model.chars().any(char::is_control) {
        return Err(BadRequest::field("model", "must be named in the path, as GET /v1beta/models lists it"));
    }
    let text = std::str::from_utf8(&body).map_err(|error| {
        BadRequest::whole(format!("the request body is not UTF-8: byte {} is not part of a character", error.valid_up_to()))
    })?;
    let mut scanner = Scanner::new(text);
    if text.trim_ascii().is_empty() || scanner.peek()? != Sort::Object {
        return Err(BadRequest::whole("the request body must be a JSON object with `contents`"));
    }
    let mut draft = Draft::default();
    scanner.object(|scanner, key| draft.member(scanner, &key))?;
    scanner.end()?;
    let end = text.trim_ascii_end().len() - 1;
    let scan = draft.finish(model, stream, end)?;
    Ok(TextRequest::new(Protocol::GenerateContent, body, scan, framing))
}

impl Draft {
    fn member(&mut self, scanner: &mut Scanner<'_>, key: &str) -> Result<(), BadRequest> {
        match key {
            "contents" => {
                self.once("contents")?;
                self.contents(scanner)
            }
            "systemInstruction" | "system_instruction" => {
                self.once("systemInstruction")?;
                if scanner.peek()? == Sort::Null { pass(scanner) } else { self.content(scanner, "systemInstruction") }
            }
            "tools" => {
                self.once("tools")?;
                each(scanner, "tools", |scanner, _index| {
                    self.needs.tools = true;
                    scanner.measure(&mut self.size).map(drop).map_err(BadRequest::from)
                })
                .map(drop)
            }
            "toolConfig" | "tool_config" => {
                self.once("toolConfig")?;
                members(scanner, "toolConfig", |scanner, key| match key {
                    "functionCallingConfig" | "function_calling_config" => {
                        members(scanner, "toolConfig.functionCallingConfig", |scanner, key| match key {
                            "mode" => {
                                let mode = string(scanner, "toolConfig.functionCallingConfig.mode")?;
                                self.needs.tool_call = mode.is_some_and(|mode| mode.eq_ignore_ascii_case("ANY"));
                                Ok(())
                            }
                            _other => pass(scanner),
                        })
                    }
                    _other => pass(scanner),
                })
            }
            "generationConfig" | "generation_config" => {
                self.once("generationConfig")?;
                members(scanner, "generationConfig", |scanner, key| self.config(scanner, key))
            }
            "cachedContent" | "cached_content" => {
                self.once("cachedContent")?;
                let sort = scanner.peek()?;
                let span = scanner.skip()?;
                self.cached_content = (sort == Sort::String && span.len() > 2).then_some(span);
                Ok(())
            }
            _other => pass(scanner),
        }
    }

    /// A member that we act on may come only once, in either spelling: another reader might act on the other one.
    fn once(&mut self, name: &'static str) -> Result<(), BadRequest> {
        if self.seen.contains(&name) {
            return Err(BadRequest::field(name, "stands twice in the body: send it once"));
        }
        self.seen.push(name);
        Ok(())
    }

    fn config(&mut self, scanner: &mut Scanner<'_>, key: &str) -> Result<(), BadRequest> {
        match key {
            "maxOutputTokens" | "max_output_tokens" => {
                self.once("generationConfig.maxOutputTokens")?;
                self.max_output_tokens = positive(scanner, "generationConfig.maxOutputTokens")?;
            }
            "candidateCount" | "candidate_count" => {
                self.once("generationConfig.candidateCount")?;
                self.candidates = positive(scanner, "generationConfig.candidateCount")?;
            }
            "responseMimeType" | "response_mime_type" => {
                self.once("generationConfig.responseMimeType")?;
                let media_type = string(scanner, "generationConfig.responseMimeType")?;
                self.needs.json |= media_type.is_some_and(|media_type| media_type == "application/json");
            }
            "responseSchema" | "response_schema" | "responseJsonSchema" | "response_json_schema" | "_responseJsonSchema" => {
                let sort = scanner.peek()?;
                scanner.skip()?;
                self.needs.json_schema |= sort == Sort::Object;
            }
            "responseModalities" | "response_modalities" => {
                each(scanner, "generationConfig.responseModalities", |scanner, _index| {
                    let modality = string(scanner, "generationConfig.responseModalities")?;
                    self.needs.audio |= modality.is_some_and(|modality| modality.eq_ignore_ascii_case("AUDIO"));
                    Ok(())
                })?;
            }
            _other => pass(scanner)?,
        }
        Ok(())
    }

    fn contents(&mut self, scanner: &mut Scanner<'_>) -> Result<(), BadRequest> {
        scanner.peek()?;
        let start = scanner.position();
        let count = each(scanner, "contents", |scanner, index| self.content(scanner, &format!("contents[{index}]")))?;
        if count == 0 {
            return Err(BadRequest::field("contents", "is empty: send at least one turn"));
        }
        self.contents = Some((start..scanner.position(), count));
        Ok(())
    }

    fn content(&mut self, scanner: &mut Scanner<'_>, path: &str) -> Result<(), BadRequest> {
        if scanner.peek()? != Sort::Object {
            return Err(BadRequest::field(path, "must be an object with `parts`"));
        }
        members(scanner, path, |scanner, key| match key {
            "parts" => {
                let path = format!("{path}.parts");
                each(scanner, &path, |scanner, index| self.part(scanner, &path, index)).map(drop)
            }
            "role" => string(scanner, &format!("{path}.role")).map(drop),
            _other => pass(scanner),
        })
    }

    fn part(&mut self, scanner: &mut Scanner<'_>, path: &str, index: usize) -> Result<(), BadRequest> {
        if scanner.peek()? != Sort::Object {
            return Err(BadRequest::field(&format!("{path}[{index}]"), "must be an object, such as {\"text\": \"…\"}"));
        }
        scanner.object(|scanner, key| match &*key {
            "text" => match scanner.peek()? {
                Sort::String | Sort::Null => scanner.measure(&mut self.size).map(drop).map_err(BadRequest::from),
                Sort::Bool | Sort::Number | Sort::Array | Sort::Object => {
                    Err(BadRequest::field(&format!("{path}[{index}].text"), "must be a string"))
                }
            },
            "inlineData" | "inline_data" | "fileData" | "file_data" => {
                let path = format!("{path}[{index}].{key}");
                members(scanner, &path, |scanner, key| match key {
                    "mimeType" | "mime_type" => {
                        let media_type = string(scanner, &format!("{path}.mimeType"))?.unwrap_or_default();
                        self.needs.vision |= media_type.starts_with("image/") || media_type.starts_with("video/");
                        self.needs.audio |= media_type.starts_with("audio/");
                        Ok(())
                    }
                    _data => pass(scanner),
                })
            }
            "functionResponse" | "function_response" => {
                let path = format!("{path}[{index}].{key}");
                members(scanner, &path, |scanner, key| match key {
                    "parts" => {
                        let path = format!("{path}.parts");
                        each(scanner, &path, |scanner, index| self.part(scanner, &path, index)).map(drop)
                    }
                    _text => scanner.measure(&mut self.size).map(drop).map_err(BadRequest::from),
                })
            }
            "functionCall" | "function_call" | "executableCode" | "executable_code" | "codeExecutionResult" | "code_execution_result" => {
                scanner.measure(&mut self.size).map(drop).map_err(BadRequest::from)
            }
            // Signatures among others: they are long, and no text.
            _other => pass(scanner),
        })
    }

    fn finish(self, model: &str, stream: bool, end: usize) -> Result<Scan, BadRequest> {
        let Some((turns, count)) = self.contents else {
            return Err(BadRequest::field("contents", "is missing: send an array of turns"));
        };
        let candidates = self.candidates.unwrap_or(1);
        if candidates > MAX_CANDIDATES {
            return Err(BadRequest::field("generationConfig.candidateCount", format!("must be from 1 to {MAX_CANDIDATES}")));
        }
        Ok(Scan {
            model: model.into(),
            stream,
            // Every chunk may tell it: there is no choice here.
            include_usage: true,
            max_output_tokens: self.max_output_tokens,
            choices: u32::try_from(candidates).unwrap_or(1),
            needs: Needs { json: self.needs.json || self.needs.json_schema, ..self.needs },
            prompt_tokens: self.size.tokens().saturating_add(TOKENS_A_TURN.saturating_mul(count as u64)),
            spans: Spans { turns, cache_key: self.cached_content, end, ..Spans::default() },
        })
    }
}

fn pass(scanner: &mut Scanner<'_>) -> Result<(), BadRequest> {
    scanner.skip().map(drop).map_err(BadRequest::from)
}

/// Every member of an object, or none of null.
fn members(
    scanner: &mut Scanner<'_>,
    path: &str,
    mut member: impl FnMut(&mut Scanner<'_>, &str) -> Result<(), BadRequest>,
) -> Result<(), BadRequest> {
    match scanner.peek()? {
        Sort::Null => pass(scanner),
        Sort::Object => scanner.object(|scanner, key| member(scanner, &key)),
        Sort::Bool | Sort::Number | Sort::String | Sort::Array => Err(BadRequest::field(path, "must be an object")),
    }
}

/// Where the value of a member of the body lies; none if it has none.
pub(super) fn member_span(text: &str, names: [&str; 2]) -> Result<Option<Range<usize>>, JsonError> {
    let mut scanner = Scanner::new(text);
    let mut found = None;
    scanner.object(|scanner, key| {
        let is_wanted = names.contains(&&*key) && scanner.peek()? == Sort::Object;
        let span = scanner.skip()?;
        if is_wanted {
            found = Some(span);
        }
        Ok::<_, JsonError>(())
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests;
