//! Exact decimal numbers as the database keeps them: `numeric(38,18)`.

use std::fmt;
use std::ops::Neg;
use std::str::FromStr;

use bigdecimal::num_bigint::{BigInt, Sign};
use bigdecimal::{BigDecimal, RoundingMode, Zero};
use serde::{Deserialize, Serialize};

use super::Error;
use crate::excerpt::excerpt;

/// Digits kept after the point.
const FRACTION_DIGITS: i64 = 18;
/// Digits kept before the point.
const WHOLE_DIGITS: i64 = 20;
/// Longest text read as a number: room for zeros that carry no value, none for an attack.
const MAX_TEXT: usize = 100;

/// A number with at most 20 digits before the point and 18 after it; outside of that it cannot exist.
///
/// Equal values are equal however they were written, and are shown the same way: `1.50` and `15e-1` are `1.5`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Decimal(BigDecimal);

impl Decimal {
    /// Digits kept after the point.
    pub const SCALE: u32 = 18;

    /// Nought.
    pub fn zero() -> Self {
        Self(BigDecimal::zero())
    }

    /// Reads `[+|-]digits[.digits][e[+|-]exponent]`, as bills and spreadsheets write numbers; grouping and blanks are
    /// refused. More than 18 significant digits after the point are an error, never a silent rounding.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if !is_number(text) {
            return Err(Error::NotADecimal(excerpt(text)));
        }
        let value = BigDecimal::from_str(text).map_err(|_| Error::NotADecimal(excerpt(text)))?;
        Self::try_from(value)
    }

    /// Whether this is nought.
    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    /// Whether this is below nought.
    pub fn is_negative(&self) -> bool {
        self.0.sign() == Sign::Minus
    }

    /// The distance from nought.
    #[must_use]
    pub fn abs(&self) -> Self {
        Self(self.0.abs())
    }

    /// The exact sum of two numbers.
    pub fn checked_add(&self, other: &Self) -> Result<Self, Error> {
        Self::try_from(&self.0 + &other.0)
    }

    /// The exact difference of two numbers.
    pub fn checked_sub(&self, other: &Self) -> Result<Self, Error> {
        Self::try_from(&self.0 - &other.0)
    }

    /// The exact sum of any number of numbers; only the result has to fit, so the order does not matter.
    pub fn sum<'a>(numbers: impl IntoIterator<Item = &'a Self>) -> Result<Self, Error> {
        let mut total = BigDecimal::zero();
        for number in numbers {
            total += &number.0;
        }
        Self::try_from(total)
    }

    /// Digits after the point that this number needs.
    pub fn fraction_digits(&self) -> u32 {
        u32::try_from(self.0.fractional_digit_count()).unwrap_or_default()
    }

    /// The nearest number with at most `digits` after the point; a tie goes to the even neighbour (IEEE 754
    /// roundTiesToEven), so that many roundings do not drift.
    #[must_use]
    pub fn round(&self, digits: u32) -> Self {
        let rounded = self.0.with_scale_round(i64::from(digits), RoundingMode::HalfEven);
        Self(canonical(&rounded))
    }

    /// Shows exactly `digits` digits after the point: padded with zeros, or rounded as by [`Decimal::round`].
    pub fn fixed(&self, digits: u32) -> String {
        self.0.with_scale_round(i64::from(digits), RoundingMode::HalfEven).to_plain_string()
    }

    /// The product of two numbers of at most 1 either way, to 18 digits after the point, a tie going to the even one.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        Self(&self.0 * &other.0).round(Self::SCALE)
    }

    /// `part` out of `whole` of this number, to 18 digits after the point, a tie going to the even one; nothing of it
    /// where `whole` is nought. What lies between two parts is their difference, so that pieces side by side add up.
    #[must_use]
    pub fn portion(&self, part: i64, whole: i64) -> Self {
        if whole == 0 {
            return Self::zero();
        }
        let exact = BigDecimal::from(BigInt::from(part)) * &self.0;
        let units = exact.with_scale(FRACTION_DIGITS).into_bigint_and_scale().0;
        Self(canonical(&BigDecimal::new(divided(&units, &BigInt::from(whole)), FRACTION_DIGITS)))
    }

    /// The number as units of ten to the minus 18, which is always a whole number.
    pub(super) fn to_units(&self) -> BigInt {
        self.0.with_scale(FRACTION_DIGITS).into_bigint_and_scale().0
    }

    /// `units` of ten to the minus `digits`.
    pub(super) fn from_units(units: i64, digits: u32) -> Self {
        Self(canonical(&BigDecimal::new(BigInt::from(units), i64::from(digits))))
    }
}

