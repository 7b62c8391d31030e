//! `GovernanceService`: processes.

use proto::catalog::v1 as pb;
use proto::catalog::v1::governance_service_server::GovernanceService;
use servicekit::standard::Desk;

use super::{difference, finding};
use crate::usecase::{check_process, compare_revisions};
use crate::{differences, store};

/// Serves how work is done.
#[derive(Clone)]
pub struct Governance {
    /// Database, clock and journal.
    pub desk: Desk,
}

#[tonic::async_trait]
impl GovernanceService for Governance {
    servicekit::standard_methods! {
        "itsm.catalog.v1.GovernanceService/", store::Process, pb::Process { process, processes, process_id };
        GetProcess get_process GetProcessRequest;
        ListProcesses list_processes ListProcessesRequest ListProcessesResponse;
        CreateProcess create_process CreateProcessRequest;
        UpdateProcess update_process UpdateProcessRequest;
        DeleteProcess delete_process DeleteProcessRequest;
    }

    servicekit::revision_methods! {
        "itsm.catalog.v1.GovernanceService/", store::Process, pb::ProcessRevision { process, process_revisions };
        PublishProcess publish_process PublishProcessRequest;
        ListProcessRevisions list_process_revisions ListProcessRevisionsRequest ListProcessRevisionsResponse;
    }

    servicekit::read_method! {
        "itsm.catalog.v1.GovernanceService/",
        CompareProcessRevisions compare_process_revisions(self, caller, request: pb::CompareProcessRevisionsRequest)
        -> pb::CompareProcessRevisionsResponse {
            let revisions = (request.base_revision, request.compared_revision);
            let (kit, name) = (&self.desk.kit, request.name.as_str());
            let found = compare_revisions::run(kit, &caller, name, revisions, differences::of_process).await?;
            Ok(pb::CompareProcessRevisionsResponse { differences: found.into_iter().map(difference).collect() })
        }
    }

    servicekit::read_method! {
        "itsm.catalog.v1.GovernanceService/",
        CheckProcess check_process(self, caller, request: pb::CheckProcessRequest) -> pb::CheckProcessResponse {
            let findings = check_process::run(&self.desk.kit, &caller, &request.name).await?;
            Ok(pb::CheckProcessResponse { findings: findings.into_iter().map(finding).collect() })
        }
    }
}
