//! Amounts that are never floats: exact decimals for prices and ledger lines, minor units for what is
//! contracted or paid. Currencies never mix, and rounding happens once and shows what it moved.

mod currency;
mod decimal;
mod money;

pub use currency::Currency;
pub use decimal::Decimal;
pub use money::{Amount, Money, Rounded, RoundedAll};

/// Why an amount could not be read, added or shared out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is no decimal number.
    #[error("'{0}' is not a decimal number: write digits with at most one point, such as 1234.50")]
    NotADecimal(String),
    /// More digits after the point than are kept.
    #[error("{0} has more than 18 digits after the point: round it first")]
    TooFine(String),
    /// More digits before the point than are kept.
    #[error("{0} has more than 20 digits before the point: give a smaller number")]
    TooLarge(String),
    /// The text is no currency code.
    #[error("'{0}' is not a currency: write three upper-case letters of ISO 4217, such as EUR")]
    NotACurrency(String),
    /// Two currencies met in one sum.
    #[error("{0} and {1} cannot be added: sum each currency by itself")]
    MixedCurrencies(Currency, Currency),
    /// An amount with a fraction of a minor unit where whole ones are due.
    #[error("{0} {1} has a fraction of the minor unit: write at most {digits} digits after the point", digits = .1.minor_digits())]
    FractionOfMinorUnit(Decimal, Currency),
    /// More minor units than an amount of money holds.
    #[error("the amount in {0} exceeds what is kept: split it")]
    MoneyOverflow(Currency),
    /// A weight below zero.
    #[error("weight {0} is negative: give weights of zero or more")]
    NegativeWeight(Decimal),
    /// Nothing to share an amount over.
    #[error("no weight is above zero: give at least one, so that the amount has somewhere to go")]
    NoWeight,
}
