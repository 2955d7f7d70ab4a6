//! Circuit breakers on a turned clock: how a candidate stands after each step.

use super::*;

#[test]
fn a_breaker_opens_when_failures_pile_up_and_closes_after_a_probe_that_succeeds() {
    breaker().tell(
        "0 server_error → well
         1 timeout → well
         2 network → open 32
         31 look → open 32
         31 probe → refused, open 32
         32 look → may probe
         32 probe → probing 152
         33 probe → refused, probing 152
         34 ok → well
         35 server_error → well
         36 server_error → well
         37 server_error → open 67",
    );
}

#[test]
fn failures_count_only_within_their_window() {
    breaker().tell(
        "0 server_error → well
         5 server_error → well
         10 server_error → well
         14 server_error → open 44",
    );
}

#[test]
fn a_success_takes_back_no_failure() {
    breaker().tell("0 timeout → well\n1 ok → well\n2 timeout → well\n3 ok → well\n4 timeout → open 34");
}

#[test]
fn each_probe_that_fails_opens_it_for_twice_as_long_up_to_the_maximum() {
    breaker().tell(
        "0 overloaded → well
         0 overloaded → well
         0 overloaded → open 30
         30 probe → probing 150
         31 bad_response → open 91
         91 probe → probing 211
         92 bad_response → open 192
         192 probe → probing 312
         193 bad_response → open 293
         293 probe → probing 413
         294 ok → well
         295 network → well
         295 network → well
         295 network → open 325",
    );
}

#[test]
fn what_comes_back_while_it_is_open_changes_nothing() {
    breaker().tell(
        "0 network → well
         0 network → well
         0 network → open 30
         5 network → open 30
         6 ok → open 30
         30 network → open 90",
    );
}

#[test]
fn a_probe_that_tells_nothing_is_given_back_or_forgotten() {
    breaker().tell(
        "0 network → well
         0 network → well
         0 network → open 30
         40 probe → probing 160
         41 back 40 → may probe
         42 probe → probing 162
         43 back 40 → probing 162
         44 rate_limit → probing 162
         161 probe → refused, probing 162
         162 look → may probe
         163 probe → probing 283
         164 back 42 → probing 283
         165 ok → well
         166 probe → refused, well",
    );
}

#[test]
fn failures_that_say_nothing_about_the_candidate_never_count() {
    let rules = r#"{"rules": [{"match": {}}]}"#;
    for category in Category::ALL {
        let mut world = World::new(r#"{"failures": 1, "match": {}}"#, rules, r#"{"rules": [{}]}"#);
        let counted = !world.fail(*category, at(0)).remedies.is_empty();
        let expected = match category {
            Category::LocalRateLimit
            | Category::Cancelled
            | Category::Internal
            | Category::BadRequest
            | Category::ContentFilter
            | Category::ContextLength => false,
            Category::Network
            | Category::Timeout
            | Category::RateLimit
            | Category::Overloaded
            | Category::ServerError
            | Category::Auth
            | Category::QuotaExhausted
            | Category::ModelUnavailable
            | Category::BadResponse => true,
        };
        assert_eq!((counted, world.book != HealthBook::default()), (expected, expected), "{category}");
    }
}

#[test]
fn the_callers_own_deadline_is_nobodys_fault() {
    let mut world = World::new(r#"{"failures": 1}"#, "{}", "{}");
    let failure = Failure::new(Category::Timeout, Sent::Maybe, "");
    let World { offer, runner, book } = &mut world;
    let failed = Failed { offer, credential: None, failure: &failure, model_type: ModelType::TextGenerate, runner, deadline_passed: true };
    assert_eq!(book.failed(&failed, at(0)).changed, []);
    assert_eq!(book.failed(&Failed { deadline_passed: false, ..failed }, at(0)).changed, [Subject::PlatformModel(offer.id)]);
}

#[test]
fn without_a_policy_nothing_opens_and_what_is_open_closes() {
    for policy in ["off", r#"{"enabled": false}"#] {
        let mut world = World::new(policy, "{}", "{}");
        (0..20).for_each(|second| drop(world.fail(Category::Network, at(second))));
        assert_eq!((world.standing(at(20)), &world.book), ("well".into(), &HealthBook::default()), "{policy}");
        world.apply(Remedy::OpenCircuit { lasting: Duration::from_secs(30) }, at(20), "");
        world.tell("21 look → open 50\n60 probe → probing 180\n61 network → well");
    }
}
