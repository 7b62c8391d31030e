//! Agreements: message <-> domain.

use domain::agreement::{CreditBand, Escalation, Kind, Metric, Objective, Pause, Target};
use domain::process::{Category, PendingReason};
use domain::violation::{self, Violation};
use proto::catalog::v1 as pb;
use servicekit::convert::{self, Reader};
use servicekit::resource::Revisioned;
use servicekit::standard::Declared;
use servicekit::wire;

use super::enums::{agreement_kind, metric, news, rebase, reopen, visit};
use crate::store::Agreement;

/// The agreement that a message describes.
fn read(reader: &mut Reader, message: &pb::Agreement) -> Agreement {
    Agreement {
        display_name: message.display_name.clone(),
        illustrative: message.illustrative,
        definition: domain::agreement::Agreement {
            kind: reader.choice("kind", message.kind, agreement_kind::read).unwrap_or(Kind::Sla),
            customers: message.customers.clone(),
            provider: some(&message.provider),
            services: message.services.clone(),
            lines: message.lines.clone(),
            order: message.order,
            objectives: message
                .objectives
                .iter()
                .enumerate()
                .map(|(index, message)| objective(reader, &format!("objectives[{index}]"), message))
                .collect(),
            attainment_goal_percent: reader
                .decimal("attainment_goal_percent", message.attainment_goal_percent.as_ref()),
            service_hours: some(&message.service_hours),
            monthly_charge: reader.money("monthly_charge", message.monthly_charge.as_ref()),
            credit_bands: message
                .credit_bands
                .iter()
                .enumerate()
                .filter_map(|(index, message)| credit_band(reader, &format!("credit_bands[{index}]"), message))
                .collect(),
        },
    }
}

fn objective(reader: &mut Reader, field: &str, message: &pb::Objective) -> Objective {
    let path = |part: &str| format!("{field}.{part}");
    let metric = reader.choice(&path("metric"), message.metric, metric::read).unwrap_or(Metric::Response);
    let target = target(reader, field, message);
    let thresholds =
        message.threshold_percents.iter().map(|percent| reader.number(&path("threshold_percents"), *percent));
    let thresholds: Vec<u32> = thresholds.collect();
    let plain = Objective::new(message.id.clone(), metric, target);
    Objective {
        practices: message.practices.clone(),
        priorities: message.priorities.iter().map(|priority| reader.number(&path("priorities"), *priority)).collect(),
        offerings: message.offerings.clone(),
        calendar: some(&message.calendar),
        escalations: message
            .escalations
            .iter()
            .enumerate()
            .map(|(index, message)| escalation(reader, &path(&format!("escalations[{index}]")), message))
            .collect(),
        thresholds: if thresholds.is_empty() { plain.thresholds.clone() } else { thresholds },
        pause: message.pause.as_ref().map(|message| pause(reader, &path("pause"), message)),
        on_upgrade: reader
            .optional_choice(&path("rebase_on_upgrade"), message.rebase_on_upgrade, rebase::read)
            .unwrap_or_default(),
        on_downgrade: reader
            .optional_choice(&path("rebase_on_downgrade"), message.rebase_on_downgrade, rebase::read)
            .unwrap_or_default(),
        on_reopen: reader.optional_choice(&path("reopen"), message.reopen, reopen::read).unwrap_or_default(),
        on_return: reader.optional_choice(&path("visit"), message.visit, visit::read).unwrap_or_default(),
        news: reader.optional_choice(&path("news"), message.news, news::read).unwrap_or_default(),
        ..plain
    }
}

fn escalation(reader: &mut Reader, field: &str, message: &pb::Escalation) -> Escalation {
    let priority: u8 = reader.number(&format!("{field}.priority"), message.priority);
    Escalation {
        percent: reader.number(&format!("{field}.percent"), message.percent),
        group: some(&message.group),
        priority: (priority > 0).then_some(priority),
    }
}

fn credit_band(reader: &mut Reader, field: &str, message: &pb::CreditBand) -> Option<CreditBand> {
    let path = |part: &str| format!("{field}.{part}");
    let below_percent = reader.decimal(&path("below_percent"), message.below_percent.as_ref());
    Some(CreditBand {
        below_percent: reader.required(&path("below_percent"), below_percent)?,
        charge_percent: reader.decimal(&path("charge_percent"), message.charge_percent.as_ref()),
        amount: reader.money(&path("amount"), message.amount.as_ref()),
    })
}

fn target(reader: &mut Reader, field: &str, message: &pb::Objective) -> Option<Target> {
    let open = reader.duration(&format!("{field}.target"), message.target.as_ref());
    let months: u32 = reader.number(&format!("{field}.target_months"), message.target_months);
    if open.is_some() && months > 0 {
        reader.object(&format!("{field}.target_months"), "stands beside a target of open time: give one of them");
    }
    if months > 0 { Some(Target::Months(months)) } else { open.map(Target::Open) }
}

