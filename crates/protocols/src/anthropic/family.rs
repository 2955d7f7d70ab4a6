//! What a model behind the Messages API takes, by its name.
//!
//! Source: `providers.md` section 9.6.

/// What is the same for a line of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Family {
    /// The bound on an answer that is sent if the caller has none.
    pub(super) usual_max_output: u64,
    /// The greatest bound that is taken, if it is known.
    pub(super) max_output: Option<u64>,
    /// Whether answers can be held to a JSON schema.
    pub(super) structured: bool,
    /// How it is told to think.
    pub(super) thinking: ThinkingStyle,
    /// Whether it takes temperature and the like.
    pub(super) sampling: bool,
    /// Whether it goes on from an answer that the caller began.
    pub(super) prefill: bool,
}

/// How a model is told to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ThinkingStyle {
    /// As much as it sees fit, led by an effort in words; the newest know `xhigh`.
    Adaptive { xhigh: bool },
    /// Up to so many tokens.
    Budget,
    /// Not at all, or nobody knows how.
    Unknown,
}

/// The newest models, and Claude models that are newer than this list.
const NEWEST: Family = Family {
    usual_max_output: 128_000,
    max_output: Some(128_000),
    structured: true,
    thinking: ThinkingStyle::Adaptive { xhigh: true },
    sampling: false,
    prefill: false,
};

const FOUR_SIX: Family = Family { thinking: ThinkingStyle::Adaptive { xhigh: false }, sampling: true, prefill: true, ..NEWEST };

const FOUR_FIVE: Family = budget(64_000, true);

const OPUS_FOUR_ONE: Family = budget(32_000, true);

const SONNET_FOUR: Family = budget(64_000, false);

const OPUS_FOUR: Family = budget(32_000, false);

/// Claude 3 and older, and other models behind this API: their true bounds differ, so that none is enforced.
const OTHER: Family = Family {
    usual_max_output: 4_096,
    max_output: None,
    structured: false,
    thinking: ThinkingStyle::Unknown,
    sampling: true,
    prefill: true,
};

const fn budget(max_output: u64, structured: bool) -> Family {
    Family {
        usual_max_output: max_output,
        max_output: Some(max_output),
        structured,
        thinking: ThinkingStyle::Budget,
        sampling: true,
        prefill: true,
    }
}

impl Family {
    /// The family of a model by the name that its host has for it: `claude-sonnet-4-5-20250929`, `anthropic/claude-sonnet-4.5`,
    /// `us.anthropic.claude-sonnet-4-5-v1:0`.
    pub(super) fn of(model: &str) -> Self {
        let name = model.to_ascii_lowercase().replace('.', "-");
        if ["claude-3", "claude-2", "claude-instant"].iter().any(|old| name.contains(old)) {
            return OTHER;
        }
        let version = |line: &str| version_after(name.split_once(line)?.1);
        if let Some((major, minor)) = version("opus-") {
            return match (major, minor) {
                (..4, _) => OTHER,
                (4, 0) => OPUS_FOUR,
                (4, 1..=4) => OPUS_FOUR_ONE,
                (4, 5) => FOUR_FIVE,
                (4, 6) => FOUR_SIX,
                (4.., _) => NEWEST,
            };
        }
        if let Some((major, minor)) = version("sonnet-") {
            return match (major, minor) {
                (..4, _) => OTHER,
                (4, 0..=4) => SONNET_FOUR,
                (4, 5) => FOUR_FIVE,
                (4, 6) => FOUR_SIX,
                (4.., _) => NEWEST,
            };
        }
        if version("haiku-") == Some((4, 5)) {
            return FOUR_FIVE;
        }
        let is_claude = name.contains("claude") || version("haiku-").is_some() || version("fable-").is_some();
        if is_claude { NEWEST } else { OTHER }
    }
}

/// `4-5-20250929` is 4.5, `4-20250514` is 4.0: a date is no minor version.
fn version_after(rest: &str) -> Option<(u64, u64)> {
    let mut pieces = rest.split(|letter: char| !letter.is_ascii_digit());
    let number = |piece: Option<&str>| piece.filter(|digits| (1..=2).contains(&digits.len())).and_then(|digits| digits.parse().ok());
    let major = number(pieces.next())?;
    // What is glued on by anything but a dash is no version: `-v1:0`, `@20250805`.
    let has_minor = rest.trim_start_matches(|letter: char| letter.is_ascii_digit()).starts_with('-');
    Some((major, has_minor.then(|| number(pieces.next())).flatten().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_known_by_every_hosts_name() {
        let check = |model: &str, family: Family| assert_eq!(Family::of(model), family, "{model}");
        for newest in
            ["claude-opus-5", "claude-fable-5-20260101", "claude-sonnet-5", "claude-opus-4-8", "claude-opus-4-7", "claude-opus-4-12"]
        {
            check(newest, NEWEST);
        }
        check("claude-something-9", NEWEST);
        check("claude-haiku-5", NEWEST);
        check("claude-sonnet-4-6", FOUR_SIX);
        check("claude-opus-4-6", FOUR_SIX);
        check("claude-sonnet-4-5-20250929", FOUR_FIVE);
        check("anthropic/claude-sonnet-4.5", FOUR_FIVE);
        check("us.anthropic.claude-haiku-4-5-20251001-v1:0", FOUR_FIVE);
        check("claude-opus-4-5", FOUR_FIVE);
        check("claude-opus-4-1@20250805", OPUS_FOUR_ONE);
        check("claude-sonnet-4-20250514", SONNET_FOUR);
        check("claude-sonnet-4@20250514", SONNET_FOUR);
        check("claude-sonnet-4-0", SONNET_FOUR);
        check("claude-opus-4-20250514", OPUS_FOUR);
        check("claude-3-haiku-20240307", OTHER);
        check("claude-3-7-sonnet-latest", OTHER);
        check("claude-3-opus-20240229", OTHER);
        check("claude-2.1", OTHER);
        check("deepseek-v4", OTHER);
        check("glm-5", OTHER);
        check("", OTHER);
    }
}
