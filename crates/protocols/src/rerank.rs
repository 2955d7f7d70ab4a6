//! An order of documents by relevance: `POST /rerank` in the shape that Cohere and Jina made common.
//!
//! OpenAI has no such call. Callers send the common shape; upstreams speak one of three dialects of it ([`RerankDialect`]), and are read
//! all alike ([`read_answer`]). The answer is always written anew: sorted, cut to `top_n`, with the documents put in.
//!
//! Source: `providers.md` section 10; API references of Cohere (`/v2/rerank`), Jina and Voyage.

mod answer;
mod request;
mod scan;
mod write;

pub use answer::{Ranked, RerankAnswer, read_answer, write_answer};
pub use request::{Document, RerankRequest};
pub use scan::scan;
pub use write::{RerankDialect, write_request};

#[cfg(test)]
mod tests;
