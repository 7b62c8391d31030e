//! Amounts with their currency: exact ones, and ones in whole minor units.

use std::fmt;

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive, Zero};
use serde::{Deserialize, Serialize};

use super::decimal::floor_divided;
use super::{Currency, Decimal, Error};

/// An exact amount: a price, a ledger line, a metered cost.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Amount {
    /// How much, in the currency's main unit.
    pub value: Decimal,
    /// Of what.
    pub currency: Currency,
}

/// Exact amounts rounded together, with what that moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundedAll {
    /// One for each amount, in their order; together they are `total`.
    pub parts: Vec<Money>,
    /// The nearest money to the sum of the amounts.
    pub total: Money,
    /// Exact sum minus `total`, in the main unit; at most half a minor unit either way.
    pub residue: Decimal,
}

/// An amount in whole minor units: what is contracted, invoiced, credited or allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Of what.
    pub currency: Currency,
    /// How much, in the currency's minor unit: cents for EUR, whole yen for JPY.
    pub minor_units: i64,
}

/// Money made from an exact amount, with what the rounding moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rounded {
    /// The nearest money.
    pub money: Money,
    /// Exact amount minus money, in the main unit; at most half a minor unit either way.
    pub residue: Decimal,
}

impl Amount {
    /// `value` of `currency`.
    pub fn new(value: Decimal, currency: Currency) -> Self {
        Self { value, currency }
    }

    /// The exact sum; another currency is refused.
    pub fn checked_add(&self, other: &Self) -> Result<Self, Error> {
        same_currency(self.currency, other.currency)?;
        Ok(Self::new(self.value.checked_add(&other.value)?, self.currency))
    }

    /// The exact sum of amounts that must all be in `currency`; nought without any.
    pub fn sum<'a>(currency: Currency, amounts: impl IntoIterator<Item = &'a Self>) -> Result<Self, Error> {
        let mut values = Vec::new();
        for amount in amounts {
            same_currency(currency, amount.currency)?;
            values.push(&amount.value);
        }
        Ok(Self::new(Decimal::sum(values)?, currency))
    }

    /// The nearest whole number of minor units, a tie going to the even one (IEEE 754 roundTiesToEven).
    pub fn to_money(&self) -> Result<Rounded, Error> {
        let overflow = || Error::MoneyOverflow(self.currency);
        let digits = self.currency.minor_digits();
        let minor_units = BigDecimal::from(self.value.clone())
            .with_scale_round(i64::from(digits), RoundingMode::HalfEven)
            .into_bigint_and_scale()
            .0
            .to_i64()
            .ok_or_else(overflow)?;
        let money = Money::new(minor_units, self.currency);
        let residue = self.value.checked_sub(&money.value())?;
        Ok(Rounded { money, residue })
    }
}

impl Money {
    /// `minor_units` of `currency`.
    pub fn new(minor_units: i64, currency: Currency) -> Self {
        Self { currency, minor_units }
    }

    /// Exactly `value` of `currency`; a fraction of a minor unit is refused, not rounded.
    pub fn exactly(value: &Decimal, currency: Currency) -> Result<Self, Error> {
        let Rounded { money, residue } = Amount::new(value.clone(), currency).to_money()?;
        if residue.is_zero() { Ok(money) } else { Err(Error::FractionOfMinorUnit(value.clone(), currency)) }
    }

    /// How much, in the currency's main unit.
    pub fn value(self) -> Decimal {
        Decimal::from_units(self.minor_units, self.currency.minor_digits())
    }

    /// The same as an exact amount.
    pub fn to_amount(self) -> Amount {
        Amount::new(self.value(), self.currency)
    }

    /// The sum; another currency is refused, as is a sum that exceeds 64 bits.
    pub fn checked_add(self, other: Self) -> Result<Self, Error> {
        same_currency(self.currency, other.currency)?;
        self.minor_units
            .checked_add(other.minor_units)
            .map(|minor_units| Self::new(minor_units, self.currency))
            .ok_or(Error::MoneyOverflow(self.currency))
    }

    /// The sum of money that must all be in `currency`; nought without any. Only the result has to fit.
    pub fn sum(currency: Currency, parts: impl IntoIterator<Item = Self>) -> Result<Self, Error> {
        let mut total = 0i128;
        for part in parts {
            same_currency(currency, part.currency)?;
            total += i128::from(part.minor_units);
        }
        i64::try_from(total)
            .map(|minor_units| Self::new(minor_units, currency))
            .map_err(|_| Error::MoneyOverflow(currency))
    }

