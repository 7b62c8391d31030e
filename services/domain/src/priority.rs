//! How impact and urgency become a priority, and how a person may overrule that.

use serde::{Deserialize, Serialize};

/// One cell of a matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Effect on the business, from 1 (highest).
    pub impact: u8,
    /// How fast it has to be, from 1 (highest).
    pub urgency: u8,
    /// Priority that follows, from 1 (highest).
    pub priority: u8,
}

/// Priority by impact and urgency. Empty: tickets of the process have no priority unless set by hand.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Matrix(pub Vec<Rule>);

impl Matrix {
    /// The priority of that cell; `None` if the matrix has no such cell.
    pub fn priority(&self, impact: u8, urgency: u8) -> Option<u8> {
        self.0.iter().find(|rule| rule.impact == impact && rule.urgency == urgency).map(|rule| rule.priority)
    }

    /// Whether a ticket may have that impact: a cell has it, or there are no cells at all.
    pub fn takes_impact(&self, impact: u8) -> bool {
        impact > 0 && (self.0.is_empty() || self.0.iter().any(|rule| rule.impact == impact))
    }

    /// Whether a ticket may have that urgency: a cell has it, or there are no cells at all.
    pub fn takes_urgency(&self, urgency: u8) -> bool {
        urgency > 0 && (self.0.is_empty() || self.0.iter().any(|rule| rule.urgency == urgency))
    }

    /// Every impact of the matrix, rising.
    pub fn impacts(&self) -> Vec<u8> {
        distinct(self.0.iter().map(|rule| rule.impact))
    }

    /// Every urgency of the matrix, rising.
    pub fn urgencies(&self) -> Vec<u8> {
        distinct(self.0.iter().map(|rule| rule.urgency))
    }

    /// Every priority that the matrix can give, rising.
    pub fn priorities(&self) -> Vec<u8> {
        distinct(self.0.iter().map(|rule| rule.priority))
    }

    /// The priority of a ticket whose impact or urgency may be unknown; `None` unless both are known.
    pub fn judge(&self, impact: Option<u8>, urgency: Option<u8>) -> Option<u8> {
        self.priority(impact?, urgency?)
    }
}

/// A priority set by hand, over the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// Priority, from 1 (highest).
    pub value: u8,
    /// Why the matrix does not fit. Never empty when a person sets it.
    pub reason: String,
    /// Who set it: `people/ann`.
    pub actor: String,
}

/// The priority in force: the override if there is one, else the matrix. `None`: not known.
pub fn effective(matrix: Option<u8>, overruled: Option<&Override>) -> Option<u8> {
    overruled.map(|by_hand| by_hand.value).or(matrix)
}

fn distinct(values: impl Iterator<Item = u8>) -> Vec<u8> {
    values.collect::<std::collections::BTreeSet<u8>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix() -> Matrix {
        Matrix(vec![
            Rule { impact: 1, urgency: 1, priority: 1 },
            Rule { impact: 1, urgency: 2, priority: 2 },
            Rule { impact: 2, urgency: 1, priority: 2 },
            Rule { impact: 2, urgency: 2, priority: 3 },
        ])
    }

    #[test]
    fn the_matrix_answers_only_for_its_own_cells() {
        assert_eq!(matrix().judge(Some(1), Some(2)), Some(2));
        assert_eq!(matrix().judge(Some(3), Some(1)), None);
        assert_eq!(matrix().judge(None, Some(1)), None);
    }

    #[test]
    fn an_override_wins_over_the_matrix_and_stands_without_one() {
        let by_hand = Override { value: 1, reason: "board meeting".into(), actor: "people/ann".into() };
        assert_eq!(effective(Some(3), Some(&by_hand)), Some(1));
        assert_eq!(effective(None, Some(&by_hand)), Some(1));
        assert_eq!(effective(Some(3), None), Some(3));
        assert_eq!(effective(None, None), None);
    }
}
