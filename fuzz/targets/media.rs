//! Reads what upstreams answer that make or hear media.

#![no_main]

use easyai_protocols::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    fuzzing::media(data);
});
