//! What becomes of candidates: cooldowns, demotions, breakers, disabling, and who is left out.

use super::Story;

pub const ALL: &[Story] = &[
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
