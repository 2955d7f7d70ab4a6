//! Lines, roundings, tiers and sums.

mod media;
mod properties;

use super::*;
use crate::usage::UsageSource;

fn version(price: &str, cost: Option<&str>) -> PriceVersion {
    let read = |text: &str| serde_json::from_str::<Price>(text).unwrap();
    PriceVersion { id: PriceId::from_uuid(uuid::Uuid::nil()), price: read(price), cost: cost.map(read) }
}

fn usage(input: u64, cached: u64, written: u64, output: u64, reasoning: u64) -> Usage {
    Usage {
        input_tokens: input,
        cached_input_tokens: cached,
        cache_write_tokens: written,
        output_tokens: output,
        reasoning_tokens: reasoning,
        media: None,
        source: UsageSource::Upstream,
    }
}

const GPT: &str = r#"{"input_per_million":"1.25","cached_input_per_million":"0.125","output_per_million":"10"}"#;

/// Lines as text: `input 900 × 1.25 = 0.001125`.
fn check(price: &str, multiplier: &str, usage: &Usage, expected: &str, charge: &str) {
    let bill = bill(&version(price, None), multiplier.parse().unwrap(), usage).unwrap();
    let lines: Vec<String> =
        bill.lines.iter().map(|line| format!("{} {} × {} = {}", line.component, line.quantity, line.unit_price, line.amount)).collect();
    assert_eq!(lines.join(" | "), expected);
    assert_eq!(bill.charge.to_string(), charge);
}

#[test]
fn cached_and_reasoning_tokens_are_taken_out_of_their_wholes() {
    check(
        GPT,
        "1",
        &usage(1000, 100, 0, 50, 20),
        "input 900 × 1.25 = 0.001125 | cached_input 100 × 0.125 = 0.0000125 | output 50 × 10 = 0.0005",
        "0.0016375",
    );
    let full = r#"{"input_per_million":"1","cached_input_per_million":"0.1","cache_write_per_million":"1.25","output_per_million":"4","reasoning_per_million":"8","per_request":"0.01"}"#;
    check(
        full,
        "1",
        &usage(1_000_000, 200_000, 300_000, 100, 40),
        "input 500000 × 1 = 0.5 | cached_input 200000 × 0.1 = 0.02 | cache_write 300000 × 1.25 = 0.375 | output 60 × 4 = 0.00024 | reasoning 40 × 8 = 0.00032 | request 1 × 0.01 = 0.01",
        "0.90556",
    );
}

#[test]
fn an_answer_that_is_given_again_costs_its_share_and_the_operator_nothing() {
    let version = version(GPT, Some(GPT));
    let again = |multiplier: &str, percent| cached(&version, multiplier.parse().unwrap(), percent, &usage(1000, 0, 0, 50, 0)).unwrap();
    let charged = |multiplier, percent| again(multiplier, percent).charge.to_string();
    assert_eq!((charged("1", 100), charged("1", 10), charged("1", 0)), ("0.00175".into(), "0.000175".into(), "0".into()));
    assert_eq!((charged("1.5", 10), charged("0.000001", 50)), ("0.0002625".into(), "0".into()));
    assert_eq!((again("1.5", 10).multiplier.to_string().as_str(), again("1", 10).cost), ("0.15", Some(Money::ZERO)));
}

#[test]
fn a_part_larger_than_its_whole_is_cut_to_it() {
    check(GPT, "1", &usage(100, 900, 900, 0, 7), "cached_input 100 × 0.125 = 0.0000125", "0.0000125");
    check(GPT, "1", &usage(0, 5, 5, 5, 9), "output 5 × 10 = 0.00005", "0.00005");
}

#[test]
fn each_line_is_rounded_half_even_once() {
    // One token at 0.0005 a million is half a nano-unit.
    let half = r#"{"input_per_million":"0.0005","output_per_million":"0.0005"}"#;
    for (tokens, nanos) in [(1, 0), (2, 1), (3, 2), (5, 2), (7, 4)] {
        let bill = bill(&version(half, None), Multiplier::ONE, &Usage::counted(tokens, 0)).unwrap();
        assert_eq!(bill.charge.nanos(), nanos, "{tokens}");
    }
    // 1.5 nano-units · 1.000001 is more than the middle.
    let bill = bill(&version(half, None), Multiplier::from_millionths(1_000_001), &Usage::counted(1, 3)).unwrap();
    assert_eq!(bill.lines.iter().map(|line| line.amount.nanos()).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_negative_middle_is_rounded_to_the_even_neighbour_too() {
    for (dividend, expected) in [(-1, 0), (-3, -2), (-5, -2), (1, 0), (3, 2), (5, 2), (-4, -2)] {
        assert_eq!(divide_half_even(dividend, 2), expected, "{dividend}");
    }
}

#[test]
fn the_multiplier_is_the_accounts_and_never_the_costs() {
    let bill = bill(
        &version(GPT, Some(r#"{"input_per_million":"1","output_per_million":"8"}"#)),
        "1.5".parse().unwrap(),
        &usage(1_000_000, 0, 0, 0, 0),
    )
    .unwrap();
    assert_eq!((bill.charge.to_string(), bill.cost.unwrap().to_string()), ("1.875".into(), "1".into()));
    check(GPT, "0", &usage(10, 0, 0, 0, 0), "input 10 × 1.25 = 0", "0");
}

#[test]
fn a_tier_counts_for_every_token_of_a_request_beyond_its_bound() {
    let tiered = r#"{"input_per_million":"1","output_per_million":"2","tiers":[
        {"above_input_tokens":200000,"input_per_million":"2","output_per_million":"3"},
        {"above_input_tokens":400000,"input_per_million":"4","output_per_million":"5"}]}"#;
    check(tiered, "1", &usage(200_000, 0, 0, 0, 0), "input 200000 × 1 = 0.2", "0.2");
    check(tiered, "1", &usage(200_001, 200_001, 0, 1_000_000, 0), "input 200001 × 2 = 0.400002 | output 1000000 × 3 = 3", "3.400002");
    check(tiered, "1", &usage(400_001, 0, 0, 0, 0), "input 400001 × 4 = 1.600004", "1.600004");
}

#[test]
fn what_passes_the_limit_is_an_error() {
    let version = version(GPT, None);
    let all = Usage::counted(u64::MAX, u64::MAX);
    assert_eq!(bill(&version, Multiplier::ONE, &Usage::counted(u64::MAX, 0)), Err(PricingError::Overflow(Overflow)));
    assert_eq!(estimate(&version, Multiplier::from_millionths(u32::MAX), &all), Err(PricingError::Overflow(Overflow)));
}

#[test]
fn an_estimate_is_the_bill_of_that_usage() {
    let version = version(GPT, None);
    let billed = bill(&version, Multiplier::ONE, &Usage::counted(1_234, 567)).unwrap();
    assert_eq!(estimate(&version, Multiplier::ONE, &Usage::counted(1_234, 567)), Ok(billed.charge));
}

#[test]
fn a_bill_reads_back_what_it_shows() {
    let billed = bill(&version(GPT, Some(GPT)), "1.25".parse().unwrap(), &usage(10, 1, 0, 7, 0)).unwrap();
    assert_eq!(serde_json::from_str::<Bill>(&serde_json::to_string(&billed).unwrap()).unwrap(), billed);
}
