//! Whatever the price and the usage: lines add up, estimates are bills, and nothing that was used is free unless its price is zero.

use proptest::prelude::*;

use super::*;
use crate::media::{ImageQuality, MediaUsage, Pixels, Resolution};

fn any_price() -> impl Strategy<Value = Price> {
    let amount = || (1_i64..5_000_000_000).prop_map(|nanos| Money::from_nanos(nanos).to_string());
    let tokens =
        (amount(), amount()).prop_map(|(input, output)| format!(r#""input_per_million":"{input}","output_per_million":"{output}""#));
    let size = prop_oneof![Just(r#""size":"1024x1024","#), Just(r#""quality":"high","#), Just("")];
    let image = (size, amount()).prop_map(|(case, price)| format!(r#""per_image":[{{{case}"price":"{price}"}}]"#));
    let case = || prop_oneof![Just(r#""resolution":"720p","#), Just(r#""audio":true,"#), Just(r#""video_input":false,"#), Just("")];
    let field = prop_oneof![Just("per_second"), Just("per_million_video_tokens")];
    let video = (field, case(), amount()).prop_map(|(field, case, price)| format!(r#""{field}":[{{{case}"price":"{price}"}}]"#));
    let one = |field: &'static str| amount().prop_map(move |price| format!(r#""{field}":"{price}""#));
    let some = |part: BoxedStrategy<String>| proptest::option::of(part);
    let parts = (
        some(tokens.boxed()),
        some(image.boxed()),
        some(video.boxed()),
        some(one("per_million_characters").boxed()),
        some(one("per_request").boxed()),
    );
    parts.prop_filter_map("a price has a component", |(tokens, image, video, speech, request)| {
        let fields: Vec<String> = [tokens, image, video, speech, request].into_iter().flatten().collect();
        serde_json::from_str(&format!("{{{}}}", fields.join(","))).ok()
    })
}

fn any_media() -> impl Strategy<Value = Option<MediaUsage>> {
    let size = proptest::option::of(prop_oneof![Just(Pixels::new(1024, 1024)), Just(Pixels::new(8, 8))]).prop_map(Option::flatten);
    let quality = proptest::option::of(prop_oneof![Just(ImageQuality::High), Just(ImageQuality::Low)]);
    let resolution = proptest::option::of(prop_oneof![Just(Resolution::P720), Just(Resolution::K4)]);
    let millis = || 0_u64..100_000;
    proptest::option::of(prop_oneof![
        (0_u32..10, size, quality).prop_map(|(count, size, quality)| MediaUsage::Images { count, size, quality }),
        (millis(), resolution, any::<bool>(), any::<bool>()).prop_map(|(millis, resolution, audio, video_input)| MediaUsage::Video {
            millis,
            resolution,
            audio,
            video_input
        }),
        (0_u64..5_000).prop_map(|characters| MediaUsage::Speech { characters }),
        millis().prop_map(|millis| MediaUsage::Audio { millis }),
    ])
}

fn any_usage() -> impl Strategy<Value = Usage> {
    let tokens = || prop_oneof![Just(0_u64), 1_u64..1_000_000];
    (tokens(), tokens(), any_media()).prop_map(|(input, output, media)| Usage { media, ..Usage::counted(input, output) })
}

proptest! {
    #[test]
    fn a_price_of_any_components_reads_back_what_it_shows(price in any_price()) {
        let text = serde_json::to_string(&price).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Price>(&text).unwrap(), &price, "{}", text);
    }

    #[test]
    fn lines_add_up_and_estimates_are_bills(price in any_price(), usage in any_usage(), millionths in 0_u32..5_000_000) {
        let version = PriceVersion { id: PriceId::from_uuid(uuid::Uuid::nil()), price, cost: None };
        let multiplier = Multiplier::from_millionths(millionths);
        let billed = bill(&version, multiplier, &usage);
        prop_assert_eq!(estimate(&version, multiplier, &usage), billed.clone().map(|bill| bill.charge));
        prop_assert_eq!(covers(&version.price, &usage), billed.clone().map(|_| ()));
        if let Ok(bill) = billed {
            let sum = bill.lines.iter().try_fold(Money::ZERO, |sum, line| sum.plus(line.amount)).unwrap();
            prop_assert_eq!(sum, bill.charge);
            prop_assert!(bill.lines.len() <= MAX_LINES && bill.lines.iter().all(|line| line.quantity > 0));
        }
    }

    #[test]
    fn what_was_made_is_refused_or_has_a_line(price in any_price(), usage in any_usage()) {
        let version = PriceVersion { id: PriceId::from_uuid(uuid::Uuid::nil()), price, cost: None };
        let made = match usage.media {
            Some(MediaUsage::Images { count, .. }) => count > 0,
            Some(MediaUsage::Video { millis, .. }) => millis > 0,
            Some(MediaUsage::Speech { characters }) => characters > 0,
            // Silence may be no token at all.
            Some(MediaUsage::Audio { .. }) => false,
            None => usage.total_tokens() > 0,
        };
        if let (true, Ok(bill)) = (made, bill(&version, Multiplier::ONE, &usage)) {
            let pays = |line: &Line| line.component != Component::Request || version.price.is_flat();
            prop_assert!(bill.lines.iter().any(pays), "{bill:?}");
        }
    }
}
