//! Service credits: what the provider owes when it keeps too few of its promises.

use std::collections::BTreeMap;

use bigdecimal::BigDecimal;
use serde::{Deserialize, Serialize};

use super::{Agreement, Metric};
use crate::amount::{Amount, Currency, Decimal, Error, Money};
use crate::attainment::Attainment;

/// A credit that is due for a calendar month in which attainment lies below a level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditBand {
    /// The level, in percent.
    pub below_percent: Decimal,
    /// The credit as a share of the monthly charge, in percent. Empty: it is an amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge_percent: Option<Decimal>,
    /// The credit as an amount. Empty: it is a share of the charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
}

impl CreditBand {
    /// The band in words: `below 95 %: 5 % of the charge`.
    pub fn words(&self) -> String {
        let credit = match (&self.charge_percent, &self.amount) {
            (Some(percent), _) => format!("{percent} % of the charge"),
            (None, Some(amount)) => amount.to_string(),
            (None, None) => "nothing".to_owned(),
        };
        format!("below {} %: {credit}", self.below_percent)
    }

    /// The credit, exact. Empty: neither a share of a charge that is known nor an amount.
    fn credit(&self, charge: Option<Money>) -> Result<Option<Amount>, Error> {
        let Some(percent) = &self.charge_percent else { return Ok(self.amount.map(Money::to_amount)) };
        let Some(charge) = charge else { return Ok(None) };
        // A hundredth moves the point and loses no digit.
        let share = BigDecimal::from(charge.value()) * BigDecimal::from(percent.clone()) * BigDecimal::new(1.into(), 2);
        Ok(Some(Amount::new(Decimal::try_from(share)?, charge.currency)))
    }
}

/// What decides over service credits of an agreement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditTerms {
    /// What the customer pays for a calendar month. Empty: not recorded.
    pub monthly_charge: Option<Money>,
    /// Credits that are due when attainment is low. Empty: none.
    pub bands: Vec<CreditBand>,
}

/// Settled clocks that are judged together: those of one metric in one calendar month by opening (UTC), under one
/// revision of an agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    /// Revision of the agreement.
    pub revision: u32,
    /// Year and month.
    pub of: (i16, i8),
    /// What was promised.
    pub metric: Metric,
}

impl CreditTerms {
    /// The credit due for one month and metric, exact: that of the lowest band above the attainment. Empty: none is
    /// due, also where no clock was settled.
    pub fn due(&self, attainment: Attainment) -> Result<Option<Amount>, Error> {
        self.missed(attainment).map_or(Ok(None), |band| band.credit(self.monthly_charge))
    }

    /// The lowest band above the attainment. Empty: none.
    pub fn missed(&self, attainment: Attainment) -> Option<&CreditBand> {
        let whole = BigDecimal::from(attainment.settled);
        let reached = BigDecimal::from(attainment.met) * BigDecimal::from(100);
        let missed = |band: &&CreditBand| reached < BigDecimal::from(band.below_percent.clone()) * &whole;
        self.bands.iter().filter(missed).min_by(|a, b| a.below_percent.cmp(&b.below_percent))
    }
}

/// The credits owed for months of one agreement, exact, in each currency.
///
/// Each month, metric and revision is judged by itself, by the terms of that revision; of the metrics of a month the
/// largest credit counts, not their sum.
pub fn owed<'a>(
    months: impl IntoIterator<Item = (&'a Month, &'a Attainment)>,
    terms: impl Fn(u32) -> Option<CreditTerms>,
) -> Result<BTreeMap<Currency, Amount>, Error> {
    let mut largest: BTreeMap<(u32, (i16, i8), Currency), Amount> = BTreeMap::new();
    for (month, attainment) in months {
        let Some(credit) = terms(month.revision).map_or(Ok(None), |terms| terms.due(*attainment))? else { continue };
        let key = (month.revision, month.of, credit.currency);
        if largest.get(&key).is_none_or(|known| known.value < credit.value) {
            largest.insert(key, credit);
        }
    }
    let mut sums: BTreeMap<Currency, Amount> = BTreeMap::new();
    for ((_, _, currency), credit) in largest {
        let sum = sums.remove(&currency).map_or(Ok(credit.clone()), |sum| sum.checked_add(&credit))?;
        sums.insert(currency, sum);
    }
    Ok(sums)
}

impl Agreement {
    /// What decides over its service credits.
    pub fn credit_terms(&self) -> CreditTerms {
        CreditTerms { monthly_charge: self.monthly_charge, bands: self.credit_bands.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn credit(met: u64, settled: u64) -> Option<String> {
        let agreement: Agreement = serde_json::from_value(json!({"kind": "SLA",
        "monthly_charge": {"currency": "EUR", "minor_units": 10_001},
        "credit_bands": [
            {"below_percent": "95", "charge_percent": "2.5"},
            {"below_percent": "90", "charge_percent": "10"},
            {"below_percent": "50", "amount": {"currency": "EUR", "minor_units": 5_000}},
        ]}))
        .unwrap();
        agreement.credit_terms().due(Attainment { met, settled }).unwrap().map(|amount| amount.to_string())
    }

    #[test]
    fn the_lowest_band_above_the_attainment_counts_and_its_edge_does_not() {
        assert_eq!(credit(95, 100), None);
        assert_eq!(credit(949, 1_000).as_deref(), Some("2.50025 EUR"));
        assert_eq!(credit(90, 100).as_deref(), Some("2.50025 EUR"));
        assert_eq!(credit(899, 1_000).as_deref(), Some("10.001 EUR"));
        assert_eq!(credit(0, 7).as_deref(), Some("50 EUR"));
        assert_eq!(credit(0, 0), None, "where nothing was settled nothing is owed");
    }
}
