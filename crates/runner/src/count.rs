//! Counts tokens of delivered text where the upstream said nothing. The tables of the tokenizer are large and slow to unpack, so they
//! are loaded on first use, on a blocking thread.

use easyai_core::usage::Usage;
use easyai_store::turned;

/// Tokens of `text` by OpenAI's newest public vocabulary; other vendors' differ by a few percent. Falls back to the estimate if the
/// blocking pool is gone (shutdown).
pub async fn tokens(text: String) -> u64 {
    if text.is_empty() {
        return 0;
    }
    if turned::is_on() {
        return exactly(&text);
    }
    let estimate = easyai_protocols::tokens::estimate(&text);
    let exact = tokio::task::spawn_blocking(move || exactly(&text));
    exact.await.unwrap_or(estimate)
}

fn exactly(text: &str) -> u64 {
    bpe_openai::o200k_base().count(text) as u64
}

/// The usage of an answer that was counted here: the estimate of its prompt, and the tokens of what was delivered.
pub async fn usage(input_tokens: u64, delivered: String) -> Usage {
    Usage::counted(input_tokens, tokens(delivered).await)
}
