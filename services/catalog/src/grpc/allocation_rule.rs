//! Allocation rules: message <-> domain.

use domain::allocation::{Rule, Target};
use domain::amount::Decimal;
use domain::violation::Violation;
use proto::catalog::v1 as pb;
use servicekit::convert::{self, Reader};
use servicekit::standard::Declared;
use servicekit::wire;

use crate::store;

fn read_target(reader: &mut Reader, index: usize, target: &pb::AllocationTarget) -> Target {
    let field = format!("targets[{index}].share");
    let share = reader.decimal(&field, target.share.as_ref());
    Target {
        service: target.service.clone(),
        customer: target.customer.clone(),
        share: reader.required(&field, share).unwrap_or_else(Decimal::zero),
    }
}

impl Declared for store::AllocationRule {
    type Message = pb::AllocationRule;
    const MESSAGE: &'static str = "itsm.catalog.v1.AllocationRule";
    const WORDS: &'static [&'static str] = &["allocationRules"];

    fn read(reader: &mut Reader, _: &str, message: &pb::AllocationRule) -> Option<Self> {
        let start_on = reader.date("start_date", message.start_date.as_ref());
        let targets = message.targets.iter().enumerate();
        Some(Self(Rule {
            display_name: message.display_name.clone(),
            pool: message.pool.clone(),
            service: message.service.clone(),
            targets: targets.map(|(index, target)| read_target(reader, index, target)).collect(),
            driver: message.driver.clone(),
            start_on: reader.required("start_date", start_on).unwrap_or_default(),
            end_on: reader.date("end_date", message.end_date.as_ref()),
            order: message.order,
            illustrative: message.illustrative,
        }))
    }

    fn check(&self, _: &str) -> Vec<Violation> {
        self.0.check()
    }

    fn show(&self) -> pb::AllocationRule {
        let rule = &self.0;
        let target = |target: &Target| pb::AllocationTarget {
            service: target.service.clone(),
            customer: target.customer.clone(),
            share: Some(convert::decimal(&target.share)),
        };
        pb::AllocationRule {
            display_name: rule.display_name.clone(),
            pool: rule.pool.clone(),
            service: rule.service.clone(),
            targets: rule.targets.iter().map(target).collect(),
            driver: rule.driver.clone(),
            start_date: Some(wire::date(rule.start_on)),
            end_date: rule.end_on.map(wire::date),
            order: rule.order,
            illustrative: rule.illustrative,
            ..pb::AllocationRule::default()
        }
    }

    servicekit::head!();
}
