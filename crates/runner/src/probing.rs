//! Makes active probes: asks who is out by a policy for the smallest answer there is, and brings back whoever gives it. Who is asked when
//! is `core::health`'s; this carries it out, counts it and tells it.
//!
//! A probe is no task and charges nobody, but it comes under the limits of whom it calls. One that fails, has no room under a limit, or
//! dies with its process changes nothing but the time of the next.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use easyai_clients::{TextAnswer, TextCall};
use easyai_core::catalog::PlatformModel;
use easyai_core::failure::{Category, Failure, Sent};
use easyai_core::health::{ProbeOrder, Question, Subject};
use easyai_core::id::TaskId;
use easyai_core::limit::Amounts;
use easyai_core::money::Money;
use easyai_protocols::request::{BadRequest, TextRequest, Unary};
use easyai_protocols::{anthropic, embeddings, moderations, rerank};
use http::HeaderMap;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::admission::Admission;
use crate::claims;
use crate::clock::{new_id, now};
use crate::runner::Runner;

/// How often is looked who is due: as fine as intervals are.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Probes under way at once. Further ones wait for the next look: nobody depends on them.
const MOST_AT_ONCE: usize = 16;
/// A client keeps its own limits of time, of which the probe's is one. This ends one that does not.
const GRACE: Duration = Duration::from_millis(250);
/// What an answer may use up beside its prompt: one token is asked for, some upstreams give no fewer than sixteen.
const OUTPUT_TOKENS: u64 = 16;

impl Runner {
    /// Probes who is out, where a policy set says so, until `stop`. Probes under way are broken off then.
    pub async fn keep_probing(self: &Arc<Self>, stop: &CancellationToken) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut under_way = JoinSet::new();
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            while let Some(ended) = under_way.try_join_next() {
                if let Err(died) = ended {
                    tracing::error!(error = %died, "A probe died: it counts as one in vain");
                }
            }
            if !self.health.now().has_ill() {
                continue;
            }
            let catalog = self.catalog();
            let offers: Vec<Arc<PlatformModel>> = catalog.models.values().flat_map(|model| &model.offers).cloned().collect();
            for order in self.health.plan_probes(&offers, now(), MOST_AT_ONCE.saturating_sub(under_way.len())) {
                let runner = Arc::clone(self);
                under_way.spawn(async move { runner.probe(order).await });
            }
        }
    }

    async fn probe(&self, order: ProbeOrder) {
        let asked = match tokio::time::timeout(order.timeout + GRACE, self.ask(&order)).await {
            Ok(asked) => asked,
            Err(_) => Err(Failure::new(Category::Timeout, Sent::Maybe, "no answer in time")),
        };
        let (platform, what) = (&order.offer.platform.name, of_whom(&order));
        let tries = order.seen.probed.map_or(1, |probed| probed.tries);
        if let Err(failure) = asked {
            self.metrics.probed(Some(failure.category));
            let next = order.seen.probed.map(|probed| probed.next.to_string()).unwrap_or_default();
            tracing::info!(%platform, subject = %order.subject, category = %failure.category, tries, next, "A probe of {what} failed: {}", failure.message);
            return;
        }
        let reason = format!("{} at {platform} answered probe {tries} of {what}", order.offer.model);
        let healed = self.health.heal(&self.db, &order, &reason, now()).await;
        self.metrics.probed(None);
        match healed {
            Ok(true) => tracing::info!(%platform, subject = %order.subject, tries, "{what} is back: {reason}"),
            Ok(false) => {
                tracing::info!(%platform, subject = %order.subject, tries, "A probe of {what} went well, but something else happened to it since")
            }
            Err(error) => {
                tracing::error!(%error, %platform, subject = %order.subject, "{what} answered a probe, but that could not be written: it is probed again")
            }
        }
    }

    /// Asks the question of `order`.
    async fn ask(&self, order: &ProbeOrder) -> Result<(), Failure> {
        let ProbeOrder { offer, credential, question, .. } = order;
        let credential = credential.as_deref();
        let request = written(*question).map_err(|bad| Failure::new(Category::Internal, Sent::Nothing, bad.message))?;
        let amounts = Amounts { tokens: request.scan.prompt_tokens.saturating_add(OUTPUT_TOKENS), charge: Money::ZERO };
        let refused = |refused: easyai_core::limit::Refused| Failure::new(Category::LocalRateLimit, Sent::Nothing, refused.to_string());
        let taken = self.limits.take(&claims::at_a_candidate(offer, credential), amounts).map_err(refused)?;
        let mut admission = Admission::of(taken);
        let call = TextCall {
            offer,
            credential,
            request: &request,
            written: None,
            task: TaskId::from_uuid(new_id()),
            started_at: now(),
            simulated: false,
            simulation: None,
            call_of_platform: 0,
            whole: false,
            deadline: Some(Instant::now() + order.timeout),
            forward: &HeaderMap::new(),
        };
        let answered = self.clients.text(call).await;
        match answered {
            Ok(answer) => {
                let usage = match answer {
                    TextAnswer::Plain(answer) => answer.usage,
                    TextAnswer::Stream { .. } | TextAnswer::Made(_) | TextAnswer::Job(_) => None,
                };
                let used = usage.map_or(amounts.tokens, |usage| usage.input_tokens.saturating_add(usage.output_tokens));
                admission.ended(used, Money::ZERO);
                Ok(())
            }
            Err(failure) => {
                admission.failed(&failure);
                Err(failure)
            }
        }
    }
}