/// The nearest whole number to a quotient, a tie going to the even one.
fn divided(dividend: &BigInt, divisor: &BigInt) -> BigInt {
    let flip = divisor.sign() == Sign::Minus;
    let (dividend, divisor) = if flip { (-dividend, -divisor) } else { (dividend.clone(), divisor.clone()) };
    let below = floor_divided(&dividend, &divisor);
    let twice: BigInt = (dividend - &below * &divisor) * 2;
    let up = match twice.cmp(&divisor) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => below.bit(0),
    };
    if up { below + 1 } else { below }
}

/// The largest whole number that is not above a quotient; the divisor is above nought.
pub(super) fn floor_divided(dividend: &BigInt, divisor: &BigInt) -> BigInt {
    let towards_zero = dividend / divisor;
    if dividend.sign() == Sign::Minus && &towards_zero * divisor != *dividend { towards_zero - 1 } else { towards_zero }
}

/// Whether `text` has the shape of a number of bearable size.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        None => (unsigned, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= MAX_TEXT
        && digits(whole)
        && digits(fraction)
        && whole.len() + fraction.len() > 0
        && digits(exponent)
        && (1..=2).contains(&exponent.len())
}

/// The same value without zeros at the end of the fraction, and never with an exponent.
fn canonical(value: &BigDecimal) -> BigDecimal {
    let value = value.normalized();
    if value.fractional_digit_count() < 0 { value.with_scale(0) } else { value }
}

impl TryFrom<BigDecimal> for Decimal {
    type Error = Error;

    fn try_from(value: BigDecimal) -> Result<Self, Error> {
        let value = canonical(&value);
        let fraction = value.fractional_digit_count();
        if fraction > FRACTION_DIGITS {
            return Err(Error::TooFine(value.to_plain_string()));
        }
        if i64::try_from(value.digits()).unwrap_or(i64::MAX) - fraction > WHOLE_DIGITS {
            return Err(Error::TooLarge(value.to_plain_string()));
        }
        Ok(Self(value))
    }
}

impl From<Decimal> for BigDecimal {
    fn from(decimal: Decimal) -> Self {
        decimal.0
    }
}

impl From<i64> for Decimal {
    fn from(whole: i64) -> Self {
        Self::from_units(whole, 0)
    }
}

impl Neg for Decimal {
    type Output = Self;

    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_plain_string())
    }
}

