//! What is wrong or doubtful in an agreement, before anything goes wrong.

use jiff::SignedDuration;

use super::{Agreement, Kind, Metric, Objective, Pause, Rebase, Target};
use crate::amount::Decimal;
use crate::calendar::{Definition, Timeline};
use crate::finding::Finding;
use crate::process::{Category, PendingReason};

impl Agreement {
    /// What is wrong, errors first. Empty: nothing. `calendar` finds a calendar by name;
    /// `priorities` are those that tickets can have.
    pub fn check<'a>(&self, calendar: impl Fn(&str) -> Option<&'a Timeline>, priorities: &[u8]) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.check_parties(&mut findings);
        for (index, objective) in self.objectives.iter().enumerate() {
            let field = format!("objectives[{index}]");
            self.check_place(&field, index, &mut findings);
            check_target(&field, objective, &mut findings);
            check_calendar(&field, objective, &calendar, &mut findings);
            check_thresholds(&field, objective, &mut findings);
            self.check_escalations(&field, objective, priorities, &mut findings);
            if let Some(pause) = &objective.pause {
                check_pause(&field, self.kind, pause, &mut findings);
            }
        }
        if let Some(name) = &self.service_hours {
            published("service_hours", name, &calendar, &mut findings);
        }
        self.check_coverage(priorities, &mut findings);
        self.check_credits(&mut findings);
        findings.sort_by_key(|finding| finding.severity);
        findings
    }

    /// What is wrong with the calendars that objectives count by and that have no revision yet: as if it were in the
    /// agreement. `draft` finds such a calendar by name.
    pub fn check_drafts<'a>(&self, draft: impl Fn(&str) -> Option<&'a Definition>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (field, name) in self.calendars() {
            for finding in draft(name).map(Definition::check).unwrap_or_default() {
                let message = format!("in calendar `{name}`, {}: {}", finding.field, finding.message);
                findings.push(Finding { field: field.clone(), message, ..finding });
            }
        }
        findings
    }

    /// Objectives that tie with those of other agreements in force: nothing but the stricter target
    /// would decide. `others` are their names and contents.
    pub fn check_ties<'a>(&self, others: impl IntoIterator<Item = (&'a str, &'a Self)>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (name, other) in others.into_iter().filter(|(_, other)| self.stands_beside(other)) {
            for (index, objective) in self.objectives.iter().enumerate() {
                if let Some(rival) = other.objectives.iter().find(|rival| competes(rival, objective)) {
                    let message = format!(
                        "`{}` and `{}` of {name} cover the same tickets equally well: give the agreements a different order",
                        objective.id, rival.id,
                    );
                    findings.push(Finding::warning(format!("objectives[{index}]"), "AGREEMENTS_TIE", message));
                }
            }
        }
        findings
    }

    /// Whether a ticket may be covered by both, neither more closely, and no order decides.
    fn stands_beside(&self, other: &Self) -> bool {
        let meet = |a: &[String], b: &[String]| a.iter().any(|item| b.contains(item));
        let everything = |agreement: &Self| agreement.services.is_empty() && agreement.lines.is_empty();
        let anybody = self.customers.is_empty() && other.customers.is_empty();
        self.kind == other.kind
            && self.provider == other.provider
            && self.order == other.order
            && (anybody || meet(&self.customers, &other.customers))
            && (everything(self) && everything(other)
                || meet(&self.services, &other.services)
                || meet(&self.lines, &other.lines))
    }

    fn check_parties(&self, findings: &mut Vec<Finding>) {
        let provider = self.provider.as_deref().unwrap_or_default();
        let expected = match self.kind {
            Kind::Sla => "",
            Kind::Ola => "groups/",
            Kind::Underpinning => "contracts/",
        };
        if expected.is_empty() && !provider.is_empty() {
            let message = format!("an SLA is kept by the provider as a whole, not by `{provider}`: leave it empty");
            findings.push(Finding::error("provider", "PROVIDER_UNEXPECTED", message));
        } else if !provider.starts_with(expected) || provider.len() == expected.len() && !expected.is_empty() {
            let message = format!("an agreement of kind {} names who keeps it: `{expected}…`", self.kind.as_str());
            findings.push(Finding::error("provider", "PROVIDER_MISSING", message));
        }
        if self.objectives.is_empty() {
            let message = "nothing is promised: add an objective";
            findings.push(Finding::warning("objectives", "OBJECTIVES_EMPTY", message));
        }
        if let Some(goal) = self.attainment_goal_percent.as_ref().filter(|goal| out_of_range(goal)) {
            let message = format!("an attainment goal of {goal} % cannot be: it is above 0 and at most 100");
            findings.push(Finding::error("attainment_goal_percent", "GOAL_OUT_OF_RANGE", message));
        }
    }

    /// Ids, and objectives that compete for the same tickets.
    fn check_place(&self, field: &str, index: usize, findings: &mut Vec<Finding>) {
        let objective = &self.objectives[index];
        let earlier = &self.objectives[..index];
        if objective.id.trim().is_empty() {
            let message = "an objective needs an id: tickets refer to it";
            findings.push(Finding::error(format!("{field}.id"), "ID_EMPTY", message));
        } else if earlier.iter().any(|other| other.id == objective.id) {
            let message = format!("`{}` is the id of two objectives: tickets could not tell which", objective.id);
            findings.push(Finding::error(format!("{field}.id"), "ID_TAKEN", message));
        }
        if let Some(other) = earlier.iter().find(|other| competes(other, objective)) {
            let message = format!(
                "`{}` and `{}` promise {} for the same tickets: the stricter target wins; separate them by practice, priority or offering",
                other.id,
                objective.id,
                objective.metric.as_str(),
            );
            findings.push(Finding::warning(field, "OBJECTIVES_OVERLAP", message));
        }
    }

    /// What follows from thresholds: that it can, that it does something, and that it gives nobody fresh time.
    fn check_escalations(&self, field: &str, objective: &Objective, priorities: &[u8], findings: &mut Vec<Finding>) {
        for (index, escalation) in objective.escalations.iter().enumerate() {
            let field = format!("{field}.escalations[{index}]");
            let percent = escalation.percent;
            if percent == 0 {
                let message = "nothing follows at 0 %: nothing fires at the start";
                findings.push(Finding::error(format!("{field}.percent"), "THRESHOLD_UNREACHABLE", message));
            }
            if let Some(group) = escalation.group.as_deref().filter(|group| !is_group(group)) {
                let message = format!("`{group}` is no group: name one like groups/duty-managers");
                findings.push(Finding::error(format!("{field}.group"), "GROUP_INVALID", message));
            }
            let to = escalation.priority;
            if let Some(to) = to.filter(|to| *to == 0 || !(priorities.is_empty() || priorities.contains(to))) {
                let message = format!("no ticket can have the priority {to}: it stays as it is");
                findings.push(Finding::error(format!("{field}.priority"), "PRIORITY_UNKNOWN", message));
            }
            let raises = |to: u8| objective.priorities.is_empty() || objective.priorities.iter().any(|from| to < *from);
            if escalation.group.is_none() && !to.is_some_and(raises) {
                let message =
                    format!("nothing follows at {percent} %: name a group, or a priority above those it is for");
                findings.push(Finding::warning(field.as_str(), "ESCALATION_IDLE", message));
            }
            let next = self.objectives.iter().find(|next| to.is_some_and(|to| takes_over(next, objective, to)));
            if let Some(next) = next.filter(|next| next.on_upgrade == Rebase::RestartAtChange) {
                let message = format!(
                    "raising the priority at {percent} % starts the clock anew under `{}`: let its upgrade keep what has elapsed",
                    next.id,
                );
                findings.push(Finding::warning(field, "ESCALATION_GIVES_TIME", message));
            }
        }
    }

    /// Bands of credits: which level, how much, and of what.
    fn check_credits(&self, findings: &mut Vec<Finding>) {
        for (index, band) in self.credit_bands.iter().enumerate() {
            let field = format!("credit_bands[{index}]");
            let level = &band.below_percent;
            if out_of_range(level) {
                let message = format!("attainment below {level} % cannot be: the level is above 0 and at most 100");
                findings.push(Finding::error(format!("{field}.below_percent"), "LEVEL_OUT_OF_RANGE", message));
            } else if self.credit_bands[..index].iter().any(|other| other.below_percent == *level) {
                let message = format!("there are two credits for attainment below {level} %: keep one");
                findings.push(Finding::error(format!("{field}.below_percent"), "LEVEL_TWICE", message));
            }
            match (&band.charge_percent, band.amount) {
                (Some(percent), None) if out_of_range(percent) || percent.fraction_digits() > 4 => {
                    let message = format!(
                        "{percent} % of the charge cannot be: write above 0 and at most 100, with at most four digits after the point"
                    );
                    findings.push(Finding::error(format!("{field}.charge_percent"), "CREDIT_OUT_OF_RANGE", message));
                }
                (Some(_), None) if self.monthly_charge.is_none() => {
                    let message = "the credit is a share of a charge that is not recorded: give the monthly charge";
                    findings.push(Finding::error("monthly_charge", "CHARGE_MISSING", message));
                }
                (None, Some(amount)) if amount.minor_units <= 0 => {
                    let message = format!("a credit of {amount} is none: give more than nothing");
                    findings.push(Finding::error(format!("{field}.amount"), "CREDIT_OUT_OF_RANGE", message));
                }
                (Some(_), None) | (None, Some(_)) => {}
                _ => {
                    let message = "a credit is either a share of the charge or an amount: give one of them";
                    findings.push(Finding::error(field, "CREDIT_UNCLEAR", message));
                }
            }
        }
    }

    fn check_coverage(&self, priorities: &[u8], findings: &mut Vec<Finding>) {
        for metric in Metric::ALL {
            let of_metric: Vec<&Objective> = self.objectives.iter().filter(|o| o.metric == metric).collect();
            let covered =
                |priority| of_metric.iter().any(|o| o.priorities.is_empty() || o.priorities.contains(priority));
            let missing: Vec<String> =
                priorities.iter().filter(|priority| !covered(priority)).map(u8::to_string).collect();
            if !of_metric.is_empty() && !missing.is_empty() {
                let message = format!("no objective promises {} for priority {}", metric.as_str(), missing.join(", "));
                findings.push(Finding::warning("objectives", "PRIORITY_UNCOVERED", message));
            }
        }
    }
}

