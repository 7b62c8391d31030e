//! `AgreementService`: customers, calendars and agreements.

use proto::catalog::v1 as pb;
use proto::catalog::v1::agreement_service_server::AgreementService;
use servicekit::convert::Reader;
use servicekit::standard::Desk;

use super::{difference, feasibility, finding, simulation};
use crate::histories::Histories;
use crate::usecase::{check_agreement, check_feasibility, compare_revisions, simulate_agreement};
use crate::{differences, store};

/// Serves customers, working time and promises.
#[derive(Clone)]
pub struct Agreements {
    /// Database, clock and journal.
    pub desk: Desk,
    /// What simulations read.
    pub(crate) histories: Histories,
}

#[tonic::async_trait]
impl AgreementService for Agreements {
    servicekit::standard_methods! {
        "itsm.catalog.v1.AgreementService/", store::Customer, pb::Customer { customer, customers, customer_id };
        GetCustomer get_customer GetCustomerRequest;
        ListCustomers list_customers ListCustomersRequest ListCustomersResponse;
        CreateCustomer create_customer CreateCustomerRequest;
        UpdateCustomer update_customer UpdateCustomerRequest;
        DeleteCustomer delete_customer DeleteCustomerRequest;
    }

    servicekit::standard_methods! {
        "itsm.catalog.v1.AgreementService/", store::Calendar, pb::Calendar { calendar, calendars, calendar_id };
        GetCalendar get_calendar GetCalendarRequest;
        ListCalendars list_calendars ListCalendarsRequest ListCalendarsResponse;
        CreateCalendar create_calendar CreateCalendarRequest;
        UpdateCalendar update_calendar UpdateCalendarRequest;
        DeleteCalendar delete_calendar DeleteCalendarRequest;
    }

    servicekit::revision_methods! {
        "itsm.catalog.v1.AgreementService/", store::Calendar, pb::CalendarRevision { calendar, calendar_revisions };
        PublishCalendar publish_calendar PublishCalendarRequest;
        ListCalendarRevisions list_calendar_revisions ListCalendarRevisionsRequest ListCalendarRevisionsResponse;
    }

    servicekit::standard_methods! {
        "itsm.catalog.v1.AgreementService/", store::Agreement, pb::Agreement { agreement, agreements, agreement_id };
        GetAgreement get_agreement GetAgreementRequest;
        ListAgreements list_agreements ListAgreementsRequest ListAgreementsResponse;
        CreateAgreement create_agreement CreateAgreementRequest;
        UpdateAgreement update_agreement UpdateAgreementRequest;
        DeleteAgreement delete_agreement DeleteAgreementRequest;
    }

    servicekit::revision_methods! {
        "itsm.catalog.v1.AgreementService/", store::Agreement, pb::AgreementRevision { agreement, agreement_revisions };
        PublishAgreement publish_agreement PublishAgreementRequest;
        ListAgreementRevisions list_agreement_revisions ListAgreementRevisionsRequest ListAgreementRevisionsResponse;
    }

    servicekit::read_method! {
        "itsm.catalog.v1.AgreementService/",
        CheckAgreement check_agreement(self, caller, request: pb::CheckAgreementRequest) -> pb::CheckAgreementResponse {
            let findings = check_agreement::run(&self.desk.kit, &caller, &request.name).await?;
            Ok(pb::CheckAgreementResponse { findings: findings.into_iter().map(finding).collect() })
        }
    }

    servicekit::read_method! {
        "itsm.catalog.v1.AgreementService/",
        CompareCalendarRevisions compare_calendar_revisions(
            self, caller, request: pb::CompareCalendarRevisionsRequest
        ) -> pb::CompareCalendarRevisionsResponse {
            let revisions = (request.base_revision, request.compared_revision);
            let (kit, name) = (&self.desk.kit, request.name.as_str());
            let found = compare_revisions::run(kit, &caller, name, revisions, differences::of_calendar).await?;
            Ok(pb::CompareCalendarRevisionsResponse { differences: found.into_iter().map(difference).collect() })
        }
    }

    servicekit::read_method! {
        "itsm.catalog.v1.AgreementService/",
        CompareAgreementRevisions compare_agreement_revisions(
            self, caller, request: pb::CompareAgreementRevisionsRequest
        ) -> pb::CompareAgreementRevisionsResponse {
            let revisions = (request.base_revision, request.compared_revision);
            let (kit, name) = (&self.desk.kit, request.name.as_str());
            let found = compare_revisions::run(kit, &caller, name, revisions, differences::of_agreement).await?;
            Ok(pb::CompareAgreementRevisionsResponse { differences: found.into_iter().map(difference).collect() })
        }
    }

    servicekit::read_method! {
        "itsm.catalog.v1.AgreementService/",
        CheckFeasibility check_feasibility(
            self, caller, request: pb::CheckFeasibilityRequest
        ) -> pb::CheckFeasibilityResponse {
            let mut reader = Reader::default();
            let start = reader.timestamp("start_time", request.start_time.as_ref());
            reader.finish()?;
            let kit = &self.desk.kit;
            let found = check_feasibility::run(kit, &caller, &request.name, request.revision, start).await?;
            Ok(feasibility::show(found))
        }
    }

    servicekit::read_method! {
        "itsm.catalog.v1.AgreementService/",
        SimulateAgreement simulate_agreement(
            self, caller, request: pb::SimulateAgreementRequest
        ) -> pb::SimulateAgreementResponse {
            let kit = &self.desk.kit;
            let asked = simulation::read(kit, &caller, request)?;
            let read_at = asked.proposal.read_at;
            let outcome = simulate_agreement::run(kit, &caller, &self.histories, asked.proposal).await?;
            Ok(simulation::show(outcome, read_at, &asked.pages))
        }
    }
}
