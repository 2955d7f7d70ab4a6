//! Reads forms, requests for media, and answers and events with media. The first byte says which.

#![no_main]

use easyai_protocols::fuzzing::{self, FORM, MEDIA};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let [which, data @ ..] = data {
        let kind = MEDIA[usize::from(*which >> 2) % MEDIA.len()];
        match which & 3 {
            0 => drop((fuzzing::form(data), fuzzing::media_request(kind, Some(FORM), data))),
            1 => drop(fuzzing::media_request(kind, None, data)),
            2 => drop(fuzzing::media_answer(data)),
            _ => drop(fuzzing::media_event(data)),
        }
    }
});
