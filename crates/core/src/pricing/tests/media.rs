//! Images, video and sound: by their own components, by tokens, by the request; and what has no price.

use super::{check, version};
use crate::media::{ImageQuality, MediaUsage, Pixels, Resolution};
use crate::money::{Money, Overflow};
use crate::price::Multiplier;
use crate::pricing::{Bill, PricingError, bill, bill_as_asked, estimate};
use crate::usage::Usage;

/// `3 1024x1024 high`: what is not known is left out.
fn images(text: &str) -> Usage {
    let mut words = text.split(' ');
    let count = words.next().unwrap().parse().unwrap();
    let (mut size, mut quality) = (None, None);
    for word in words {
        match word.parse::<Pixels>() {
            Ok(pixels) => size = Some(pixels),
            Err(_) => quality = Some(word.parse::<ImageQuality>().unwrap()),
        }
    }
    Usage::of_media(MediaUsage::Images { count, size, quality })
}

/// `8000 720p audio input`: milliseconds, and what is not there is not so.
fn video(text: &str) -> Usage {
    let mut words = text.split(' ');
    let millis = words.next().unwrap().parse().unwrap();
    let (mut resolution, mut audio, mut video_input) = (None, false, false);
    for word in words {
        match word {
            "audio" => audio = true,
            "input" => video_input = true,
            other => resolution = Some(other.parse::<Resolution>().unwrap()),
        }
    }
    Usage::of_media(MediaUsage::Video { millis, resolution, audio, video_input })
}

fn sound(millis: u64) -> Usage {
    Usage::of_media(MediaUsage::Audio { millis })
}

fn speech(characters: u64) -> Usage {
    Usage::of_media(MediaUsage::Speech { characters })
}

fn with_tokens(usage: Usage, input_tokens: u64, output_tokens: u64) -> Usage {
    Usage { input_tokens, output_tokens, ..usage }
}

#[track_caller]
fn charge(price: &str, usage: &Usage, expected: &str) {
    assert_eq!(estimate(&version(price, None), Multiplier::ONE, usage).unwrap().to_string(), expected, "{price} {usage:?}");
}

#[track_caller]
fn refused(price: &str, usage: &Usage, expected: &str) {
    assert_eq!(bill(&version(price, None), Multiplier::ONE, usage).unwrap_err().to_string(), expected, "{price} {usage:?}");
}

const GPT_IMAGE: &str = r#"{"per_image":[{"size":"1024x1024","quality":"high","price":"0.167"},{"quality":"high","price":"0.25"},
    {"size":"1024x1024","price":"0.042"},{"quality":"low","price":"0.016"}]}"#;
const VEO: &str = r#"{"per_second":[{"resolution":"4k","audio":true,"price":"0.6"},{"resolution":"4k","price":"0.4"},
    {"audio":true,"price":"0.4"},{"price":"0.2"}]}"#;
const SEEDANCE: &str = r#"{"per_million_video_tokens":[{"resolution":"1080p","video_input":true,"price":"31"},{"resolution":"1080p","price":"51"},
    {"video_input":true,"price":"28"},{"price":"46"}]}"#;

#[test]
fn images_are_paid_by_the_first_entry_that_fits() {
    for (asked, expected) in [
        ("1 1024x1024 high", "0.167"),
        ("3 1024x1024 high", "0.501"),
        ("1 1536x1024 high", "0.25"),
        ("1 high", "0.25"),
        ("2 1024x1024 low", "0.084"),
        ("1 1024x1024", "0.042"),
        ("4 1536x1024 low", "0.064"),
        ("0 8x8", "0"),
    ] {
        charge(GPT_IMAGE, &images(asked), expected);
    }
    check(GPT_IMAGE, "1.5", &images("3 1024x1024 high"), "image 3 × 0.167 = 0.7515", "0.7515");
    refused(
        GPT_IMAGE,
        &images("1 1536x1024 medium"),
        "no entry of `per_image` is for 1 image of 1536x1024 in medium quality: add one, or one without conditions",
    );
    refused(GPT_IMAGE, &images("2"), "no entry of `per_image` is for 2 images: add one, or one without conditions");
}

#[test]
fn of_four_images_those_that_came_are_paid() {
    let price = r#"{"per_image":"0.04","per_request":"0.001"}"#;
    charge(price, &images("4 1024x1024"), "0.161");
    check(price, "1", &images("3 1024x1024"), "image 3 × 0.04 = 0.12 | request 1 × 0.001 = 0.001", "0.121");
    check(price, "1", &images("0"), "request 1 × 0.001 = 0.001", "0.001");
}

