//! Recording what a duty to notify an authority counts from, and what was submitted.

use super::super::{Fact, Recorded, Ticket};
use super::{Act, Change, Reason, Rejection};
use crate::clock::{DutyStep, Step};
use crate::violation::Violation;

/// Records a step of a duty. Awareness comes first; what is on record already changes nothing. `known` are the facts
/// on record. Possible at any time: authorities may be owed a report when the ticket has long been closed.
pub fn record_duty(ticket: &Ticket, known: &[Recorded], step: &DutyStep, act: &Act<'_>) -> Result<Change, Rejection> {
    let on_record = known.iter().filter_map(|recorded| match &recorded.fact {
        Fact::DutyRecorded(known) if known.regulation == step.regulation => Some((recorded, known)),
        _ => None,
    });
    let regulation = step.regulation.as_str();
    match &step.step {
        Step::Submitted { report, .. } if !step.regulation.knows(*report) => {
            let text = format!("is no report under {regulation}: choose one that it asks for");
            Rejection::of_fields(Reason::FieldInvalid, vec![Violation::new("report", text)])?;
        }
        Step::Submitted { reference, .. } if reference.trim().is_empty() => {
            let violation = Violation::new("reference", "is required: give the receipt of the authority");
            Rejection::of_fields(Reason::FieldRequired, vec![violation])?;
        }
        _ => {}
    }
    let begun = on_record.clone().any(|(_, known)| matches!(known.step, Step::Aware { .. }));
    if !begun && !matches!(step.step, Step::Aware { .. }) {
        let text =
            format!("nobody was aware of a duty under {regulation} on ticket {}: record AWARE first", ticket.number());
        return Err(Rejection::new(Reason::DutyNotBegun, text).about(ticket).with("regulation", regulation));
    }
    let at = act.time(ticket, ticket.opened_at)?;
    let same = |known: &DutyStep| match (&known.step, &step.step) {
        (Step::Submitted { report, reference }, Step::Submitted { report: other, reference: receipt }) => {
            (report, reference) == (other, receipt)
        }
        (known, step) => std::mem::discriminant(known) == std::mem::discriminant(step),
    };
    let latest = on_record.filter(|(_, known)| same(known)).max_by_key(|(recorded, _)| recorded.position);
    let said = latest.is_some_and(|(recorded, known)| known == step && recorded.occurred_at == at);
    let fact = (!said).then(|| Fact::DutyRecorded(step.clone()));
    Ok(act.change(ticket.clone(), fact.into_iter().collect(), at))
}
