//! Benefits: message <-> domain.

use domain::amount::{Currency, Money};
use domain::value::{Benefit, Estimate};
use domain::violation::Violation;
use proto::catalog::v1 as pb;
use servicekit::convert::{self, Reader};
use servicekit::standard::Declared;
use servicekit::wire;

use crate::store;

/// Three estimates; nothing, with an objection, for one that is missing.
fn read_estimate(reader: &mut Reader, message: Option<&pb::Estimate>) -> Estimate {
    let nothing = Money::new(0, Currency::NONE);
    let Some(message) = reader.required("planned", message) else {
        return Estimate { low: nothing, likely: nothing, high: nothing };
    };
    let mut read = |field: &str, money| {
        let read = reader.money(field, money);
        reader.required(field, read)
    };
    let low = read("planned.low", message.low.as_ref());
    let likely = read("planned.likely", message.likely.as_ref());
    let high = read("planned.high", message.high.as_ref());
    // What stands for a missing one agrees with the others, so that only what is missing is objected to.
    let likely = likely.or(low).or(high).unwrap_or(nothing);
    Estimate { low: low.unwrap_or(likely), likely, high: high.unwrap_or(likely) }
}

impl Declared for store::Benefit {
    type Message = pb::Benefit;
    const MESSAGE: &'static str = "itsm.catalog.v1.Benefit";
    const WORDS: &'static [&'static str] = &["benefits"];

    fn read(reader: &mut Reader, _: &str, message: &pb::Benefit) -> Option<Self> {
        let start_on = reader.date("start_date", message.start_date.as_ref());
        let end_on = reader.date("end_date", message.end_date.as_ref());
        Some(Self(Benefit {
            display_name: message.display_name.clone(),
            description: message.description.clone(),
            objective: message.objective.clone(),
            service: message.service.clone(),
            start_on: reader.required("start_date", start_on).unwrap_or_default(),
            end_on: reader.required("end_date", end_on).unwrap_or_default(),
            planned: read_estimate(reader, message.planned.as_ref()),
            realised: reader.money("realised", message.realised.as_ref()).filter(|_| message.planned.is_some()),
            evidence: message.evidence.clone(),
            evidence_link: message.evidence_link.clone(),
            owner: message.owner.clone(),
            illustrative: message.illustrative,
        }))
    }

    fn check(&self, _: &str) -> Vec<Violation> {
        self.0.check()
    }

    fn show(&self) -> pb::Benefit {
        let benefit = &self.0;
        let Estimate { low, likely, high } = benefit.planned;
        pb::Benefit {
            display_name: benefit.display_name.clone(),
            description: benefit.description.clone(),
            objective: benefit.objective.clone(),
            service: benefit.service.clone(),
            start_date: Some(wire::date(benefit.start_on)),
            end_date: Some(wire::date(benefit.end_on)),
            planned: Some(pb::Estimate {
                low: Some(convert::money(low)),
                likely: Some(convert::money(likely)),
                high: Some(convert::money(high)),
            }),
            realised: benefit.realised.map(convert::money),
            evidence: benefit.evidence.clone(),
            evidence_link: benefit.evidence_link.clone(),
            owner: benefit.owner.clone(),
            illustrative: benefit.illustrative,
            ..pb::Benefit::default()
        }
    }

    servicekit::head!();
}
