//! What the scanner takes and refuses, against serde_json as the judge.

use proptest::prelude::*;

use super::*;

fn scan(text: &str) -> Result<(), JsonError> {
    let mut scanner = Scanner::new(text);
    scanner.skip()?;
    scanner.end()
}

#[test]
fn the_scanner_and_serde_json_agree_on_samples() {
    let samples = [
        "{}",
        "[]",
        "[1,2]",
        " { \"a\" : [ true , false , null ] } ",
        "\"\\u00e9\\n\"",
        "-0",
        "1.5e+3",
        "1e5",
        "01",
        "1.",
        ".5",
        "-",
        "+1",
        "1e",
        "tru",
        "nul",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "[1,]",
        "[,1]",
        "\"\\x\"",
        "\"\\u12\"",
        "\"a",
        "\"\n\"",
        "",
        " ",
        "1 2",
        "{}x",
        "{a:1}",
        "'a'",
        "[1 2]",
        "NaN",
    ];
    for text in samples {
        assert_eq!(scan(text).is_ok(), serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok(), "{text}");
    }
}

#[test]
fn what_is_too_deep_is_refused_and_what_is_not_is_taken() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(scan(&nested(MAX_DEPTH)).is_ok());
    assert!(scan(&nested(MAX_DEPTH + 1)).is_err());
    assert!(scan(&"[".repeat(1_000_000)).is_err());
    assert!(scan(&"{\"a\":".repeat(100_000)).is_err());
}

#[test]
fn data_urls_are_no_text() {
    let mut size = TextSize::default();
    let text = r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}"#;
    assert!(Scanner::new(text).measure(&mut size).is_ok());
    assert_eq!(size.tokens(), 3, "only `image_url`");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn the_scanner_and_serde_json_agree_on_broken_json(cut in 0usize..200, byte in 0u8..128, at in 0usize..200) {
        let whole = r#"{"model":"a\n\u00e9","n":-1.5e3,"x":[{},[],"",true,false,null,{"y":{"z":[1,2,3]}}],"messages":[{"role":"user","content":"hi \"there\""}]}"#;
        let mut text = whole.as_bytes()[..whole.len().min(cut + 1)].to_vec();
        if let Some(slot) = text.get_mut(at) {
            *slot = byte;
        }
        let text = String::from_utf8(text).unwrap();
        prop_assert_eq!(scan(&text).is_ok(), serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok(), "{}", text);
    }
}
