//! An answer worked out to the byte: what to write, when to pause, how to end. Made once, performed for every call.

use std::{fmt::Write as _, time::Duration};

use bytes::{Bytes, BytesMut};

/// How an answer's bytes are handed to the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Writes {
    /// The head, and then every event or piece, in a write of its own, as most upstreams do.
    #[default]
    Each,
    /// So many events in a write, as an upstream does that is ahead of its network.
    Every(usize),
    /// The whole answer, head included, in one write (pauses are left out).
    Whole,
    /// A write for every single byte (pauses are kept).
    OneByte,
}

/// One thing to do on the socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Write(Bytes),
    Pause(Duration),
    /// Lets the peer run, so that it sees what was written as a read of its own.
    Breathe,
}

/// What happens after the last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The answer is complete; the connection waits for the next request.
    KeepAlive,
    /// The connection is closed in the middle of the answer.
    Close,
    /// The connection is reset.
    Reset,
    /// Nothing more happens until the peer goes away.
    Stall,
}

/// Steps and an end.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    pub(super) end: End,
}

impl Plan {
    /// No byte at all.
    pub(super) fn silent(end: End) -> Self {
        Self { steps: Vec::new(), end }
    }

    /// Begins with a head: sized, or chunked if no length is given.
    pub(super) fn new(status: u16, headers: &[(String, String)], length: Option<usize>) -> Self {
        let reason = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Status");
        let mut head = format!("HTTP/1.1 {status} {reason}\r\n");
        for (name, value) in headers {
            // Writing to a string can't fail.
            let _ = write!(head, "{name}: {value}\r\n");
        }
        match length {
            Some(length) => {
                let _ = write!(head, "content-length: {length}\r\n\r\n");
            }
            None => head.push_str("transfer-encoding: chunked\r\n\r\n"),
        }
        Self { steps: vec![Step::Write(head.into())], end: End::KeepAlive }
    }

    /// Adds bytes to the last write: a sized body travels with its head.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        match self.steps.last_mut() {
            Some(Step::Write(last)) => *last = [last.as_ref(), bytes].concat().into(),
            Some(Step::Pause(_) | Step::Breathe) | None => self.steps.push(Step::Write(Bytes::copy_from_slice(bytes))),
        }
    }

    /// A write of its own, framed as one HTTP chunk.
    pub(super) fn chunk(&mut self, data: &[u8]) {
        let framed = [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat();
        self.steps.push(Step::Write(framed.into()));
    }

    /// The end of a chunked body, in the same write as what came before.
    pub(super) fn last_chunk(&mut self) {
        self.append(b"0\r\n\r\n");
    }

    pub(super) fn pause(&mut self, delay: Duration) {
        if !delay.is_zero() {
            self.steps.push(Step::Pause(delay));
        }
    }

    /// The same, with a pause before everything.
    pub(super) fn delayed(mut self, delay: Duration) -> Self {
        self.steps.insert(0, Step::Pause(delay));
        self
    }

    /// Settles how the bytes go out, and how it ends.
    pub(super) fn finish(mut self, writes: Writes, end: End) -> Self {
        self.steps = match writes {
            Writes::Each => self.steps,
            Writes::Every(events) => merged(&self.steps, events.max(1)),
            Writes::Whole => vec![Step::Write(everything(&self.steps))],
            Writes::OneByte => self.steps.iter().flat_map(single_bytes).collect(),
        };
        self.end = end;
        self
    }
}

fn everything(steps: &[Step]) -> Bytes {
    let mut all = BytesMut::new();
    for step in steps {
        if let Step::Write(bytes) = step {
            all.extend_from_slice(bytes);
        }
    }
    all.freeze()
}

fn merged(steps: &[Step], events: usize) -> Vec<Step> {
    // Pauses bound what can be merged: what is written before one is not held back.
    steps
        .chunk_by(|before, after| matches!((before, after), (Step::Write(_), Step::Write(_))))
        .flat_map(|run| match run {
            [Step::Write(_), ..] => run.chunks(events).map(|part| Step::Write(everything(part))).collect(),
            other => other.to_vec(),
        })
        .collect()
}

fn single_bytes(step: &Step) -> Vec<Step> {
    match step {
        Step::Write(bytes) => (0..bytes.len()).flat_map(|at| [Step::Write(bytes.slice(at..=at)), Step::Breathe]).collect(),
        Step::Pause(_) | Step::Breathe => vec![step.clone()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunked() -> Plan {
        let mut plan = Plan::new(200, &[], None);
        for piece in ["a", "b", "c"] {
            plan.chunk(piece.as_bytes());
        }
        plan.last_chunk();
        plan
    }

    #[test]
    fn every_way_of_writing_sends_the_same_bytes() {
        let expected = everything(&chunked().steps);
        for (writes, steps) in [(Writes::Each, 4), (Writes::Every(2), 2), (Writes::Whole, 1), (Writes::OneByte, 2 * expected.len())] {
            let plan = chunked().finish(writes, End::KeepAlive);
            assert_eq!((everything(&plan.steps), plan.steps.len()), (expected.clone(), steps), "{writes:?}");
        }
    }

    #[test]
    fn a_pause_is_not_merged_away() {
        let mut plan = chunked();
        plan.steps.insert(2, Step::Pause(Duration::from_millis(1)));
        let plan = plan.finish(Writes::Every(9), End::KeepAlive);
        assert!(matches!(plan.steps.as_slice(), [Step::Write(_), Step::Pause(_), Step::Write(_)]));
    }
}