fn pause(reader: &mut Reader, field: &str, message: &pb::PausePolicy) -> Pause {
    let pb::PausePolicy { never, states, pending_reasons, categories } = message;
    let named = !(states.is_empty() && pending_reasons.is_empty() && categories.is_empty());
    if *never == named {
        let fault =
            if named { "stands beside what pauses: give one of them" } else { "name what pauses, or say never" };
        reader.object(&format!("{field}.never"), fault);
    }
    Pause {
        states: states.clone(),
        categories: words(reader, &format!("{field}.categories"), categories, Category::parse),
        pending: words(reader, &format!("{field}.pending_reasons"), pending_reasons, PendingReason::parse),
    }
}

fn words<T>(reader: &mut Reader, field: &str, texts: &[String], parse: fn(&str) -> Option<T>) -> Vec<T> {
    let mut read = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        match parse(text) {
            Some(value) => read.push(value),
            None => reader.object(
                &format!("{field}[{index}]"),
                format!("'{text}' is none of the values that the contract lists"),
            ),
        }
    }
    read
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The message of an agreement, without what every resource has.
fn show(agreement: &Agreement) -> pb::Agreement {
    let definition = &agreement.definition;
    pb::Agreement {
        display_name: agreement.display_name.clone(),
        illustrative: agreement.illustrative,
        kind: agreement_kind::show(definition.kind),
        customers: definition.customers.clone(),
        provider: definition.provider.clone().unwrap_or_default(),
        services: definition.services.clone(),
        lines: definition.lines.clone(),
        order: definition.order,
        objectives: definition.objectives.iter().map(shown).collect(),
        attainment_goal_percent: definition.attainment_goal_percent.as_ref().map(convert::decimal),
        service_hours: definition.service_hours.clone().unwrap_or_default(),
        monthly_charge: definition.monthly_charge.map(convert::money),
        credit_bands: definition.credit_bands.iter().map(shown_band).collect(),
        ..pb::Agreement::default()
    }
}

fn shown(objective: &Objective) -> pb::Objective {
    let (target, target_months) = match objective.target {
        Some(Target::Open(open)) => (Some(wire::duration(open)), 0),
        Some(Target::Months(months)) => (None, narrow(months)),
        None => (None, 0),
    };
    pb::Objective {
        id: objective.id.clone(),
        metric: metric::show(objective.metric),
        practices: objective.practices.clone(),
        priorities: objective.priorities.iter().map(|priority| i32::from(*priority)).collect(),
        offerings: objective.offerings.clone(),
        target,
        target_months,
        calendar: objective.calendar.clone().unwrap_or_default(),
        threshold_percents: objective.thresholds.iter().map(|percent| narrow(*percent)).collect(),
        escalations: objective.escalations.iter().map(escalated).collect(),
        pause: objective.pause.as_ref().map(|pause| pb::PausePolicy {
            never: *pause == Pause::default(),
            states: pause.states.clone(),
            pending_reasons: pause.pending.iter().map(|reason| reason.as_str().to_owned()).collect(),
            categories: pause.categories.iter().map(|category| category.as_str().to_owned()).collect(),
        }),
        rebase_on_upgrade: rebase::show(objective.on_upgrade),
        rebase_on_downgrade: rebase::show(objective.on_downgrade),
        reopen: reopen::show(objective.on_reopen),
        visit: visit::show(objective.on_return),
        news: news::show(objective.news),
    }
}

fn escalated(escalation: &Escalation) -> pb::Escalation {
    pb::Escalation {
        percent: narrow(escalation.percent),
        group: escalation.group.clone().unwrap_or_default(),
        priority: escalation.priority.map_or(0, i32::from),
    }
}

fn shown_band(band: &CreditBand) -> pb::CreditBand {
    pb::CreditBand {
        below_percent: Some(convert::decimal(&band.below_percent)),
        charge_percent: band.charge_percent.as_ref().map(convert::decimal),
        amount: band.amount.map(convert::money),
    }
}

fn narrow(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

impl Declared for Agreement {
    type Message = pb::Agreement;
    const MESSAGE: &'static str = "itsm.catalog.v1.Agreement";
    const WORDS: &'static [&'static str] = &["agreements"];
    const OUTPUT_ONLY: &'static [&'static str] = &["revision", "effective_time"];
    const REVISION_TABLE: Option<&'static str> = Some(Self::REVISIONS);

    fn read(reader: &mut Reader, _: &str, message: &pb::Agreement) -> Option<Self> {
        Some(read(reader, message))
    }

    fn check(&self, _: &str) -> Vec<Violation> {
        let mut found = Vec::new();
        violation::display_name(&mut found, &self.display_name);
        violation::references(&mut found, "customers", "customers", &self.definition.customers);
        violation::references(&mut found, "services", "services", &self.definition.services);
        found
    }

    fn show(&self) -> pb::Agreement {
        show(self)
    }

    servicekit::head!();

    fn show_revision(message: &mut pb::Agreement, revision: i32, effective_time: prost_types::Timestamp) {
        message.revision = revision;
        message.effective_time = Some(effective_time);
    }
}
