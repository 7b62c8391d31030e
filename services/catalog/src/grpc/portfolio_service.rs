//! `PortfolioService`: services, offerings and objectives.

use proto::catalog::v1 as pb;
use proto::catalog::v1::portfolio_service_server::PortfolioService;
use servicekit::standard::{self, Desk};

use crate::store;
use crate::usecase::{activate_service, retire_service};

/// Serves the portfolio.
#[derive(Clone)]
pub struct Portfolio {
    /// Database, clock and journal.
    pub desk: Desk,
}

#[tonic::async_trait]
impl PortfolioService for Portfolio {
    servicekit::standard_methods! {
        "itsm.catalog.v1.PortfolioService/", store::Service, pb::Service { service, services, service_id };
        GetService get_service GetServiceRequest;
        ListServices list_services ListServicesRequest ListServicesResponse;
        CreateService create_service CreateServiceRequest;
        UpdateService update_service UpdateServiceRequest;
        DeleteService delete_service DeleteServiceRequest;
    }

    servicekit::standard_methods! {
        "itsm.catalog.v1.PortfolioService/", store::Offering, pb::Offering { offering, offerings, offering_id, parent };
        GetOffering get_offering GetOfferingRequest;
        ListOfferings list_offerings ListOfferingsRequest ListOfferingsResponse;
        CreateOffering create_offering CreateOfferingRequest;
        UpdateOffering update_offering UpdateOfferingRequest;
        DeleteOffering delete_offering DeleteOfferingRequest;
    }

    servicekit::standard_methods! {
        "itsm.catalog.v1.PortfolioService/", store::Objective,
        pb::BusinessObjective { objective, objectives, objective_id };
        GetObjective get_objective GetObjectiveRequest;
        ListObjectives list_objectives ListObjectivesRequest ListObjectivesResponse;
        CreateObjective create_objective CreateObjectiveRequest;
        UpdateObjective update_objective UpdateObjectiveRequest;
        DeleteObjective delete_objective DeleteObjectiveRequest;
    }

    servicekit::write_method! {
        "itsm.catalog.v1.PortfolioService/",
        ActivateService activate_service(self, write, request: pb::ActivateServiceRequest) -> pb::Service {
            standard::change(&self.desk, write, &request.name, request.etag, "activated", activate_service::edit).await
        }
    }

    servicekit::write_method! {
        "itsm.catalog.v1.PortfolioService/",
        RetireService retire_service(self, write, request: pb::RetireServiceRequest) -> pb::Service {
            standard::change(&self.desk, write, &request.name, request.etag, "retired", retire_service::edit).await
        }
    }
}
