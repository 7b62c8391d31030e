//! Service credits: what the provider owes when it keeps too few of its promises.

use bigdecimal::BigDecimal;
use serde::{Deserialize, Serialize};

use super::Agreement;
use crate::amount::{Amount, Decimal, Error, Money};
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

impl Agreement {
    /// The credit due for one month and metric, exact: that of the lowest band above the attainment. Empty: none is
    /// due, also where no clock was settled.
    pub fn credit(&self, attainment: Attainment) -> Result<Option<Amount>, Error> {
        if attainment.settled == 0 {
            return Ok(None);
        }
        let whole = BigDecimal::from(attainment.settled);
        let reached = BigDecimal::from(attainment.met) * BigDecimal::from(100);
        let missed = |band: &&CreditBand| reached < BigDecimal::from(band.below_percent.clone()) * &whole;
        let band = self.credit_bands.iter().filter(missed).min_by(|a, b| a.below_percent.cmp(&b.below_percent));
        band.map_or(Ok(None), |band| band.credit(self.monthly_charge))
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
        agreement.credit(Attainment { met, settled }).unwrap().map(|amount| amount.to_string())
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