/// Whether it is no share in percent, above 0 and at most 100.
fn out_of_range(percent: &Decimal) -> bool {
    *percent <= Decimal::from(0) || *percent > Decimal::from(100)
}

/// Whether a ticket may match both, and neither more closely.
fn competes(a: &Objective, b: &Objective) -> bool {
    fn meet<T: PartialEq>(a: &[T], b: &[T]) -> bool {
        a.is_empty() || b.is_empty() || a.iter().any(|item| b.contains(item))
    }
    a.metric == b.metric
        && a.offerings.is_empty() == b.offerings.is_empty()
        && meet(&a.offerings, &b.offerings)
        && meet(&a.practices, &b.practices)
        && meet(&a.priorities, &b.priorities)
}

fn is_group(name: &str) -> bool {
    name.strip_prefix("groups/").is_some_and(|id| !id.is_empty() && !id.contains('/'))
}

/// Whether `next` governs a ticket of `objective` once its priority is raised.
fn takes_over(next: &Objective, objective: &Objective, priority: u8) -> bool {
    let raised = Objective { priorities: vec![priority], ..objective.clone() };
    next.id != objective.id && next.priorities.contains(&priority) && competes(next, &raised)
}

fn check_target(field: &str, objective: &Objective, findings: &mut Vec<Finding>) {
    let field = format!("{field}.target");
    match (objective.metric, objective.target) {
        (Metric::AgreedDate, Some(_)) => {
            let message = format!("`{}` is kept by the date on the ticket: its target is not read", objective.id);
            findings.push(Finding::warning(field, "TARGET_UNUSED", message));
        }
        (Metric::AgreedDate, None) => {}
        (_, None) => {
            let message = format!("`{}` has no target: write one like PT4H", objective.id);
            findings.push(Finding::error(field, "TARGET_MISSING", message));
        }
        (_, Some(target)) if target.strictness() <= SignedDuration::ZERO => {
            let message = format!("`{}` gives no time at all: its target is to be above zero", objective.id);
            findings.push(Finding::error(field, "TARGET_NOT_POSITIVE", message));
        }
        (_, Some(_)) => {}
    }
}

