//! Who may move a ticket: by token, by role assignment, and by who answers for the activity.

use itsm::client::Channel;
use proto::catalog::v1 as catalog_pb;
use proto::catalog::v1::governance_service_client::GovernanceServiceClient;
use proto::catalog::v1::portfolio_service_client::PortfolioServiceClient;
use proto::common::v1::Date;
use proto::operations::v1 as pb;
use proto::operations::v1::ticket_service_client::TicketServiceClient;
use servicekit::config;
use testkit::{Running, Scratch, TestDatabase, reason};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{Client, step};

/// Operations with one caller for each token, and the catalog beside it.
struct House {
    running: Running,
    governance: GovernanceServiceClient<Channel>,
    portfolio: PortfolioServiceClient<Channel>,
}

const WORKERS: [(&str, &str); 5] = [
    ("people/ann", "tickets.agent,tickets.reader,tickets.reporter"),
    ("people/bob", "tickets.agent,tickets.reader"),
    ("people/cid", "tickets.agent,tickets.reader,change-approver"),
    ("people/dee", "tickets.agent,tickets.reader,groups/cab"),
    ("systems/robot", "tickets.agent,tickets.reader,tickets.importer"),
];

fn token(actor: &str) -> String {
    format!("{}-token-0001", actor.replace('/', "-"))
}

async fn house() -> House {
    let database = TestDatabase::new().await;
    let at = config::Database::at(database.url());
    let catalog = Running::insecure(catalog::build(&at).await).await.channel().await;
    let folder = Scratch::new();
    let tokens = folder.join("tokens");
    let lines = WORKERS.map(|(actor, roles)| format!("{} {actor} roles={roles}\n", token(actor)));
    std::fs::write(&tokens, lines.concat()).unwrap();
    let config = config::Server { tokens_file: Some(tokens), insecure: false, ..config::Server::insecure(0) };
    let running = Running::start(operations::build(&at).await, &config).await;
    House {
        running,
        governance: GovernanceServiceClient::new(catalog.clone()),
        portfolio: PortfolioServiceClient::new(catalog),
    }
}

impl House {
    async fn client(&self, actor: &str) -> Client {
        TicketServiceClient::new(self.running.channel_of(&token(actor)).await)
    }

    /// A change that waits for approval.
    async fn waiting(&self, service: &str) -> String {
        let mut ann = self.client("people/ann").await;
        // One that is approved afterwards, so that roles alone decide.
        let details = pb::ChangeDetails {
            r#type: pb::ChangeType::Emergency.into(),
            risk: "high".to_owned(),
            implementation_plan: "replace it".to_owned(),
            test_plan: "ping".to_owned(),
            back_out_plan: "put it back".to_owned(),
            planned_start_time: Some(super::instant("2030-01-05T22:00:00Z")),
            planned_end_time: Some(super::instant("2030-01-05T23:00:00Z")),
            ..Default::default()
        };
        let ticket = pb::Ticket {
            process: "processes/change".to_owned(),
            title: "Replace the switch".to_owned(),
            service: service.to_owned(),
            details: Some(pb::ticket::Details::Change(details)),
            ..Default::default()
        };
        let request = pb::CreateTicketRequest { ticket: Some(ticket), ..Default::default() };
        let name = ann.create_ticket(request).await.unwrap().into_inner().name;
        let mut robot = self.client("systems/robot").await;
        for transition in ["assess", "submit"] {
            robot.transition_ticket(step(&name, transition)).await.unwrap();
        }
        name
    }

    /// Whether the caller could approve; the list of what is allowed has to say the same.
    async fn approves(&self, actor: &str, ticket: &str) -> Result<(), Status> {
        let mut client = self.client(actor).await;
        let fields = pb::TransitionFields { pending_reason: pb::PendingReason::Scheduled.into(), ..Default::default() };
        let request =
            pb::TransitionTicketRequest { fields: Some(fields), validate_only: true, ..step(ticket, "approve") };
        let outcome = client.transition_ticket(request).await.map(|_| ());
        let request = pb::ListAllowedTransitionsRequest { name: ticket.to_owned() };
        let listed = client.list_allowed_transitions(request).await.unwrap().into_inner().allowed_transitions;
        let approve = listed.iter().find(|one| one.transition.as_ref().unwrap().id == "approve").unwrap();
        assert_eq!(approve.permitted, outcome.is_ok(), "{actor}");
        assert_eq!(approve.missing_roles, outcome.as_ref().err().map(roles).unwrap_or_default(), "{actor}");
        outcome
    }

    async fn assign(&mut self, id: &str, assignment: catalog_pb::RoleAssignment) {
        let request = catalog_pb::CreateRoleAssignmentRequest {
            role_assignment_id: id.to_owned(),
            role_assignment: Some(assignment),
            ..Default::default()
        };
        self.governance.create_role_assignment(request).await.unwrap();
    }

