//! What of a stream has been delivered, kept cheaply: bytes are only copied while they pass, and read when somebody asks.

use easyai_core::media::MediaUsage;
use easyai_core::usage::Usage;
use easyai_protocols::bridge;
use easyai_protocols::sse::Reader;
use easyai_protocols::tokens::TextSize;
use easyai_protocols::wire::Protocol;

use crate::count;

/// Bytes kept for an exact count; what came before them is kept as an estimate. Some 60,000 tokens of chunks.
const KEPT_BYTES: usize = 1 << 20;

/// What was delivered of one stream.
#[derive(Debug)]
pub(crate) struct Tally {
    /// The caller's, in which the frames are.
    protocol: Protocol,
    input_tokens: u64,
    /// What was used as soon as the work began, beside tokens.
    begun: Option<MediaUsage>,
    frames: Vec<u8>,
    estimated_to: usize,
    estimate: TextSize,
    folded_tokens: u64,
}

impl Tally {
    /// Nothing yet, of an answer to a prompt of `input_tokens` that is expected to use `media` beside tokens.
    pub(crate) fn new(protocol: Protocol, input_tokens: u64, media: Option<MediaUsage>) -> Self {
        let begun = media.filter(|media| media.is_of_the_request());
        Self { protocol, input_tokens, begun, frames: Vec::new(), estimated_to: 0, estimate: TextSize::NOTHING, folded_tokens: 0 }
    }

    /// These whole frames go to the caller.
    pub(crate) fn delivered(&mut self, frames: &[u8]) {
        if !bridge::streams_text(self.protocol) {
            return;
        }
        self.frames.extend_from_slice(frames);
        if self.frames.len() > KEPT_BYTES {
            self.folded_tokens += self.estimated_tokens();
            self.frames.clear();
            self.estimated_to = 0;
            self.estimate = TextSize::default();
        }
    }

    fn estimated_tokens(&mut self) -> u64 {
        self.estimate.add(text_of(self.protocol, &self.frames[self.estimated_to..]).as_bytes());
        self.estimated_to = self.frames.len();
        self.estimate.tokens()
    }

    /// A quick count, for checkpoints.
    pub(crate) fn so_far(&mut self) -> Usage {
        let recent = self.estimated_tokens();
        self.usage(recent)
    }

    /// The count that is charged where the upstream gave none.
    pub(crate) async fn total(self) -> Usage {
        let recent = count::tokens(text_of(self.protocol, &self.frames)).await;
        self.usage(recent)
    }

    fn usage(&self, recent: u64) -> Usage {
        Usage { media: self.begun, ..Usage::counted(self.input_tokens, self.folded_tokens + recent) }
    }
}

fn text_of(protocol: Protocol, frames: &[u8]) -> String {
    let mut reader = Reader::new(frames.len());
    reader.push(bytes::Bytes::copy_from_slice(frames));
    reader.finish();
    let mut text = String::new();
    while let Ok(Some(event)) = reader.next() {
        bridge::event_text(protocol, &event.data, &mut text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: &[u8] = b"data: {\"choices\":[{\"delta\":{\"content\":\"12345678\"}}]}\n\n";

    #[test]
    fn checkpoints_grow_with_what_is_delivered() {
        let mut tally = Tally::new(Protocol::Chat, 7, None);
        assert_eq!(tally.so_far(), Usage::counted(7, 0));
        tally.delivered(FRAME);
        assert_eq!(tally.so_far(), Usage::counted(7, 2));
        tally.delivered(FRAME);
        assert_eq!(tally.so_far(), Usage::counted(7, 4));
    }

    #[test]
    fn a_very_long_stream_keeps_bounded_memory_and_its_count() {
        let mut tally = Tally::new(Protocol::Chat, 0, None);
        let frames = 2 * KEPT_BYTES / FRAME.len();
        (0..frames).for_each(|_| tally.delivered(FRAME));
        assert!(tally.frames.len() <= KEPT_BYTES);
        assert_eq!(tally.so_far().output_tokens, 2 * frames as u64);
    }

    #[tokio::test]
    async fn text_that_is_spoken_is_used_however_much_of_the_sound_comes() {
        for (media, expected) in [
            (MediaUsage::Speech { characters: 9 }, Some(MediaUsage::Speech { characters: 9 })),
            (MediaUsage::Images { count: 2, size: None, quality: None }, None),
        ] {
            let mut tally = Tally::new(Protocol::Speech, 3, Some(media));
            tally.delivered(b"data: no text but sound");
            assert!(tally.frames.is_empty());
            assert_eq!(tally.so_far().media, expected);
            assert_eq!(tally.total().await, Usage { media: expected, ..Usage::counted(3, 0) });
        }
    }

    #[tokio::test]
    async fn the_total_is_counted_exactly() {
        let mut tally = Tally::new(Protocol::Chat, 3, None);
        tally.delivered(b"data: {\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}\n\n");
        tally.delivered(b"data: {\"choices\":[{\"delta\":{\"content\":\" world\"}}]}\n\n");
        assert_eq!(tally.total().await, Usage::counted(3, 2));
    }
}
