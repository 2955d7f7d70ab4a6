//! The simulation: the same answer to the same prompt, and faults by script.

use easyai_clients::{Encounter, Fault, SimulatedCall};
use easyai_core::catalog::Simulation;
use easyai_core::failure::Category;
use easyai_core::kind::Provider;

use crate::bed::{Bed, PLAIN, STREAM, STREAM_WITH_USAGE};

const TOOLS: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required"}"#;
const JSON: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_object"}}"#;

fn bed(settings: &str) -> Bed {
    let simulation: Simulation = serde_json::from_str(settings).unwrap();
    let mut bed = Bed::at("").impatient().with(|platform| platform.provider = Provider::Simulation);
    bed.simulation = Some(simulation);
    bed
}

#[tokio::test]
async fn the_same_prompt_gives_the_same_answer_plain_and_streamed() {
    let (told, again) = (bed("{}").tell(STREAM).await, bed("{}").tell(STREAM_WITH_USAGE).await);
    let plain = bed("{}").plain().await;
    assert!(told.text().contains("hello"));
    assert_eq!((told.text(), told.text()), (again.text(), plain.delivered_text()));
    let usage = told.end.as_ref().unwrap().1.unwrap();
    assert_eq!(plain.usage.map(|usage| usage.output_tokens), Some(usage.output_tokens));
    assert!(usage.input_tokens > 0 && usage.output_tokens > 0);
    assert!(!told.frames().contains("\"usage\"") && again.frames().contains("\"usage\""));
}

#[tokio::test]
async fn tools_and_json_are_answered_in_kind() {
    assert!(bed("{}").tell(TOOLS).await.frames().contains(r#""arguments":"{}""#));
    let text = bed(r#"{"chunks":7}"#).tell(JSON).await.text();
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
}

#[tokio::test]
async fn chunks_are_as_many_as_asked_for() {
    let frames = bed(r#"{"chunks":40}"#).tell(STREAM).await.frames();
    assert_eq!(frames.matches("\"content\":\"").count(), 41, "forty and the role's empty one");
}

#[tokio::test]
async fn a_script_is_played_call_by_call() {
    let mut bed =
        bed(r#"{"script":[{"category":"overloaded","retry_after_ms":20},{},{"category":"rate_limit","position":"after_deltas","deltas":3},
        {"position":"cut","deltas":2},{"position":"stall","deltas":1},{"position":"cut","deltas":999}]}"#);
    let failure = bed.chat(PLAIN).await.unwrap_err();
    assert_eq!((failure.category, failure.retry_after.map(|wait| wait.as_millis())), (Category::Overloaded, Some(20)));
    for call in [1, 6] {
        bed.call_of_platform = call;
        assert!(bed.chat(PLAIN).await.is_ok() && bed.tell(STREAM).await.end.is_ok());
    }
    for (call, category) in [(2, Category::RateLimit), (3, Category::BadResponse), (4, Category::Timeout), (5, Category::BadResponse)] {
        bed.call_of_platform = call;
        let told = bed.tell(STREAM).await;
        assert_eq!(told.end.as_ref().unwrap_err().category, category);
        assert!(!told.text().is_empty());
    }
}

/// Every other call is told to wait, in words of its own; the rest is slow.
#[derive(Debug, Default)]
struct EveryOther(std::sync::atomic::AtomicU32);

impl easyai_clients::Faults for EveryOther {
    fn met_by(&self, call: SimulatedCall<'_>) -> Encounter {
        assert_eq!((&*call.offer.platform.name, call.credential.is_some()), ("p", true));
        if self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 2 == 1 {
            return Encounter { latency_ms: Some(30), ..Encounter::default() };
        }
        let played: easyai_core::catalog::SimulatedFault =
            serde_json::from_str(r#"{"category": "rate_limit", "retry_after_ms": 9000}"#).unwrap();
        let fault = Fault { status: Some(430), message: Some("slow down".to_owned()), should_retry: Some(false), ..Fault::from(played) };
        Encounter { fault: Some(fault), ..Encounter::default() }
    }
}

#[tokio::test(start_paused = true)]
async fn faults_can_come_from_outside_call_by_call() {
    let mut bed = bed("{}");
    bed.clients = bed.clients.with_faults(std::sync::Arc::new(EveryOther::default()));
    let failure = bed.chat(PLAIN).await.unwrap_err();
    assert_eq!((failure.status, failure.message.as_str(), failure.should_retry), (Some(430), "slow down", Some(false)));
    assert_eq!(failure.retry_after.map(|wait| wait.as_secs()), Some(9));
    let begun = tokio::time::Instant::now();
    assert!(bed.chat(PLAIN).await.is_ok());
    assert_eq!(begun.elapsed().as_millis(), 30);
}
