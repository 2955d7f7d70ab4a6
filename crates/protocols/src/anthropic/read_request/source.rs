//! Images and documents.

use super::Found;
use super::member::{Content, Object};
use crate::conversation::{Media, Part, Source, Text};
use crate::request::BadRequest;

const SOURCE_TYPE: &str = "say what the source is: `base64`, `url` or `file`";

pub(super) fn image(block: &Object<'_>, found: &mut Found) -> Result<Part, BadRequest> {
    let source = block.need("source", "send the image's source")?.object()?;
    let source = match &*source.kind(SOURCE_TYPE)? {
        "base64" => inline(&source, None)?,
        "url" => Source::Url { url: string(&source, "url", "send the image's address")?, media_type: None },
        "file" => stored(&source, found)?,
        other => return Err(unknown(&source, other)),
    };
    Ok(Part::Image(Media { source, name: None, detail: None }))
}

/// A document: a file, or what it says if that is text.
pub(super) fn document(block: &Object<'_>, found: &mut Found) -> Result<Vec<Part>, BadRequest> {
    let title = block.get("title").map(|title| title.string()).transpose()?.map(|title| title.into_owned());
    let context = block.get("context").map(|context| context.string()).transpose()?;
    if block.get("citations").is_some() {
        found.tunes("citations");
    }
    let mut parts: Vec<Part> = context.map(|context| Part::Text(Text::plain(context))).into_iter().collect();
    let source = block.need("source", "send the document's source")?.object()?;
    let kind = source.kind(SOURCE_TYPE)?;
    let source = match &*kind {
        "base64" => inline(&source, Some("application/pdf"))?,
        "url" => Source::Url {
            url: string(&source, "url", "send the document's address")?,
            // The only sort that may lie behind a URL.
            media_type: Some("application/pdf".to_owned()),
        },
        "file" => stored(&source, found)?,
        "text" => {
            parts.push(Part::Text(Text::plain(titled(title.as_deref(), &string(&source, "data", "send the document's text")?))));
            return Ok(parts);
        }
        "content" => {
            parts.extend(title.map(|title| Part::Text(Text::plain(title))));
            parts.extend(content(&source, found)?);
            return Ok(parts);
        }
        other => return Err(unknown(&source, other)),
    };
    parts.push(Part::File(Media { source, name: title, detail: None }));
    Ok(parts)
}

fn titled(title: Option<&str>, text: &str) -> String {
    title.map_or_else(|| text.to_owned(), |title| format!("{title}\n\n{text}"))
}

/// A document that the caller has put together itself.
fn content(source: &Object<'_>, found: &mut Found) -> Result<Vec<Part>, BadRequest> {
    let mut parts = Vec::new();
    match source.need("content", "send the document's content")?.content()? {
        Content::Text(text) => parts.push(Part::Text(Text::plain(text))),
        Content::Blocks(blocks) => {
            for block in blocks {
                match &*block.kind("send `text` or `image`")? {
                    "text" => parts.push(Part::Text(Text::plain(string(&block, "text", "send the text")?))),
                    "image" => parts.push(image(&block, found)?),
                    other => found.only_here(block.path(), other),
                }
            }
        }
    }
    Ok(parts)
}

fn inline(source: &Object<'_>, usual: Option<&str>) -> Result<Source, BadRequest> {
    let media_type = match (source.get("media_type"), usual) {
        (None, Some(usual)) => usual.to_owned(),
        (Some(_), _) | (None, None) => string(source, "media_type", "say what it is, such as `image/png`")?,
    };
    Ok(Source::Inline { media_type, data: string(source, "data", "send the bytes in base64")? })
}

fn stored(source: &Object<'_>, found: &mut Found) -> Result<Source, BadRequest> {
    found.only_here(source.path(), "a stored file");
    Ok(Source::Stored(string(source, "file_id", "send the file's id")?))
}

fn unknown(source: &Object<'_>, kind: &str) -> BadRequest {
    BadRequest::field(&format!("{}.type", source.path()), format!("is `{kind}`, which is not known here"))
}

fn string(object: &Object<'_>, name: &str, hint: &str) -> Result<String, BadRequest> {
    Ok(object.need(name, hint)?.string()?.into_owned())
}
