//! The four elements of service management (processes described, objectives served, roles and responsibilities,
//! suppliers): what is on record of each, and what is missing.

use std::collections::BTreeSet;

use domain::governance::Review;
use domain::landscape::Landscape;
use jiff::tz::TimeZone;

use super::Context;
use crate::inputs::Inputs;
use crate::report::measure::{Measure, Scope};

/// Names that stand for many.
const EXAMPLES: usize = 3;

/// One of the four elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// Its id in scopes: `processes`.
    pub id: &'static str,
    /// What is on record of it, by its name in the plural: `processes`.
    pub on_record: Vec<(u64, &'static str)>,
    /// What is missing. Empty: nothing was found.
    pub gaps: Vec<Lack>,
    /// Whether some of it is invented for demonstration.
    pub illustrative: bool,
}

/// Something that is missing in one way, however often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// What is missing, in words.
    pub what: String,
    /// How often.
    pub count: u64,
    /// Out of how many. 0: it cannot be said.
    pub of: u64,
    /// Where, for example: at most three names.
    pub examples: Vec<String>,
}

impl Element {
    /// Whether nothing of it is on record.
    pub fn is_empty(&self) -> bool {
        self.on_record.first().is_none_or(|(count, _)| *count == 0)
    }

    /// How much is missing, all in all.
    pub fn lacking(&self) -> u64 {
        self.gaps.iter().map(|gap| gap.count).sum()
    }
}

/// The four, in their order.
pub(super) fn elements(inputs: &Inputs) -> Vec<Element> {
    let mut four = vec![processes(inputs), objectives(inputs), responsibilities(inputs), suppliers(inputs)];
    for element in four.iter_mut().filter(|element| element.is_empty()) {
        let nothing = Lack { what: "nothing is on record".to_owned(), count: 1, of: 0, examples: Vec::new() };
        element.gaps.insert(0, nothing);
    }
    four
}

pub(super) fn measures(context: &Context, elements: &[Element]) -> Vec<Measure> {
    let as_of = context.inputs.as_of.to_string();
    let measure = |id: &str, element: &Element, count: u64| {
        let invented = if element.illustrative { "; ILLUSTRATIVE" } else { "" };
        Measure {
            window: as_of.clone(),
            source: format!("catalog and supplier{invented}"),
            ..context.count(id, Scope::one("element", element.id), count)
        }
    };
    let first = |element: &Element| element.on_record.first().map_or(0, |(count, _)| *count);
    elements
        .iter()
        .flat_map(|element| {
            [
                measure("elements.on_record", element, first(element)),
                measure("elements.lacking", element, element.lacking()),
            ]
        })
        .collect()
}

/// What of a list lacks something.
fn lack<'a>(what: &str, names: impl Iterator<Item = &'a str>, of: usize) -> Option<Lack> {
    let names: Vec<&str> = names.collect();
    (!names.is_empty()).then(|| Lack {
        what: what.to_owned(),
        count: names.len() as u64,
        of: of as u64,
        examples: names.iter().take(EXAMPLES).map(|name| (*name).to_owned()).collect(),
    })
}

fn processes(inputs: &Inputs) -> Element {
    let all = &inputs.estate.processes;
    let without = |what: &str, lacks: &dyn Fn(&domain::process::Process) -> bool| {
        lack(what, all.iter().filter(|process| lacks(process)).map(|process| process.display_name.as_str()), all.len())
    };
    let doubtful = |process: &domain::process::Process| !process.check().is_empty();
    let gaps = [
        without("state no purpose", &|process| process.purpose.trim().is_empty()),
        without("state no scope", &|process| process.scope.trim().is_empty()),
        without("have no owner", &|process| process.owner_role.is_empty()),
        without("state no inputs or no outputs", &|process| process.inputs.is_empty() || process.outputs.is_empty()),
        without("describe no activities", &|process| process.activities.is_empty()),
        without("have no measure with a target", &|process| process.measures.is_empty()),
        without("are doubtful by their check: dead ends, unreachable states or the like", &doubtful),
    ];
    Element {
        id: "processes",
        on_record: vec![(all.len() as u64, "published processes")],
        gaps: gaps.into_iter().flatten().collect(),
        illustrative: false,
    }
}