impl FromStr for Decimal {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Decimal {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<Decimal> for String {
    fn from(decimal: Decimal) -> Self {
        decimal.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn equal_values_are_shown_the_same_way() {
        for (text, shown) in [
            ("1.50", "1.5"),
            ("15e-1", "1.5"),
            ("0.15E+1", "1.5"),
            ("+.5", "0.5"),
            ("5.", "5"),
            ("-0.00", "0"),
            ("1200", "1200"),
            ("1.2e3", "1200"),
            ("007", "7"),
            ("0.000000000000000001", "0.000000000000000001"),
            ("1e-18", "0.000000000000000001"),
            ("99999999999999999999.999999999999999999", "99999999999999999999.999999999999999999"),
        ] {
            assert_eq!(decimal(text).to_string(), shown, "{text}");
        }
        assert_eq!(decimal("1.50"), decimal("15e-1"));
    }

    #[test]
    fn a_number_handed_on_has_no_exponent() {
        assert_eq!(BigDecimal::from(decimal("1.2e3")).to_string(), "1200");
    }

    #[test]
    fn what_is_no_number_is_refused_with_an_example() {
        for text in
            ["", " 1", "1 ", "1,5", "1.2.3", "--1", "e5", "1e", "1e999", ".", "-", "NaN", "inf", "0x10", "1_000", "٣"]
        {
            assert_eq!(Decimal::parse(text), Err(Error::NotADecimal(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_kept_is_refused_and_never_rounded() {
        assert_eq!(Decimal::parse("1e-19"), Err(Error::TooFine("0.0000000000000000001".to_owned())));
        assert_eq!(Decimal::parse("1e20"), Err(Error::TooLarge("100000000000000000000".to_owned())));
        assert_eq!(decimal("1.5000000000000000000000"), decimal("1.5"));
    }

    #[test]
    fn a_tie_rounds_to_the_even_neighbour() {
        for (text, rounded) in [("0.125", "0.12"), ("0.135", "0.14"), ("-0.125", "-0.12"), ("0.1251", "0.13")] {
            assert_eq!(decimal(text).round(2).to_string(), rounded, "{text}");
        }
    }

    #[test]
    fn a_portion_is_rounded_to_the_last_digit_kept() {
        let third = |text: &str| decimal(text).portion(1, 3).to_string();
        assert_eq!(third("1"), "0.333333333333333333");
        assert_eq!(third("-2"), "-0.666666666666666667");
        assert_eq!(decimal("1e-18").portion(1, 2).to_string(), "0", "a tie goes to the even one");
        assert_eq!(decimal("3e-18").portion(1, 2).to_string(), "0.000000000000000002");
        assert_eq!(decimal("5").portion(7, 7), decimal("5"));
        assert_eq!(decimal("5").portion(1, 0), Decimal::zero());
    }

    #[test]
    fn fixed_shows_exactly_the_digits_asked_for() {
        assert_eq!(decimal("1.5").fixed(4), "1.5000");
        assert_eq!(decimal("1.25").fixed(1), "1.2");
        assert_eq!(decimal("1200").fixed(0), "1200");
        assert_eq!(decimal("0").fixed(2), "0.00");
        assert_eq!(decimal("-0.0000001").fixed(10), "-0.0000001000");
    }

    #[test]
    fn a_sum_that_leaves_the_range_is_an_error() {
        let most = decimal("99999999999999999999");
        assert!(matches!(most.checked_add(&decimal("1")), Err(Error::TooLarge(_))));
        let minus = -most.clone();
        assert_eq!(Decimal::sum([&most, &decimal("1"), &minus]), Ok(decimal("1")));
    }

    #[test]
    fn a_decimal_travels_as_a_string() {
        assert_eq!(serde_json::to_string(&decimal("0.10")).unwrap(), "\"0.1\"");
        assert!(serde_json::from_str::<Decimal>("0.1").is_err());
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back_as_the_same_number(units in any::<i64>(), digits in 0u32..=18) {
            let number = Decimal::from_units(units, digits);
            prop_assert_eq!(decimal(&number.to_string()), number.clone());
            prop_assert_eq!(decimal(&number.fixed(18)), number);
        }

        #[test]
        fn a_sum_is_exact_in_any_order(units in prop::collection::vec((any::<i32>(), 0u32..=18), 0..20)) {
            let numbers: Vec<_> = units.iter().map(|(units, digits)| Decimal::from_units((*units).into(), *digits)).collect();
            let expected: i128 =
                units.iter().map(|(units, digits)| i128::from(*units) * 10i128.pow(18 - digits)).sum();
            let sum = Decimal::sum(&numbers).unwrap();
            prop_assert_eq!(sum.to_units(), BigInt::from(expected));
            prop_assert_eq!(Decimal::sum(numbers.iter().rev()).unwrap(), sum);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = Decimal::parse(&text);
        }
    }
}
