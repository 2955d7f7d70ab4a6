//! What goes wrong after the first useful delta: what came is delivered, then the failure is told. And callers that go away.

use std::time::Duration;

use easyai_bench::mock::{Answer, Reply};
use easyai_clients::StreamItem;
use easyai_core::failure::Category;
use rstest::rstest;

use crate::bed::{Bed, STREAM, mock, next};

#[rstest]
#[case("error@2", Category::ServerError)]
#[case("stall@2", Category::Timeout)]
#[case("cut@2", Category::BadResponse)]
#[case("end@2", Category::BadResponse)]
#[case("garbage@2", Category::BadResponse)]
#[case("end@99", Category::BadResponse)]
#[tokio::test]
async fn what_came_is_delivered_and_then_the_failure_is_told(#[case] fault: &str, #[case] category: Category) {
    let upstream = mock(fault.parse::<Reply>().unwrap()).await;
    let told = Bed::at(&upstream.base_url()).impatient().tell(STREAM).await;
    assert_eq!(told.text(), if fault == "end@99" { "The answer is 42." } else { "The answer" });
    assert_eq!(told.end.unwrap_err().category, category);
}

#[tokio::test]
async fn a_reset_is_a_broken_connection() {
    // Bytes on their way are lost with a reset: all that is sure is how it ends.
    let mut answer = Answer::of_deltas(50);
    answer.chunk_delay = Duration::from_millis(2);
    let upstream = mock(answer.broken(easyai_bench::mock::Place::Deltas(40), easyai_bench::mock::Fault::Reset)).await;
    assert_eq!(Bed::at(&upstream.base_url()).tell(STREAM).await.end.unwrap_err().category, Category::Network);
}

#[tokio::test]
async fn a_dropped_stream_closes_the_upstream_s_connection() {
    let mut answer = Answer::of_deltas(100_000);
    answer.chunk_delay = Duration::from_millis(5);
    let upstream = mock(answer).await;
    let bed = Bed::at(&upstream.base_url());
    let mut stream = bed.open(STREAM).await;
    assert!(matches!(next(&mut stream).await, StreamItem::Deltas(_)));
    drop(stream);
    upstream.wait_for(|stats| stats.cancelled == 1, Duration::from_secs(1)).await.unwrap();
}

#[tokio::test]
async fn a_dropped_call_closes_the_upstream_s_connection() {
    let upstream = mock(Reply::Hang).await;
    let bed = Bed::at(&upstream.base_url());
    {
        let call = bed.chat(STREAM);
        let begun = upstream.wait_for(|stats| stats.calls == 1, Duration::from_secs(5));
        tokio::select! { _ = call => panic!("nothing can come"), begun = begun => { begun.unwrap(); } }
    }
    upstream.wait_for(|stats| stats.cancelled == 1, Duration::from_secs(1)).await.unwrap();
}
