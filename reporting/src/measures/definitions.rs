//! What each measure means. A change of meaning is a new version.

/// The meaning of a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Id of the measure.
    pub id: &'static str,
    /// Counts changes of meaning, from 1.
    pub version: u32,
    /// What it is counted in. Empty: a currency.
    pub unit: &'static str,
    /// The meaning, in a sentence that names the population.
    pub text: &'static str,
}

const fn define(id: &'static str, unit: &'static str, text: &'static str) -> Definition {
    Definition { id, version: 1, unit, text }
}

/// Every measure, by id.
pub const DEFINITIONS: &[Definition] = &[
    define(
        "availability",
        "ratio",
        "(AST - DT) / AST of a service: agreed service time (AST) is the open time in the window of the calendar that the agreements with customers in force at its end count by; downtime (DT) is the time in it under outages that are neither planned nor excluded, overlaps once and by the outage that counts most, weighted by degradation and share of users. A service without an outage on record before the end of the window is not measured. n counts the outages.",
    ),
    define("availability.agreed_time", "hours", "Agreed service time of a service in the window, as in availability."),
    define("availability.downtime", "hours", "Weighted downtime of a service in the window, as in availability."),
    define(
        "cost.billed",
        "",
        "Sum of what was billed, credits and adjustments included (FOCUS BilledCost), of ledger lines whose charge period starts in the window; exact, one currency and one source at a time. What is invented for demonstration stands apart under its source.",
    ),
    define(
        "elements.lacking",
        "gaps",
        "What is missing in an element of service management as of the as-of (processes described, objectives served, roles and responsibilities, suppliers managed), each thing that lacks something counted once for each thing it lacks.",
    ),
    define(
        "elements.on_record",
        "resources",
        "Published processes, objectives, roles and suppliers on record as of the as-of, by element.",
    ),
    define(
        "flow.backlog",
        "incidents",
        "Incidents in a state of category NEW, ACTIVE or PENDING just before the end of the period, or the as-of if that is earlier.",
    ),
    define(
        "flow.backlog_age.median",
        "hours",
        "Median time since opening of the backlog; percentile by linear interpolation.",
    ),
    define("flow.backlog_age.oldest", "hours", "Longest time since opening in the backlog."),
    define(
        "flow.finished",
        "incidents",
        "Times an incident left the open states in the window; one that is reopened and finished again counts again.",
    ),
    define(
        "flow.major",
        "incidents",
        "Incidents declared major before the end of the window and not stood down before its start.",
    ),
    define("flow.opened", "incidents", "Incidents whose opening time lies in the window."),
    define("flow.reassigned", "incidents", "Incidents that changed hands at least once in the window."),
    define(
        "flow.reassignment_rate",
        "ratio",
        "Of the incidents opened in the window, the share that has changed hands by the as-of.",
    ),
    define(
        "flow.reopen_rate",
        "ratio",
        "Of the incidents opened in the window, the share that has been reopened by the as-of.",
    ),
    define("flow.reopened", "incidents", "Incidents that were reopened at least once in the window."),
    define(
        "flow.resolved",
        "incidents",
        "Incidents whose resolved time lies in the window. Those without a resolved time are not in it; see quality.resolved_without_time.",
    ),
    define(
        "flow.time_to_resolve.km_median",
        "hours",
        "Time by which half of the incidents opened in the window are resolved: Kaplan-Meier, with incidents still open censored at the as-of and cancellations as a competing end (Aalen-Johansen). Finished incidents without a resolved time are left out and counted in quality.*.",
    ),
    define(
        "flow.time_to_resolve.mean",
        "hours",
        "Mean wall-clock time from opening to the resolved time, of incidents whose resolved time lies in the window. Open incidents are not in it, so it is too short while many are open.",
    ),
    define(
        "flow.time_to_resolve.median",
        "hours",
        "Median wall-clock time from opening to the resolved time, of incidents whose resolved time lies in the window; percentile by linear interpolation. Open incidents are not in it.",
    ),
    define(
        "flow.time_to_resolve.p90",
        "hours",
        "90th percentile of the wall-clock time from opening to the resolved time, of incidents whose resolved time lies in the window; by linear interpolation. Open incidents are not in it.",
    ),
    define(
        "quality.closed_without_resolution",
        "incidents",
        "Incidents opened in the window that ended without a resolved time and without ever being in a state of category RESOLVED; cancelled ones are not meant. No time to resolve can be told.",
    ),
    define(
        "quality.nonconforming",
        "incidents",
        "Incidents opened in the window with at least one step that their process does not have; kept from imports, never dropped.",
    ),
    define(
        "quality.resolved_without_time",
        "incidents",
        "Incidents opened in the window that only a state row says are resolved: the source gives no resolved time. Left out of every time to resolve.",
    ),
    define("quality.uncovered", "incidents", "Incidents opened in the window that no promise to a customer covers."),
    define(
        "sla.attainment",
        "ratio",
        "met / (met + breached) of the clocks of one metric whose outcome was fixed in the window; a breach counts at its due instant, not at closure. Clocks of agreements with customers on incidents; running, cancelled and replaced clocks are not in it. Interval: Wilson.",
    ),
    define(
        "sla.attainment_adjusted",
        "ratio",
        "sla.attainment without what approvers have excused as known at the as-of: clocks excused as a whole are left out, clocks excused for an interval are judged as if they had stood still in it. Interval: Wilson.",
    ),
    define(
        "sla.due_24h",
        "clocks",
        "Clocks without a verdict that reach their target within 24 hours of the as-of if nothing changes.",
    ),
    define(
        "sla.excluded",
        "clocks",
        "Of the clocks in sla.attainment, those that an approver has excused, as a whole or for an interval, and has not revoked.",
    ),
    define(
        "sla.goal",
        "ratio",
        "Share of clocks that the agreement promises to meet. Given where all clocks behind an attainment have the same goal.",
    ),
    define("sla.open", "clocks", "Clocks without a verdict at the as-of."),
    define("sla.overdue", "clocks", "Clocks breached and still going at the as-of: the work is late and not done."),
    define(
        "sla.source_attainment",
        "ratio",
        "Share of incidents opened in the window and finished by the as-of that their source says met its own service level; the source's verdict, not ours. Interval: Wilson.",
    ),
    define(
        "sla.target",
        "hours",
        "Open time within which the promise is kept. Given where all clocks behind an attainment have the same target.",
    ),
    define(
        "supplier.attainment",
        "ratio",
        "met / (met + breached) of the clocks of one metric of an agreement with a supplier (UNDERPINNING) or a group (OLA) on incidents, whose outcome was fixed in the window. Interval: Wilson.",
    ),
    define(
        "supplier.committed",
        "",
        "Sum of the committed amounts of the contracts in the register, over their whole terms; exact, one currency and one source at a time. Scoped by the quarter of the notice deadline; a contract that states no notice period has its end for a deadline.",
    ),
    define(
        "supplier.contracts",
        "contracts",
        "Contracts in the register. Scoped by the quarter of the notice deadline; a contract that states no notice period has its end for a deadline.",
    ),
    define(
        "supplier.notice_due",
        "contracts",
        "Contracts whose notice deadline lies in the 90 days from the register's own date: the as-of, or the register's newest contract start if the register is newer.",
    ),
    define(
        "supplier.notice_due_committed",
        "",
        "Sum of the committed amounts of the contracts in supplier.notice_due; exact, one currency and one source at a time.",
    ),
    define(
        "supplier.time_held",
        "hours",
        "Open time, in the calendar of its agreement, for which a supplier (UNDERPINNING) or a group (OLA) had the incidents whose clocks are in supplier.attainment; summed over clocks.",
    ),
    define(
        "supplier.time_held.median",
        "hours",
        "Median over clocks of the open time in supplier.time_held; percentile by linear interpolation.",
    ),
    define(
        "value.benefit_planned",
        "",
        "Likely amount of the benefits whose days overlap the window, each as a whole, or of all benefits where none does; one currency at a time. The interval adds up what was planned as low and as high: the sum of all lows is unlikely, and so is that of all highs.",
    ),
    define(
        "value.benefit_realised",
        "",
        "What was realised of the benefits in value.benefit_planned, of those for which it is recorded; one that is not recorded is left out, which is not zero. n counts those that are recorded.",
    ),
    define(
        "value.budget",
        "",
        "Budgets in proportion to the days that they have in the window, rounded to the minor unit; one currency at a time.",
    ),
    define(
        "value.budget_variance",
        "",
        "value.spend less value.budget: above zero is over the budget. As a whole only where all budgets are for pools or all are for services, since a pool pays for services and the same money would count twice.",
    ),
    define(
        "value.cost_per_customer",
        "",
        "What services and pools pass to a customer by the allocation rules in force (AllocateCosts), to the minor unit; one currency at a time.",
    ),
    define(
        "value.cost_per_service",
        "",
        "Cost of a service after allocation (AllocateCosts): ledger lines that name it, what pools and other services pass to it, less what it passes to other services. Lines that overlap the window count in proportion to time, rounded once by largest remainder, one currency at a time. An empty service is what no rule gives to anybody; with a customer it is what a pool passes straight to that customer. Together they are the total, to the minor unit.",
    ),
    define(
        "value.cost_per_ticket",
        "",
        "value.cost_per_service divided by the incidents of the service whose resolved time lies in the same window, rounded to the minor unit. n counts the incidents.",
    ),
    define(
        "value.credit_exposure",
        "",
        "Service credits that the bands of an agreement give for its clocks, with a fixed outcome, on incidents opened in the window: each calendar month by opening, each metric and each revision judged by itself, of the metrics of a month the largest credit, months added and rounded once. What is owed follows from the agreement, not from this sum. n counts the clocks.",
    ),
    define(
        "value.spend",
        "",
        "What was charged in the window: for a pool what its ledger lines amount to, for a service value.cost_per_service; only where there is a budget to compare it with.",
    ),
];

/// The definition of a measure. An id without one is a mistake that a test finds.
pub fn definition(id: &str) -> Option<&'static Definition> {
    DEFINITIONS.binary_search_by_key(&id, |definition| definition.id).ok().map(|index| &DEFINITIONS[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_sorted_and_end_in_a_full_stop() {
        assert!(DEFINITIONS.is_sorted_by_key(|definition| definition.id));
        assert!(DEFINITIONS.iter().all(|definition| definition.text.ends_with('.')));
    }
}