fn check_calendar<'a>(
    field: &str,
    objective: &Objective,
    calendar: &impl Fn(&str) -> Option<&'a Timeline>,
    findings: &mut Vec<Finding>,
) {
    let Some(name) = &objective.calendar else { return };
    let Some(longest) = published(&format!("{field}.calendar"), name, calendar, findings) else { return };
    if let Some(Target::Open(target)) = objective.target
        && longest < 24 * 60
        && target > SignedDuration::from_mins(longest)
    {
        let longest = SignedDuration::from_mins(longest);
        let message = format!(
            "{target:#} is longer than the longest day of `{name}`, {longest:#}: it is never kept on the day it began"
        );
        findings.push(Finding::warning(format!("{field}.target"), "TARGET_BEYOND_A_DAY", message));
    }
}

/// Open minutes of the longest date of a calendar that is published and open at times.
fn published<'a>(
    field: &str,
    name: &str,
    calendar: &impl Fn(&str) -> Option<&'a Timeline>,
    findings: &mut Vec<Finding>,
) -> Option<i64> {
    let Some(definition) = calendar(name).map(Timeline::latest) else {
        let message = format!("calendar `{name}` is not published: publish it first");
        findings.push(Finding::error(field, "CALENDAR_UNKNOWN", message));
        return None;
    };
    let longest = definition.map_or(0, longest_day);
    if longest == 0 {
        let message = format!("calendar `{name}` is never open, so nothing counts by it");
        findings.push(Finding::warning(field, "CALENDAR_NEVER_OPEN", message));
        return None;
    }
    Some(longest)
}

