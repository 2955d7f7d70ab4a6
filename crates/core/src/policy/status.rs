//! HTTP statuses as rules name them: `503`, `"5xx"` or `"500-504"`.

/// One status, a class (`5xx`) or a range (`500-503`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusPattern {
    /// The first status that matches.
    pub from: u16,
    /// The last one.
    pub to: u16,
}

/// Text that is no status pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a status: write 503, \"5xx\" or \"500-504\"")]
pub struct BadStatusPattern(pub String);

/// The statuses that HTTP has.
const STATUSES: std::ops::RangeInclusive<u16> = 100..=599;

impl StatusPattern {
    /// Whether `status` is one of these.
    #[must_use]
    pub const fn matches(self, status: u16) -> bool {
        self.from <= status && status <= self.to
    }

    fn new(from: u16, to: u16) -> Option<Self> {
        (from <= to && STATUSES.contains(&from) && STATUSES.contains(&to)).then_some(Self { from, to })
    }

    const fn is_class(self) -> bool {
        self.from.is_multiple_of(100) && self.to == self.from + 99
    }
}

impl std::fmt::Display for StatusPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self { from, to } if from == to => write!(f, "{from}"),
            class if class.is_class() => write!(f, "{}xx", class.from / 100),
            Self { from, to } => write!(f, "{from}-{to}"),
        }
    }
}

impl std::str::FromStr for StatusPattern {
    type Err = BadStatusPattern;

    fn from_str(text: &str) -> Result<Self, BadStatusPattern> {
        let number =
            |digits: &str| digits.parse::<u16>().ok().filter(|_| digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()));
        let pattern = if let Some(class) = text.strip_suffix("xx") {
            let class = class.parse::<u16>().ok().filter(|_| class.len() == 1);
            class.and_then(|class| Self::new(class * 100, class * 100 + 99))
        } else if let Some((from, to)) = text.split_once('-') {
            number(from.trim()).zip(number(to.trim())).and_then(|(from, to)| Self::new(from, to))
        } else {
            number(text).and_then(|status| Self::new(status, status))
        };
        pattern.ok_or_else(|| BadStatusPattern(text.to_owned()))
    }
}

impl serde::Serialize for StatusPattern {
    /// One status as a number, everything else as text.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.from == self.to { serializer.serialize_u16(self.from) } else { serializer.collect_str(self) }
    }
}

impl<'de> serde::Deserialize<'de> for StatusPattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl serde::de::Visitor<'_> for Reader {
    type Value = StatusPattern;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a status such as 503, \"5xx\" or \"500-504\"")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<StatusPattern, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, status: u64) -> Result<StatusPattern, E> {
        let pattern = u16::try_from(status).ok().and_then(|status| StatusPattern::new(status, status));
        pattern.ok_or_else(|| E::custom(BadStatusPattern(status.to_string())))
    }

    fn visit_i64<E: serde::de::Error>(self, status: i64) -> Result<StatusPattern, E> {
        u64::try_from(status).map_err(|_| E::custom(BadStatusPattern(status.to_string()))).and_then(|status| self.visit_u64(status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_a_class_and_a_range_read_back_what_they_show() {
        for (json, inside, outside) in [("503", 503, 504), (r#""5xx""#, 599, 499), (r#""500-504""#, 504, 505), (r#""408-429""#, 408, 430)] {
            let pattern: StatusPattern = serde_json::from_str(json).unwrap();
            assert!(pattern.matches(inside) && !pattern.matches(outside), "{json}");
            assert_eq!(serde_json::to_string(&pattern).unwrap(), json);
        }
        assert_eq!("503".parse(), Ok(StatusPattern { from: 503, to: 503 }));
    }

    #[test]
    fn what_is_no_status_is_refused() {
        for json in [
            r#""""#,
            r#""xx""#,
            r#""6xx""#,
            r#""0xx""#,
            r#""+5xx""#,
            r#""50""#,
            r#""504-500""#,
            r#""+50""#,
            "42",
            "600",
            "-1",
            "5.5",
            "true",
        ] {
            assert!(serde_json::from_str::<StatusPattern>(json).is_err(), "{json}");
        }
    }
}
