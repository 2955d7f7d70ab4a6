//! Small scenarios that together produce every reason, remedy and exclusion there is: each says which policy it is about.

/// Two platforms of one model, the first of which comes under the policy set `set` that each story writes.
const STAGE: &str = r#"
[scenario]
name = "story"
duration_seconds = 20

[[platform]]
name = "a"
provider = "simulation"
priority = 0
simulation = { latency_ms = 10, chunk_delay_ms = 2 }
timeouts = { first_delta_ms = 400, idle_ms = 400 }

[[platform]]
name = "b"
provider = "simulation"
priority = 1
credentials = [{ name = "main", secret = "1", weight = 1000000 }, { name = "spare", secret = "2" }]
simulation = { latency_ms = 10, chunk_delay_ms = 2 }

[[policy_set]]
name = "plain"

[[model]]
name = "chat"

[[platform_model]]
platform = "a"
model = "chat"
policy_set = "set"
price = { input_per_million = "1", output_per_million = "2" }

[[platform_model]]
platform = "b"
model = "chat"
policy_set = "plain"
price = { input_per_million = "1", output_per_million = "2" }
"#;

const PLAIN: &str = "[[policy_set]]\nname = \"set\"\n";
const ONCE_A_SECOND: &str = "[[load]]\nmodel = \"chat\"\nrequests_per_second = 1\n";

/// A story: what it is about, its policies, its callers, its faults.
pub struct Story {
    pub about: &'static str,
    policies: &'static str,
    loads: &'static str,
    faults: &'static str,
}

impl Story {
    /// Its scenario file.
    pub fn text(&self) -> String {
        let policies = if self.policies.contains("name = \"set\"") { "" } else { PLAIN };
        let loads = if self.loads.is_empty() { ONCE_A_SECOND } else { self.loads };
        format!("{STAGE}\n{policies}{}\n{loads}\n{}", self.policies, self.faults)
    }
}