/// Open minutes of the longest date, overlaps counted once.
fn longest_day(definition: &Definition) -> i64 {
    let weekly = definition.weekly.values();
    let exceptional = definition.exceptions.iter().map(|exception| &exception.hours);
    let open = |hours: &Vec<crate::calendar::Hours>| {
        let mut hours: Vec<_> = hours.iter().map(|hours| hours.minutes()).collect();
        hours.sort_unstable();
        let mut until = 0;
        let mut open = 0;
        for (opens, closes) in hours {
            open += (closes - opens.max(until)).max(0);
            until = until.max(closes);
        }
        open
    };
    weekly.chain(exceptional).map(open).max().unwrap_or(0)
}

fn check_thresholds(field: &str, objective: &Objective, findings: &mut Vec<Finding>) {
    for (index, percent) in objective.thresholds.iter().enumerate() {
        let field = format!("{field}.thresholds[{index}]");
        if *percent == 0 {
            let message = "a threshold of 0 % is never reached: nothing fires at creation";
            findings.push(Finding::error(field, "THRESHOLD_UNREACHABLE", message));
        } else if objective.thresholds[..index].contains(percent) {
            let message = format!("a threshold of {percent} % is there twice: it fires once");
            findings.push(Finding::warning(field, "THRESHOLD_TWICE", message));
        }
    }
}

