//! Processes: message <-> domain.

use domain::amount::Decimal;
use domain::priority::{Matrix, Rule};
use domain::process::{
    Activity, ApprovalRule, Category, ChangeTemplate, CustomFields, Direction, Guard, Measure, Practice, State,
    Transition,
};
use domain::ticket::ChangeType;
use domain::violation::{self, Violation};
use proto::catalog::v1 as pb;
use serde::Deserialize;
use servicekit::convert::{self, Reader, approval_policy};
use servicekit::resource::Revisioned;
use servicekit::standard::Declared;
use servicekit::wire;

use super::enums::{category, direction, reply_policy};
use crate::store::Process;

/// The process that a message describes; its id is the last part of `name`.
fn read(reader: &mut Reader, name: &str, message: &pb::Process) -> Option<Process> {
    let practice =
        Practice::parse(&message.practice).map_err(|fault| reader.object("practice", fault.to_string())).ok();
    let process = domain::process::Process {
        id: name.rsplit('/').next().unwrap_or_default().to_owned(),
        display_name: message.display_name.clone(),
        ticket_prefix: message.ticket_prefix.clone(),
        purpose: message.purpose.clone(),
        scope: message.scope.clone(),
        states: message
            .states
            .iter()
            .enumerate()
            .map(|(index, state)| State {
                id: state.id.clone(),
                display_name: state.display_name.clone(),
                category: reader
                    .choice(&format!("states[{index}].category"), state.category, category::read)
                    .unwrap_or(Category::New),
            })
            .collect(),
        initial: message.initial_state.clone(),
        transitions: message
            .transitions
            .iter()
            .map(|transition| Transition {
                id: transition.id.clone(),
                display_name: transition.display_name.clone(),
                from: transition.source_states.clone(),
                to: transition.target_state.clone(),
                guard: Guard {
                    role: (!transition.required_role.is_empty()).then(|| transition.required_role.clone()),
                    fields: transition.required_fields.clone(),
                    approvals: transition.required_approvals.clone(),
                },
            })
            .collect(),
        priority_matrix: Matrix(
            message.priority_matrix.iter().enumerate().map(|(index, cell)| rule(reader, index, *cell)).collect(),
        ),
        auto_close_days: reader.number("auto_close_days", message.auto_close_days),
        reply_when_resolved: reader
            .optional_choice("reply_when_resolved", message.reply_when_resolved, reply_policy::read)
            .unwrap_or_default(),
        approvals: message.approvals.iter().enumerate().map(|(index, rule)| approval(reader, index, rule)).collect(),
        change_templates: message.change_templates.iter().map(template).collect(),
        custom_fields: message.custom_fields.as_ref().map_or_else(CustomFields::default, |schema| {
            let read = CustomFields::deserialize(wire::parse_struct(schema));
            read.map_err(|fault| {
                reader.object("custom_fields", format!("is no schema that is understood here: {fault}"));
            })
            .unwrap_or_default()
        }),
        owner_role: message.owner_role.clone(),
        inputs: message.inputs.clone(),
        outputs: message.outputs.clone(),
        activities: message.activities.iter().map(activity).collect(),
        measures: message.measures.iter().enumerate().map(|(index, found)| measure(reader, index, found)).collect(),
        practice: practice?,
    };
    Some(Process(process))
}

fn activity(message: &pb::ProcessActivity) -> Activity {
    let pb::ProcessActivity { id, display_name, description, transitions, approves } = message.clone();
    Activity { id, display_name, description, transitions, approves }
}

fn measure(reader: &mut Reader, index: usize, message: &pb::ProcessMeasure) -> Measure {
    let at = |part: &str| format!("measures[{index}].{part}");
    let target = reader.decimal(&at("target"), message.target.as_ref());
    Measure {
        id: message.id.clone(),
        description: message.description.clone(),
        target: reader.required(&at("target"), target).unwrap_or_else(Decimal::zero),
        unit: message.unit.clone(),
        direction: reader.choice(&at("direction"), message.direction, direction::read).unwrap_or(Direction::AtLeast),
    }
}

fn approval(reader: &mut Reader, index: usize, rule: &pb::ProcessApproval) -> ApprovalRule {
    let at = |part: &str| format!("approvals[{index}].{part}");
    let given = |text: &String| (!text.is_empty()).then(|| text.clone());
    let mut change_types = Vec::with_capacity(rule.change_types.len());
    for (index, name) in rule.change_types.iter().enumerate() {
        if let Some(kind) = ChangeType::parse(name) {
            change_types.push(kind);
        } else {
            let known = ChangeType::ALL.map(ChangeType::as_str).join(", ");
            reader.object(&at(&format!("change_types[{index}]")), format!("is no type of change: use one of {known}"));
        }
    }
    ApprovalRule {
        id: rule.id.clone(),
        display_name: rule.display_name.clone(),
        states: rule.states.clone(),
        change_types,
        policy: reader.approval_policy(&at("policy"), rule.policy.as_ref()),
        fields: rule.fields.clone(),
        on_approval: given(&rule.on_approval),
        on_rejection: given(&rule.on_rejection),
    }
}

