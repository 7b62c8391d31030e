//! Budgets: message <-> domain.

use domain::amount::{Currency, Money};
use domain::value::Budget;
use domain::violation::Violation;
use proto::catalog::v1 as pb;
use servicekit::convert::{self, Reader};
use servicekit::standard::Declared;
use servicekit::wire;

use crate::store;

impl Declared for store::Budget {
    type Message = pb::Budget;
    const MESSAGE: &'static str = "itsm.catalog.v1.Budget";
    const WORDS: &'static [&'static str] = &["budgets"];

    fn read(reader: &mut Reader, _: &str, message: &pb::Budget) -> Option<Self> {
        let start_on = reader.date("start_date", message.start_date.as_ref());
        let end_on = reader.date("end_date", message.end_date.as_ref());
        let amount = reader.money("amount", message.amount.as_ref());
        Some(Self(Budget {
            display_name: message.display_name.clone(),
            pool: message.pool.clone(),
            service: message.service.clone(),
            start_on: reader.required("start_date", start_on).unwrap_or_default(),
            end_on: reader.required("end_date", end_on).unwrap_or_default(),
            amount: reader.required("amount", amount).unwrap_or(Money::new(0, Currency::NONE)),
            owner: message.owner.clone(),
            illustrative: message.illustrative,
        }))
    }

    fn check(&self, _: &str) -> Vec<Violation> {
        self.0.check()
    }

    fn show(&self) -> pb::Budget {
        let budget = &self.0;
        pb::Budget {
            display_name: budget.display_name.clone(),
            pool: budget.pool.clone(),
            service: budget.service.clone(),
            start_date: Some(wire::date(budget.start_on)),
            end_date: Some(wire::date(budget.end_on)),
            amount: Some(convert::money(budget.amount)),
            owner: budget.owner.clone(),
            illustrative: budget.illustrative,
            ..pb::Budget::default()
        }
    }

    servicekit::head!();
}
