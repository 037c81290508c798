//! Exact money: integers of a billionth of a dollar, prices in the same per million units, rounded once and up.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const NANOS_PER_DOLLAR: i64 = 1_000_000_000;

/// The text is not an exact amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not digits with an optional sign and point.
    #[error("{0:?} is not a decimal number")]
    NotDecimal(String),
    /// More places after the point than the unit holds.
    #[error("{text:?} has more than {places_max} places after the point")]
    TooFine {
        /// What was given.
        text: String,
        /// How many places the unit holds.
        places_max: u32,
    },
    /// Larger than the type holds.
    #[error("{0:?} is too large")]
    TooLarge(String),
}

/// `text` as an integer of 10^-`places` units. Never goes through a float.
fn parse_decimal(text: &str, places: u32) -> Result<i64, AmountError> {
    let not_decimal = || AmountError::NotDecimal(text.chars().take(40).collect());
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(not_decimal());
    }
    let kept = fraction.trim_end_matches('0');
    if kept.len() > places as usize {
        return Err(AmountError::TooFine {
            text: text.chars().take(40).collect(),
            places_max: places,
        });
    }
    let mut value: i128 = 0;
    let padding = std::iter::repeat_n(b'0', places as usize - kept.len());
    for byte in whole.bytes().chain(kept.bytes()).chain(padding) {
        if !byte.is_ascii_digit() {
            return Err(not_decimal());
        }
        value = value
            .checked_mul(10)
            .and_then(|tens| tens.checked_add(i128::from(byte - b'0')))
            .ok_or_else(|| AmountError::TooLarge(text.chars().take(40).collect()))?;
    }
    if negative {
        value = -value;
    }
    i64::try_from(value).map_err(|_| AmountError::TooLarge(text.chars().take(40).collect()))
}

/// Writes `value` × 10^-`places` without needless zeros.
fn write_decimal(out: &mut fmt::Formatter<'_>, value: i64, places: u32) -> fmt::Result {
    let scale = 10_u64.pow(places);
    let (whole, mut fraction) = (value.unsigned_abs() / scale, value.unsigned_abs() % scale);
    if value < 0 {
        out.write_str("-")?;
    }
    write!(out, "{whole}")?;
    if fraction == 0 {
        return Ok(());
    }
    let mut width = places as usize;
    while fraction % 10 == 0 {
        fraction /= 10;
        width -= 1;
    }
    write!(out, ".{fraction:0width$}")
}

macro_rules! amount {
    ($(#[$doc:meta])* $name:ident, $places:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(i64);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);
            /// The most this type holds.
            pub const MAX: Self = Self(i64::MAX);

            /// The amount of `units` of the smallest unit.
            #[must_use]
            pub const fn from_units(units: i64) -> Self {
                Self(units)
            }

            /// How many of the smallest unit.
            #[must_use]
            pub const fn units(self) -> i64 {
                self.0
            }

            /// The sum, or nothing if it does not fit.
            #[must_use]
            pub const fn checked_add(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) {
                    Some(sum) => Some(Self(sum)),
                    None => None,
                }
            }

            /// The difference, or nothing if it does not fit.
            #[must_use]
            pub const fn checked_sub(self, other: Self) -> Option<Self> {
                match self.0.checked_sub(other.0) {
                    Some(difference) => Some(Self(difference)),
                    None => None,
                }
            }

            /// The sum, held at the largest amount. For figures that are shown, not for books.
            #[must_use]
            pub const fn saturating_add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }

            /// The difference, held at the bounds of the type. For figures that are shown, not for books.
            #[must_use]
            pub const fn saturating_sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_decimal(out, self.0, $places)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = AmountError;
            fn from_str(text: &str) -> Result<Self, AmountError> {
                parse_decimal(text, $places).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            /// Takes a decimal string, or a JSON number whose text is exact.
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[derive(Deserialize)]
                #[serde(untagged)]
                enum Form<'a> {
                    Text(#[serde(borrow)] std::borrow::Cow<'a, str>),
                    Integer(i64),
                    Number(f64),
                }
                match Form::deserialize(deserializer)? {
                    Form::Text(text) => text.parse(),
                    Form::Integer(integer) => integer.to_string().parse(),
                    // The shortest decimal that reads back as this number is what the user wrote.
                    Form::Number(number) => number.to_string().parse(),
                }
                .map_err(serde::de::Error::custom)
            }
        }
    };
}

amount!(
    /// US dollars in units of a billionth, written as a decimal string of dollars (`"0.0023"`).
    Nanodollars,
    9
);
amount!(
    /// Platform credits in units of a millionth, written as a decimal string of credits (`"12.5"`).
    Credits,
    6
);

impl Nanodollars {
    /// `dollars` whole dollars.
    #[must_use]
    pub const fn from_dollars(dollars: i64) -> Self {
        Self(dollars.saturating_mul(NANOS_PER_DOLLAR))
    }
}

/// What one credit is worth. One credit is one cent unless the operator says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreditRate {
    /// Price of one credit, above zero.
    credit_price: Nanodollars,
}

impl Default for CreditRate {
    fn default() -> Self {
        Self {
            credit_price: Nanodollars::from_units(10_000_000),
        }
    }
}

impl CreditRate {
    /// The rate at which one credit costs `credit_price`; nothing if that is not above zero.
    #[must_use]
    pub const fn new(credit_price: Nanodollars) -> Option<Self> {
        if credit_price.0 > 0 {
            Some(Self { credit_price })
        } else {
            None
        }
    }

    /// Credits that pay for `cost` with `markup_basis_points` on top, rounded up once; held at the largest amount.
    #[must_use]
    pub fn credits_for(self, cost: Nanodollars, markup_basis_points: u32) -> Credits {
        let numerator = i128::from(cost.0) * i128::from(10_000 + i64::from(markup_basis_points)) * 1_000_000;
        let denominator = i128::from(self.credit_price.0) * 10_000;
        let units = div_ceil(numerator, denominator);
        Credits(i64::try_from(units).unwrap_or(i64::MAX))
    }
}

/// Quotient rounded away from zero for positive numbers. `divisor` must be above zero.
#[must_use]
pub const fn div_ceil(dividend: i128, divisor: i128) -> i128 {
    let quotient = dividend / divisor;
    if dividend % divisor > 0 {
        quotient + 1
    } else {
        quotient
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_reads_back_exactly() {
        for text in ["0", "0.000000001", "-0.5", "12.345678901", "9223372036.854775807"] {
            let amount: Nanodollars = text.parse().expect(text);
            assert_eq!(amount.to_string(), text);
        }
    }

    #[test]
    fn an_amount_finer_than_its_unit_is_refused_not_rounded() {
        assert!(matches!(
            "0.0000000001".parse::<Nanodollars>(),
            Err(AmountError::TooFine { .. })
        ));
        assert!(matches!(
            "1e3".parse::<Nanodollars>(),
            Err(AmountError::NotDecimal(_))
        ));
        assert!(matches!(
            "9223372037".parse::<Nanodollars>(),
            Err(AmountError::TooLarge(_))
        ));
    }

    #[test]
    fn credits_are_rounded_up_once() {
        let rate = CreditRate::default();
        assert_eq!(
            rate.credits_for(Nanodollars::from_dollars(1), 0).to_string(),
            "100"
        );
        assert_eq!(rate.credits_for(Nanodollars::from_units(1), 0).units(), 1);
        assert_eq!(
            rate.credits_for(Nanodollars::from_dollars(1), 2_500).to_string(),
            "125"
        );
    }
}
