//! Where an answer comes from: `groundingMetadata` and `citationMetadata`.
//!
//! Google counts bytes of the answer's text where we count characters.

use super::shape::{List, Object};
use crate::conversation::Citation;
use crate::openai::lenient::{Count, Word};

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct GroundingMetadata {
    grounding_chunks: List<Object<GroundingChunk>>,
    grounding_supports: List<Object<GroundingSupport>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct GroundingChunk {
    web: Object<Source>,
    retrieved_context: Object<Source>,
    maps: Object<Source>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Source {
    uri: Word,
    title: Word,
    text: Word,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct GroundingSupport {
    segment: Object<Segment>,
    grounding_chunk_indices: List<Count>,
}

#[derive(Debug, Default, Clone, Copy, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Segment {
    start_index: Count,
    end_index: Count,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct CitationMetadata {
    citation_sources: List<Object<CitationSource>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CitationSource {
    start_index: Count,
    end_index: Count,
    uri: Word,
    title: Word,
}

impl GroundingMetadata {
    /// One citation for each statement and each of its sources; sources that support no statement come without a span.
    pub(super) fn into_citations(self, said: &str) -> Vec<Citation> {
        let sources: Vec<Source> = self
            .grounding_chunks
            .0
            .into_iter()
            .map(|chunk| chunk.0.unwrap_or_default())
            .map(|chunk| chunk.web.0.or(chunk.retrieved_context.0).or(chunk.maps.0).unwrap_or_default())
            .collect();
        let mut used = vec![false; sources.len()];
        let mut citations = Vec::new();
        for support in self.grounding_supports.objects() {
            let span = support.segment.0.and_then(|segment| characters(said, segment.start_index, segment.end_index));
            for index in support.grounding_chunk_indices.0 {
                let at = usize::try_from(index.0).unwrap_or(usize::MAX);
                if let (Some(source), Some(used)) = (sources.get(at), used.get_mut(at)) {
                    *used = true;
                    citations.push(source.citation(span));
                }
            }
        }
        let unused = sources.iter().zip(used).filter(|(_, used)| !used);
        citations.extend(unused.map(|(source, _)| source.citation(None)));
        citations.retain(|citation| citation.url.is_some() || citation.title.is_some());
        citations
    }
}

impl Source {
    fn citation(&self, span: Option<(u64, u64)>) -> Citation {
        Citation { url: self.uri.0.clone(), title: self.title.0.clone(), cited_text: self.text.0.clone(), span }
    }
}

impl CitationMetadata {
    /// Recited sources.
    pub(super) fn into_citations(self, said: &str) -> Vec<Citation> {
        let citation = |source: CitationSource| Citation {
            span: characters(said, source.start_index, source.end_index),
            url: source.uri.0,
            title: source.title.0,
            cited_text: None,
        };
        self.citation_sources.objects().filter(|source| source.uri.0.is_some()).map(citation).collect()
    }
}

/// A span of bytes as one of characters; none if it lies outside the text or cuts a character.
fn characters(said: &str, start: Count, end: Count) -> Option<(u64, u64)> {
    let start = usize::try_from(start.0).ok()?;
    let before = said.get(..start)?;
    let inside = said.get(start..usize::try_from(end.0).ok()?)?;
    let from = before.chars().count() as u64;
    (!inside.is_empty()).then(|| (from, from + inside.chars().count() as u64))
}

/// `groundingMetadata` for a caller.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown<'a> {
    grounding_chunks: Vec<ShownChunk<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    grounding_supports: Vec<ShownSupport<'a>>,
}

#[derive(Debug, serde::Serialize)]
struct ShownChunk<'a> {
    web: ShownSource<'a>,
}

#[derive(Debug, PartialEq, serde::Serialize)]
struct ShownSource<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
}

#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownSupport<'a> {
    segment: ShownSegment<'a>,
    grounding_chunk_indices: [usize; 1],
}

#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownSegment<'a> {
    start_index: usize,
    end_index: usize,
    text: &'a str,
}

/// Citations of the text `said`; none if there are none.
pub(super) fn show<'a>(citations: &'a [Citation], said: &'a str) -> Option<Shown<'a>> {
    let mut shown = Shown { grounding_chunks: Vec::new(), grounding_supports: Vec::new() };
    for citation in citations {
        let web = ShownSource { uri: citation.url.as_deref(), title: citation.title.as_deref() };
        let known = shown.grounding_chunks.iter().position(|chunk| chunk.web == web);
        let index = known.unwrap_or_else(|| {
            shown.grounding_chunks.push(ShownChunk { web });
            shown.grounding_chunks.len() - 1
        });
        let segment = citation.span.and_then(|(from, to)| segment(said, from, to));
        shown.grounding_supports.extend(segment.map(|segment| ShownSupport { segment, grounding_chunk_indices: [index] }));
    }
    (!shown.grounding_chunks.is_empty()).then_some(shown)
}

fn segment(said: &str, from: u64, to: u64) -> Option<ShownSegment<'_>> {
    let byte = |character: u64| {
        let ends = said.char_indices().map(|(at, _)| at).chain([said.len()]);
        usize::try_from(character).ok().and_then(|character| ends.into_iter().nth(character))
    };
    let (start_index, end_index) = (byte(from)?, byte(to)?);
    Some(ShownSegment { start_index, end_index, text: said.get(start_index..end_index)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_characters_and_back() {
        let said = "é漢 is so";
        let wire = r#"{"groundingChunks":[{"web":{"uri":"u","title":"t"}},{"web":{"uri":"v"}},3],
            "groundingSupports":[{"segment":{"startIndex":0,"endIndex":5},"groundingChunkIndices":[0,9]},
                                 {"segment":{"endIndex":1},"groundingChunkIndices":[0]}],"webSearchQueries":["q"]}"#;
        let citations = serde_json::from_str::<GroundingMetadata>(wire).unwrap().into_citations(said);
        let url = |citation: &Citation| citation.url.clone().unwrap();
        let found: Vec<_> = citations.iter().map(|citation| (url(citation), citation.span)).collect();
        assert_eq!(found, [("u".to_owned(), Some((0, 2))), ("u".to_owned(), None), ("v".to_owned(), None)]);
        assert_eq!(
            serde_json::to_string(&show(&citations, said)).unwrap(),
            r#"{"groundingChunks":[{"web":{"uri":"u","title":"t"}},{"web":{"uri":"v"}}],"groundingSupports":[{"segment":{"startIndex":0,"endIndex":5,"text":"é漢"},"groundingChunkIndices":[0]}]}"#
        );
        assert!(show(&[], said).is_none());
    }
}
