//! What becomes of a run: retries, failovers, limits of time, callers.

use super::Story;

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
];
