//! Which promises govern a ticket: the most specific of those that cover it, and why the others do not.

use std::cmp::Reverse;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::agreement::{Agreement, Kind, Metric, Objective};

/// An objective in the revision of the agreement that governs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pinned {
    /// Kind of the agreement.
    pub kind: Kind,
    /// What is measured.
    pub metric: Metric,
    /// Name of the agreement: `agreements/gold`.
    pub agreement: String,
    /// Its revision.
    pub revision: u32,
    /// Id of the objective in it.
    pub objective: String,
}

/// An agreement revision that is in force when selection runs.
#[derive(Debug, Clone, Copy)]
pub struct InForce<'a> {
    /// Name of the agreement.
    pub name: &'a str,
    /// The revision in force.
    pub revision: u32,
    /// Its content.
    pub agreement: &'a Agreement,
}

/// What selection looks at in a ticket.
#[derive(Debug, Clone, Copy, Default)]
pub struct Subject<'a> {
    /// The customer, then its parent, and so on to the top. Empty: no customer.
    pub customers: &'a [&'a str],
    /// Name of the service. Empty: none.
    pub service: Option<&'a str>,
    /// The line of the service. Empty: none.
    pub line: Option<&'a str>,
    /// Name of the offering. Empty: none.
    pub offering: Option<&'a str>,
    /// The practice: `incident`.
    pub practice: &'a str,
    /// Priority in force, from 1. Empty: none yet.
    pub priority: Option<u8>,
}

/// What governs a ticket, and what nearly did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// What governs: one objective per kind, metric and provider, in that order.
    pub winners: Vec<Pinned>,
    /// What covers the ticket too and gave way.
    pub losers: Vec<Loser>,
}

/// An objective that covers the ticket and gave way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loser {
    /// The objective.
    #[serde(flatten)]
    pub pinned: Pinned,
    /// Why it gave way.
    pub reason: Loss,
    /// The agreement and objective it gave way to: `agreements/gold/p1-resolution`.
    pub to: String,
}

/// Why an objective gave way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Loss {
    /// The winner names the offering, service or line more closely.
    LessSpecificScope,
    /// The winner names the customer more closely.
    LessSpecificCustomer,
    /// The winner's agreement comes first in the explicit order.
    LaterInOrder,
    /// A tie, which the linter reports: the winner's target is stricter, or its name comes first.
    Tie,
}

/// The first thing by which an objective does not cover a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Mismatch {
    /// Neither the customer nor anyone above is named.
    Customer,
    /// Neither the service nor its line is named.
    Service,
    /// The practice is not named.
    Practice,
    /// The priority is not named.
    Priority,
    /// The offering is not named.
    Offering,
}

impl Selection {
    /// Whether a promise to the customer covers the ticket.
    pub fn is_covered(&self) -> bool {
        self.winners.iter().any(|pinned| pinned.kind == Kind::Sla)
    }

    /// Whether a winner was chosen only by its stricter target or its name.
    pub fn has_tie(&self) -> bool {
        self.losers.iter().any(|loser| loser.reason == Loss::Tie)
    }
}

/// How closely an objective names what a ticket is about: higher is closer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    Any,
    Line,
    Service,
    Offering,
}

/// An objective that covers the ticket.
struct Candidate<'a> {
    from: InForce<'a>,
    objective: &'a Objective,
    scope: Scope,
    /// Steps up from the ticket's customer; beyond the chain if the agreement names none.
    distance: usize,
}

impl Candidate<'_> {
    /// Objectives that share it compete; the others all govern.
    fn contest(&self) -> (Kind, Metric, Option<&str>) {
        let agreement = self.from.agreement;
        (agreement.kind, self.objective.metric, agreement.provider.as_deref())
    }

    /// The least wins.
    fn rank(&self) -> impl Ord {
        let target = self.objective.target.map(crate::agreement::Target::strictness);
        (
            Reverse(self.scope),
            self.distance,
            self.from.agreement.order,
            target,
            self.from.name,
            self.objective.id.as_str(),
        )
    }

    fn pinned(&self) -> Pinned {
        Pinned {
            kind: self.from.agreement.kind,
            metric: self.objective.metric,
            agreement: self.from.name.to_owned(),
            revision: self.from.revision,
            objective: self.objective.id.clone(),
        }
    }

    fn loses_to(&self, winner: &Self) -> Loser {
        let reason = if self.scope != winner.scope {
            Loss::LessSpecificScope
        } else if self.distance != winner.distance {
            Loss::LessSpecificCustomer
        } else if self.from.agreement.order != winner.from.agreement.order {
            Loss::LaterInOrder
        } else {
            Loss::Tie
        };
        Loser { pinned: self.pinned(), reason, to: format!("{}/{}", winner.from.name, winner.objective.id) }
    }
}

