//! The simulation's words: the same for the same prompt, on every machine and in every version.

/// Words of an answer, at least and at most.
const LEAST_WORDS: u64 = 12;
const MORE_WORDS: u64 = 28;

/// How much of the prompt is repeated.
const QUOTED_CHARS: usize = 60;

const WORDS: [&str; 32] = [
    "a",
    "calm",
    "answer",
    "comes",
    "from",
    "here",
    "and",
    "each",
    "word",
    "of",
    "it",
    "is",
    "chosen",
    "by",
    "your",
    "prompt",
    "so",
    "that",
    "the",
    "same",
    "question",
    "gives",
    "one",
    "text",
    "again",
    "without",
    "any",
    "model",
    "behind",
    "this",
    "simulated",
    "platform",
];

/// The answer to `prompt`.
pub(super) fn answer(prompt: &str) -> String {
    let quoted: String = prompt.chars().take(QUOTED_CHARS).collect();
    let mut state = hash(prompt);
    let words = LEAST_WORDS + next(&mut state) % MORE_WORDS;
    let mut text = format!("You said: \"{quoted}\".");
    for _ in 0..words {
        text.push(' ');
        let index = usize::try_from(next(&mut state) % WORDS.len() as u64).unwrap_or(0);
        text.push_str(WORDS[index]);
    }
    text.push('.');
    text
}

/// FNV-1a, 64 bits.
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// SplitMix64.
pub(super) const fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The text cut into `count` deltas, or at its words. Never an empty delta: what is missing is filled up.
pub(super) fn deltas(text: &str, count: Option<std::num::NonZeroU32>, filler: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_inclusive(' ').collect();
    let Some(count) = count.and_then(|count| usize::try_from(count.get()).ok()) else {
        return words.into_iter().map(str::to_owned).collect();
    };
    if count <= words.len() {
        let size = words.len().div_ceil(count);
        let mut pieces: Vec<String> = words.chunks(size).map(<[&str]>::concat).collect();
        // Rounding may give fewer pieces than asked for: the rest are blanks, which tokens of their own would be too.
        pieces.resize(count, " ".to_owned());
        return pieces;
    }
    let mut pieces: Vec<String> = words.into_iter().map(str::to_owned).collect();
    pieces.resize(count, filler.to_owned());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_prompt_gives_the_same_text() {
        assert_eq!(answer("hello"), answer("hello"));
        assert_ne!(answer("hello"), answer("hello!"));
    }

    #[test]
    fn a_text_is_cut_into_as_many_deltas_as_asked_for() {
        let text = answer("hello");
        assert_eq!(deltas(&text, None, " ").concat(), text);
        for count in [1, 5, 50, 500] {
            let pieces = deltas(&text, std::num::NonZeroU32::new(count), " ");
            assert_eq!(pieces.len(), count as usize);
            assert!(pieces.iter().all(|piece| !piece.is_empty()));
        }
    }
}
