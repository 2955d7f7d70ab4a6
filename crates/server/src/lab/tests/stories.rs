//! Small scenarios that together produce every reason, remedy and exclusion there is: each says which policy it is about.

mod candidates;
mod runs;

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

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Story> {
    runs::ALL.iter().chain(candidates::ALL)
}
