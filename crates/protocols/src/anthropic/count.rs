//! The answer of `POST /v1/messages/count_tokens`.

use bytes::Bytes;

/// `{"input_tokens":14}`.
#[must_use]
pub fn answer(tokens: u64) -> Bytes {
    Bytes::from(format!("{{\"input_tokens\":{tokens}}}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_count_is_all_there_is() {
        assert_eq!(&super::answer(14)[..], br#"{"input_tokens":14}"#);
    }
}
