//! What is asked of every target.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

/// One kind of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(super) enum Scenario {
    /// Plain chats over 64 connections
    Plain,
    /// Streams of 50 chunks over 64 connections
    Stream,
    /// The same streams, for which the gateway asks an upstream that speaks Responses
    FromResponses,
    /// The same, of one that speaks Messages
    FromMessages,
    /// The same, of one that speaks generateContent
    FromGenerateContent,
    /// Plain chats with 100 KB of prompt over 16 connections
    Large,
    /// Plain chats over one connection
    Latency,
}

impl Scenario {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        Self::value_variants().iter().copied()
    }

    /// For the load client.
    pub(super) fn load_flags(self, quick: bool) -> Vec<String> {
        let (connections, requests, warmup, more): (u32, u32, u32, &[&str]) = match self {
            Self::Plain => (64, 40_000, 4_000, &[]),
            Self::Stream => (64, 8_000, 800, &["--stream"]),
            Self::FromResponses => (64, 8_000, 800, &["--stream", "--model", "responses"]),
            Self::FromMessages => (64, 8_000, 800, &["--stream", "--model", "messages"]),
            Self::FromGenerateContent => (64, 8_000, 800, &["--stream", "--model", "generate_content"]),
            Self::Large => (16, 8_000, 800, &["--body-bytes", "100000"]),
            Self::Latency => (1, 5_000, 500, &[]),
        };
        let share = if quick { 5 } else { 1 };
        let numbers = [("--connections", connections), ("--requests", requests / share), ("--warmup", warmup / share)];
        let mut flags: Vec<String> = numbers.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value.to_string()]).collect();
        flags.extend(more.iter().map(|flag| (*flag).to_owned()));
        flags
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Plain => "plain, 64 connections",
            Self::Stream => "50-chunk streams, 64 connections",
            Self::FromResponses => "the same out of Responses",
            Self::FromMessages => "the same out of Messages",
            Self::FromGenerateContent => "the same out of generateContent",
            Self::Large => "100 KB requests, 16 connections",
            Self::Latency => "plain, 1 connection",
        })
    }
}