/// What the probe is about, for a person.
fn of_whom(order: &ProbeOrder) -> String {
    let (platform, model) = (&order.offer.platform.name, &order.offer.model);
    match order.subject {
        Subject::Platform(_) => format!("platform {platform}"),
        Subject::PlatformModel(_) => format!("{model} at {platform}"),
        Subject::Credential(_) => {
            let credential = order.credential.as_ref().map(|credential| &*credential.name).unwrap_or_default();
            format!("{credential} of {platform}")
        }
    }
}

/// The smallest request of its sort. Text is asked in Anthropic's words: from there everything is written anew for whoever is asked, with
/// the bound on the answer where that upstream has it.
fn written(question: Question) -> Result<TextRequest, BadRequest> {
    let body = |text: &'static str| Bytes::from_static(text.as_bytes());
    match question {
        Question::Text => anthropic::scan::scan(body(r#"{"model":"probe","max_tokens":1,"messages":[{"role":"user","content":"ping"}]}"#)),
        Question::Embedding => {
            let asked = embeddings::scan(body(r#"{"model":"probe","input":"ping"}"#))?;
            Ok(TextRequest::unary(Unary::Embeddings(asked)))
        }
        Question::Moderation => {
            let asked = moderations::scan(body(r#"{"model":"probe","input":"ping"}"#))?;
            Ok(TextRequest::unary(Unary::Moderations(asked)))
        }
        Question::Rerank => {
            let asked = rerank::scan(body(r#"{"model":"probe","query":"ping","documents":["pong"]}"#))?;
            Ok(TextRequest::unary(Unary::Rerank(asked)))
        }
    }
}

#[cfg(test)]
mod tests {
    use easyai_core::kind::Provider;
    use easyai_protocols::bridge;
    use easyai_protocols::wire::{Protocol, Target};

    use super::*;

    #[test]
    fn everybody_is_asked_for_as_little_as_its_protocol_allows() {
        let asked = written(Question::Text).unwrap().conversation().unwrap();
        for (provider, model, protocol, expected) in [
            (
                Provider::Openai,
                "glm-5",
                Protocol::Chat,
                r#"{"model":"glm-5","messages":[{"role":"user","content":"ping"}],"max_tokens":1}"#,
            ),
            (Provider::Openai, "o3", Protocol::Chat, r#""max_completion_tokens":1"#),
            (Provider::Openai, "gpt-5.4", Protocol::Responses, r#""max_output_tokens":16"#),
            (Provider::Volces, "ep-1", Protocol::Chat, r#""max_completion_tokens":1"#),
            (Provider::Gemini, "gemini-3", Protocol::GenerateContent, r#""maxOutputTokens":1"#),
        ] {
            let target = Target { provider, model, max_output_tokens: None, stream_options: true };
            let body = bridge::write_request(protocol, &asked, &target).unwrap().body;
            let body = String::from_utf8_lossy(&body);
            assert!(body.contains(expected) && body.contains("ping"), "{provider}: {body}");
        }
    }

    #[test]
    fn every_question_is_a_request_of_its_sort() {
        for (question, protocol) in [
            (Question::Text, "messages"),
            (Question::Embedding, "embeddings"),
            (Question::Moderation, "moderations"),
            (Question::Rerank, "rerank"),
        ] {
            let request = written(question).unwrap();
            assert_eq!(format!("{:?}", request.protocol).to_lowercase(), protocol);
            assert!(!request.scan.stream && request.scan.prompt_tokens < 10, "{question:?}: {:?}", request.scan);
        }
    }
}