fn show_approval(rule: &ApprovalRule) -> pb::ProcessApproval {
    pb::ProcessApproval {
        id: rule.id.clone(),
        display_name: rule.display_name.clone(),
        states: rule.states.clone(),
        change_types: rule.change_types.iter().map(|kind| kind.as_str().to_owned()).collect(),
        policy: rule.policy.as_ref().map(approval_policy),
        fields: rule.fields.clone(),
        on_approval: rule.on_approval.clone().unwrap_or_default(),
        on_rejection: rule.on_rejection.clone().unwrap_or_default(),
    }
}

fn template(template: &pb::ChangeTemplate) -> ChangeTemplate {
    ChangeTemplate {
        id: template.id.clone(),
        display_name: template.display_name.clone(),
        risk: template.risk.clone(),
        implementation_plan: template.implementation_plan.clone(),
        test_plan: template.test_plan.clone(),
        back_out_plan: template.back_out_plan.clone(),
    }
}

fn show_template(template: &ChangeTemplate) -> pb::ChangeTemplate {
    pb::ChangeTemplate {
        id: template.id.clone(),
        display_name: template.display_name.clone(),
        risk: template.risk.clone(),
        implementation_plan: template.implementation_plan.clone(),
        test_plan: template.test_plan.clone(),
        back_out_plan: template.back_out_plan.clone(),
    }
}

fn rule(reader: &mut Reader, index: usize, cell: pb::PriorityRule) -> Rule {
    let mut number = |part: &str, value| reader.number(&format!("priority_matrix[{index}].{part}"), value);
    Rule {
        impact: number("impact", cell.impact),
        urgency: number("urgency", cell.urgency),
        priority: number("priority", cell.priority),
    }
}

/// The message of a process, without what every resource has.
fn show(Process(process): &Process) -> pb::Process {
    pb::Process {
        display_name: process.display_name.clone(),
        practice: process.practice.to_string(),
        purpose: process.purpose.clone(),
        scope: process.scope.clone(),
        ticket_prefix: process.ticket_prefix.clone(),
        states: process
            .states
            .iter()
            .map(|state| pb::ProcessState {
                id: state.id.clone(),
                display_name: state.display_name.clone(),
                category: category::show(state.category),
            })
            .collect(),
        initial_state: process.initial.clone(),
        transitions: process
            .transitions
            .iter()
            .map(|transition| pb::ProcessTransition {
                id: transition.id.clone(),
                display_name: transition.display_name.clone(),
                source_states: transition.from.clone(),
                target_state: transition.to.clone(),
                required_role: transition.guard.role.clone().unwrap_or_default(),
                required_fields: transition.guard.fields.clone(),
                required_approvals: transition.guard.approvals.clone(),
            })
            .collect(),
        priority_matrix: process
            .priority_matrix
            .0
            .iter()
            .map(|rule| pb::PriorityRule {
                impact: rule.impact.into(),
                urgency: rule.urgency.into(),
                priority: rule.priority.into(),
            })
            .collect(),
        auto_close_days: i32::try_from(process.auto_close_days).unwrap_or(i32::MAX),
        reply_when_resolved: reply_policy::show(process.reply_when_resolved),
        approvals: process.approvals.iter().map(show_approval).collect(),
        change_templates: process.change_templates.iter().map(show_template).collect(),
        custom_fields: (!process.custom_fields.is_empty())
            .then(|| serde_json::to_value(&process.custom_fields).map(wire::json_struct).unwrap_or_default()),
        owner_role: process.owner_role.clone(),
        inputs: process.inputs.clone(),
        outputs: process.outputs.clone(),
        activities: process.activities.iter().cloned().map(show_activity).collect(),
        measures: process.measures.iter().map(show_measure).collect(),
        ..pb::Process::default()
    }
}

fn show_activity(activity: Activity) -> pb::ProcessActivity {
    let Activity { id, display_name, description, transitions, approves } = activity;
    pb::ProcessActivity { id, display_name, description, transitions, approves }
}

fn show_measure(measure: &Measure) -> pb::ProcessMeasure {
    pb::ProcessMeasure {
        id: measure.id.clone(),
        description: measure.description.clone(),
        target: Some(convert::decimal(&measure.target)),
        unit: measure.unit.clone(),
        direction: direction::show(measure.direction),
    }
}

impl Declared for Process {
    type Message = pb::Process;
    const MESSAGE: &'static str = "itsm.catalog.v1.Process";
    const WORDS: &'static [&'static str] = &["processes"];
    const OUTPUT_ONLY: &'static [&'static str] = &["revision", "effective_time"];
    const REVISION_TABLE: Option<&'static str> = Some(Self::REVISIONS);

    fn read(reader: &mut Reader, name: &str, message: &pb::Process) -> Option<Self> {
        read(reader, name, message)
    }

    fn check(&self, _: &str) -> Vec<Violation> {
        let mut found = Vec::new();
        violation::display_name(&mut found, &self.0.display_name);
        found
    }

    fn show(&self) -> pb::Process {
        show(self)
    }

    servicekit::head!();

    fn show_revision(message: &mut pb::Process, revision: i32, effective_time: prost_types::Timestamp) {
        message.revision = revision;
        message.effective_time = Some(effective_time);
    }
}
