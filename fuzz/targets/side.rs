//! Looks at a stream that passes by. The first byte says which protocol it is.

#![no_main]

use easyai_protocols::fuzzing::{self, TEXTS};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let [which, data @ ..] = data {
        fuzzing::side(TEXTS[usize::from(*which) % TEXTS.len()], data);
    }
});
