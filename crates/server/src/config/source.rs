//! Settings as text, each with where it came from.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use anyhow::Context;
use toml::de::{DeTable, DeValue};

use crate::nearest;
use crate::problem::{Problem, position, render};

/// Every setting. In the environment: in capitals, after `EASYAI_`.
const SETTINGS: [&str; 36] = [
    "max_media_body_bytes",
    "data",
    "listen",
    "database_url",
    "master_key",
    "currency",
    "proxy",
    "egress_allow_private",
    "log_level",
    "log_format",
    "max_body_bytes",
    "max_header_bytes",
    "header_timeout_ms",
    "max_in_flight",
    "max_in_flight_per_account",
    "queue_timeout_ms",
    "keep_alive_ms",
    "drain_seconds",
    "caller_gone",
    "checkpoint_ms",
    "finish_patience_ms",
    "expose_platform",
    "admin_token",
    "callback_url",
    "callback_events",
    "assets_url",
    "assets_endpoint",
    "assets_region",
    "assets_addressing",
    "assets_access_key",
    "assets_secret_key",
    "assets_retention_days",
    "asset_link_seconds",
    "max_asset_bytes",
    "public_url",
    "config",
];

/// Those that a file may not hold: the key that opens the database's secrets does not lie beside them, and a file can't name itself.
const NOT_IN_FILES: [&str; 2] = ["master_key", "config"];

/// The largest settings file.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// What the command line says.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--data`.
    pub data: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<String>,
}

/// All that was given, by name, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Given {
    values: BTreeMap<&'static str, (String, String)>,
    wrong: Vec<String>,
}

impl Given {
    /// Gathers from all sources; the strongest source of each name counts.
    ///
    /// # Errors
    /// If the file can't be read, or names what is no setting.
    pub fn gather(flags: Flags, environment: impl Iterator<Item = (OsString, OsString)>) -> anyhow::Result<Self> {
        let mut given = Self::default();
        given.take_environment(environment);
        let mut flag = |name, flag: &str, value: Option<String>| {
            if let Some(value) = value {
                given.values.insert(name, (value, flag.to_owned()));
            }
        };
        flag("config", "--config", flags.config.map(|path| path.display().to_string()));
        flag("data", "--data", flags.data.map(|path| path.display().to_string()));
        flag("listen", "--listen", flags.listen);
        if let Some((path, _)) = given.values.get("config").cloned() {
            given.take_file(&path)?;
        }
        Ok(given)
    }

    fn take_environment(&mut self, environment: impl Iterator<Item = (OsString, OsString)>) {
        for (variable, value) in environment {
            let Some(name) = variable.to_str().and_then(|variable| variable.strip_prefix("EASYAI_")).map(str::to_lowercase) else {
                continue;
            };
            let variable = format!("EASYAI_{}", name.to_uppercase());
            match (SETTINGS.iter().find(|setting| **setting == name), value.into_string()) {
                // An empty variable is as good as none: that is how shells and compose files unset them.
                (Some(_), Ok(value)) if value.is_empty() => {}
                (Some(setting), Ok(value)) => drop(self.values.insert(setting, (value, variable))),
                (Some(_), Err(_)) => self.wrong.push(format!("{variable} is not UTF-8 text")),
                // Others may use the prefix for their own; only a slip of ours is worth a word.
                (None, _) => {
                    if let Some(setting) = slip(&name) {
                        self.wrong.push(format!("{variable} is not a setting: did you mean EASYAI_{}?", setting.to_uppercase()));
                    }
                }
            }
        }
    }

    fn take_file(&mut self, path: &str) -> anyhow::Result<()> {
        let size = std::fs::metadata(path).with_context(|| format!("the configuration file {path} can't be read"))?.len();
        anyhow::ensure!(size <= MAX_FILE_BYTES, "the configuration file {path} is larger than {MAX_FILE_BYTES} bytes");
        let text = std::fs::read_to_string(path).with_context(|| format!("the configuration file {path} can't be read"))?;
        self.take_text(path, &text).map_err(anyhow::Error::msg)
    }

    /// Takes what the text of the file `path` sets and nothing stronger has set.
    pub(super) fn take_text(&mut self, path: &str, text: &str) -> Result<(), String> {
        let (root, broken) = DeTable::parse_recoverable(text);
        let mut problems: Vec<Problem> =
            broken.iter().map(|error| Problem { span: error.span(), message: error.message().to_owned() }).collect();
        for (key, value) in root.get_ref() {
            let name = key.get_ref().as_ref();
            let allowed = SETTINGS.into_iter().filter(|setting| !NOT_IN_FILES.contains(setting));
            let Some(setting) = allowed.clone().find(|setting| *setting == name) else {
                problems.push(Problem::new(key.span(), format!("unknown setting `{name}`{}", nearest::hint(name, allowed))));
                continue;
            };
            match scalar(value.get_ref()) {
                Some(value) => {
                    let line = position(text, key.span().start).0;
                    self.values.entry(setting).or_insert((value, format!("{path}:{line}")));
                }
                None => problems
                    .push(Problem::new(value.span(), format!("`{name}` is a single value, this is: {}", value.get_ref().type_str()))),
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(render(path, text, problems)) }
    }

    /// A setting as it was given.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.values.get(name).map(|(value, _)| value.clone())
    }

    /// Notes that a setting is wrong.
    pub(super) fn wrong(&mut self, name: &str, value: &str, write: &str) {
        let source = self.values.get(name).map_or("", |(_, source)| source.as_str());
        self.wrong.push(format!("{name} (from {source}) can't be `{value}`: write {write}"));
    }

    /// A setting as a `T`; `write` says what to write.
    pub(super) fn parsed<T: std::str::FromStr>(&mut self, name: &str, write: &str) -> Option<T> {
        let text = self.text(name)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            // A database URL may carry a password.
            self.wrong(name, if name == "database_url" { "(not shown)" } else { &text }, write);
        }
        parsed
    }

    /// A setting as a number within `range`.
    pub(super) fn number(&mut self, name: &str, default: u64, range: RangeInclusive<u64>) -> u64 {
        self.optional_number(name, range).unwrap_or(default)
    }

    /// The same without a default.
    pub(super) fn optional_number(&mut self, name: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let text = self.text(name)?;
        let number = text.replace('_', "").parse().ok().filter(|number| range.contains(number));
        if number.is_none() {
            self.wrong(name, &text, &format!("a number from {} to {}", range.start(), range.end()));
        }
        number
    }

    /// Whether everything could be read.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        let lines: BTreeSet<String> = self.wrong.into_iter().collect();
        anyhow::ensure!(lines.is_empty(), "{}", lines.into_iter().collect::<Vec<_>>().join("\n"));
        Ok(())
    }
}

/// The setting that a variable of another name is a slip of: one or two letters.
fn slip(name: &str) -> Option<&'static str> {
    SETTINGS.into_iter().find(|setting| name.len() > 3 && strsim::osa_distance(name, setting) <= 2)
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(yes) => Some(yes.to_string()),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}
