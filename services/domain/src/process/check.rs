//! What is wrong with a definition before anybody works by it.

use std::collections::BTreeSet;

use super::{Category, Process, State, Transition};
use crate::finding::Finding;
use crate::ticket::{Details, Field};

impl Process {
    /// Everything wrong or doubtful, errors first. Empty: it can be published.
    pub fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.check_names(&mut findings);
        self.check_states(&mut findings);
        self.check_transitions(&mut findings);
        self.check_ways(&mut findings);
        self.check_matrix(&mut findings);
        self.check_custom_fields(&mut findings);
        self.check_activities(&mut findings);
        self.check_measures(&mut findings);
        self.check_approvals(&mut findings);
        self.check_templates(&mut findings);
        findings.sort_by_key(|finding| finding.severity);
        findings
    }

    fn check_names(&self, findings: &mut Vec<Finding>) {
        let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        if self.id.is_empty() || !self.id.bytes().all(fits) {
            findings.push(Finding::error(
                "id",
                "ID_INVALID",
                format!("{:?} is no id: write lower-case letters, digits and hyphens", self.id),
            ));
        }
        let prefix = &self.ticket_prefix;
        if !(2..=6).contains(&prefix.len()) || !prefix.bytes().all(|c| c.is_ascii_uppercase()) {
            findings.push(Finding::error(
                "ticket_prefix",
                "PREFIX_INVALID",
                format!("{prefix:?} is no prefix: write two to six capital letters"),
            ));
        }
    }

    fn check_states(&self, findings: &mut Vec<Finding>) {
        let mut seen = BTreeSet::new();
        for (index, state) in self.states.iter().enumerate() {
            let field = format!("states[{index}].id");
            if !is_id(&state.id) {
                findings.push(Finding::error(&field, "ID_INVALID", not_an_id(&state.id)));
            }
            if !seen.insert(&state.id) {
                let text = format!("state {} is defined twice: keep one", state.id);
                findings.push(Finding::error(&field, "STATE_DUPLICATE", text));
            }
        }
        match self.state(&self.initial) {
            None => findings.push(Finding::error(
                "initial",
                "INITIAL_UNKNOWN",
                format!("no state has the id {:?}: name the state a ticket starts in", self.initial),
            )),
            Some(state) if !state.category.is_open() => findings.push(Finding::error(
                "initial",
                "INITIAL_NOT_OPEN",
                format!("tickets would start as {}: start in an open state", state.category.as_str()),
            )),
            Some(_) => {}
        }
        if !self.states.iter().any(|state| state.category.is_final()) {
            findings.push(Finding::error(
                "states",
                "NO_END",
                "no state is CLOSED or CANCELLED: add one, or no ticket ever ends",
            ));
        }
    }

    fn check_transitions(&self, findings: &mut Vec<Finding>) {
        let mut seen = BTreeSet::new();
        let mut pairs = BTreeSet::new();
        for (index, transition) in self.transitions.iter().enumerate() {
            let at = |part: &str| format!("transitions[{index}].{part}");
            if !is_id(&transition.id) {
                findings.push(Finding::error(at("id"), "ID_INVALID", not_an_id(&transition.id)));
            }
            if !seen.insert(&transition.id) {
                let text = format!("transition {} is defined twice: keep one", transition.id);
                findings.push(Finding::error(at("id"), "TRANSITION_DUPLICATE", text));
            }
            if transition.from.is_empty() {
                let text = format!("transition {} leaves no state: name at least one", transition.id);
                findings.push(Finding::error(at("from"), "FROM_EMPTY", text));
            }
            for (part, state) in transition
                .from
                .iter()
                .map(|from| ("from", from))
                .chain(std::iter::once(("to", &transition.to)))
                .filter(|(_, state)| self.state(state).is_none())
            {
                let text = format!("transition {} names state {state:?}, which is not defined", transition.id);
                findings.push(Finding::error(at(part), "STATE_UNKNOWN", text));
            }
            for from in &transition.from {
                if !pairs.insert((from, &transition.to)) {
                    let text = format!(
                        "another transition leads from {from} to {} too: an import takes the first",
                        transition.to
                    );
                    findings.push(Finding::warning(at("to"), "TRANSITION_PARALLEL", text));
                }
            }
            for path in &transition.guard.fields {
                if !self.knows_field(path) {
                    let text = format!("transition {} requires {path:?}, which no ticket has", transition.id);
                    findings.push(Finding::error(at("guard.fields"), "FIELD_UNKNOWN", text));
                }
            }
            for id in transition.guard.approvals.iter().filter(|id| self.approval(id).is_none()) {
                let text = format!("transition {} needs approval {id:?}, which is not defined", transition.id);
                findings.push(Finding::error(at("guard.approvals"), "APPROVAL_UNKNOWN", text));
            }
            let enters_pending = self.state(&transition.to).is_some_and(|state| state.category == Category::Pending);
            let asks_why = transition.guard.fields.iter().any(|path| path == Field::PendingReason.path());
            if enters_pending && !asks_why {
                let text = format!(
                    "transition {} does not require pending_reason: no clock pauses without one",
                    transition.id
                );
                findings.push(Finding::warning(at("guard.fields"), "PENDING_WITHOUT_REASON", text));
            }
        }
        let resolved = |state: &&State| state.category == Category::Resolved;
        if self.auto_close_days > 0
            && let Some(state) =
                self.states.iter().filter(resolved).find(|state| self.towards(&state.id, Category::Closed).is_none())
        {
            findings.push(Finding::error(
                "auto_close_days",
                "AUTO_CLOSE_IMPOSSIBLE",
                format!("no transition leads from {} to a CLOSED state: add one or write 0", state.id),
            ));
        }
    }

    fn check_ways(&self, findings: &mut Vec<Finding>) {
        let reachable = self.spread(BTreeSet::from([self.initial.as_str()]), entered);
        let ends = self.states.iter().filter(|state| state.category.is_final());
        let finishing = self.spread(ends.map(|state| state.id.as_str()).collect(), left);
        for (index, state) in self.states.iter().enumerate() {
            let field = format!("states[{index}]");
            if !reachable.contains(state.id.as_str()) {
                let text = format!("no ticket can get to {}: add a transition or remove it", state.id);
                findings.push(Finding::error(&field, "STATE_UNREACHABLE", text));
            }
            if !finishing.contains(state.id.as_str()) {
                let text = format!("no ticket in {} can ever end: add a transition out of it", state.id);
                findings.push(Finding::error(&field, "DEAD_END", text));
            }
        }
    }

    /// The states known and, as long as any transition adds to them, those it adds.
    fn spread<'a>(
        &'a self,
        mut known: BTreeSet<&'a str>,
        adds: fn(&'a Transition, &BTreeSet<&str>) -> &'a [String],
    ) -> BTreeSet<&'a str> {
        loop {
            let before = known.len();
            for transition in &self.transitions {
                known.extend(adds(transition, &known).iter().map(String::as_str));
            }
            if known.len() == before {
                return known;
            }
        }
    }

    fn check_matrix(&self, findings: &mut Vec<Finding>) {
        let mut seen = BTreeSet::new();
        for (index, rule) in self.priority_matrix.0.iter().enumerate() {
            let field = format!("priority_matrix[{index}]");
            if rule.impact == 0 || rule.urgency == 0 || rule.priority == 0 {
                let text = "impact, urgency and priority begin at 1: 0 means not known";
                findings.push(Finding::error(&field, "MATRIX_ZERO", text));
            }
            if !seen.insert((rule.impact, rule.urgency)) {
                let text = format!("impact {} and urgency {} have two priorities: keep one", rule.impact, rule.urgency);
                findings.push(Finding::error(&field, "MATRIX_DUPLICATE", text));
            }
        }
        for impact in self.priority_matrix.impacts() {
            for urgency in self.priority_matrix.urgencies() {
                if !seen.contains(&(impact, urgency)) {
                    let text = format!("impact {impact} with urgency {urgency} has no priority: add a cell");
                    findings.push(Finding::error("priority_matrix", "MATRIX_GAP", text));
                }
            }
        }
    }

    fn check_custom_fields(&self, findings: &mut Vec<Finding>) {
        for id in self.custom_fields.properties.keys().filter(|id| !is_id(id)) {
            findings.push(Finding::error("custom_fields.properties", "ID_INVALID", not_an_id(id)));
        }
        let properties = &self.custom_fields.properties;
        for id in self.custom_fields.required.iter().filter(|id| !properties.contains_key(*id)) {
            let text = format!("{id:?} is required but not defined: define it");
            findings.push(Finding::error("custom_fields.required", "FIELD_UNKNOWN", text));
        }
    }

    fn check_activities(&self, findings: &mut Vec<Finding>) {
        if !self.owner_role.is_empty() && self.owner_role.strip_prefix("roles/").is_none_or(str::is_empty) {
            let text = format!("{:?} is no role: write roles/ and an id", self.owner_role);
            findings.push(Finding::error("owner_role", "ROLE_INVALID", text));
        }
        let mut seen = BTreeSet::new();
        let mut claimed = BTreeSet::new();
        for (index, activity) in self.activities.iter().enumerate() {
            let at = |part: &str| format!("activities[{index}].{part}");
            if !is_id(&activity.id) {
                findings.push(Finding::error(at("id"), "ID_INVALID", not_an_id(&activity.id)));
            }
            if !seen.insert(&activity.id) {
                let text = format!("activity {} is defined twice: keep one", activity.id);
                findings.push(Finding::error(at("id"), "ACTIVITY_DUPLICATE", text));
            }
            for (place, id) in activity.transitions.iter().enumerate() {
                let field = format!("activities[{index}].transitions[{place}]");
                if self.transition(id).is_none() {
                    let text = format!("activity {} names the transition {id:?}, which is not defined", activity.id);
                    findings.push(Finding::error(field, "TRANSITION_UNKNOWN", text));
                } else if !claimed.insert(id) {
                    let text = format!("transition {id} belongs to two activities: one has to answer for it");
                    findings.push(Finding::error(field, "TRANSITION_CLAIMED_TWICE", text));
                }
            }
            for (place, id) in activity.approves.iter().enumerate() {
                let field = format!("activities[{index}].approves[{place}]");
                if *id == activity.id {
                    let text = format!("activity {id} approves itself: an approval is an activity of its own");
                    findings.push(Finding::error(field, "ACTIVITY_APPROVES_ITSELF", text));
                } else if self.activity(id).is_none() {
                    let text = format!("activity {} approves {id:?}, which is no activity", activity.id);
                    findings.push(Finding::error(field, "ACTIVITY_UNKNOWN", text));
                }
            }
        }
        let open = self.transitions.iter().enumerate().filter(|(_, transition)| !claimed.contains(&transition.id));
        for (index, transition) in open.filter(|_| !self.activities.is_empty()) {
            let text = format!("transition {} belongs to no activity: nobody answers for it", transition.id);
            findings.push(Finding::warning(format!("transitions[{index}]"), "TRANSITION_UNCLAIMED", text));
        }
    }

    fn check_measures(&self, findings: &mut Vec<Finding>) {
        let mut seen = BTreeSet::new();
        for (index, measure) in self.measures.iter().enumerate() {
            let field = format!("measures[{index}].id");
            if !measure.id.split('.').all(is_id) {
                let text =
                    format!("{:?} is no measure: write its id as reports know it, as sla.attainment", measure.id);
                findings.push(Finding::error(&field, "ID_INVALID", text));
            }
            if !seen.insert(&measure.id) {
                let text = format!("measure {} has two targets: keep one", measure.id);
                findings.push(Finding::error(&field, "MEASURE_DUPLICATE", text));
            }
        }
    }

    fn check_approvals(&self, findings: &mut Vec<Finding>) {
        let mut seen = BTreeSet::new();
        for (index, rule) in self.approvals.iter().enumerate() {
            let at = |part: &str| format!("approvals[{index}].{part}");
            if !is_id(&rule.id) {
                findings.push(Finding::error(at("id"), "ID_INVALID", not_an_id(&rule.id)));
            }
            if !seen.insert(&rule.id) {
                let text = format!("approval {} is defined twice: keep one", rule.id);
                findings.push(Finding::error(at("id"), "APPROVAL_DUPLICATE", text));
            }
            if rule.states.is_empty() {
                let text = format!("no state asks for approval {}: name one", rule.id);
                findings.push(Finding::error(at("states"), "APPROVAL_NEVER_ASKED", text));
            }
            for state in rule.states.iter().filter(|state| self.state(state).is_none()) {
                let text = format!("approval {} names state {state:?}, which is not defined", rule.id);
                findings.push(Finding::error(at("states"), "STATE_UNKNOWN", text));
            }
            for path in rule.fields.iter().filter(|path| !self.knows_field(path)) {
                let text = format!("approval {} is about {path:?}, which no ticket has", rule.id);
                findings.push(Finding::error(at("fields"), "FIELD_UNKNOWN", text));
            }
            for violation in rule.policy.iter().flat_map(|policy| policy.violations("policy")) {
                findings.push(Finding::error(at(&violation.field), "APPROVERS_INVALID", violation.message));
            }
            for (part, id) in [("on_approval", &rule.on_approval), ("on_rejection", &rule.on_rejection)] {
                if let Some(id) = id.as_ref().filter(|id| self.transition(id).is_none()) {
                    let text = format!("approval {} names transition {id:?}, which is not defined", rule.id);
                    findings.push(Finding::error(at(part), "TRANSITION_UNKNOWN", text));
                }
            }
            if !self.transitions.iter().any(|transition| transition.guard.approvals.contains(&rule.id)) {
                let text = format!("no transition needs approval {}: it would be asked for nothing", rule.id);
                findings.push(Finding::warning(at("id"), "APPROVAL_UNUSED", text));
            }
        }
    }

    fn check_templates(&self, findings: &mut Vec<Finding>) {
        let mut seen = BTreeSet::new();
        for (index, template) in self.change_templates.iter().enumerate() {
            let at = |part: &str| format!("change_templates[{index}].{part}");
            if !is_id(&template.id) {
                findings.push(Finding::error(at("id"), "ID_INVALID", not_an_id(&template.id)));
            }
            if !seen.insert(&template.id) {
                let text = format!("template {} is defined twice: keep one", template.id);
                findings.push(Finding::error(at("id"), "TEMPLATE_DUPLICATE", text));
            }
            if template.implementation_plan.trim().is_empty() {
                let text = format!("template {} does not say how the change is done", template.id);
                findings.push(Finding::error(at("implementation_plan"), "PLAN_MISSING", text));
            }
        }
    }

    fn knows_field(&self, path: &str) -> bool {
        match path.strip_prefix("custom_fields.") {
            Some(id) => self.custom_fields.properties.contains_key(id),
            None => Field::parse(path).is_some() || Details::knows(path),
        }
    }
}

