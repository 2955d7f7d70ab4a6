//! Reads a caller's request and writes it for all upstreams. The first byte says which protocol it is.

#![no_main]

use easyai_protocols::fuzzing::{self, ALL};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let [which, data @ ..] = data {
        fuzzing::request(ALL[usize::from(*which) % ALL.len()], data);
    }
});