/// Chooses what governs a ticket among the agreements in force. Per kind, metric and provider the
/// most specific wins: offering over service over line over any, then the nearer customer, then the
/// lower `order`; a tie falls to the stricter target. The order of the input does not matter.
pub fn select<'a>(agreements: impl IntoIterator<Item = InForce<'a>>, subject: &Subject<'_>) -> Selection {
    let candidates = agreements.into_iter().flat_map(|from| covering(from, subject));
    contest(candidates.collect())
}

/// Chooses what would govern if one agreement said what is `proposed`: anew among that and what is on record as having
/// won or lost under other agreements. `promise` finds the agreement and objective of what is on record.
///
/// What is on record stays a candidate, behind all others, also where its customer or service has moved since. So the
/// agreement that is in force, proposed as it is, governs what it governed.
pub fn reselect<'a>(
    recorded: &'a Selection,
    proposed: InForce<'a>,
    promise: impl Fn(&Pinned) -> Option<(&'a Agreement, &'a Objective)>,
    subject: &Subject<'_>,
) -> Selection {
    let pinned = recorded.winners.iter().chain(recorded.losers.iter().map(|loser| &loser.pinned));
    let others = pinned.filter(|pinned| pinned.agreement != proposed.name).filter_map(|pinned| {
        let (agreement, objective) = promise(pinned)?;
        let from = InForce { name: &pinned.agreement, revision: pinned.revision, agreement };
        let behind = || Candidate { from, objective, scope: Scope::Any, distance: usize::MAX };
        Some(candidate(from, objective, subject).unwrap_or_else(|_| behind()))
    });
    contest(others.chain(covering(proposed, subject)).collect())
}

/// The objectives of an agreement that cover a ticket.
fn covering<'a>(from: InForce<'a>, subject: &Subject<'_>) -> impl Iterator<Item = Candidate<'a>> {
    let objectives = from.agreement.objectives.iter();
    objectives.filter_map(move |objective| candidate(from, objective, subject).ok())
}

/// The winner of each contest, and who gave way to it.
fn contest(mut candidates: Vec<Candidate<'_>>) -> Selection {
    candidates.sort_by(|a, b| {
        let by_contest = a.contest().cmp(&b.contest());
        by_contest.then_with(|| a.rank().cmp(&b.rank()))
    });
    let mut selection = Selection::default();
    for contest in candidates.chunk_by(|a, b| a.contest() == b.contest()) {
        let Some((winner, losers)) = contest.split_first() else {
            continue;
        };
        selection.winners.push(winner.pinned());
        let losers = losers.iter().map(|loser| loser.loses_to(winner));
        selection.losers.extend(losers);
    }
    selection
}

/// Why an objective does not cover a ticket. Empty: it does.
pub fn mismatch(agreement: &Agreement, objective: &Objective, subject: &Subject<'_>) -> Option<Mismatch> {
    let from = InForce { name: "", revision: 0, agreement };
    candidate(from, objective, subject).err()
}

fn candidate<'a>(
    from: InForce<'a>,
    objective: &'a Objective,
    subject: &Subject<'_>,
) -> Result<Candidate<'a>, Mismatch> {
    let agreement = from.agreement;
    let named = |list: &[String], value: Option<&str>| value.is_some_and(|value| list.iter().any(|item| item == value));
    let unless_empty = |list: &[String], value: Option<&str>| list.is_empty() || named(list, value);

    let above = subject.customers.iter();
    let distance = above.take_while(|name| !named(&agreement.customers, Some(name))).count();
    if distance == subject.customers.len() && !agreement.customers.is_empty() {
        return Err(Mismatch::Customer);
    }
    let of_service = if named(&agreement.services, subject.service) {
        Scope::Service
    } else if named(&agreement.lines, subject.line) {
        Scope::Line
    } else if agreement.services.is_empty() && agreement.lines.is_empty() {
        Scope::Any
    } else {
        return Err(Mismatch::Service);
    };
    if !unless_empty(&objective.practices, Some(subject.practice)) {
        return Err(Mismatch::Practice);
    }
    let priority = |list: &[u8]| subject.priority.is_some_and(|priority| list.contains(&priority));
    if !objective.priorities.is_empty() && !priority(&objective.priorities) {
        return Err(Mismatch::Priority);
    }
    if !unless_empty(&objective.offerings, subject.offering) {
        return Err(Mismatch::Offering);
    }
    let scope = if objective.offerings.is_empty() { of_service } else { Scope::Offering };
    Ok(Candidate { from, objective, scope, distance })
}

