//! `itsm.operations.v1.OutageService`.

use domain::violation::Violation;
use proto::operations::v1 as pb;
use proto::operations::v1::outage_service_server::OutageService;
use servicekit::convert::{self, Reader};
use servicekit::standard::{Declared, Desk};
use servicekit::wire;

use super::enums::outage_impact;
use crate::store::outage::Outage;

/// Serves when services were down.
#[derive(Clone)]
pub struct Outages {
    /// Database, clock and journal.
    pub desk: Desk,
}

#[tonic::async_trait]
impl OutageService for Outages {
    servicekit::standard_methods! {
        "itsm.operations.v1.OutageService/", Outage, pb::Outage { outage, outages, outage_id };
        GetOutage get_outage GetOutageRequest;
        ListOutages list_outages ListOutagesRequest ListOutagesResponse;
        CreateOutage create_outage CreateOutageRequest;
        UpdateOutage update_outage UpdateOutageRequest;
        DeleteOutage delete_outage DeleteOutageRequest;
    }
}

impl Declared for Outage {
    type Message = pb::Outage;
    const MESSAGE: &'static str = "itsm.operations.v1.Outage";
    const WORDS: &'static [&'static str] = &["outages"];

    fn read(reader: &mut Reader, _: &str, message: &pb::Outage) -> Option<Self> {
        let start_at = reader.timestamp("start_time", message.start_time.as_ref());
        let impact = reader.choice("impact", message.impact, outage_impact::read);
        Some(Self(domain::outage::Outage {
            display_name: message.display_name.clone(),
            service: message.service.clone(),
            start_at: reader.required("start_time", start_at).unwrap_or_default(),
            end_at: reader.timestamp("end_time", message.end_time.as_ref()),
            impact: impact.unwrap_or(domain::outage::Impact::Down),
            weight: reader.decimal("weight", message.weight.as_ref()).filter(|_| impact.is_some()),
            user_share: reader.decimal("user_share", message.user_share.as_ref()),
            planned: message.planned,
            exclusion_reason: message.exclusion_reason.clone(),
            ticket: message.ticket.clone(),
            illustrative: message.illustrative,
        }))
    }

    fn check(&self, _: &str) -> Vec<Violation> {
        self.0.check()
    }

    fn show(&self) -> pb::Outage {
        let outage = &self.0;
        pb::Outage {
            display_name: outage.display_name.clone(),
            service: outage.service.clone(),
            start_time: Some(wire::timestamp(outage.start_at)),
            end_time: outage.end_at.map(wire::timestamp),
            impact: outage_impact::show(outage.impact),
            weight: outage.weight.as_ref().map(convert::decimal),
            user_share: outage.user_share.as_ref().map(convert::decimal),
            planned: outage.planned,
            exclusion_reason: outage.exclusion_reason.clone(),
            ticket: outage.ticket.clone(),
            illustrative: outage.illustrative,
            ..pb::Outage::default()
        }
    }

    servicekit::head!();
}

#[cfg(test)]
mod tests {
    use proto::common::v1 as common;
    use servicekit::standard;

    use super::*;

    fn decimal(value: &str) -> Option<common::Decimal> {
        Some(common::Decimal { value: value.to_owned() })
    }

    #[test]
    fn every_field_survives_the_way_through_the_domain() {
        let outage = pb::Outage {
            display_name: "Mail is slow".to_owned(),
            service: "services/email".to_owned(),
            start_time: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 1_000 }),
            end_time: Some(prost_types::Timestamp { seconds: 1_700_003_600, nanos: 0 }),
            impact: pb::OutageImpact::Degraded.into(),
            weight: decimal("0.5"),
            user_share: decimal("0.25"),
            planned: true,
            exclusion_reason: "agreed".to_owned(),
            ticket: "tickets/INC-000042".to_owned(),
            illustrative: true,
            ..pb::Outage::default()
        };
        assert_eq!(standard::unset::<Outage>(&outage), Vec::<String>::new(), "the sample holds every field");
        assert_eq!(standard::read::<Outage>("outages/mail", &outage).unwrap().show(), outage);
        let found =
            standard::read::<Outage>("outages/mail", &pb::Outage { weight: decimal("0.5"), ..pb::Outage::default() });
        let fields: Vec<String> = found.unwrap_err().into_iter().map(|violation| violation.field).collect();
        assert_eq!(fields, ["outage.impact", "outage.start_time", "outage.display_name", "outage.service"]);
    }
}
