//! Where an answer breaks off and how, and the words for it on the command line.

use std::str::FromStr;

use super::{Answer, Reply, UpstreamError};

/// An answer that doesn't come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// After what.
    pub place: Place,
    /// How.
    pub fault: Fault,
}

/// What a caller has got before an answer breaks. Of a plain answer, anything past the headers means half the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Status and headers.
    Headers,
    /// And the chunks that carry only a role.
    Preamble,
    /// And so many deltas; more than there are means all of them, but no finish reason.
    Deltas(usize),
}

/// How an answer breaks off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing more comes, the connection stays open.
    Stall,
    /// The connection is closed without the terminating chunk.
    Cut,
    /// The connection is reset.
    Reset,
    /// The body ends as HTTP has it, but without finish reason, usage and `[DONE]`.
    End,
    /// An event with an error, and a proper end of the body. A plain answer is the error's body, with 200.
    Error(UpstreamError),
    /// An event whose data is half a JSON object, and a proper end of the body. A plain answer is the half object.
    Garbage,
}

/// A reply that the command line doesn't know.
#[derive(Debug, thiserror::Error)]
#[error(
    "unknown reply '{0}': ok, status=CODE[,RETRY-AFTER], hang, reset, close, garbage, html, empty, or one of stall, cut, reset, end, \
     error, garbage with @headers, @preamble or @DELTAS, such as cut@3"
)]
pub struct UnknownReply(String);

impl Reply {
    /// Reads a reply's short name; faults happen to this answer.
    ///
    /// # Errors
    /// [`UnknownReply`], which lists the names.
    pub fn named(name: &str, answer: &Answer) -> Result<Self, UnknownReply> {
        let unknown = || UnknownReply(name.to_owned());
        if let Some((fault, place)) = name.split_once('@') {
            let fault = fault_named(fault).ok_or_else(unknown)?;
            let place = place_named(place).ok_or_else(unknown)?;
            return Ok(answer.clone().broken(place, fault).into());
        }
        if let Some(status) = name.strip_prefix("status=") {
            return error_named(status).ok_or_else(unknown);
        }
        match name {
            "ok" => Ok(answer.clone().into()),
            "hang" => Ok(Self::Hang),
            "reset" => Ok(Self::Reset),
            "close" => Ok(Self::Close),
            "garbage" => Ok(Self::Garbage),
            "html" => Ok(Self::Html),
            "empty" => Ok(Self::Empty),
            _ => Err(unknown()),
        }
    }
}

impl FromStr for Reply {
    type Err = UnknownReply;

    fn from_str(name: &str) -> Result<Self, UnknownReply> {
        Self::named(name, &Answer::default())
    }
}

fn fault_named(name: &str) -> Option<Fault> {
    match name {
        "stall" => Some(Fault::Stall),
        "cut" => Some(Fault::Cut),
        "reset" => Some(Fault::Reset),
        "end" => Some(Fault::End),
        "error" => Some(Fault::Error(UpstreamError::of_status(500))),
        "garbage" => Some(Fault::Garbage),
        _ => None,
    }
}

fn place_named(name: &str) -> Option<Place> {
    match name {
        "headers" => Some(Place::Headers),
        "preamble" => Some(Place::Preamble),
        deltas => deltas.parse().ok().map(Place::Deltas),
    }
}

fn error_named(name: &str) -> Option<Reply> {
    let (status, retry_after) = match name.split_once(',') {
        Some((status, retry_after)) => (status, Some(retry_after.to_owned())),
        None => (name, None),
    };
    let status = status.parse().ok().filter(|status| (200..600).contains(status))?;
    Some(Reply::Error(UpstreamError { retry_after, ..UpstreamError::of_status(status) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_give_replies() {
        let reply = |name: &str| format!("{:?}", name.parse::<Reply>().unwrap());
        assert!(reply("status=429,7").contains("retry_after: Some(\"7\")"));
        assert!(reply("cut@3").contains("Break { place: Deltas(3), fault: Cut }"));
        assert!(reply("stall@headers").contains("Break { place: Headers, fault: Stall }"));
        assert_eq!(reply("reset"), "Reset");
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        for name in ["", "status=abc", "status=42", "cut@", "sulk", "hang@3"] {
            let error = name.parse::<Reply>().unwrap_err().to_string();
            assert!(error.contains("cut@3"), "{error}");
        }
    }
}