impl Loss {
    /// The name used in facts and in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LessSpecificScope => "LESS_SPECIFIC_SCOPE",
            Self::LessSpecificCustomer => "LESS_SPECIFIC_CUSTOMER",
            Self::LaterInOrder => "LATER_IN_ORDER",
            Self::Tie => "TIE",
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LessSpecificScope => "another names the offering, service or line more closely",
            Self::LessSpecificCustomer => "another names the customer more closely",
            Self::LaterInOrder => "another agreement comes first in the explicit order",
            Self::Tie => "a tie, which falls to the stricter target",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn agreement(json: serde_json::Value) -> Agreement {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn the_first_thing_that_does_not_fit_is_named() {
        let agreement = agreement(json!({"kind": "SLA", "customers": ["customers/a"], "services": ["services/x"],
            "lines": ["network"], "objectives": [{"id": "o", "metric": "RESPONSE", "target": "PT1H",
            "practices": ["incident"], "priorities": [1], "offerings": ["services/x/offerings/y"]}]}));
        let mut subject = Subject { customers: &["customers/b"], ..Subject::default() };
        let why = |subject: &Subject<'_>| mismatch(&agreement, &agreement.objectives[0], subject);
        assert_eq!(why(&subject), Some(Mismatch::Customer));
        subject.customers = &["customers/b", "customers/a"];
        assert_eq!(why(&subject), Some(Mismatch::Service));
        subject.line = Some("network");
        assert_eq!(why(&subject), Some(Mismatch::Practice));
        subject.practice = "incident";
        assert_eq!(why(&subject), Some(Mismatch::Priority));
        subject.priority = Some(1);
        assert_eq!(why(&subject), Some(Mismatch::Offering));
        subject.offering = Some("services/x/offerings/y");
        assert_eq!(why(&subject), None);
    }

    #[test]
    fn a_ticket_that_no_promise_to_the_customer_covers_says_so() {
        let ola = agreement(json!({"kind": "OLA", "provider": "groups/a",
            "objectives": [{"id": "o", "metric": "RESPONSE", "target": "PT1H"}]}));
        let subject = Subject::default();
        assert!(!select([], &subject).is_covered());
        let selection = select([InForce { name: "a", revision: 1, agreement: &ola }], &subject);
        assert_eq!(selection.winners.len(), 1);
        assert!(!selection.is_covered());
    }

    fn any_agreement() -> impl Strategy<Value = Agreement> {
        let some = |names: &'static [&'static str]| prop::sample::subsequence(names.to_vec(), 0..=1);
        let objectives = prop::collection::vec((some(&["o"]), 1_i64..3), 1..3);
        let scope = (some(&["c", "d"]), some(&["x", "y"]), some(&["l"]), 0_i32..2);
        (scope, objectives).prop_map(|((customers, services, lines, order), objectives)| {
            let objectives: Vec<_> = objectives
                .into_iter()
                .enumerate()
                .map(|(index, (offerings, hours))| {
                    json!({"id": index.to_string(), "metric": "RESPONSE", "target": format!("PT{hours}H"),
                        "offerings": offerings})
                })
                .collect();
            agreement(json!({"kind": "SLA", "customers": customers, "services": services, "lines": lines,
                "order": order, "objectives": objectives}))
        })
    }

    proptest! {
        #[test]
        fn one_objective_governs_and_the_order_of_the_input_does_not_matter(
            agreements in prop::collection::vec(any_agreement(), 0..6),
            turn in 0_usize..6,
        ) {
            let subject = Subject {
                customers: &["c", "d"],
                service: Some("x"),
                line: Some("l"),
                offering: Some("o"),
                practice: "incident",
                priority: Some(1),
            };
            let names: Vec<String> = (0..agreements.len()).map(|number| number.to_string()).collect();
            let mut in_force: Vec<_> = names.iter().zip(&agreements)
                .map(|(name, agreement)| InForce { name, revision: 1, agreement }).collect();
            let selection = select(in_force.iter().copied(), &subject);
            let covering = in_force.iter().flat_map(|from| from.agreement.objectives.iter().map(|o| (from.agreement, o)))
                .filter(|(agreement, objective)| mismatch(agreement, objective, &subject).is_none()).count();
            prop_assert_eq!(selection.winners.len(), covering.min(1));
            prop_assert_eq!(selection.winners.len() + selection.losers.len(), covering);
            prop_assert_eq!(selection.is_covered(), covering > 0);
            in_force.rotate_left(turn.min(names.len()));
            in_force.reverse();
            prop_assert_eq!(select(in_force, &subject), selection);
        }
    }
}
