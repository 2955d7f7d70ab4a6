//! Money: budgets of calendar days and months in UTC.

use std::time::Duration;

use easyai_core::limit::LimitKind;
use easyai_core::money::Money;

use crate::world::{World, charge, claim, key, refusal};

const UNIT: i64 = 1_000_000_000;

#[test]
fn a_budget_lasts_until_midnight_and_the_end_of_the_month() {
    let world = World::at("2026-05-30T23:59:00Z");
    let claims = [claim(key(1), r#"{"daily_budget": "5", "monthly_budget": "8"}"#)];
    let spend = |estimate: i64, real: i64| world.limits.take(&claims, charge(estimate)).map(|mut call| call.commit(charge(real)));
    assert_eq!(spend(4 * UNIT, 3 * UNIT), Ok(()));
    let refused = spend(3 * UNIT, 3 * UNIT).unwrap_err();
    assert_eq!((refused.kind, refused.retry_after), (LimitKind::DailyBudget, Some(Duration::from_secs(60))));
    assert_eq!(spend(2 * UNIT, 2 * UNIT), Ok(()));
    world.seconds(60);
    assert_eq!(world.used(&claims[0], LimitKind::DailyBudget), 0);
    let refused = spend(4 * UNIT, 4 * UNIT).unwrap_err();
    assert_eq!((refused.kind, refused.retry_after), (LimitKind::MonthlyBudget, Some(Duration::from_secs(86_400))));
    assert!(refused.to_string().contains("monthly_budget of 8"), "{refused}");
    world.seconds(86_400);
    assert_eq!(spend(4 * UNIT, 4 * UNIT), Ok(()));
    assert_eq!(
        (world.used(&claims[0], LimitKind::DailyBudget), world.used(&claims[0], LimitKind::MonthlyBudget)),
        (4_000_000_000, 4_000_000_000)
    );
}

#[test]
fn a_call_over_midnight_is_charged_to_the_day_it_ends_in() {
    let world = World::at("2026-05-31T23:59:59Z");
    let claims = [claim(key(1), r#"{"daily_budget": "5", "monthly_budget": "5"}"#)];
    let used = || [LimitKind::DailyBudget, LimitKind::MonthlyBudget].map(|kind| world.used(&claims[0], kind));
    let mut call = world.limits.take(&claims, charge(4 * UNIT)).unwrap();
    world.seconds(2);
    assert_eq!(used(), [4_000_000_000; 2], "what may still be charged is kept from others on the new day too");
    assert_eq!(refusal(world.limits.check(&claims, charge(2 * UNIT))), Some((key(1), LimitKind::DailyBudget)));
    call.commit(charge(UNIT));
    assert_eq!(used(), [1_000_000_000; 2]);
    drop(call);
    drop(world.limits.take(&claims, charge(4 * UNIT)).unwrap());
    assert_eq!(used(), [1_000_000_000; 2], "a call that was not committed costs nothing");
}

#[test]
fn a_charge_above_the_estimate_keeps_the_next_out() {
    let world = World::new();
    let claims = [claim(key(1), r#"{"daily_budget": "5"}"#)];
    let mut call = world.limits.take(&claims, charge(4 * UNIT)).unwrap();
    call.commit(charge(6 * UNIT));
    assert_eq!(refusal(world.limits.check(&claims, charge(0))), Some((key(1), LimitKind::DailyBudget)));
    assert!(world.limits.check(&claims, charge(6 * UNIT)).unwrap_err().never_fits());
}

#[test]
fn the_books_say_what_was_spent_before_the_start() {
    let world = World::at("2026-05-30T12:00:00Z");
    let claims = [claim(key(1), r#"{"daily_budget": "5", "monthly_budget": "50"}"#)];
    world.limits.set_spent(key(1), Money::from_nanos(3 * UNIT), Money::from_nanos(40 * UNIT));
    assert_eq!(refusal(world.limits.check(&claims, charge(3 * UNIT))), Some((key(1), LimitKind::DailyBudget)));
    world.set("2026-05-31T00:00:00Z");
    let mut call = world.limits.take(&claims, charge(5 * UNIT)).unwrap();
    call.commit(charge(5 * UNIT));
    assert_eq!(world.used(&claims[0], LimitKind::MonthlyBudget), 45_000_000_000);
    world.limits.set_spent(key(1), Money::ZERO, Money::ZERO);
    drop(call);
    assert_eq!(world.used(&claims[0], LimitKind::MonthlyBudget), 0);
}
