//! Which role each method takes. An empty role lets every known caller in; what a caller bound to a customer sees is
//! decided by each resource.

use servicekit::standard::Permission;

const ANYBODY: &str = "";
/// Reads promises, costs and benefits.
const VIEWER: &str = "catalog.viewer";
/// Writes the portfolio, customers, calendars, agreements, processes and roles.
const EDITOR: &str = "catalog.editor";
/// Puts in force: publishes revisions, takes services live, retires them.
const PUBLISHER: &str = "catalog.publisher";
/// Gives roles to people, and says who answers for what: decides who may move tickets.
const STEWARD: &str = "governance.editor";
/// Writes the cost ledger, budgets, benefits and allocation rules.
const ACCOUNTANT: &str = "costs.editor";

/// Every method of the catalog with its role.
pub const PERMISSIONS: &[Permission] = &[
    ("itsm.catalog.v1.PortfolioService/GetService", ANYBODY),
    ("itsm.catalog.v1.PortfolioService/ListServices", ANYBODY),
    ("itsm.catalog.v1.PortfolioService/CreateService", EDITOR),
    ("itsm.catalog.v1.PortfolioService/UpdateService", EDITOR),
    ("itsm.catalog.v1.PortfolioService/DeleteService", EDITOR),
    ("itsm.catalog.v1.PortfolioService/ActivateService", PUBLISHER),
    ("itsm.catalog.v1.PortfolioService/RetireService", PUBLISHER),
    ("itsm.catalog.v1.PortfolioService/GetOffering", ANYBODY),
    ("itsm.catalog.v1.PortfolioService/ListOfferings", ANYBODY),
    ("itsm.catalog.v1.PortfolioService/CreateOffering", EDITOR),
    ("itsm.catalog.v1.PortfolioService/UpdateOffering", EDITOR),
    ("itsm.catalog.v1.PortfolioService/DeleteOffering", EDITOR),
    ("itsm.catalog.v1.PortfolioService/GetObjective", ANYBODY),
    ("itsm.catalog.v1.PortfolioService/ListObjectives", ANYBODY),
    ("itsm.catalog.v1.PortfolioService/CreateObjective", EDITOR),
    ("itsm.catalog.v1.PortfolioService/UpdateObjective", EDITOR),
    ("itsm.catalog.v1.PortfolioService/DeleteObjective", EDITOR),
    ("itsm.catalog.v1.AgreementService/GetCustomer", ANYBODY),
    ("itsm.catalog.v1.AgreementService/ListCustomers", ANYBODY),
    ("itsm.catalog.v1.AgreementService/CreateCustomer", EDITOR),
    ("itsm.catalog.v1.AgreementService/UpdateCustomer", EDITOR),
    ("itsm.catalog.v1.AgreementService/DeleteCustomer", EDITOR),
    ("itsm.catalog.v1.AgreementService/GetCalendar", ANYBODY),
    ("itsm.catalog.v1.AgreementService/ListCalendars", ANYBODY),
    ("itsm.catalog.v1.AgreementService/CreateCalendar", EDITOR),
    ("itsm.catalog.v1.AgreementService/UpdateCalendar", EDITOR),
    ("itsm.catalog.v1.AgreementService/DeleteCalendar", EDITOR),
    ("itsm.catalog.v1.AgreementService/PublishCalendar", PUBLISHER),
    ("itsm.catalog.v1.AgreementService/ListCalendarRevisions", ANYBODY),
    ("itsm.catalog.v1.AgreementService/CompareCalendarRevisions", ANYBODY),
    ("itsm.catalog.v1.AgreementService/GetAgreement", VIEWER),
    ("itsm.catalog.v1.AgreementService/ListAgreements", VIEWER),
    ("itsm.catalog.v1.AgreementService/CreateAgreement", EDITOR),
    ("itsm.catalog.v1.AgreementService/UpdateAgreement", EDITOR),
    ("itsm.catalog.v1.AgreementService/DeleteAgreement", EDITOR),
    ("itsm.catalog.v1.AgreementService/PublishAgreement", PUBLISHER),
    ("itsm.catalog.v1.AgreementService/ListAgreementRevisions", VIEWER),
    ("itsm.catalog.v1.AgreementService/CompareAgreementRevisions", VIEWER),
    ("itsm.catalog.v1.AgreementService/CheckAgreement", VIEWER),
    ("itsm.catalog.v1.AgreementService/CheckFeasibility", VIEWER),
    ("itsm.catalog.v1.AgreementService/SimulateAgreement", VIEWER),
    ("itsm.catalog.v1.GovernanceService/GetProcess", ANYBODY),
    ("itsm.catalog.v1.GovernanceService/ListProcesses", ANYBODY),
    ("itsm.catalog.v1.GovernanceService/CreateProcess", EDITOR),
    ("itsm.catalog.v1.GovernanceService/UpdateProcess", EDITOR),
    ("itsm.catalog.v1.GovernanceService/DeleteProcess", EDITOR),
    ("itsm.catalog.v1.GovernanceService/PublishProcess", PUBLISHER),
    ("itsm.catalog.v1.GovernanceService/ListProcessRevisions", ANYBODY),
    ("itsm.catalog.v1.GovernanceService/CompareProcessRevisions", ANYBODY),
    ("itsm.catalog.v1.GovernanceService/CheckProcess", ANYBODY),
    ("itsm.catalog.v1.GovernanceService/GetRole", ANYBODY),
    ("itsm.catalog.v1.GovernanceService/ListRoles", ANYBODY),
    ("itsm.catalog.v1.GovernanceService/CreateRole", EDITOR),
    ("itsm.catalog.v1.GovernanceService/UpdateRole", EDITOR),
    ("itsm.catalog.v1.GovernanceService/DeleteRole", EDITOR),
    ("itsm.catalog.v1.GovernanceService/GetRoleAssignment", ANYBODY),
    ("itsm.catalog.v1.GovernanceService/ListRoleAssignments", ANYBODY),
    ("itsm.catalog.v1.GovernanceService/CreateRoleAssignment", STEWARD),
    ("itsm.catalog.v1.GovernanceService/UpdateRoleAssignment", STEWARD),
    ("itsm.catalog.v1.GovernanceService/DeleteRoleAssignment", STEWARD),
    ("itsm.catalog.v1.GovernanceService/GetResponsibility", ANYBODY),
    ("itsm.catalog.v1.GovernanceService/ListResponsibilities", ANYBODY),
    ("itsm.catalog.v1.GovernanceService/CreateResponsibility", STEWARD),
    ("itsm.catalog.v1.GovernanceService/UpdateResponsibility", STEWARD),
    ("itsm.catalog.v1.GovernanceService/DeleteResponsibility", STEWARD),
    ("itsm.catalog.v1.GovernanceService/CheckResponsibilities", ANYBODY),
    ("itsm.catalog.v1.ValueService/GetCostEntry", VIEWER),
    ("itsm.catalog.v1.ValueService/ListCostEntries", VIEWER),
    ("itsm.catalog.v1.ValueService/CreateCostEntry", ACCOUNTANT),
    ("itsm.catalog.v1.ValueService/UpdateCostEntry", ACCOUNTANT),
    ("itsm.catalog.v1.ValueService/DeleteCostEntry", ACCOUNTANT),
    ("itsm.catalog.v1.ValueService/ImportCosts", ACCOUNTANT),
    ("itsm.catalog.v1.ValueService/GetBudget", VIEWER),
    ("itsm.catalog.v1.ValueService/ListBudgets", VIEWER),
    ("itsm.catalog.v1.ValueService/CreateBudget", ACCOUNTANT),
    ("itsm.catalog.v1.ValueService/UpdateBudget", ACCOUNTANT),
    ("itsm.catalog.v1.ValueService/DeleteBudget", ACCOUNTANT),
    ("itsm.catalog.v1.ValueService/GetBenefit", VIEWER),
    ("itsm.catalog.v1.ValueService/ListBenefits", VIEWER),
    ("itsm.catalog.v1.ValueService/CreateBenefit", ACCOUNTANT),
    ("itsm.catalog.v1.ValueService/UpdateBenefit", ACCOUNTANT),
    ("itsm.catalog.v1.ValueService/DeleteBenefit", ACCOUNTANT),
    ("itsm.catalog.v1.ValueService/GetAllocationRule", VIEWER),
    ("itsm.catalog.v1.ValueService/ListAllocationRules", VIEWER),
    ("itsm.catalog.v1.ValueService/CreateAllocationRule", ACCOUNTANT),
    ("itsm.catalog.v1.ValueService/UpdateAllocationRule", ACCOUNTANT),
    ("itsm.catalog.v1.ValueService/DeleteAllocationRule", ACCOUNTANT),
    ("itsm.catalog.v1.ValueService/AllocateCosts", VIEWER),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_of_the_contract_has_one_entry() {
        let mut listed: Vec<&str> = PERMISSIONS.iter().map(|(method, _)| *method).collect();
        let mut methods = servicekit::standard::methods_of("itsm.catalog.v1");
        listed.sort_unstable();
        methods.sort_unstable();
        assert_eq!(listed, methods);
    }
}
