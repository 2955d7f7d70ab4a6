//! Policies as tables: a row a value, or a rule.

use easyai_core::policy::effective::{DefaultRow, EffectivePolicy, Source, Sourced};
use easyai_core::policy::{AutoDisableRule, Backoff, BreakerPolicy, CooldownRule, DemotionRule, FailoverRule, ProbePolicy, RetryRule};

use super::super::out::table;
use super::super::paint::Paint;

/// What, which value, and where it comes from.
type Row = [String; 3];

/// All candidates, then the default table.
pub fn render(candidates: &[EffectivePolicy], defaults: &[DefaultRow], paint: Paint) -> String {
    let mut parts: Vec<String> = candidates.iter().map(|policy| candidate(policy, paint)).collect();
    if candidates.is_empty() {
        parts.push("no platform offers this model".to_owned());
    }
    parts.push(format!("{}\n{}", paint.bold("Failures that no rule matches"), default_table(defaults)));
    parts.join("\n\n")
}

fn candidate(policy: &EffectivePolicy, paint: Paint) -> String {
    let set = policy.policy_set.as_ref().map_or_else(|| "no policy set".to_owned(), |name| format!("policy set \"{name}\""));
    let mut rows = Rows { policy, rows: Vec::new() };
    let EffectivePolicy { retry, cooldown_rules, breaker, auto_disable_rules, probe, failover, demotion, availability, .. } = policy;
    rows.one("retry enabled", &retry.enabled, ToString::to_string);
    rows.one("retry max_attempts", &retry.max_attempts, ToString::to_string);
    rows.one("retry backoff", &retry.backoff, backoff);
    rows.rules("retry", &retry.rules, retry_rule);
    rows.rules("cooldown", cooldown_rules, cooldown_rule);
    rows.one("circuit breaker", breaker, |breaker| breaker.as_ref().map_or_else(|| "none".to_owned(), breaker_text));
    rows.rules("auto-disable", auto_disable_rules, auto_disable_rule);
    rows.one("active probes", probe, |probe| probe.as_ref().map_or_else(|| "none".to_owned(), probe_text));
    rows.one("failover max_platforms", &failover.max_platforms, ToString::to_string);
    rows.one("failover max_duration_seconds", &failover.max_duration_seconds, ToString::to_string);
    rows.rules("failover", &failover.rules, failover_rule);
    rows.one("demotion heal_steps", &demotion.heal_steps, ToString::to_string);
    rows.rules("demotion", &demotion.rules, demotion_rule);
    let share = |percent: &Option<std::num::NonZeroU32>| {
        percent.map_or_else(|| "as many as last_resort lets".to_owned(), |share| share.to_string())
    };
    rows.one("availability max_out_percent", &availability.max_out_percent, share);
    rows.one("availability last_resort", &availability.last_resort, ToString::to_string);
    let title = paint.bold(&format!("{} at {} ({set})", policy.model, policy.platform));
    format!("{title}\n{}", table(["policy", "value", "from"], rows.rows, ""))
}

struct Rows<'a> {
    policy: &'a EffectivePolicy,
    rows: Vec<Row>,
}

impl Rows<'_> {
    fn one<T>(&mut self, what: &str, value: &Sourced<T>, text: impl Fn(&T) -> String) {
        let source = self.source(value.source);
        self.rows.push([what.to_owned(), text(&value.value), source]);
    }

    /// Rules have numbers, by which decisions name them.
    fn rules<R>(&mut self, what: &str, rules: &Sourced<Vec<R>>, text: impl Fn(&R) -> String) {
        let source = self.source(rules.source);
        if rules.value.is_empty() {
            self.rows.push([format!("{what} rules"), "none".to_owned(), source.clone()]);
        }
        let rules = (1..).zip(&rules.value);
        self.rows.extend(rules.map(|(number, rule): (u32, &R)| [format!("{what} rule {number}"), text(rule), source.clone()]));
    }

    fn source(&self, source: Source) -> String {
        match source {
            Source::PolicySet => self.policy.policy_set.as_ref().map_or_else(String::new, |name| format!("policy set \"{name}\"")),
            Source::PlatformModel => "platform model override".to_owned(),
            Source::RunnerPolicy => "runner policy".to_owned(),
            Source::Default => "default".to_owned(),
        }
    }
}

fn backoff(backoff: &Backoff) -> String {
    let Backoff { initial_ms, max_ms, multiplier, jitter } = backoff;
    let jitter = if *jitter { ", with jitter" } else { "" };
    format!("{initial_ms} ms, times {multiplier}, at most {max_ms} ms{jitter}")
}

fn retry_rule(rule: &RetryRule) -> String {
    format!("{}: {}", rule.matches, if rule.retry { "again" } else { "not again" })
}

fn cooldown_rule(rule: &CooldownRule) -> String {
    let lasting = rule.seconds.map_or_else(|| "as long as the default table says".to_owned(), |seconds| format!("for {seconds} s"));
    format!("{}: {} left alone {lasting}", rule.matches, rule.scope)
}

fn breaker_text(breaker: &BreakerPolicy) -> String {
    let BreakerPolicy { enabled, failures, window_seconds, cooldown_seconds, max_cooldown_seconds, matches } = breaker;
    let off = if *enabled { "" } else { "off: " };
    format!(
        "{off}{failures} failures within {window_seconds} s of {matches} open it for {cooldown_seconds} s, doubling up to {max_cooldown_seconds} s"
    )
}

fn auto_disable_rule(rule: &AutoDisableRule) -> String {
    format!("{rule}: {} switched off", rule.scope)
}

fn probe_text(probe: &ProbePolicy) -> String {
    let ProbePolicy { interval_seconds, max_interval_seconds, timeout_ms } = probe;
    format!("after {interval_seconds} s, doubling up to {max_interval_seconds} s, each at most {timeout_ms} ms")
}

fn failover_rule(rule: &FailoverRule) -> String {
    let FailoverRule { matches, action, scope, seconds, steps } = rule;
    let more = [
        scope.map(|scope| format!(" scope={scope}")),
        seconds.map(|seconds| format!(" seconds={seconds}")),
        steps.map(|steps| format!(" steps={steps}")),
    ];
    format!("{matches}: {action}{}", more.into_iter().flatten().collect::<String>())
}

fn demotion_rule(rule: &DemotionRule) -> String {
    let DemotionRule { matches, scope, steps, seconds, max_steps } = rule;
    let most = max_steps.map_or_else(String::new, |most| format!(", at most {most}"));
    format!("{matches}: {scope} {steps} steps down for {seconds} s{most}")
}

fn default_table(rows: &[DefaultRow]) -> String {
    let rows = rows.iter().map(|row| {
        let scope = row.scope.map(|scope| format!(", {scope}")).unwrap_or_default();
        let seconds = row.seconds.map(|seconds| format!(" {seconds} s")).unwrap_or_default();
        [row.category.to_string(), row.same_client.to_owned(), format!("{}{seconds}{scope}", row.action)]
    });
    table(["category", "same platform again", "then"], rows, "")
}