    /// Rounds exact amounts of `currency`, of either sign, so that they still add up: each is rounded down or up, the
    /// sum is the nearest money to the exact sum, and what rounding down leaves goes, one minor unit each, to the
    /// largest remainders, the earlier first on a tie (largest remainder method).
    pub fn round_all(currency: Currency, values: &[Decimal]) -> Result<RoundedAll, Error> {
        let Rounded { money: total, residue } = Amount::new(Decimal::sum(values)?, currency).to_money()?;
        let unit = BigInt::from(10).pow(Decimal::SCALE - currency.minor_digits());
        let exact: Vec<BigInt> = values.iter().map(Decimal::to_units).collect();
        let mut parts: Vec<BigInt> = exact.iter().map(|units| floor_divided(units, &unit)).collect();
        let left = BigInt::from(total.minor_units) - parts.iter().sum::<BigInt>();
        let mut neediest: Vec<usize> = (0..parts.len()).collect();
        neediest.sort_by_cached_key(|&index| std::cmp::Reverse(&exact[index] - &parts[index] * &unit));
        for &index in neediest.iter().take(left.to_usize().unwrap_or_default()) {
            parts[index] += 1;
        }
        let parts = parts.into_iter().map(|part| part.to_i64().map(|units| Self::new(units, currency)));
        let parts = parts.collect::<Option<_>>().ok_or(Error::MoneyOverflow(currency))?;
        Ok(RoundedAll { parts, total, residue })
    }

    /// Shares the money out in proportion to `weights`, one part for each, in their order.
    ///
    /// Every part is the exact share rounded down or up, and together they are the whole: what rounding down leaves
    /// goes, one minor unit each, to the largest remainders, the earlier first on a tie (largest remainder method,
    /// also Hare-Niemeyer). A weight of nought gets nothing. Negative money is shared as its opposite.
    pub fn allocate(self, weights: &[Decimal]) -> Result<Vec<Self>, Error> {
        if let Some(negative) = weights.iter().find(|weight| weight.is_negative()) {
            return Err(Error::NegativeWeight(negative.clone()));
        }
        let weights: Vec<BigInt> = weights.iter().map(Decimal::to_units).collect();
        let whole: BigInt = weights.iter().sum();
        if whole.is_zero() {
            return Err(Error::NoWeight);
        }
        let amount = BigInt::from(self.minor_units.unsigned_abs());
        let exact: Vec<BigInt> = weights.iter().map(|weight| &amount * weight).collect();
        let mut parts: Vec<BigInt> = exact.iter().map(|share| share / &whole).collect();
        let left = (amount - parts.iter().sum::<BigInt>()).to_usize().unwrap_or_default();
        let mut neediest: Vec<usize> = (0..parts.len()).collect();
        neediest.sort_by_key(|&index| std::cmp::Reverse(&exact[index] % &whole));
        for &index in neediest.iter().take(left) {
            parts[index] += 1;
        }
        parts
            .into_iter()
            .map(|part| if self.minor_units < 0 { -part } else { part })
            .map(|part| part.to_i64().map(|units| Self::new(units, self.currency)))
            .collect::<Option<_>>()
            .ok_or(Error::MoneyOverflow(self.currency))
    }
}