#[test]
fn video_is_paid_by_the_second_in_its_resolution_with_or_without_sound() {
    for (made, expected) in [
        ("8000 4k audio", "4.8"),
        ("8000 4k", "3.2"),
        ("8000 720p audio", "3.2"),
        ("8000 audio input", "3.2"),
        ("8000 720p", "1.6"),
        ("5041 1080p", "1.0082"),
        ("1 720p", "0.0002"),
        ("0 720p", "0"),
    ] {
        charge(VEO, &video(made), expected);
    }
    check(VEO, "1", &video("4500 720p audio"), "second 4500 × 0.4 = 1.8", "1.8");
    refused(
        r#"{"per_second":[{"resolution":"720p","price":"0.1"},{"audio":true,"price":"0.5"}]}"#,
        &video("5000 1080p"),
        "no entry of `per_second` is for 5 s of 1080p video without sound: add one, or one without conditions",
    );
}

#[test]
fn video_tokens_are_the_output_tokens_of_a_video() {
    // 5 s of 720p at Ark: 108,900 tokens at 46 CNY a million (`providers.md` sections 7.6 and 14.2).
    let made = with_tokens(video("5000 720p"), 12, 108_900);
    check(SEEDANCE, "1", &made, "video_tokens 108900 × 46 = 5.0094", "5.0094");
    charge(SEEDANCE, &with_tokens(video("5000 720p input"), 0, 108_900), "3.0492");
    charge(SEEDANCE, &with_tokens(video("5000 1080p input"), 0, 245_025), "7.595775");
    charge(SEEDANCE, &with_tokens(video("5000 1080p audio"), 0, 245_025), "12.496275");
    // Where tokens have a price too, a video's output is not paid twice.
    let both = r#"{"input_per_million":"1","output_per_million":"1000","per_million_video_tokens":"46"}"#;
    check(both, "1", &made, "input 12 × 1 = 0.000012 | video_tokens 108900 × 46 = 5.0094", "5.009412");
    let uncounted = "its price is by tokens, and those of 5 s of 720p video without sound were not counted: give it `per_second`";
    refused(SEEDANCE, &video("5000 720p"), uncounted);
}