/// The state that a transition leads to, if it leaves one of those known.
fn entered<'a>(transition: &'a Transition, known: &BTreeSet<&str>) -> &'a [String] {
    let leaves = transition.from.iter().any(|from| known.contains(from.as_str()));
    if leaves { std::slice::from_ref(&transition.to) } else { &[] }
}

/// The states that a transition leaves, if it leads to one of those known.
fn left<'a>(transition: &'a Transition, known: &BTreeSet<&str>) -> &'a [String] {
    if known.contains(transition.to.as_str()) { &transition.from } else { &[] }
}

fn is_id(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_')
}

fn not_an_id(text: &str) -> String {
    format!("{text:?} is no id: write lower-case letters, digits and underscores")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::priority::Rule;
    use crate::process::{Activity, Direction, Measure, shipped};

    fn reasons(alter: impl FnOnce(&mut Process)) -> Vec<String> {
        let mut process = shipped().remove(0);
        process.activities.clear();
        alter(&mut process);
        process.check().into_iter().map(|finding| finding.reason).collect()
    }

    fn state(id: &str, category: Category) -> State {
        State { id: id.into(), display_name: id.into(), category }
    }

    fn activity(id: &str, transitions: &[&str], approves: &[&str]) -> Activity {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        Activity {
            id: id.into(),
            display_name: id.into(),
            description: String::new(),
            transitions: owned(transitions),
            approves: owned(approves),
        }
    }

    fn transition(id: &str, from: &[&str], to: &str) -> Transition {
        Transition {
            id: id.into(),
            display_name: id.into(),
            from: from.iter().map(|&from| from.to_owned()).collect(),
            to: to.into(),
            guard: super::super::Guard::default(),
        }
    }

    #[test]
    fn a_state_that_no_ticket_can_get_to_is_found() {
        assert_eq!(
            reasons(|process| {
                process.states.push(state("limbo", Category::Active));
                process.transitions.push(transition("leave_limbo", &["limbo"], "closed"));
            }),
            ["STATE_UNREACHABLE"]
        );
    }

    #[test]
    fn a_state_that_no_ticket_can_leave_is_a_dead_end() {
        assert_eq!(
            reasons(|process| {
                process.states.push(state("limbo", Category::Active));
                process.transitions.push(transition("lose", &["new"], "limbo"));
            }),
            ["DEAD_END"]
        );
    }

    #[test]
    fn two_states_that_only_lead_to_each_other_are_dead_ends() {
        assert_eq!(
            reasons(|process| {
                process.states.push(state("ping", Category::Active));
                process.states.push(state("pong", Category::Active));
                process.transitions.push(transition("serve", &["new", "pong"], "ping"));
                process.transitions.push(transition("hit", &["ping"], "pong"));
            }),
            ["DEAD_END", "DEAD_END"]
        );
    }

    #[test]
    fn unknown_references_are_found() {
        assert_eq!(reasons(|process| process.initial = "nowhere".into()).first().unwrap(), "INITIAL_UNKNOWN");
        assert_eq!(
            reasons(|process| process.transitions.push(transition("go", &["new"], "nowhere"))),
            ["STATE_UNKNOWN"]
        );
        assert_eq!(reasons(|process| process.transitions[0].guard.fields.push("colour".into())), ["FIELD_UNKNOWN"]);
        assert_eq!(reasons(|process| process.custom_fields.required.push("colour".into())), ["FIELD_UNKNOWN"]);
    }

    #[test]
    fn ids_that_are_used_twice_are_found() {
        assert_eq!(reasons(|process| process.states.push(process.states[0].clone())), ["STATE_DUPLICATE"]);
        assert_eq!(
            reasons(|process| process.transitions.push(process.transitions[0].clone())),
            ["TRANSITION_DUPLICATE", "TRANSITION_PARALLEL"]
        );
    }

    #[test]
    fn waiting_without_a_reason_is_doubtful() {
        assert_eq!(reasons(|process| process.transitions[1].guard.fields.clear()), ["PENDING_WITHOUT_REASON"]);
    }

    #[test]
    fn a_matrix_has_one_priority_for_every_cell() {
        assert_eq!(reasons(|process| process.priority_matrix.0.truncate(8)), ["MATRIX_GAP"]);
        let again = Rule { impact: 1, urgency: 1, priority: 2 };
        assert_eq!(reasons(|process| process.priority_matrix.0.push(again)), ["MATRIX_DUPLICATE"]);
        assert_eq!(reasons(|process| process.priority_matrix.0[0].priority = 0), ["MATRIX_ZERO"]);
    }

    #[test]
    fn closing_by_itself_needs_a_transition_to_close_by() {
        assert_eq!(
            reasons(|process| process.transitions.retain(|transition| transition.id != "close")),
            ["STATE_UNREACHABLE", "AUTO_CLOSE_IMPOSSIBLE"].map(String::from).into_iter().rev().collect::<Vec<_>>()
        );
    }

    #[test]
    fn an_activity_has_transitions_and_approves_activities_that_there_are() {
        let every = |process: &mut Process| {
            let ids: Vec<String> = process.transitions.iter().map(|transition| transition.id.clone()).collect();
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            process.activities = vec![activity("work", &ids, &[])];
        };
        assert_eq!(reasons(every), [""; 0]);
        let with = |alter: fn(&mut Process)| {
            reasons(|process| {
                every(process);
                alter(process);
            })
        };
        assert_eq!(with(|process| process.activities[0].transitions.push("fly".into())), ["TRANSITION_UNKNOWN"]);
        assert_eq!(
            with(|process| process.activities.push(activity("again", &["resolve"], &[]))),
            ["TRANSITION_CLAIMED_TWICE"]
        );
        assert_eq!(with(|process| process.activities.push(activity("sign", &[], &["dream"]))), ["ACTIVITY_UNKNOWN"]);
        assert_eq!(
            with(|process| process.activities.push(activity("sign", &[], &["sign"]))),
            ["ACTIVITY_APPROVES_ITSELF"]
        );
        assert_eq!(with(|process| process.activities.push(activity("work", &[], &[]))), ["ACTIVITY_DUPLICATE"]);
        assert_eq!(
            with(|process| process.activities[0].transitions.retain(|id| id != "resolve")),
            ["TRANSITION_UNCLAIMED"]
        );
        assert_eq!(reasons(|process| process.owner_role = "owner".into()), ["ROLE_INVALID"]);
    }

    #[test]
    fn a_measure_has_one_target() {
        let measure = |id: &str| Measure {
            id: id.into(),
            description: String::new(),
            target: 1.into(),
            unit: String::new(),
            direction: Direction::AtLeast,
        };
        assert_eq!(
            reasons(|process| process.measures = vec![measure("a.b"), measure("a.b"), measure("A b")]),
            ["MEASURE_DUPLICATE", "ID_INVALID"]
        );
    }

    #[test]
    fn names_that_cannot_be_used_are_found() {
        assert_eq!(reasons(|process| process.id = "My process".into()), ["ID_INVALID"]);
        assert_eq!(reasons(|process| process.ticket_prefix = "Inc".into()), ["PREFIX_INVALID"]);
    }
}
