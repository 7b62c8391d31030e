//! The laws that ship, as data: which reports are owed, within which limits, and who may wait for a working day.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Anchor;

/// A law by which an authority is to be notified. One that is amended is another one: what was recorded under the
/// old one stays under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Regulation {
    /// Delegated Regulation (EU) 2025/301, Article 5, under Regulation (EU) 2022/2554 (DORA).
    #[serde(rename = "EU_DORA_2025_301")]
    EuDora2025301,
    /// Directive (EU) 2022/2555 (NIS2), Article 23(4).
    #[serde(rename = "EU_NIS2_2022_2555")]
    EuNis220222555,
}

/// What an entity is to the laws that ship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Entity {
    /// A credit institution.
    CreditInstitution,
    /// A central counterparty.
    CentralCounterparty,
    /// An operator of a trading venue.
    TradingVenue,
    /// An essential or important entity under NIS2.
    Nis2Entity,
    /// A provider of trust services.
    TrustServiceProvider,
    /// One that the authority has named as significant or systemic, so that it may not wait for a working day.
    Designated,
    /// Any other.
    Other,
}

/// A report that is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Report {
    /// Early warning (NIS2).
    EarlyWarning,
    /// Initial notification (DORA), incident notification (NIS2).
    Initial,
    /// Intermediate report and its updates.
    Intermediate,
    /// Progress report of an incident that is still going on when the final report is due (NIS2).
    Progress,
    /// Final report.
    Final,
}

/// A report and when it is owed.
pub(super) struct Rule {
    pub(super) report: Report,
    /// Nothing is owed before.
    pub(super) owed_from: Anchor,
    /// The earliest that applies is the deadline.
    pub(super) limits: &'static [Limit],
    pub(super) shift: Option<Shift>,
}

/// A length of time after an anchor.
pub(super) struct Limit {
    pub(super) from: Anchor,
    pub(super) within: Within,
    pub(super) when: When,
    pub(super) clause: &'static str,
}

/// How long a limit gives.
#[derive(Debug, Clone, Copy)]
pub(super) enum Within {
    /// Hours by any clock.
    Hours(i64),
    /// Calendar months in the zone of the entity.
    Months(i64),
}

/// When a limit applies.
#[derive(Debug, Clone, Copy)]
pub(super) enum When {
    Always,
    /// Unless the anchor comes later than the limit itself; the clause says so.
    NotOvertaken(Anchor, &'static str),
    /// As long as the report was not submitted.
    Without(Report),
    /// Once the report was submitted.
    With(Report),
    /// For that kind of entity.
    Entity(Entity),
}

/// To noon of the next working day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shift {
    pub(super) clause: &'static str,
    /// Entities that may not use it.
    pub(super) except: &'static [Entity],
}

/// Article 5(5): these report at once on weekends and holidays too.
const AT_ONCE: &[Entity] = &[
    Entity::CreditInstitution,
    Entity::CentralCounterparty,
    Entity::TradingVenue,
    Entity::Nis2Entity,
    Entity::TrustServiceProvider,
    Entity::Designated,
];

const DORA: &[Rule] = &[
    Rule {
        report: Report::Initial,
        owed_from: Anchor::Classified,
        limits: &[
            Limit {
                from: Anchor::Classified,
                within: Within::Hours(4),
                when: When::Always,
                clause: "(EU) 2025/301 Art. 5(1)(a)",
            },
            Limit {
                from: Anchor::Aware,
                within: Within::Hours(24),
                when: When::NotOvertaken(Anchor::Classified, "(EU) 2025/301 Art. 5(2)"),
                clause: "(EU) 2025/301 Art. 5(1)(a)",
            },
        ],
        shift: Some(Shift { clause: "(EU) 2025/301 Art. 5(4)", except: AT_ONCE }),
    },
    Rule {
        report: Report::Intermediate,
        owed_from: Anchor::Submitted(Report::Initial),
        limits: &[Limit {
            from: Anchor::Submitted(Report::Initial),
            within: Within::Hours(72),
            when: When::Always,
            clause: "(EU) 2025/301 Art. 5(1)(b)",
        }],
        shift: Some(Shift { clause: "(EU) 2025/301 Art. 5(4)", except: AT_ONCE }),
    },
    Rule {
        report: Report::Final,
        owed_from: Anchor::Submitted(Report::Intermediate),
        limits: &[Limit {
            from: Anchor::LastSubmitted(Report::Intermediate),
            within: Within::Months(1),
            when: When::Always,
            clause: "(EU) 2025/301 Art. 5(1)(c)",
        }],
        shift: Some(Shift { clause: "(EU) 2025/301 Art. 5(4)", except: &[] }),
    },
];

