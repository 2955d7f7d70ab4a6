//! What a caller wants of a file: all of it, a part, or to know that it has not changed.
//!
//! Source: RFC 9110, sections 13 (conditions) and 14 (ranges).

use std::ops::Range;

use axum::http::HeaderMap;
use axum::http::header::{HeaderName, IF_NONE_MATCH, IF_RANGE, RANGE};

/// What is to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Everything.
    Whole,
    /// These bytes, which are there.
    Part(Range<u64>),
    /// Bytes that are not there: 416.
    NotThere,
    /// The caller has it: 304.
    Nothing,
}

/// What `headers` want of a file of `size` bytes, of which there is at least one.
pub(super) fn wanted(headers: &HeaderMap, etag: &str, size: u64) -> Wanted {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(known) = text(IF_NONE_MATCH)
        && (known == "*" || known.split(',').any(|known| known.trim().trim_start_matches("W/") == etag))
    {
        return Wanted::Nothing;
    }
    let Some(range) = text(RANGE) else { return Wanted::Whole };
    // A date, or a weak tag, never says that not a byte has changed.
    if text(IF_RANGE).is_some_and(|known| known != etag) {
        return Wanted::Whole;
    }
    part(range, size)
}

/// A range that can't be read, or several, which one may answer as a whole, are as good as none.
fn part(range: &str, size: u64) -> Wanted {
    let Some((unit, range)) = range.split_once('=') else { return Wanted::Whole };
    let Some((start, end)) = range.trim().split_once('-') else { return Wanted::Whole };
    if !unit.eq_ignore_ascii_case("bytes") || range.contains(',') {
        return Wanted::Whole;
    }
    match (number(start), number(end)) {
        (Some(start), Some(end)) if end < start => Wanted::Whole,
        (Some(start), _) if start >= size && (end.is_empty() || number(end).is_some()) => Wanted::NotThere,
        (Some(start), Some(end)) => Wanted::Part(start..size.min(end.saturating_add(1))),
        (Some(start), None) if end.is_empty() => Wanted::Part(start..size),
        (None, Some(0)) if start.is_empty() => Wanted::NotThere,
        (None, Some(last)) if start.is_empty() => Wanted::Part(size.saturating_sub(last)..size),
        (Some(_) | None, _) => Wanted::Whole,
    }
}

/// Digits alone; more than fit are beyond any file.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETAG: &str = "\"abc\"";

    fn ask(headers: &[(HeaderName, &str)]) -> Wanted {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        wanted(&headers, ETAG, 100)
    }

    #[test]
    fn a_range_is_a_part_of_what_is_there() {
        let check = |range: &str, expected: Wanted| assert_eq!(ask(&[(RANGE, range)]), expected, "{range}");
        check("bytes=0-0", Wanted::Part(0..1));
        check("bytes=10-19", Wanted::Part(10..20));
        check("bytes=90-", Wanted::Part(90..100));
        check("bytes=90-1000", Wanted::Part(90..100));
        check("bytes=0-99999999999999999999999", Wanted::Part(0..100));
        check("bytes=-10", Wanted::Part(90..100));
        check("bytes=-1000", Wanted::Part(0..100));
        check("Bytes=1-2", Wanted::Part(1..3));
        check("bytes=100-", Wanted::NotThere);
        check("bytes=99999999999999999999999-", Wanted::NotThere);
        check("bytes=200-300", Wanted::NotThere);
        check("bytes=-0", Wanted::NotThere);
        for whole in
            ["bytes=5-4", "bytes=a-b", "bytes=1-b", "bytes=a-1", "bytes=-", "bytes=", "bytes", "lines=1-2", "bytes=0-1,5-6", "bytes=+1-2"]
        {
            check(whole, Wanted::Whole);
        }
        assert_eq!(ask(&[]), Wanted::Whole);
    }

    #[test]
    fn who_has_it_gets_nothing() {
        for known in [ETAG, "*", "\"x\", \"abc\"", "W/\"abc\""] {
            assert_eq!(ask(&[(IF_NONE_MATCH, known), (RANGE, "bytes=0-1")]), Wanted::Nothing, "{known}");
        }
        assert_eq!(ask(&[(IF_NONE_MATCH, "\"x\"")]), Wanted::Whole);
    }

    #[test]
    fn who_has_a_part_of_another_gets_the_whole() {
        assert_eq!(ask(&[(RANGE, "bytes=5-"), (IF_RANGE, ETAG)]), Wanted::Part(5..100));
        for other in ["\"x\"", "W/\"abc\"", "Thu, 01 Jan 2026 00:00:00 GMT"] {
            assert_eq!(ask(&[(RANGE, "bytes=5-"), (IF_RANGE, other)]), Wanted::Whole, "{other}");
        }
    }
}
