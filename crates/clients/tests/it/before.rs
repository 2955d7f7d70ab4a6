//! Whatever goes wrong before the first useful delta is a failure of its category, and nothing was delivered.

use easyai_bench::mock::{Answer, RefusedAddress, Reply};
use easyai_core::failure::{Category, Sent};
use rstest::rstest;
use std::time::Duration;

use crate::bed::{Bed, PLAIN, STREAM, mock};

#[rstest]
#[case("status=400", Category::BadRequest)]
#[case("status=401", Category::Auth)]
#[case("status=402", Category::QuotaExhausted)]
#[case("status=404", Category::ModelUnavailable)]
#[case("status=429", Category::RateLimit)]
#[case("status=500", Category::ServerError)]
#[case("status=503", Category::Overloaded)]
#[case("hang", Category::Timeout)]
#[case("reset", Category::Network)]
#[case("close", Category::Network)]
#[case("garbage", Category::BadResponse)]
#[case("html", Category::BadResponse)]
#[case("empty", Category::BadResponse)]
#[case("stall@headers", Category::Timeout)]
#[case("stall@preamble", Category::Timeout)]
#[case("cut@headers", Category::BadResponse)]
#[case("cut@preamble", Category::BadResponse)]
#[case("end@headers", Category::BadResponse)]
#[case("end@preamble", Category::BadResponse)]
#[case("error@headers", Category::ServerError)]
#[case("error@preamble", Category::ServerError)]
#[case("garbage@preamble", Category::BadResponse)]
#[case("reset@preamble", Category::Network)]
#[tokio::test]
async fn a_fault_has_its_category(#[case] fault: &str, #[case] category: Category) {
    for body in [PLAIN, STREAM] {
        let upstream = mock(fault.parse::<Reply>().unwrap()).await;
        let failure = Bed::at(&upstream.base_url()).impatient().chat(body).await.unwrap_err();
        assert_eq!((failure.category, failure.sent), (category, Sent::Maybe), "{body} {failure:?}");
    }
}

#[tokio::test]
async fn a_refused_connection_sent_nothing() {
    let refused = RefusedAddress::take().unwrap();
    let failure = Bed::at(&refused.base_url()).chat(STREAM).await.unwrap_err();
    assert_eq!((failure.category, failure.sent), (Category::Network, Sent::Nothing), "{failure:?}");
}

#[tokio::test]
async fn a_refusal_tells_all_that_policies_need() {
    let upstream = mock(Reply::rate_limited_for("7")).await;
    let failure = Bed::at(&upstream.base_url()).chat(PLAIN).await.unwrap_err();
    assert_eq!(failure.retry_after, Some(Duration::from_secs(7)));
    assert_eq!(failure.status, Some(429));
    assert_eq!(failure.code.as_deref(), Some("rate_limit_exceeded"));
    assert_eq!(failure.upstream_request_id.as_deref(), Some("req_mock"));
}

#[tokio::test]
async fn the_caller_s_deadline_is_told_from_our_limits() {
    let upstream = mock(Reply::Hang).await;
    let mut bed = Bed::at(&upstream.base_url());
    bed.deadline = Some(tokio::time::Instant::now() + Duration::from_millis(50));
    let failure = bed.chat(PLAIN).await.unwrap_err();
    assert_eq!((failure.category, failure.code.as_deref()), (Category::Timeout, Some("deadline")));
    let ours = Bed::at(&upstream.base_url()).impatient().chat(PLAIN).await.unwrap_err();
    assert_eq!(ours.code.as_deref(), Some("first_delta"));
}

#[tokio::test]
async fn an_answer_without_text_is_one_only_if_it_says_why() {
    let empty = |finish: &str, output: u64| {
        let mut answer = Answer::saying(&[]);
        (answer.finish_reason, answer.usage.completion_tokens) = (Some(finish.to_owned()), output);
        answer
    };
    for (answer, legitimate) in
        [(empty("stop", 0), false), (empty("stop", 5), true), (empty("length", 0), true), (empty("content_filter", 0), true)]
    {
        let upstream = mock(answer.clone()).await;
        let bed = Bed::at(&upstream.base_url());
        if legitimate {
            assert!(bed.tell(STREAM).await.end.unwrap().0.ends_with("data: [DONE]\n\n"));
        } else {
            assert_eq!(bed.chat(STREAM).await.unwrap_err().category, Category::BadResponse);
        }
    }
}
