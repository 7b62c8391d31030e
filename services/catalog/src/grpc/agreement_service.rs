//! `AgreementService`: customers, calendars and agreements.

use proto::catalog::v1 as pb;
use proto::catalog::v1::agreement_service_server::AgreementService;
use servicekit::standard::Desk;

use super::finding;
use crate::store;
use crate::usecase::check_agreement;

/// Serves customers, working time and promises.
#[derive(Clone)]
pub struct Agreements {
    /// Database, clock and permissions.
    pub desk: Desk,
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
}