const NIS2: &[Rule] = &[
    Rule {
        report: Report::EarlyWarning,
        owed_from: Anchor::Aware,
        limits: &[Limit {
            from: Anchor::Aware,
            within: Within::Hours(24),
            when: When::Always,
            clause: "(EU) 2022/2555 Art. 23(4)(a)",
        }],
        shift: None,
    },
    Rule {
        report: Report::Initial,
        owed_from: Anchor::Aware,
        limits: &[
            Limit {
                from: Anchor::Aware,
                within: Within::Hours(72),
                when: When::Always,
                clause: "(EU) 2022/2555 Art. 23(4)(b)",
            },
            Limit {
                from: Anchor::Aware,
                within: Within::Hours(24),
                when: When::Entity(Entity::TrustServiceProvider),
                clause: "(EU) 2022/2555 Art. 23(4), second subparagraph",
            },
        ],
        shift: None,
    },
    Rule {
        report: Report::Final,
        owed_from: Anchor::Submitted(Report::Initial),
        limits: &[
            Limit {
                from: Anchor::Submitted(Report::Initial),
                within: Within::Months(1),
                when: When::Without(Report::Progress),
                clause: "(EU) 2022/2555 Art. 23(4)(d)",
            },
            Limit {
                from: Anchor::Handled,
                within: Within::Months(1),
                when: When::With(Report::Progress),
                clause: "(EU) 2022/2555 Art. 23(4)(e)",
            },
        ],
        shift: None,
    },
];

impl Regulation {
    /// Every law that ships.
    pub const ALL: [Self; 2] = [Self::EuDora2025301, Self::EuNis220222555];

    /// The name used in facts and in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EuDora2025301 => "EU_DORA_2025_301",
            Self::EuNis220222555 => "EU_NIS2_2022_2555",
        }
    }

    /// The law of that exact name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|regulation| regulation.as_str() == text)
    }

    /// Whether the law knows the report: one that is owed, or one that changes what is owed.
    pub fn knows(self, report: Report) -> bool {
        let changes = |limit: &Limit| matches!(limit.when, When::With(known) if known == report);
        self.rules().iter().any(|rule| rule.report == report || rule.limits.iter().any(changes))
    }

    pub(super) fn rules(self) -> &'static [Rule] {
        match self {
            Self::EuDora2025301 => DORA,
            Self::EuNis220222555 => NIS2,
        }
    }
}

impl Entity {
    /// Every kind of entity.
    pub const ALL: [Self; 7] = [
        Self::CreditInstitution,
        Self::CentralCounterparty,
        Self::TradingVenue,
        Self::Nis2Entity,
        Self::TrustServiceProvider,
        Self::Designated,
        Self::Other,
    ];

    /// The name used in facts and in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreditInstitution => "CREDIT_INSTITUTION",
            Self::CentralCounterparty => "CENTRAL_COUNTERPARTY",
            Self::TradingVenue => "TRADING_VENUE",
            Self::Nis2Entity => "NIS2_ENTITY",
            Self::TrustServiceProvider => "TRUST_SERVICE_PROVIDER",
            Self::Designated => "DESIGNATED",
            Self::Other => "OTHER",
        }
    }

    /// The kind of that exact name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|entity| entity.as_str() == text)
    }

    pub(super) fn words(self) -> String {
        self.as_str().to_lowercase().replace('_', " ")
    }
}

impl Report {
    /// Every report, in the order in which they are owed.
    pub const ALL: [Self; 5] = [Self::EarlyWarning, Self::Initial, Self::Intermediate, Self::Progress, Self::Final];

    /// The name used in facts and in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EarlyWarning => "EARLY_WARNING",
            Self::Initial => "INITIAL",
            Self::Intermediate => "INTERMEDIATE",
            Self::Progress => "PROGRESS",
            Self::Final => "FINAL",
        }
    }

    /// The report of that exact name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|report| report.as_str() == text)
    }

    /// As people say it.
    pub fn words(self) -> &'static str {
        match self {
            Self::EarlyWarning => "early warning",
            Self::Initial => "initial notification",
            Self::Intermediate => "intermediate report",
            Self::Progress => "progress report",
            Self::Final => "final report",
        }
    }
}

impl fmt::Display for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hours(hours) => write!(f, "PT{hours}H"),
            Self::Months(months) => write!(f, "P{months}M"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_law_knows_the_reports_it_asks_for_and_those_that_change_what_it_asks_for() {
        let known =
            |regulation: Regulation| Report::ALL.into_iter().filter(|r| regulation.knows(*r)).collect::<Vec<_>>();
        assert_eq!(known(Regulation::EuDora2025301), [Report::Initial, Report::Intermediate, Report::Final]);
        let nis2 = [Report::EarlyWarning, Report::Initial, Report::Progress, Report::Final];
        assert_eq!(known(Regulation::EuNis220222555), nis2);
    }

    #[test]
    fn names_are_those_of_the_facts() {
        for regulation in Regulation::ALL {
            assert_eq!(serde_json::to_value(regulation).unwrap(), regulation.as_str());
            assert_eq!(Regulation::parse(regulation.as_str()), Some(regulation));
        }
        for entity in Entity::ALL {
            assert_eq!(serde_json::to_value(entity).unwrap(), entity.as_str());
            assert_eq!(Entity::parse(entity.as_str()), Some(entity));
        }
        for report in Report::ALL {
            assert_eq!(serde_json::to_value(report).unwrap(), report.as_str());
            assert_eq!(Report::parse(report.as_str()), Some(report));
        }
    }
}