fn objectives(inputs: &Inputs) -> Element {
    let all = &inputs.estate.objectives;
    let served: BTreeSet<&str> =
        inputs.services.values().flat_map(|service| service.objectives.iter().map(String::as_str)).collect();
    let parents: BTreeSet<&str> = all.values().map(|objective| objective.parent.as_str()).collect();
    let without = |what: &str, lacks: &dyn Fn(&str, &domain::portfolio::Objective) -> bool| {
        let names = all.iter().filter(|(name, objective)| lacks(name, objective));
        lack(what, names.map(|(_, objective)| objective.display_name.as_str()), all.len())
    };
    let idle = inputs.services.values().filter(|service| service.objectives.is_empty());
    let gaps = [
        without("are measured by nothing", &|_, objective| objective.measure.is_empty()),
        without("have no target", &|_, objective| objective.target.is_none()),
        without("have no owner", &|_, objective| objective.owner.is_empty()),
        without("are at the end of the tree and served by no service", &|name, _| {
            !served.contains(name) && !parents.contains(name)
        }),
        lack("services serve no objective", idle.map(|service| service.display_name.as_str()), inputs.services.len()),
    ];
    Element {
        id: "objectives",
        on_record: vec![(all.len() as u64, "objectives"), (inputs.services.len() as u64, "services")],
        gaps: gaps.into_iter().flatten().collect(),
        illustrative: all.values().any(|objective| objective.illustrative)
            || inputs.services.values().any(|service| service.illustrative),
    }
}

fn responsibilities(inputs: &Inputs) -> Element {
    let governance = &inputs.estate.governance;
    let landscape = Landscape { parents: inputs.estate.parents.clone(), ..Landscape::default() };
    let on = inputs.as_of.to_zoned(TimeZone::UTC).date();
    let review = Review { governance, processes: &inputs.estate.processes, landscape: &landscape, on };
    let gaps = review.gaps(None, None).into_iter().map(|gap| Lack {
        what: gap.message,
        count: 1,
        of: 0,
        examples: vec![gap.reason.as_str().to_owned()],
    });
    let binding = governance.responsibilities.values().filter(|row| !row.proposed).count();
    Element {
        id: "responsibilities",
        on_record: vec![
            (governance.roles.len() as u64, "roles"),
            (governance.assignments.len() as u64, "assignments"),
            (governance.responsibilities.len() as u64, "rows of responsibilities"),
            (binding as u64, "of them binding"),
        ],
        gaps: gaps.collect(),
        illustrative: governance.assignments.values().any(|assignment| assignment.illustrative)
            || governance.responsibilities.values().any(|row| row.illustrative),
    }
}

fn suppliers(inputs: &Inputs) -> Element {
    let all = &inputs.estate.suppliers;
    let contracts = &inputs.contracts;
    let unmanaged = all.values().filter(|supplier| supplier.manager.is_empty());
    let unsorted = all.values().filter(|supplier| supplier.category.is_none());
    let with_contract: BTreeSet<&str> = contracts.iter().map(|contract| contract.supplier.as_str()).collect();
    let loose =
        all.values().map(|supplier| supplier.display_name.as_str()).filter(|name| !with_contract.contains(name));
    let silent = contracts.iter().filter(|contract| !contract.notice_stated && contract.end_on.is_some());
    let gaps = [
        lack("suppliers have no manager", unmanaged.map(|supplier| supplier.display_name.as_str()), all.len()),
        lack("suppliers have no category", unsorted.map(|supplier| supplier.display_name.as_str()), all.len()),
        lack("suppliers have no contract", loose, all.len()),
        lack(
            "contracts with an end state no notice period",
            silent.map(|contract| contract.display_name.as_str()),
            contracts.len(),
        ),
    ];
    Element {
        id: "suppliers",
        on_record: vec![(all.len() as u64, "suppliers"), (contracts.len() as u64, "contracts")],
        gaps: gaps.into_iter().flatten().collect(),
        illustrative: all.values().any(|supplier| supplier.illustrative),
    }
}