fn same_currency(one: Currency, other: Currency) -> Result<(), Error> {
    if one == other { Ok(()) } else { Err(Error::MixedCurrencies(one, other)) }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.value, self.currency)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.value().fixed(self.currency.minor_digits()), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).unwrap()
    }

    fn euro(minor_units: i64) -> Money {
        Money::new(minor_units, currency("EUR"))
    }

    fn weights(texts: &[&str]) -> Vec<Decimal> {
        texts.iter().map(|text| Decimal::parse(text).unwrap()).collect()
    }

    fn shares(money: Money, texts: &[&str]) -> Vec<i64> {
        money.allocate(&weights(texts)).unwrap().iter().map(|part| part.minor_units).collect()
    }

    fn rounded(value: &str, code: &str) -> (String, String) {
        let amount = Amount::new(Decimal::parse(value).unwrap(), currency(code));
        let Rounded { money, residue } = amount.to_money().unwrap();
        (money.to_string(), residue.to_string())
    }

    #[test]
    fn currencies_never_mix() {
        let yen = Money::new(5, currency("JPY"));
        let mixed = Error::MixedCurrencies(currency("EUR"), currency("JPY"));
        assert_eq!(euro(5).checked_add(yen), Err(mixed.clone()));
        assert_eq!(Money::sum(currency("EUR"), [euro(1), yen]), Err(mixed.clone()));
        assert_eq!(euro(5).to_amount().checked_add(&yen.to_amount()), Err(mixed.clone()));
        assert_eq!(Amount::sum(currency("EUR"), [&yen.to_amount()]), Err(mixed));
    }

    #[test]
    fn a_sum_beyond_64_bits_is_refused_unless_it_comes_back() {
        assert_eq!(euro(i64::MAX).checked_add(euro(1)), Err(Error::MoneyOverflow(currency("EUR"))));
        assert_eq!(Money::sum(currency("EUR"), [euro(i64::MAX), euro(1), euro(-1)]), Ok(euro(i64::MAX)));
    }

    #[test]
    fn money_is_shown_with_the_digits_of_its_currency() {
        assert_eq!(euro(-1205).to_string(), "-12.05 EUR");
        assert_eq!(Money::new(1205, currency("JPY")).to_string(), "1205 JPY");
        assert_eq!(Money::new(1205, currency("BHD")).to_string(), "1.205 BHD");
    }

    #[test]
    fn rounding_to_money_shows_what_it_moved() {
        let pair = |money: &str, residue: &str| (money.to_owned(), residue.to_owned());
        assert_eq!(rounded("0.12500000001", "EUR"), pair("0.13 EUR", "-0.00499999999"));
        assert_eq!(rounded("0.125", "EUR"), pair("0.12 EUR", "0.005"));
        assert_eq!(rounded("-0.135", "EUR"), pair("-0.14 EUR", "0.005"));
        assert_eq!(rounded("2.5", "JPY"), pair("2 JPY", "0.5"));
        assert_eq!(rounded("2.0005", "BHD"), pair("2.000 BHD", "0.0005"));
        assert_eq!(rounded("12.30", "EUR"), pair("12.30 EUR", "0"));
    }

    #[test]
    fn exact_money_has_no_fraction_of_a_minor_unit() {
        let exactly = |text, code| Money::exactly(&Decimal::parse(text).unwrap(), currency(code));
        assert_eq!(exactly("12.50", "EUR"), Ok(euro(1250)));
        assert_eq!(
            exactly("12.5", "JPY").unwrap_err().to_string(),
            "12.5 JPY has a fraction of the minor unit: write at most 0 digits after the point"
        );
    }

    #[test]
    fn an_amount_beyond_64_bits_of_minor_units_is_no_money() {
        let amount = Amount::new(Decimal::parse("92233720368547758.08").unwrap(), currency("EUR"));
        assert_eq!(amount.to_money(), Err(Error::MoneyOverflow(currency("EUR"))));
    }

    #[test]
    fn what_rounding_leaves_goes_to_the_largest_remainders() {
        assert_eq!(shares(euro(100), &["1", "1", "1"]), [34, 33, 33]);
        assert_eq!(shares(euro(-100), &["1", "1", "1"]), [-34, -33, -33]);
        assert_eq!(shares(euro(10), &["0", "0.6", "0.3", "0.1"]), [0, 6, 3, 1]);
        assert_eq!(shares(euro(7), &["0.2", "0.5", "0.3"]), [1, 4, 2]);
        assert_eq!(shares(euro(0), &["1", "2"]), [0, 0]);
        assert_eq!(shares(euro(i64::MIN), &["1"]), [i64::MIN]);
    }

    #[test]
    fn money_needs_somewhere_to_go() {
        assert_eq!(euro(1).allocate(&[]), Err(Error::NoWeight));
        assert_eq!(euro(1).allocate(&weights(&["0", "0"])), Err(Error::NoWeight));
        let minus = Decimal::from(-1);
        assert_eq!(euro(1).allocate(&[Decimal::from(2), minus.clone()]), Err(Error::NegativeWeight(minus)));
    }

    #[test]
    fn money_travels_as_minor_units() {
        let json = serde_json::to_value(euro(1205)).unwrap();
        assert_eq!(json, serde_json::json!({"currency": "EUR", "minor_units": 1205}));
    }

    prop_compose! {
        fn some_weights()(parts in prop::collection::vec((0..=i64::MAX, 0u32..=18), 1..12)) -> Vec<Decimal> {
            parts.into_iter().map(|(units, digits)| Decimal::from_units(units, digits)).collect()
        }
    }

    proptest! {
        #[test]
        fn sharing_out_conserves_every_minor_unit(minor_units in any::<i64>(), weights in some_weights()) {
            prop_assume!(weights.iter().any(|weight| !weight.is_zero()));
            let parts = euro(minor_units).allocate(&weights).unwrap();
            prop_assert_eq!(parts.len(), weights.len());
            prop_assert_eq!(Money::sum(currency("EUR"), parts).unwrap(), euro(minor_units));
        }

        #[test]
        fn no_part_is_a_whole_minor_unit_from_its_exact_share(
            minor_units in any::<i64>(), weights in some_weights(),
        ) {
            prop_assume!(weights.iter().any(|weight| !weight.is_zero()));
            let whole: BigInt = weights.iter().map(Decimal::to_units).sum();
            for (part, weight) in euro(minor_units).allocate(&weights).unwrap().iter().zip(&weights) {
                let off = BigInt::from(part.minor_units) * &whole - weight.to_units() * minor_units;
                prop_assert!(off.magnitude() < whole.magnitude());
            }
        }

        #[test]
        fn money_and_its_residue_are_the_exact_amount(units in any::<i64>(), digits in 4u32..=18) {
            let amount = Amount::new(Decimal::from_units(units, digits), currency("EUR"));
            let Rounded { money, residue } = amount.to_money().unwrap();
            prop_assert_eq!(money.value().checked_add(&residue).unwrap(), amount.value);
            prop_assert!(residue.abs() <= Decimal::parse("0.005").unwrap());
        }
    }
}
