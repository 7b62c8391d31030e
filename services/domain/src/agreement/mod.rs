//! A promise between parties: what is promised to whom, and how its time is counted.

mod check;
mod credit;
mod difference;
mod objective;

use serde::{Deserialize, Serialize};

pub use self::credit::{CreditBand, CreditTerms, Month, owed};
pub use self::objective::{
    Escalation, Metric, NewsPolicy, Objective, Pause, Rebase, Reopen, Target, TargetError, Visit,
};
use crate::amount::{Decimal, Money};

/// Who promises what to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// The provider to a customer: the only kind that decides a ticket's own colour.
    Sla,
    /// A group inside the provider to the others.
    Ola,
    /// A supplier to the provider.
    Underpinning,
}

/// One revision of an agreement: immutable once published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// Who promises what to whom.
    pub kind: Kind,
    /// Names of the customers it holds for, with those below them. Empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub customers: Vec<String>,
    /// Who keeps it: `groups/network` for an OLA, `contracts/4711` for an underpinning one. Empty for an SLA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Names of the services it covers. Empty, with no lines: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// Service lines it covers. Empty, with no services: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// Decides between agreements that match equally well: the lower comes first.
    #[serde(default)]
    pub order: i32,
    /// What is promised.
    #[serde(default)]
    pub objectives: Vec<Objective>,
    /// Calendar of the agreed service time, inside which availability is measured. Empty: the one that all objectives
    /// count by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_hours: Option<String>,
    /// Share of clocks that are to be met, in percent. Empty: no goal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attainment_goal_percent: Option<Decimal>,
    /// What the customer pays for a calendar month, which credits are shares of. Empty: not recorded here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly_charge: Option<Money>,
    /// Credits that are due when attainment is low. Empty: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credit_bands: Vec<CreditBand>,
}

impl Agreement {
    /// The calendars it counts by, each with the field that names it.
    pub fn calendars(&self) -> impl Iterator<Item = (String, &str)> {
        let objectives = self.objectives.iter().enumerate();
        let counted = objectives.filter_map(|(index, objective)| {
            Some((format!("objectives[{index}].calendar"), objective.calendar.as_deref()?))
        });
        counted.chain(self.service_hours.as_deref().map(|name| ("service_hours".to_owned(), name)))
    }

    /// The objective of that id.
    pub fn objective(&self, id: &str) -> Option<&Objective> {
        self.objectives.iter().find(|objective| objective.id == id)
    }
}

impl Kind {
    /// Every kind, the customer's first.
    pub const ALL: [Self; 3] = [Self::Sla, Self::Ola, Self::Underpinning];

    /// The name used in the contract and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sla => "SLA",
            Self::Ola => "OLA",
            Self::Underpinning => "UNDERPINNING",
        }
    }

    /// The kind of that exact name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}
