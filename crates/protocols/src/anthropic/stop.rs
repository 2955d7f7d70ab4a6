//! Why an answer ended, in both directions (`providers.md` section 2.7).

use crate::conversation::{Stop, StopReason};

/// What a `stop_reason` means.
pub(super) fn read_stop(reason: &str) -> StopReason {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => StopReason::Length,
        "tool_use" => StopReason::ToolCalls,
        "refusal" => StopReason::ContentFilter,
        // `end_turn`, `stop_sequence`, `pause_turn`, and whatever compatible hosts invent.
        _other => StopReason::Stop,
    }
}

/// What an answer held that its `stop_reason` must agree with.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Held {
    /// Calls of tools: agents go on only if the reason says so.
    pub(super) calls: bool,
    /// A refusal in words, for which there is no block.
    pub(super) refusal: bool,
}

/// The `stop_reason`.
pub(super) const fn write_stop(stop: &Stop, held: Held) -> &'static str {
    match stop.reason {
        StopReason::Stop if held.refusal => "refusal",
        StopReason::Stop if held.calls => "tool_use",
        StopReason::Stop if stop.sequence.is_some() => "stop_sequence",
        StopReason::Stop => "end_turn",
        StopReason::Length => "max_tokens",
        StopReason::ToolCalls => "tool_use",
        StopReason::ContentFilter => "refusal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_have_words_on_both_sides() {
        let check = |wire: &str, reason: StopReason| assert_eq!(read_stop(wire), reason, "{wire}");
        check("end_turn", StopReason::Stop);
        check("stop_sequence", StopReason::Stop);
        check("pause_turn", StopReason::Stop);
        check("tool_use", StopReason::ToolCalls);
        check("max_tokens", StopReason::Length);
        check("model_context_window_exceeded", StopReason::Length);
        check("refusal", StopReason::ContentFilter);
        check("new_reason", StopReason::Stop);

        let none = Held::default();
        let check = |reason: StopReason, sequence: Option<&str>, held: Held, wire: &str| {
            assert_eq!(write_stop(&Stop { reason, sequence: sequence.map(str::to_owned) }, held), wire);
        };
        check(StopReason::Stop, None, none, "end_turn");
        check(StopReason::Stop, Some("END"), none, "stop_sequence");
        check(StopReason::Stop, None, Held { calls: true, ..none }, "tool_use");
        check(StopReason::Stop, None, Held { refusal: true, ..none }, "refusal");
        check(StopReason::Length, None, Held { calls: true, ..none }, "max_tokens");
        check(StopReason::ToolCalls, None, none, "tool_use");
        check(StopReason::ContentFilter, None, none, "refusal");
    }
}