fn check_pause(field: &str, kind: Kind, pause: &Pause, findings: &mut Vec<Finding>) {
    let field = format!("{field}.pause");
    let ours = [PendingReason::Supplier, PendingReason::Change, PendingReason::Problem];
    let for_ours =
        pause.categories.contains(&Category::Pending) || ours.iter().any(|reason| pause.pending.contains(reason));
    if kind == Kind::Sla && for_ours {
        let message =
            "the customer's clock stands still while we wait for ourselves or our supplier: pause for CUSTOMER only";
        findings.push(Finding::warning(field.as_str(), "PAUSES_FOR_OURSELVES", message));
    }
    if kind == Kind::Underpinning && pause.pending.contains(&PendingReason::Supplier) {
        let message = "the supplier's clock stands still while we wait for the supplier";
        findings.push(Finding::warning(field.as_str(), "PAUSES_FOR_OURSELVES", message));
    }
    if pause.categories.iter().any(|category| matches!(category, Category::New | Category::Active)) {
        let message = "the clock stands still while there is work to do: pause for PENDING states only";
        findings.push(Finding::warning(field.as_str(), "PAUSES_AT_WORK", message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Calendar;
    use serde_json::{Value, json};

    fn timeline(calendar: Value) -> Timeline {
        Calendar::compile(&serde_json::from_value(calendar).unwrap()).unwrap().into()
    }

    fn agreement(json: Value) -> Agreement {
        serde_json::from_value(json).unwrap()
    }

    fn found(json: Value) -> Vec<(String, String)> {
        let office = timeline(json!({"time_zone": "UTC", "weekly": {"MONDAY": ["09:00-12:00", "11:00-17:00"]}}));
        let closed = timeline(json!({"time_zone": "UTC"}));
        let find = |name: &str| match name {
            "office" => Some(&office),
            "closed" => Some(&closed),
            _ => None,
        };
        let findings = agreement(json).check(find, &[1, 2, 3]);
        assert!(findings.is_sorted_by_key(|finding| finding.severity));
        findings.into_iter().map(|finding| (finding.field, finding.reason)).collect()
    }

    #[track_caller]
    fn assert_finds(json: Value, expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(found(json), expected);
    }

    #[test]
    fn a_sound_agreement_has_no_findings() {
        assert_finds(
            json!({"kind": "SLA", "attainment_goal_percent": "99.95", "objectives": [
                {"id": "a", "metric": "RESOLUTION", "target": "PT1H", "calendar": "office", "priorities": [1]},
                {"id": "b", "metric": "RESOLUTION", "target": "PT8H", "calendar": "office", "priorities": [2, 3]},
                {"id": "c", "metric": "RESOLUTION", "target": "P1M", "offerings": ["services/a/offerings/b"]},
                {"id": "d", "metric": "AGREED_DATE"},
            ]}),
            &[],
        );
    }

    #[test]
    fn parties_and_goal_have_to_fit_the_kind() {
        let unexpected = &[("provider", "PROVIDER_UNEXPECTED"), ("objectives", "OBJECTIVES_EMPTY")];
        assert_finds(json!({"kind": "SLA", "provider": "groups/a"}), unexpected);
        let missing = &[("provider", "PROVIDER_MISSING"), ("objectives", "OBJECTIVES_EMPTY")];
        assert_finds(json!({"kind": "OLA"}), missing);
        assert_finds(json!({"kind": "OLA", "provider": "groups/"}), missing);
        assert_finds(json!({"kind": "UNDERPINNING", "provider": "groups/a"}), missing);
        let only_empty = &[("objectives", "OBJECTIVES_EMPTY")];
        assert_finds(json!({"kind": "UNDERPINNING", "provider": "contracts/1"}), only_empty);
        let goal = &[("attainment_goal_percent", "GOAL_OUT_OF_RANGE"), ("objectives", "OBJECTIVES_EMPTY")];
        assert_finds(json!({"kind": "SLA", "attainment_goal_percent": "100.1"}), goal);
        assert_finds(json!({"kind": "SLA", "attainment_goal_percent": "0"}), goal);
    }

    #[test]
    fn every_fault_of_an_objective_is_found() {
        assert_finds(
            json!({"kind": "SLA", "objectives": [
                {"id": "", "metric": "RESPONSE"},
                {"id": "a", "metric": "RESOLUTION", "target": "PT0S", "calendar": "nowhere"},
                {"id": "a", "metric": "UPDATE", "target": "PT1H", "calendar": "closed", "thresholds": [0, 50, 50]},
                {"id": "b", "metric": "AGREED_DATE", "target": "PT1H"},
                {"id": "c", "metric": "FULFILMENT", "target": "PT8H1M", "calendar": "office"},
            ]}),
            &[
                ("objectives[0].id", "ID_EMPTY"),
                ("objectives[0].target", "TARGET_MISSING"),
                ("objectives[1].target", "TARGET_NOT_POSITIVE"),
                ("objectives[1].calendar", "CALENDAR_UNKNOWN"),
                ("objectives[2].id", "ID_TAKEN"),
                ("objectives[2].thresholds[0]", "THRESHOLD_UNREACHABLE"),
                ("objectives[2].calendar", "CALENDAR_NEVER_OPEN"),
                ("objectives[2].thresholds[2]", "THRESHOLD_TWICE"),
                ("objectives[3].target", "TARGET_UNUSED"),
                ("objectives[4].target", "TARGET_BEYOND_A_DAY"),
            ],
        );
    }

    #[test]
    fn escalations_that_cannot_or_do_nothing_or_give_time_are_found() {
        let agreement = |escalations: Value, on_upgrade: &str| {
            json!({"kind": "SLA", "objectives": [
                {"id": "a", "metric": "RESOLUTION", "target": "PT1H", "priorities": [1], "on_upgrade": on_upgrade},
                {"id": "b", "metric": "RESOLUTION", "target": "PT2H", "priorities": [2, 3], "escalations": escalations},
            ]})
        };
        let sound = json!([{"percent": 75, "group": "groups/duty"}, {"percent": 90, "priority": 1}]);
        assert_finds(agreement(sound.clone(), "KEEP_ELAPSED"), &[]);
        assert_finds(
            agreement(sound, "RESTART_AT_CHANGE"),
            &[("objectives[1].escalations[1]", "ESCALATION_GIVES_TIME")],
        );
        let faulty = json!([
            {"percent": 0, "group": "duty"},
            {"percent": 80},
            {"percent": 90, "priority": 3},
            {"percent": 95, "priority": 9, "group": "groups/duty"},
        ]);
        assert_finds(
            agreement(faulty, "KEEP_ELAPSED"),
            &[
                ("objectives[1].escalations[0].percent", "THRESHOLD_UNREACHABLE"),
                ("objectives[1].escalations[0].group", "GROUP_INVALID"),
                ("objectives[1].escalations[3].priority", "PRIORITY_UNKNOWN"),
                ("objectives[1].escalations[1]", "ESCALATION_IDLE"),
                ("objectives[1].escalations[2]", "ESCALATION_IDLE"),
            ],
        );
    }

    #[test]
    fn objectives_that_compete_and_priorities_without_one_are_found() {
        assert_finds(
            json!({"kind": "SLA", "objectives": [
                {"id": "a", "metric": "RESOLUTION", "target": "PT1H", "priorities": [1, 2]},
                {"id": "b", "metric": "RESOLUTION", "target": "PT2H", "priorities": [2], "practices": ["incident"]},
            ]}),
            &[("objectives[1]", "OBJECTIVES_OVERLAP"), ("objectives", "PRIORITY_UNCOVERED")],
        );
    }

    #[test]
    fn a_promise_that_pauses_for_its_own_provider_is_doubtful() {
        let objective = |pause: Value| json!([{"id": "a", "metric": "RESOLUTION", "target": "PT1H", "pause": pause}]);
        let sla = |pause| json!({"kind": "SLA", "objectives": objective(pause)});
        let ours = &[("objectives[0].pause", "PAUSES_FOR_OURSELVES")];
        assert_finds(sla(json!({"pending": ["SUPPLIER"]})), ours);
        assert_finds(sla(json!({"categories": ["PENDING"]})), ours);
        assert_finds(sla(json!({"pending": ["CUSTOMER"]})), &[]);
        assert_finds(sla(json!({"categories": ["ACTIVE"]})), &[("objectives[0].pause", "PAUSES_AT_WORK")]);
        let supplier = json!({"kind": "UNDERPINNING", "provider": "contracts/1",
            "objectives": objective(json!({"pending": ["SUPPLIER"]}))});
        assert_finds(supplier, ours);
    }

    #[test]
    fn credits_have_a_level_a_size_and_a_charge_they_are_shares_of() {
        let euro = |minor_units: i64| json!({"currency": "EUR", "minor_units": minor_units});
        let with = |charge: Value, bands: Value| {
            json!({"kind": "SLA", "monthly_charge": charge, "credit_bands": bands,
                "objectives": [{"id": "a", "metric": "RESPONSE", "target": "PT1H"}]})
        };
        let share = |level: &str, percent: &str| json!({"below_percent": level, "charge_percent": percent});
        assert_finds(with(euro(1), json!([share("95", "5"), {"below_percent": "90", "amount": euro(1)}])), &[]);
        assert_finds(with(Value::Null, json!([share("95", "5")])), &[("monthly_charge", "CHARGE_MISSING")]);
        assert_finds(
            with(
                euro(1),
                json!([share("0", "5"), share("95", "101"), share("95", "1.00001"),
                {"below_percent": "80", "amount": euro(0)}, {"below_percent": "70"},
                {"below_percent": "60", "charge_percent": "1", "amount": euro(1)}]),
            ),
            &[
                ("credit_bands[0].below_percent", "LEVEL_OUT_OF_RANGE"),
                ("credit_bands[1].charge_percent", "CREDIT_OUT_OF_RANGE"),
                ("credit_bands[2].below_percent", "LEVEL_TWICE"),
                ("credit_bands[2].charge_percent", "CREDIT_OUT_OF_RANGE"),
                ("credit_bands[3].amount", "CREDIT_OUT_OF_RANGE"),
                ("credit_bands[4]", "CREDIT_UNCLEAR"),
                ("credit_bands[5]", "CREDIT_UNCLEAR"),
            ],
        );
    }

    #[test]
    fn what_is_wrong_with_a_calendar_that_is_not_published_is_found_in_the_agreement() {
        let draft: Definition = serde_json::from_value(json!({"time_zone": "Mars/Olympus",
            "weekly": {"MONDAY": ["09:00-09:00"]}}))
        .unwrap();
        let agreement = agreement(json!({"kind": "SLA", "objectives": [
            {"id": "a", "metric": "RESPONSE", "target": "PT1H"},
            {"id": "b", "metric": "RESPONSE", "target": "PT1H", "calendar": "calendars/draft"},
        ]}));
        let found = agreement.check_drafts(|name| (name == "calendars/draft").then_some(&draft));
        let found: Vec<_> = found.iter().map(|finding| (finding.field.as_str(), finding.reason.as_str())).collect();
        assert_eq!(found, [("objectives[1].calendar", "TIME_ZONE_UNKNOWN"), ("objectives[1].calendar", "HOURS_EMPTY")]);
    }

    #[test]
    fn agreements_that_tie_are_found_unless_an_order_decides() {
        let with = |order: i32, customers: Value, services: Value| {
            agreement(json!({"kind": "SLA", "order": order, "customers": customers, "services": services,
                "objectives": [{"id": "a", "metric": "RESPONSE", "target": "PT1H", "priorities": [1]}]}))
        };
        let mine = with(0, json!(["customers/a"]), json!(["services/x", "services/y"]));
        let ties = |other: &Agreement| mine.check_ties([("agreements/other", other)]).len();
        assert_eq!(ties(&with(0, json!(["customers/b", "customers/a"]), json!(["services/y"]))), 1);
        assert_eq!(ties(&with(1, json!(["customers/a"]), json!(["services/y"]))), 0);
        assert_eq!(ties(&with(0, json!([]), json!(["services/y"]))), 0);
        assert_eq!(ties(&with(0, json!(["customers/a"]), json!([]))), 0);
        assert_eq!(ties(&with(0, json!(["customers/a"]), json!(["services/z"]))), 0);
    }
}
