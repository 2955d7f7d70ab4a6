//! What is a price, what it shows again, and what is said of what is none.

use super::super::rates::MAX_RATES;
use super::*;

fn read(text: &str) -> Result<Price, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[test]
fn a_price_reads_back_what_it_shows() {
    for text in [
        concat!(
            r#"{"input_per_million":"1.25","cached_input_per_million":"0.125","output_per_million":"10","per_request":"0.01","#,
            r#""tiers":[{"above_input_tokens":200000,"input_per_million":"2.5","output_per_million":"15"}]}"#
        ),
        r#"{"per_request":"0.002"}"#,
        r#"{"per_image":"0.04"}"#,
        r#"{"per_image":[{"size":"1024x1024","quality":"high","price":"0.167"},{"size":"1536x1024","price":"0.1"},{"price":"0.04"}]}"#,
        r#"{"per_second":"0.1"}"#,
        r#"{"per_second":[{"resolution":"4k","audio":true,"price":"0.6"},{"audio":false,"price":"0.2"},{"price":"0.4"}]}"#,
        r#"{"per_million_video_tokens":[{"resolution":"1080p","video_input":true,"price":"31"},{"video_input":false,"price":"46"}]}"#,
        r#"{"per_million_characters":"15"}"#,
        r#"{"per_minute":"0.006"}"#,
        r#"{"input_per_million":"0.3","output_per_million":"2.5","per_image":"0.039"}"#,
        r#"{"per_image":"0.04","per_minute":"0.006","per_million_video_tokens":"15","per_million_characters":"15"}"#,
    ] {
        assert_eq!(serde_json::to_string(&read(text).unwrap()).unwrap(), text);
    }
}

#[test]
fn what_is_not_a_price_is_refused_by_name() {
    for (text, expected) in [
        (r#"{"input_per_million":"1","output_per_million":"1","ouput":"1"}"#, "unknown field `ouput`"),
        (r#"{"input_per_million":"1"}"#, "missing field `output_per_million`"),
        (r#"{"input_per_million":"1","per_image":"1"}"#, "missing field `output_per_million`"),
        (r#"{"output_per_million":"1"}"#, "missing field `input_per_million`"),
        (r#"{"cached_input_per_million":"1"}"#, "missing field `input_per_million`"),
        (
            r#"{"per_image":"1","tiers":[{"above_input_tokens":5,"input_per_million":"1","output_per_million":"1"}]}"#,
            "missing field `input_per_million`",
        ),
        (r#"{"input_per_million":"-1","output_per_million":"1"}"#, "`input_per_million` is -1"),
        (r#"{"input_per_million":1.5,"output_per_million":"1"}"#, "invalid type: floating point"),
        (
            r#"{"input_per_million":"1","output_per_million":"1","tiers":[{"above_input_tokens":5,"above":2,"input_per_million":"1","output_per_million":"1"}]}"#,
            "unknown field `above`",
        ),
        (r"{}", "it has no component: give it `input_per_million` and `output_per_million`, or `per_image`"),
        (r#"{"per_image":0.04}"#, "invalid type: floating point `0.04`, expected a list of prices or a string"),
        (r#"{"per_image":"dear"}"#, "`dear` is not an amount"),
        (r#"{"per_image":{"price":"1"}}"#, "invalid type: map, expected a list of prices or a string"),
        (r#"{"per_image":[]}"#, "`per_image` has no entry"),
        (r#"{"per_image":[{"price":"-1"}]}"#, "`per_image` is -1"),
        (r#"{"per_image":[{"size":"big","price":"1"}]}"#, "`big` is not a size"),
        (r#"{"per_image":[{"quality":"best","price":"1"}]}"#, "`best` is not a image quality: use one of low, medium"),
        (r#"{"per_image":[{"resolution":"720p","price":"1"}]}"#, "unknown field `resolution`"),
        (r#"{"per_image":[{"size":"8x8"}]}"#, "missing field `price`"),
        (r#"{"per_second":[{"size":"8x8","price":"1"}]}"#, "unknown field `size`"),
        (r#"{"per_second":[{"resolution":"8k","price":"1"}]}"#, "`8k` is not a resolution"),
        (r#"{"per_second":[{"audio":"yes","price":"1"}]}"#, "invalid type: string"),
        (r#"{"per_second":[{"price":"1"},{"audio":true,"price":"2"}]}"#, "entry 2 of `per_second` is never reached: entry 1"),
        (
            r#"{"per_image":[{"size":"8x8","price":"1"},{"quality":"hd","price":"1"},{"size":"8x8","quality":"hd","price":"2"}]}"#,
            "entry 3 of `per_image` is never reached: entry 1",
        ),
        (
            r#"{"per_second":"1","per_million_video_tokens":"1"}"#,
            "`per_second` and `per_million_video_tokens` are prices of the same thing",
        ),
        (r#"{"per_second":"1","per_minute":"1"}"#, "`per_second` and `per_minute` are prices of the same thing"),
        (r#"{"per_million_characters":"-1"}"#, "`per_million_characters` is -1"),
        (r#"{"per_minute":"-1"}"#, "`per_minute` is -1"),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn a_table_has_an_end() {
    let table = |entries: usize| {
        let entry = |index| format!(r#"{{"size":"{}x8","price":"1"}}"#, index + 1);
        read(&format!(r#"{{"per_image":[{}]}}"#, (0..entries).map(entry).collect::<Vec<_>>().join(",")))
    };
    assert!(table(MAX_RATES).is_ok());
    assert!(table(MAX_RATES + 1).unwrap_err().contains("at most 200 entries"));
}

#[test]
fn tiers_are_kept_in_order_and_must_differ() {
    let tiers = |first: u64, second: u64| {
        let tier = |above| format!(r#"{{"above_input_tokens":{above},"input_per_million":"1","output_per_million":"1"}}"#);
        read(&format!(r#"{{"input_per_million":"1","output_per_million":"1","tiers":[{},{}]}}"#, tier(first), tier(second)))
    };
    assert_eq!(tiers(9, 5).unwrap().tiers[0].above_input_tokens.get(), 5);
    assert!(tiers(5, 5).is_err());
}
