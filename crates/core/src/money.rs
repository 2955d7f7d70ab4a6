//! Amounts: whole nano-units (10⁻⁹) of the gateway's one currency. No floats, one rounding, checked sums.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// An amount of 10⁻⁹ units of the billing currency. May be negative: an entry that takes money away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Money(i64);

/// A sign, ten digits, a point, nine decimals.
const LONGEST: usize = 21;

const DIGITS: &[u8; 10] = b"0123456789";

/// An amount beyond ±9.2 billion units of currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the amount is beyond nine billion units of currency")]
pub struct Overflow;

/// Text that is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount: write a decimal such as 12.50, with at most nine decimals")]
pub struct BadMoney(pub String);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// `nanos` nano-units.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The amount in nano-units, as the database keeps it.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The sum.
    ///
    /// # Errors
    /// [`Overflow`] beyond nine billion units.
    pub fn plus(self, other: Self) -> Result<Self, Overflow> {
        self.0.checked_add(other.0).map(Self).ok_or(Overflow)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`Overflow`] beyond nine billion units.
    pub fn minus(self, other: Self) -> Result<Self, Overflow> {
        self.0.checked_sub(other.0).map(Self).ok_or(Overflow)
    }

    /// The same amount taken away.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self(self.0.saturating_neg())
    }

    /// Whether it is more than nothing.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }
}

impl std::fmt::Display for Money {
    /// A plain decimal without trailing zeros, such as `0.000042`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Every task's rows show a dozen: digit by digit costs a fraction of a decimal's own way.
        let (mut text, mut at) = ([0; LONGEST], LONGEST);
        let (mut rest, mut decimals) = (self.0.unsigned_abs(), 9);
        while decimals > 0 && rest.is_multiple_of(10) {
            (rest, decimals) = (rest / 10, decimals - 1);
        }
        let mut write = |byte| {
            at -= 1;
            text[at] = byte;
        };
        for place in 1.. {
            write(DIGITS[(rest % 10) as usize]);
            rest /= 10;
            if place == decimals {
                write(b'.');
            } else if place > decimals && rest == 0 {
                break;
            }
        }
        if self.0 < 0 {
            write(b'-');
        }
        f.pad(std::str::from_utf8(&text[at..]).map_err(|_| std::fmt::Error)?)
    }
}

impl std::str::FromStr for Money {
    type Err = BadMoney;

    fn from_str(text: &str) -> Result<Self, BadMoney> {
        let bad = || BadMoney(text.to_owned());
        let decimal = Decimal::from_str_exact(text).map_err(|_| bad())?.normalize();
        if decimal.scale() > 9 {
            return Err(bad());
        }
        let nanos = decimal.checked_mul(Decimal::from(1_000_000_000)).and_then(|nanos| nanos.to_i64()).ok_or_else(bad)?;
        Ok(Self(nanos))
    }
}

impl serde::Serialize for Money {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Money {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'de, str>>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_back_what_they_show() {
        for (nanos, text) in [(0, "0"), (1, "0.000000001"), (42_000, "0.000042"), (12_500_000_000, "12.5"), (-1_000_000_000, "-1")] {
            assert_eq!(Money::from_nanos(nanos).to_string(), text);
            assert_eq!(text.parse(), Ok(Money::from_nanos(nanos)));
        }
        for nanos in [i64::MAX, i64::MIN, -1, 10, 999_999_999, 1_000_000_001, -100_000_000] {
            let expected = Decimal::from_i128_with_scale(i128::from(nanos), 9).normalize().to_string();
            assert_eq!(format!("{:>30}", Money::from_nanos(nanos)), format!("{expected:>30}"));
        }
        assert_eq!("1000000.00".parse(), Ok(Money::from_nanos(1_000_000_000_000_000)));
    }

    #[test]
    fn what_is_not_an_exact_amount_is_refused() {
        for text in ["", "1e3", "0.0000000001", "99999999999", "12,5", "NaN", "1 USD"] {
            assert!(text.parse::<Money>().is_err(), "{text}");
        }
    }

    #[test]
    fn sums_are_checked() {
        assert_eq!(Money::from_nanos(i64::MAX).plus(Money::from_nanos(1)), Err(Overflow));
        assert_eq!(Money::from_nanos(i64::MIN).minus(Money::from_nanos(1)), Err(Overflow));
    }
}