pub const ALL: &[Story] = &[
    Story {
        about: "the same client again, and the next one after its attempts",
        policies: "[[policy_set]]\nname = \"set\"\nretry = { max_attempts = 2, backoff = { initial_ms = 50 } }",
        loads: "",
        faults: "[[fault]]\nplatform = \"a\"\ncategory = \"server_error\"\nshare_percent = 70",
    },
    Story {
        about: "a retry rule and a failover rule decide",
        policies: r#"
            [[policy_set]]
            name = "set"
            retry = { max_attempts = 2, rules = [{ match = { categories = ["bad_request"] }, retry = true }] }
            [runner_policy.failover]
            rules = [{ match = { categories = ["server_error"] }, action = "stop" }]"#,
        loads: "",
        faults: r#"
            [[fault]]
            platform = "a"
            category = "bad_request"
            until_seconds = 5
            [[fault]]
            platform = "a"
            category = "server_error"
            from_seconds = 5"#,
    },
    Story {
        about: "the upstream asks for another attempt, or for none",
        policies: "[[policy_set]]\nname = \"set\"\nretry = { max_attempts = 2 }",
        loads: "",
        faults: r#"
            [[fault]]
            platform = "a"
            category = "bad_response"
            should_retry = true
            until_seconds = 5
            [[fault]]
            platform = "a"
            category = "network"
            should_retry = false
            from_seconds = 5"#,
    },
    Story {
        about: "retries are switched off",
        policies: "[[policy_set]]\nname = \"set\"\nretry = { enabled = false }",
        loads: "",
        faults: "[[fault]]\nplatform = \"a\"\ncategory = \"timeout\"",
    },
    Story {
        about: "a rate limit of unknown and of too long a wait",
        policies: "[[policy_set]]\nname = \"set\"\nretry = { max_attempts = 2 }\ncooldown = { rules = [{ match = { categories = [\"rate_limit\"] }, seconds = 1 }] }",
        loads: "",
        faults: r#"
            [[fault]]
            platform = "a"
            category = "rate_limit"
            until_seconds = 5
            [[fault]]
            platform = "a"
            category = "rate_limit"
            retry_after_seconds = 60
            from_seconds = 5"#,
    },
    Story {
        about: "the caller's deadline leaves no time for a wait, or for anything",
        policies: "[[policy_set]]\nname = \"set\"\nretry = { max_attempts = 2, backoff = { initial_ms = 1000 } }",
        loads: "[[load]]\nmodel = \"chat\"\nrequests_per_second = 1\ntimeout_ms = 300",
        faults: r#"
            [[fault]]
            platform = "a"
            category = "server_error"
            until_seconds = 5
            [[fault]]
            platform = "a"
            category = "server_error"
            latency_ms = 350
            from_seconds = 5"#,
    },
    Story {
        about: "the run's time is over",
        policies: "[runner_policy.failover]\nmax_duration_seconds = 1",
        loads: "",
        faults: "[[fault]]\nplatform = \"a\"\ncategory = \"server_error\"\nlatency_ms = 350\n[[fault]]\nplatform = \"b\"\ncategory = \"network\"\nlatency_ms = 1500",
    },
    Story {
        about: "as many platforms as the policy allows",
        policies: "[runner_policy.failover]\nmax_platforms = 1",
        loads: "",
        faults: "[[fault]]\nplatform = \"a\"\ncategory = \"server_error\"",
    },
    Story {
        about: "nobody is left, and a candidate's own bound on attempts",
        policies: r#"
            [[policy_set]]
            name = "set"
            [[model]]
            name = "other"
            [[platform_model]]
            platform = "a"
            model = "other"
            policy_set = "set"
            overrides = { retry = { enabled = true, max_attempts = 2, backoff = { initial_ms = 10 } }, max_platforms = 1 }
            price = { input_per_million = "1", output_per_million = "2" }"#,
        loads: "[[load]]\nmodel = \"other\"\nrequests_per_second = 1",
        faults: "[[fault]]\nplatform = \"a\"\ncategory = \"overloaded\"",
    },
    Story {
        about: "the request or the gateway is at fault",
        policies: "",
        loads: "",
        faults: r#"
            [[fault]]
            platform = "a"
            category = "content_filter"
            until_seconds = 4
            [[fault]]
            platform = "a"
            category = "internal"
            from_seconds = 4
            until_seconds = 8
            [[fault]]
            platform = "a"
            category = "cancelled"
            from_seconds = 8
            until_seconds = 12
            [[fault]]
            platform = "a"
            category = "context_length"
            from_seconds = 12
            until_seconds = 16"#,
    },
    Story {
        about: "streams that break in the middle",
        policies: "",
        loads: "[[load]]\nmodel = \"chat\"\nrequests_per_second = 1\nstreamed_percent = 100",
        faults: r#"
            [[fault]]
            platform = "a"
            position = "cut"
            deltas = 3
            until_seconds = 5
            [[fault]]
            platform = "a"
            position = "stall"
            deltas = 3
            from_seconds = 5
            until_seconds = 10
            [[fault]]
            platform = "a"
            position = "after_deltas"
            category = "server_error"
            deltas = 3
            from_seconds = 10"#,
    },
    Story {
        about: "callers that go away, before the answer and in it",
        policies: "",
        loads: r#"
            [[load]]
            model = "chat"
            requests_per_second = 1
            leaves_after_ms = 5
            [[load]]
            model = "chat"
            requests_per_second = 1
            streamed_percent = 100
            leaves_after_ms = 20"#,
        faults: "",
    },
    Story {
        about: "each of a platform's credentials answers for itself",
        policies: "[[policy_set]]\nname = \"set\"\nauto_disable = { rules = [{ match = { categories = [\"server_error\"] }, failures = 2 }] }",
        loads: "",
        faults: r#"
            [[fault]]
            platform = "a"
            category = "server_error"
            [[fault]]
            platform = "b"
            credential = "main"
            category = "auth"
            from_seconds = 5
            [[fault]]
            platform = "b"
            credential = "spare"
            category = "quota_exhausted"
            from_seconds = 10"#,
    },
    Story {
        about: "a platform is switched off by the table",
        policies: "",
        loads: "",
        faults: "[[fault]]\nplatform = \"a\"\ncategory = \"auth\"\nfrom_seconds = 5",
    },
    Story {
        about: "a platform cools down by the table",
        policies: "",
        loads: "",
        faults: "[[fault]]\nplatform = \"a\"\ncategory = \"quota_exhausted\"\nfrom_seconds = 5",
    },
    Story {
        about: "a model of a platform cools down, and both serve as last resorts",
        policies: "",
        loads: "",
        faults: "[[fault]]\nplatform = \"a\"\ncategory = \"model_unavailable\"\n[[fault]]\nplatform = \"b\"\ncategory = \"model_unavailable\"\nuntil_seconds = 5",
    },
    Story {
        about: "demotions by both scopes, and successes that heal them",
        policies: r#"
            [[runner_policy.demotion.rules]]
            match = { categories = ["network"] }
            scope = "platform"
            steps = 1
            [[runner_policy.demotion.rules]]
            match = { categories = ["timeout"] }
            steps = 3"#,
        loads: "",
        faults: r#"
            [[fault]]
            platform = "a"
            category = "network"
            share_percent = 50
            until_seconds = 5
            [[fault]]
            platform = "b"
            category = "timeout"
            share_percent = 50
            until_seconds = 10"#,
    },
    Story {
        about: "a circuit breaker opens, is probed in vain, is probed well and closes",
        policies: r#"
            [[policy_set]]
            name = "set"
            breaker = { failures = 3, window_seconds = 10, cooldown_seconds = 4 }"#,
        loads: "[[load]]\nmodel = \"chat\"\nrequests_per_second = 20\nuntil_seconds = 19",
        faults: r#"
            [[fault]]
            platform = "a"
            category = "server_error"
            latency_ms = 120
            until_seconds = 6
            [[fault]]
            platform = "a"
            latency_ms = 120
            from_seconds = 6"#,
    },
    Story {
        about: "those who can't serve whatever happens",
        policies: r#"
            [[platform]]
            name = "off"
            provider = "simulation"
            enabled = false
            [[platform_model]]
            platform = "off"
            model = "chat"
            price = { input_per_million = "1", output_per_million = "2" }

            [[platform]]
            name = "model-off"
            provider = "simulation"
            [[platform_model]]
            platform = "model-off"
            model = "chat"
            enabled = false
            price = { input_per_million = "1", output_per_million = "2" }

            [[platform]]
            name = "painter"
            provider = "simulation"
            [[platform_model]]
            platform = "painter"
            model = "chat"
            model_types = ["image_generate"]
            price = { input_per_million = "1", output_per_million = "2" }

            [[platform]]
            name = "unpriced"
            provider = "simulation"
            [[platform_model]]
            platform = "unpriced"
            model = "chat"

            [[platform]]
            name = "unable"
            provider = "simulation"
            [[platform_model]]
            platform = "unable"
            model = "chat"
            capabilities = ["vision"]
            price = { input_per_million = "1", output_per_million = "2" }

            [[platform]]
            name = "small"
            provider = "simulation"
            [[platform_model]]
            platform = "small"
            model = "chat"
            context_tokens = 100
            price = { input_per_million = "1", output_per_million = "2" }"#,
        loads: "[[load]]\nmodel = \"chat\"\nrequests_per_second = 1\nneeds = [\"tools\"]\nprompt_words = 600",
        faults: "",
    },
    Story {
        about: "failover rules that cool down, demote and switch off by every scope",
        policies: r#"
            [runner_policy.failover]
            rules = [
              { match = { error_codes = ["cool"] }, action = "cooldown_and_next", scope = "credential", seconds = 1 },
              { match = { error_codes = ["demote"] }, action = "demote_and_next", scope = "platform", seconds = 1 },
              { match = { error_codes = ["disable"] }, action = "disable_and_next", scope = "platform_model" },
            ]"#,
        loads: "",
        faults: r#"
            [[fault]]
            platform = "a"
            category = "server_error"
            code = "cool"
            until_seconds = 5
            [[fault]]
            platform = "a"
            category = "server_error"
            code = "demote"
            from_seconds = 5
            until_seconds = 10
            [[fault]]
            platform = "a"
            category = "server_error"
            code = "disable"
            from_seconds = 10"#,
    },
    Story {
        about: "a platform's own limit, which sends callers on to the next",
        policies: r#"
            [[policy_set]]
            name = "set"
            [[platform]]
            name = "narrow"
            provider = "simulation"
            limits = { concurrent = 1 }
            simulation = { latency_ms = 300 }
            [[model]]
            name = "other"
            [[platform_model]]
            platform = "narrow"
            model = "other"
            price = { input_per_million = "1", output_per_million = "2" }"#,
        loads: "[[load]]\nmodel = \"other\"\nrequests_per_second = 10",
        faults: "",
    },
    Story {
        about: "a candidate's own time is over, and nobody serves as a last resort",
        policies: r#"
            [[policy_set]]
            name = "set"
            [runner_policy.availability]
            last_resort = "rests"
            [[model]]
            name = "other"
            [[platform_model]]
            platform = "a"
            model = "other"
            policy_set = "set"
            overrides = { max_duration_seconds = 1 }
            price = { input_per_million = "1", output_per_million = "2" }"#,
        loads: "[[load]]\nmodel = \"other\"\nrequests_per_second = 1",
        faults: "[[fault]]\nplatform = \"a\"\ncategory = \"rate_limit\"\nretry_after_seconds = 5",
    },
];