    async fn answer_for(&mut self, id: &str, service: &str, responsible: &str, accountable: &str) {
        let row = catalog_pb::Responsibility {
            process: "processes/change".to_owned(),
            activity: "authorise".to_owned(),
            service: service.to_owned(),
            responsible: vec![responsible.to_owned()],
            accountable: vec![accountable.to_owned()],
            ..Default::default()
        };
        let request = catalog_pb::CreateResponsibilityRequest {
            responsibility_id: id.to_owned(),
            responsibility: Some(row),
            ..Default::default()
        };
        self.governance.create_responsibility(request).await.unwrap();
    }

    async fn service(&mut self, id: &str) {
        let service = catalog_pb::Service {
            display_name: id.to_owned(),
            criticality: catalog_pb::Criticality::Medium.into(),
            ..Default::default()
        };
        let request = catalog_pb::CreateServiceRequest {
            service_id: id.to_owned(),
            service: Some(service),
            ..Default::default()
        };
        self.portfolio.create_service(request).await.unwrap();
    }
}

fn held(role: &str, member: &str) -> catalog_pb::RoleAssignment {
    catalog_pb::RoleAssignment { role: role.to_owned(), member: member.to_owned(), ..Default::default() }
}

/// The roles of which one is missing.
fn roles(refusal: &Status) -> Vec<String> {
    assert_eq!((refusal.code(), reason(refusal).as_str()), (Code::PermissionDenied, "ROLE_REQUIRED"));
    let metadata = refusal.get_details_error_info().unwrap().metadata;
    metadata["role"].split(',').map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_comes_with_the_token_or_with_an_assignment_in_force() {
    let mut house = house().await;
    house.service("email").await;
    house.service("web").await;
    let (email, web) = (house.waiting("services/email").await, house.waiting("services/web").await);
    let refused = house.approves("people/bob", &email).await.unwrap_err();
    assert_eq!(roles(&refused), ["change-approver"]);
    house.approves("people/cid", &email).await.unwrap();
    house.approves("people/dee", &email).await.unwrap_err();

    let of_email = catalog_pb::RoleAssignment {
        service: "services/email".to_owned(),
        ..held("roles/change-approver", "people/bob")
    };
    house.assign("bob", of_email).await;
    house.assign("cab", held("roles/change-approver", "groups/cab")).await;
    house.approves("people/bob", &email).await.unwrap();
    house.approves("people/bob", &web).await.unwrap_err();
    house.approves("people/dee", &web).await.unwrap();

    let ended = catalog_pb::RoleAssignment {
        name: "roleAssignments/bob".to_owned(),
        end_date: Some(Date { year: 2020, month: 1, day: 1 }),
        ..Default::default()
    };
    let request = catalog_pb::UpdateRoleAssignmentRequest { role_assignment: Some(ended), ..Default::default() };
    house.governance.update_role_assignment(request).await.unwrap();
    house.approves("people/bob", &email).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transition_by_a_role_that_does_not_answer_for_its_activity_is_refused() {
    let mut house = house().await;
    house.service("email").await;
    house.service("web").await;
    let (email, web) = (house.waiting("services/email").await, house.waiting("services/web").await);
    // What ships is proposed and binds nobody.
    let mut bob = house.client("people/bob").await;
    let rework = |ticket: &str| {
        let request = pb::TransitionTicketRequest { validate_only: true, ..step(ticket, "rework") };
        let mut bob = bob.clone();
        async move { bob.transition_ticket(request).await.map(|_| ()) }
    };
    rework(&email).await.unwrap();

    house.answer_for("general", "", "roles/change-approver", "roles/change-process-owner").await;
    house.answer_for("own", "services/email", "roles/service-owner", "roles/change-manager").await;
    assert_eq!(roles(&rework(&web).await.unwrap_err()), ["change-approver", "change-process-owner"]);
    assert_eq!(roles(&rework(&email).await.unwrap_err()), ["change-manager", "service-owner"]);
    house.assign("bob", held("roles/service-owner", "people/bob")).await;
    rework(&email).await.unwrap();
    rework(&web).await.unwrap_err();

    // The role of the transition is needed besides.
    assert_eq!(roles(&house.approves("people/bob", &email).await.unwrap_err()), ["change-approver"]);
    let refused = house.approves("people/cid", &email).await.unwrap_err();
    assert_eq!(roles(&refused), ["change-manager", "service-owner"]);
    house.approves("people/cid", &web).await.unwrap();
    assert!(refused.message().contains("change-manager or service-owner"), "{}", refused.message());

    // Transitions of other activities are as before, and systems are bound by the roles of transitions alone.
    let mut robot = house.client("systems/robot").await;
    robot.transition_ticket(step(&web, "rework")).await.unwrap();
    bob.transition_ticket(step(&web, "submit")).await.unwrap();
}
