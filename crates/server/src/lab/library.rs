//! The scenarios that come with the program.

use std::path::Path;

use super::scenario::{self, Scenario};

/// One that comes with the program.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// What it is called.
    pub name: &'static str,
    /// Its file.
    pub text: &'static str,
}

macro_rules! known {
    ($($name:literal),+) => { &[$(Known { name: $name, text: include_str!(concat!("../../../../lab/", $name, ".toml")) }),+] };
}

/// All of them.
pub const ALL: &[Known] = known!["one-platform-dies", "brown-out", "rate-limit-storm", "bad-credential", "slow-tokens"];

impl Known {
    /// The scenario.
    ///
    /// # Errors
    /// If its file is wrong, which tests rule out.
    pub fn read(&self) -> anyhow::Result<Scenario> {
        scenario::read(&format!("lab/{}.toml", self.name), self.text, Path::new("")).map_err(anyhow::Error::msg)
    }
}
