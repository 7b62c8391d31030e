//! `GovernanceService`: processes, roles and responsibilities.

use proto::catalog::v1 as pb;
use proto::catalog::v1::governance_service_server::GovernanceService;
use servicekit::convert::Reader;
use servicekit::standard::Desk;

use super::{difference, finding, gap};
use crate::usecase::{check_process, check_responsibilities, compare_revisions};
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

    servicekit::standard_methods! {
        "itsm.catalog.v1.GovernanceService/", store::Role,
        pb::Role { role, roles, role_id };
        GetRole get_role GetRoleRequest;
        ListRoles list_roles ListRolesRequest ListRolesResponse;
        CreateRole create_role CreateRoleRequest;
        UpdateRole update_role UpdateRoleRequest;
        DeleteRole delete_role DeleteRoleRequest;
    }

    servicekit::standard_methods! {
        "itsm.catalog.v1.GovernanceService/", store::RoleAssignment,
        pb::RoleAssignment { role_assignment, role_assignments, role_assignment_id };
        GetRoleAssignment get_role_assignment GetRoleAssignmentRequest;
        ListRoleAssignments list_role_assignments ListRoleAssignmentsRequest ListRoleAssignmentsResponse;
        CreateRoleAssignment create_role_assignment CreateRoleAssignmentRequest;
        UpdateRoleAssignment update_role_assignment UpdateRoleAssignmentRequest;
        DeleteRoleAssignment delete_role_assignment DeleteRoleAssignmentRequest;
    }

    servicekit::standard_methods! {
        "itsm.catalog.v1.GovernanceService/", store::Responsibility,
        pb::Responsibility { responsibility, responsibilities, responsibility_id };
        GetResponsibility get_responsibility GetResponsibilityRequest;
        ListResponsibilities list_responsibilities ListResponsibilitiesRequest ListResponsibilitiesResponse;
        CreateResponsibility create_responsibility CreateResponsibilityRequest;
        UpdateResponsibility update_responsibility UpdateResponsibilityRequest;
        DeleteResponsibility delete_responsibility DeleteResponsibilityRequest;
    }

    servicekit::read_method! {
        "itsm.catalog.v1.GovernanceService/",
        CheckResponsibilities check_responsibilities(self, caller, request: pb::CheckResponsibilitiesRequest)
        -> pb::CheckResponsibilitiesResponse {
            let mut reader = Reader::default();
            let on = reader.date("as_of_date", request.as_of_date.as_ref());
            reader.finish()?;
            let (process, service) = (request.process.as_str(), request.service.as_str());
            let gaps = check_responsibilities::run(&self.desk.kit, &caller, process, service, on).await?;
            Ok(pb::CheckResponsibilitiesResponse { findings: gaps.into_iter().map(gap).collect() })
        }
    }
}
