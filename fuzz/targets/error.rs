//! Reads an upstream's error and tells it to all callers.

#![no_main]

use easyai_protocols::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    fuzzing::error(data);
});
