//! Who stands behind a promise: objectives for some of the same tickets, one kind after the other.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use crate::agreement::{Agreement, Kind, Objective, Target};
use crate::landscape::Landscape;
use crate::selection::InForce;

/// What stands behind a promise, in order: one objective of each kind, with all that share its calendar and target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The links, the group's first.
    pub links: Vec<Link>,
}

/// A link of a chain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// OLA or UNDERPINNING.
    pub kind: Kind,
    /// Name of the calendar. Empty: around the clock.
    pub calendar: Option<String>,
    /// Open time that it may take.
    pub target: SignedDuration,
    /// Agreement, revision and objective of each party that promises this.
    pub supports: BTreeSet<Support>,
}

/// An objective that stands behind a promise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Support {
    /// Name of the agreement.
    pub agreement: String,
    /// Its revision.
    pub revision: u32,
    /// Id of the objective.
    pub objective: String,
}

/// The chains behind an objective, of the agreements in force. Empty: nothing stands behind it. Objectives without a
/// target of open time stand behind nothing.
pub(super) fn chains(
    agreement: &Agreement,
    objective: &Objective,
    in_force: &[InForce<'_>],
    landscape: &Landscape,
) -> Vec<Chain> {
    let mut found = vec![(Coverage::of(agreement, objective, landscape), Vec::new())];
    for kind in [Kind::Ola, Kind::Underpinning].into_iter().filter(|kind| *kind > agreement.kind) {
        let of_kind = in_force.iter().filter(|other| other.agreement.kind == kind);
        let behind: Vec<Party<'_>> = of_kind
            .flat_map(|from| from.agreement.objectives.iter().map(|objective| Party { from: *from, objective }))
            .filter(|party| party.objective.metric == objective.metric && party.target().is_some())
            .collect();
        let mut longer = Vec::new();
        for (coverage, chain) in found {
            let links = behind.iter().filter_map(|party| {
                let of_party = Coverage::of(party.from.agreement, party.objective, landscape);
                let shared = coverage.meet(&of_party)?;
                Some((shared, chain.iter().copied().chain([*party]).collect()))
            });
            let before = longer.len();
            longer.extend(links);
            if longer.len() == before {
                longer.push((coverage, chain));
            }
        }
        found = longer;
    }
    joined(found.into_iter().map(|(_, chain)| chain).filter(|chain| !chain.is_empty()))
}

/// An objective in force, in the agreement it stands in.
#[derive(Clone, Copy)]
struct Party<'a> {
    from: InForce<'a>,
    objective: &'a Objective,
}

impl Party<'_> {
    /// The open time that it may take. Empty: it is not stated as open time.
    fn target(&self) -> Option<SignedDuration> {
        match self.objective.target {
            Some(Target::Open(target)) => Some(target),
            Some(Target::Months(_)) | None => None,
        }
    }

    /// The link that it makes alone.
    fn link(&self) -> Link {
        let support = Support {
            agreement: self.from.name.to_owned(),
            revision: self.from.revision,
            objective: self.objective.id.clone(),
        };
        Link {
            kind: self.from.agreement.kind,
            calendar: self.objective.calendar.clone(),
            target: self.target().unwrap_or_default(),
            supports: BTreeSet::from([support]),
        }
    }
}

/// Joins chains whose links have the same calendars and targets: they are late for the same starts.
fn joined<'a>(chains: impl Iterator<Item = Vec<Party<'a>>>) -> Vec<Chain> {
    let mut joined: BTreeMap<Vec<Link>, Vec<Link>> = BTreeMap::new();
    for chain in chains {
        let links: Vec<Link> = chain.iter().map(Party::link).collect();
        let nameless = links.iter().map(|link| Link { supports: BTreeSet::new(), ..link.clone() }).collect();
        match joined.get_mut(&nameless) {
            Some(known) => known.iter_mut().zip(links).for_each(|(known, link)| known.supports.extend(link.supports)),
            None => drop(joined.insert(nameless, links)),
        }
    }
    joined.into_values().map(|links| Chain { links }).collect()
}

/// Where a service stands in what an agreement covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place<'a> {
    Service(&'a str),
    Line(&'a str),
}

/// What a promise names of one thing.
#[derive(Debug, Clone)]
enum Named<T> {
    /// Nothing, which means everything.
    Any,
    /// These; never none.
    Only(BTreeSet<T>),
}

/// The tickets that an objective is for.
#[derive(Debug, Clone)]
struct Coverage<'a> {
    customers: Named<&'a str>,
    places: Named<Place<'a>>,
    practices: Named<&'a str>,
    priorities: Named<u8>,
    offerings: Named<&'a str>,
}

impl<'a> Coverage<'a> {
    fn of(agreement: &'a Agreement, objective: &'a Objective, landscape: &'a Landscape) -> Self {
        let customers = agreement.customers.iter().flat_map(|name| landscape.customers_from(name));
        let services = agreement.services.iter().map(|name| Place::Service(name));
        let lines = agreement.lines.iter().flat_map(|line| {
            let inside = landscape.lines.iter().filter(move |(_, of)| *of == line);
            std::iter::once(Place::Line(line)).chain(inside.map(|(service, _)| Place::Service(service)))
        });
        Self {
            customers: Named::of(customers),
            places: Named::of(services.chain(lines)),
            practices: Named::of(objective.practices.iter().map(String::as_str)),
            priorities: Named::of(objective.priorities.iter().copied()),
            offerings: Named::of(objective.offerings.iter().map(String::as_str)),
        }
    }

    /// The tickets that are in both. Empty: there can be none.
    fn meet(&self, other: &Self) -> Option<Self> {
        let places = self.places.meet(&other.places)?;
        let mut offerings = self.offerings.meet(&other.offerings)?;
        if let (Named::Only(places), Named::Only(offerings)) = (&places, &mut offerings) {
            // An offering belongs to its service, wherever that stands.
            offerings.retain(|offering| {
                let service = offering.split("/offerings/").next().unwrap_or_default();
                places.contains(&Place::Service(service))
            });
            if offerings.is_empty() {
                return None;
            }
        }
        Some(Self {
            customers: self.customers.meet(&other.customers)?,
            practices: self.practices.meet(&other.practices)?,
            priorities: self.priorities.meet(&other.priorities)?,
            places,
            offerings,
        })
    }
}

impl<T: Ord + Copy> Named<T> {
    fn of(members: impl Iterator<Item = T>) -> Self {
        let members: BTreeSet<T> = members.collect();
        if members.is_empty() { Self::Any } else { Self::Only(members) }
    }

    /// What both name. Empty: nothing.
    fn meet(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Any, named) | (named, Self::Any) => Some(named.clone()),
            (Self::Only(a), Self::Only(b)) => {
                let shared: BTreeSet<T> = a.intersection(b).copied().collect();
                (!shared.is_empty()).then_some(Self::Only(shared))
            }
        }
    }
}
