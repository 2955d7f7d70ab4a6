//! Turns an upstream's stream into a caller's. The first two bytes say which protocols they speak.

#![no_main]

use easyai_protocols::fuzzing::{self, TEXTS};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let [upstream, caller, data @ ..] = data {
        let protocol = |which: u8| TEXTS[usize::from(which) % TEXTS.len()];
        fuzzing::stream(protocol(*upstream), protocol(*caller), data);
    }
});
