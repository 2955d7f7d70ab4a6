//! Calls upstreams. All calls leave through [`egress`]; what differs between providers on the wire is in `easyai-protocols`, and where
//! and how each is asked in `upstream`.
//!
//! A call either gives an answer that has begun (a whole body, or a stream at its first useful delta), or a [`Failure`] in the
//! gateway's own categories. Nothing here retries or chooses: that is policy.

mod call;
mod callback;
mod count;
pub mod egress;
mod media;
mod refusal;
mod simulation;
mod stream;
mod text;
mod unary;
mod upstream;

pub use call::{Clients, PlainAnswer, TextAnswer, TextCall};
pub use callback::{Message, sign};
pub use egress::{
    BadCallbackUrl, Download, DownloadAsk, DownloadLimits, EgressError, FetchError, Fetched, PrivateAddresses, callback_host,
};
pub use media::{AcceptedJob, JobCall, JobLookup, Made, StoppedJob};
pub use simulation::{Encounter, Fault, Faults, SimulatedCall};
pub use stream::{LastFrames, StreamItem, UpstreamStream};
pub use upstream::target;