#[test]
fn speech_is_paid_by_the_character_and_sound_by_its_length() {
    charge(r#"{"per_million_characters":"15"}"#, &speech(1_000), "0.015");
    charge(r#"{"per_million_characters":"15"}"#, &speech(1), "0.000015");
    charge(r#"{"per_minute":"0.006"}"#, &sound(60_000), "0.006");
    charge(r#"{"per_second":"0.0001"}"#, &sound(61_500), "0.00615");
    charge(r#"{"per_second":[{"audio":true,"price":"9"},{"resolution":"720p","price":"9"},{"price":"0.0001"}]}"#, &sound(10_000), "0.001");
    check(r#"{"per_minute":"0.006"}"#, "1", &sound(90_500), "minute 90500 × 0.006 = 0.00905", "0.00905");
    refused(
        r#"{"per_second":[{"audio":true,"price":"9"}]}"#,
        &sound(1_500),
        "no entry of `per_second` is for 1.5 s of sound: add one, or one without conditions",
    );
}

#[test]
fn each_line_of_media_is_rounded_half_even_once() {
    // A millisecond at 0.0000005 a second is half a nano-unit; at 0.00003 a minute too.
    for (millis, nanos) in [(1, 0), (2, 1), (3, 2), (5, 2), (7, 4)] {
        let of = |price: &str, usage: &Usage| estimate(&version(price, None), Multiplier::ONE, usage).unwrap().nanos();
        assert_eq!(of(r#"{"per_second":"0.0000005"}"#, &video(&millis.to_string())), nanos, "{millis} ms of video");
        assert_eq!(of(r#"{"per_minute":"0.00003"}"#, &sound(millis)), nanos, "{millis} ms of sound");
        assert_eq!(of(r#"{"per_million_characters":"0.0005"}"#, &speech(millis)), nanos, "{millis} characters");
        assert_eq!(of(r#"{"per_million_video_tokens":"0.0005"}"#, &with_tokens(video("1"), 0, millis)), nanos, "{millis} tokens");
    }
    // Half a nano-unit, and a millionth of it more.
    let more = estimate(&version(r#"{"per_second":"0.0000005"}"#, None), Multiplier::from_millionths(1_000_001), &video("1")).unwrap();
    assert_eq!(more.nanos(), 1);
}

#[test]
fn without_a_price_of_its_own_media_is_paid_by_its_tokens() {
    let tokens = r#"{"input_per_million":"5","output_per_million":"40"}"#;
    check(
        tokens,
        "1",
        &with_tokens(images("1 1024x1024 high"), 100, 4_160),
        "input 100 × 5 = 0.0005 | output 4160 × 40 = 0.1664",
        "0.1669",
    );
    charge(tokens, &with_tokens(sound(5_000), 50, 10), "0.00065");
    charge(tokens, &with_tokens(speech(10), 5, 100), "0.004025");
    refused(
        tokens,
        &with_tokens(images("1 1024x1024"), 100, 0),
        "its price is by tokens, and those of 1 image of 1024x1024 were not counted: give it `per_image`",
    );
    // A price of both is paid for both.
    let both = r#"{"input_per_million":"0.3","output_per_million":"2.5","per_image":"0.039"}"#;
    check(both, "1", &with_tokens(images("2"), 1_000, 0), "input 1000 × 0.3 = 0.0003 | image 2 × 0.039 = 0.078", "0.0783");
    // What is billed by the image is not billed by the words of its prompt.
    charge(r#"{"per_image":"0.04"}"#, &with_tokens(images("1"), 1_000, 4_160), "0.04");
}

#[test]
fn a_price_of_the_request_alone_is_for_anything() {
    let flat = r#"{"per_request":"0.5"}"#;
    for usage in [images("4"), video("9000"), speech(3), sound(1), Usage::counted(10, 10)] {
        check(flat, "1", &usage, "request 1 × 0.5 = 0.5", "0.5");
    }
}

#[test]
fn what_the_price_has_nothing_for_is_an_error_and_never_free() {
    let image = r#"{"per_image":"0.04","per_request":"0.01"}"#;
    refused(image, &Usage::counted(9, 9), "nothing in its price is for tokens: give it `input_per_million` and `output_per_million`");
    refused(image, &video("4000 720p"), "nothing in its price is for 4 s of 720p video without sound: give it `per_second`");
    refused(image, &speech(7), "nothing in its price is for 7 characters of speech: give it `per_million_characters`");
    refused(image, &sound(7_000), "nothing in its price is for 7 s of sound: give it `per_second`");
    refused(r#"{"per_minute":"1"}"#, &images("1"), "nothing in its price is for 1 image: give it `per_image`");
}

#[test]
fn a_cost_that_has_nothing_for_it_is_not_known() {
    let billed = |cost: &str| -> Bill {
        bill(&version(r#"{"per_image":"0.04"}"#, Some(cost)), "2".parse().unwrap(), &images("3 1024x1024")).unwrap()
    };
    assert_eq!(billed(r#"{"per_image":[{"size":"1024x1024","price":"0.03"}]}"#).cost.unwrap().to_string(), "0.09");
    assert_eq!(billed(r#"{"per_image":[{"size":"8x8","price":"0.03"}]}"#).cost, None);
    assert_eq!(billed(r#"{"per_second":"1"}"#).charge.to_string(), "0.24");
}

#[test]
fn what_came_otherwise_than_asked_is_paid_as_asked() {
    let as_asked = |price: &str, came: &Usage, asked: &Usage| {
        bill_as_asked(&version(price, None), Multiplier::ONE, came, asked).map(|bill| bill.charge.to_string()).map_err(|_| ())
    };
    // Three of four came, in a size that has no price; the fourth did not.
    assert_eq!(as_asked(GPT_IMAGE, &images("3 1000x1000"), &images("4 1024x1024 high")), Ok("0.501".into()));
    // What has a price counts as it came.
    assert_eq!(as_asked(GPT_IMAGE, &images("3 1024x1024"), &images("4 1024x1024 high")), Ok("0.126".into()));
    let tokens = r#"{"input_per_million":"5","output_per_million":"40"}"#;
    assert_eq!(as_asked(tokens, &images("3"), &with_tokens(images("4"), 0, 4_000)), Ok("0.12".into()));
    assert_eq!(as_asked(SEEDANCE, &video("5000 720p"), &with_tokens(video("5000 720p"), 0, 108_900)), Ok("5.0094".into()));
    assert_eq!(as_asked(r#"{"per_minute":"0.006"}"#, &Usage::counted(0, 5), &sound(30_000)), Ok("0.003".into()));
    assert_eq!(as_asked(GPT_IMAGE, &video("1000"), &images("1 high")), Err(()));
}

#[test]
fn amounts_beyond_all_bounds_are_an_error() {
    for (price, usage) in [
        (r#"{"per_second":"9000000000"}"#, video("18446744073709551615")),
        (r#"{"per_million_characters":"9000000000"}"#, speech(u64::MAX)),
        (r#"{"per_image":"9000000000"}"#, images("4294967295")),
        (r#"{"per_image":"5000000000","per_request":"5000000000"}"#, images("1")),
    ] {
        let version = version(price, None);
        assert_eq!(bill(&version, Multiplier::ONE, &usage), Err(PricingError::Overflow(Overflow)), "{price}");
        assert_eq!(estimate(&version, Multiplier::from_millionths(u32::MAX), &usage), Err(PricingError::Overflow(Overflow)), "{price}");
    }
}

#[test]
fn a_bill_of_media_reads_back_what_it_shows() {
    let billed = bill(&version(VEO, Some(VEO)), "1.25".parse().unwrap(), &video("8000 4k audio")).unwrap();
    let text = serde_json::to_string(&billed).unwrap();
    assert!(text.contains(r#"{"component":"second","quantity":8000,"unit_price":"0.6","amount":"6"}"#), "{text}");
    assert_eq!(serde_json::from_str::<Bill>(&text).unwrap(), billed);
    assert_eq!(billed.cost, Some(Money::from_nanos(4_800_000_000)));
}
