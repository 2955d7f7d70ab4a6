//! Reads a stream of server-sent events, in one piece and in small ones.

#![no_main]

use easyai_protocols::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    fuzzing::sse(data);
});
