//! Approvals over gRPC: changes that go no further, who is asked, who may decide, who has decided.

use proto::catalog::v1 as catalog_pb;
use proto::catalog::v1::portfolio_service_client::PortfolioServiceClient;
use proto::common::v1::ApprovalPolicy;
use servicekit::config;
use testkit::{Running, Scratch, TestDatabase, reason};
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{Channel, Client, Operations, pb, step, violations};

/// Catalog and operations whose callers have names and roles.
struct Office {
    operations: Operations,
    running: Running,
    portfolio: PortfolioServiceClient<Channel>,
    _folder: Scratch,
}

const CALLERS: &str = "\
root-token-00000001 people/root roles=*
opal-token-00000001 people/opal roles=tickets.reporter,tickets.agent,tickets.reader,tickets.approver,change-approver
mia-token-000000001 people/mia roles=tickets.agent,tickets.reader,change-manager,change-approver
ian-token-000000001 people/ian roles=tickets.agent,tickets.reader,tickets.approver,change-approver
ann-token-000000001 people/ann roles=tickets.reader,tickets.approver,change-approver
ben-token-000000001 people/ben roles=tickets.reader,tickets.approver,groups/cab
dan-token-000000001 people/dan roles=tickets.reader,tickets.approver
eve-token-000000001 people/eve customer=customers/log-organisation roles=tickets.reader,tickets.reporter,tickets.approver
";

impl Office {
    async fn new() -> Self {
        let database = TestDatabase::new().await;
        let at = config::Database::at(database.url());
        let catalog = Running::insecure(catalog::build(&at).await).await;
        let remote = itsm::apply::Remote::default().reaching("catalog", catalog.channel().await);
        itsm::demo::overlay::add(&remote).await.unwrap();
        let portfolio = PortfolioServiceClient::new(catalog.channel().await);
        let folder = Scratch::new();
        let tokens = folder.join("tokens");
        std::fs::write(&tokens, CALLERS).unwrap();
        let config = config::Server { tokens_file: Some(tokens), insecure: false, ..config::Server::insecure(0) };
        let running = Running::start(operations::build(&at).await, &config).await;
        let client = Client::new(running.channel_of("root-token-00000001").await);
        Self { operations: Operations { database, client }, running, portfolio, _folder: folder }
    }

    async fn client(&self, name: &str) -> Client {
        let token = CALLERS.lines().find(|line| line.starts_with(name)).unwrap();
        Client::new(self.running.channel_of(token.split_whitespace().next().unwrap()).await)
    }

    /// A normal change, opened by opal, assigned to ian, submitted by mia.
    async fn submitted(&self) -> pb::Ticket {
        let (mut opal, mut mia) = (self.client("opal").await, self.client("mia").await);
        let request = pb::CreateTicketRequest { ticket: Some(change(planned())), ..Default::default() };
        let name = opal.create_ticket(request).await.unwrap().into_inner().name;
        let assignment = pb::Assignment { person: "people/ian".to_owned(), ..Default::default() };
        let assign = pb::AssignTicketRequest { name: name.clone(), assignment: Some(assignment), ..Default::default() };
        mia.assign_ticket(assign).await.unwrap();
        mia.transition_ticket(step(&name, "assess")).await.unwrap();
        mia.transition_ticket(step(&name, "submit")).await.unwrap().into_inner()
    }

    async fn pending_for(&self, caller: &str, person: &str) -> Vec<String> {
        let person = if person == "me" { person.to_owned() } else { format!("people/{person}") };
        let request = pb::ListApprovalsRequest { pending_for: person, ..Default::default() };
        let listed = self.client(caller).await.list_approvals(request).await.unwrap().into_inner();
        listed.approvals.into_iter().map(|approval| approval.name).collect()
    }

    async fn decide(&self, caller: &str, request: pb::DecideApprovalRequest) -> Result<pb::Ticket, tonic::Status> {
        Ok(self.client(caller).await.decide_approval(request).await?.into_inner())
    }
}

fn planned() -> pb::ChangeDetails {
    pb::ChangeDetails {
        r#type: pb::ChangeType::Normal.into(),
        risk: "high".to_owned(),
        implementation_plan: "switch over".to_owned(),
        test_plan: "send a mail".to_owned(),
        back_out_plan: "switch back".to_owned(),
        planned_start_time: Some(super::instant("2030-01-05T22:00:00Z")),
        planned_end_time: Some(super::instant("2030-01-05T23:00:00Z")),
        ..Default::default()
    }
}

fn change(details: pb::ChangeDetails) -> pb::Ticket {
    pb::Ticket {
        process: "processes/change".to_owned(),
        title: "new mail servers".to_owned(),
        details: Some(pb::ticket::Details::Change(details)),
        ..Default::default()
    }
}

fn decide(ticket: &str, approval: &str, verdict: pb::ApprovalVerdict) -> pb::DecideApprovalRequest {
    pb::DecideApprovalRequest {
        name: ticket.to_owned(),
        approval: approval.to_owned(),
        verdict: verdict.into(),
        comment: "as discussed".to_owned(),
        ..Default::default()
    }
}

fn approve(ticket: &str, approval: &str) -> pb::DecideApprovalRequest {
    decide(ticket, approval, pb::ApprovalVerdict::Approve)
}

fn schedule(ticket: &str) -> pb::TransitionTicketRequest {
    let fields = pb::TransitionFields { pending_reason: pb::PendingReason::Scheduled.into(), ..Default::default() };
    pb::TransitionTicketRequest { fields: Some(fields), ..step(ticket, "approve") }
}

fn update(name: &str, details: pb::ChangeDetails, paths: &[&str]) -> pb::UpdateTicketRequest {
    let ticket = pb::Ticket { name: name.to_owned(), ..change(details) };
    let paths = paths.iter().map(|&path| path.to_owned()).collect();
    let update_mask = Some(prost_types::FieldMask { paths });
    pb::UpdateTicketRequest { ticket: Some(ticket), update_mask, ..Default::default() }
}

fn states(ticket: &pb::Ticket) -> Vec<(&str, pb::ApprovalState)> {
    ticket.approvals.iter().map(|approval| (approval.approval.as_str(), approval.state())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_normal_change_waits_for_its_approval_and_lapses_when_it_is_planned_anew() {
    use pb::ApprovalState::{Approved, Lapsed, Pending};
    let office = Office::new().await;
    let name = office.submitted().await.name;
    let (mut mia, mut ian) = (office.client("mia").await, office.client("ian").await);
    let refusal = mia.transition_ticket(schedule(&name)).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::FailedPrecondition, "APPROVAL_REQUIRED"));
    assert_eq!(refusal.get_details_error_info().unwrap().metadata["approvals"], "change");
    let next = pb::ListAllowedTransitionsRequest { name: name.clone() };
    let next = mia.list_allowed_transitions(next).await.unwrap().into_inner().allowed_transitions;
    let scheduling = next.iter().find(|allowed| allowed.transition.as_ref().unwrap().id == "approve").unwrap();
    assert_eq!(scheduling.missing_approvals, ["Change approval (change-1) waits for 1 more of change-approver"]);

    let approval = format!("{name}/approvals/change-1");
    assert_eq!(office.pending_for("ann", "ann").await, [approval.clone()]);
    assert_eq!(office.pending_for("ann", "me").await, [approval.clone()]);
    assert_eq!(office.pending_for("dan", "dan").await, [""; 0], "has no such role");
    assert_eq!(office.pending_for("opal", "opal").await, [""; 0], "opened it");
    assert_eq!(office.pending_for("ian", "ian").await, [""; 0], "is to implement it");
    assert_eq!(office.operations.count("awaits_approval = true").await, 1);

    let decided = office.decide("ann", approve(&name, "change-1")).await.unwrap();
    assert_eq!(states(&decided), [("change-1", Approved)]);
    assert_eq!(decided.approvals[0].decisions[0].approver, "people/ann");
    assert_eq!(decided.approvals[0].field_digests["change.risk"].len(), 64);
    assert_eq!(office.pending_for("ann", "ann").await, [""; 0]);
    mia.transition_ticket(schedule(&name)).await.unwrap();

    let riskier = pb::ChangeDetails { risk: "very high".to_owned(), ..planned() };
    let edited = mia.update_ticket(update(&name, riskier, &["change.risk"])).await.unwrap().into_inner();
    assert_eq!(states(&edited), [("change-1", Lapsed), ("change-2", Pending)]);
    assert_eq!(edited.approvals[0].changed_fields, ["change.risk"]);
    let facts = pb::ListFactsRequest { name: name.clone(), page_size: 1000, ..Default::default() };
    let facts = mia.list_facts(facts).await.unwrap().into_inner().facts;
    let kinds: Vec<_> = facts.iter().map(|fact| fact.kind.as_str()).filter(|kind| kind.contains("approval")).collect();
    let (asked, decided, lapsed) =
        ("ticket.approval_requested.v1", "ticket.approval_decided.v1", "ticket.approval_lapsed.v1");
    assert_eq!(kinds, [asked, decided, lapsed, asked]);
    assert_eq!(reason(&ian.transition_ticket(step(&name, "implement")).await.unwrap_err()), "APPROVAL_REQUIRED");
    office.decide("ann", approve(&name, "change-2")).await.unwrap();
    ian.transition_ticket(step(&name, "implement")).await.unwrap();

    let done = pb::ChangeDetails {
        actual_start_time: Some(super::instant("2026-01-05T22:00:00Z")),
        actual_end_time: Some(super::instant("2026-01-05T22:30:00Z")),
        ..planned()
    };
    let times = ["change.actual_start_time", "change.actual_end_time"];
    ian.update_ticket(update(&name, done, &times)).await.unwrap();
    let review = pb::TransitionTicketRequest { transition: "review".to_owned(), ..super::resolve(&name) };
    ian.transition_ticket(review).await.unwrap();
    let refusal = ian.transition_ticket(step(&name, "close")).await.unwrap_err();
    assert_eq!(
        (reason(&refusal).as_str(), violations(&refusal)),
        ("FIELD_REQUIRED", vec!["fields.change.outcome".to_owned()])
    );
    let outcome = pb::ChangeDetails { outcome: pb::ChangeOutcome::WithIssues.into(), ..planned() };
    ian.update_ticket(update(&name, outcome, &["change.outcome"])).await.unwrap();
    let closed = ian.transition_ticket(step(&name, "close")).await.unwrap().into_inner();
    assert_eq!(closed.state_category(), catalog_pb::StateCategory::Closed);
    assert_eq!(office.operations.count("change.type = NORMAL AND change.outcome = \"WITH_ISSUES\"").await, 1);
    super::replay_agrees(&office.operations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_decides_on_what_is_their_own_and_only_those_who_are_asked() {
    let office = Office::new().await;
    let name = office.submitted().await.name;
    for (caller, code, expected) in [
        ("opal", Code::PermissionDenied, "FOUR_EYES_REQUIRED"),
        ("ian", Code::PermissionDenied, "FOUR_EYES_REQUIRED"),
        ("mia", Code::PermissionDenied, "PERMISSION_DENIED"),
        ("dan", Code::PermissionDenied, "NOT_AN_APPROVER"),
    ] {
        let refusal = office.decide(caller, approve(&name, "change-1")).await.unwrap_err();
        assert_eq!((refusal.code(), reason(&refusal).as_str()), (code, expected), "{caller}");
    }
    let eve = office.decide("eve", approve(&name, "change-1")).await.unwrap_err();
    assert_eq!(eve.code(), Code::NotFound);
    let unknown = office.decide("ann", approve(&name, "change-9")).await.unwrap_err();
    assert_eq!(unknown.get_details_error_info().unwrap().metadata["approvals"], "change-1");
    let nothing = pb::DecideApprovalRequest { name: name.clone(), ..Default::default() };
    let nothing = office.decide("ann", nothing).await.unwrap_err();
    assert_eq!(violations(&nothing), ["verdict", "approval"]);
    let silent =
        pb::DecideApprovalRequest { comment: String::new(), ..decide(&name, "change-1", pb::ApprovalVerdict::Reject) };
    assert_eq!(violations(&office.decide("ann", silent).await.unwrap_err()), ["comment"]);
    let rejected = office.decide("ann", decide(&name, "change-1", pb::ApprovalVerdict::Reject)).await.unwrap();
    assert_eq!((rejected.state.as_str(), rejected.cancel_reason.as_str()), ("rejected", "as discussed"));
    let late = office.decide("ann", approve(&name, "change-1")).await.unwrap_err();
    assert_eq!(reason(&late), "APPROVAL_NOT_PENDING");
    super::replay_agrees(&office.operations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_passed_on_and_shows_whose_it_is() {
    let office = Office::new().await;
    let name = office.submitted().await.name;
    let delegate = |to: &str| pb::DelegateApprovalRequest {
        name: name.clone(),
        approval: "change-1".to_owned(),
        delegate: to.to_owned(),
        ..Default::default()
    };
    let mut ann = office.client("ann").await;
    let own = ann.delegate_approval(delegate("people/opal")).await.unwrap_err();
    assert_eq!((own.code(), reason(&own).as_str()), (Code::FailedPrecondition, "DELEGATION_NOT_PERMITTED"));
    assert_eq!(violations(&ann.delegate_approval(delegate("dan")).await.unwrap_err()), ["delegate"]);
    assert_eq!(office.pending_for("dan", "dan").await, [""; 0]);
    ann.delegate_approval(delegate("people/dan")).await.unwrap();
    assert_eq!(office.pending_for("dan", "dan").await.len(), 1);
    let decided = office.decide("dan", approve(&name, "change-1")).await.unwrap();
    let decision = &decided.approvals[0].decisions[0];
    assert_eq!((decision.approver.as_str(), decision.delegate.as_str()), ("people/ann", "people/dan"));
    super::replay_agrees(&office.operations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_decides_for_another_for_a_while_and_no_longer() {
    let office = Office::new().await;
    let name = office.submitted().await.name;
    let (mut ann, mut dan) = (office.client("ann").await, office.client("dan").await);
    let lend = |to: &str, end: &str| pb::DelegateApprovalsRequest {
        delegate: to.to_owned(),
        end_time: Some(super::instant(end)),
        comment: "on leave".to_owned(),
        ..Default::default()
    };
    let mut fields = Vec::new();
    for request in [
        pb::DelegateApprovalsRequest::default(),
        lend("people/ann", "2199-01-01T00:00:00Z"),
        lend("people/dan", "2020-01-01T00:00:00Z"),
    ] {
        fields.extend(violations(&ann.delegate_approvals(request).await.unwrap_err()));
    }
    assert_eq!(fields, ["delegate", "end_time", "delegate", "end_time"]);
    let request_id = "0198a000-0000-7000-8000-000000000001".to_owned();
    let request = pb::DelegateApprovalsRequest { request_id, ..lend("people/dan", "2199-01-01T00:00:00Z") };
    let lent = ann.delegate_approvals(request.clone()).await.unwrap().into_inner();
    assert_eq!(ann.delegate_approvals(request).await.unwrap().into_inner(), lent, "repeated");
    assert_eq!((lent.delegator.as_str(), lent.roles.contains(&"change-approver".to_owned())), ("people/ann", true));
    assert_eq!(office.pending_for("dan", "dan").await, [format!("{name}/approvals/change-1")]);
    // Dan passes it on for a while as well: ben decides in ann's place.
    dan.delegate_approvals(lend("people/ben", "2199-01-01T00:00:00Z")).await.unwrap();
    assert_eq!(office.pending_for("ben", "ben").await.len(), 1);
    let decided = office.decide("ben", approve(&name, "change-1")).await.unwrap();
    let decision = &decided.approvals[0].decisions[0];
    assert_eq!((decision.approver.as_str(), decision.delegate.as_str()), ("people/ann", "people/ben"));

    let other = office.submitted().await.name;
    let revoke = pb::RevokeApprovalDelegationRequest { name: lent.name.clone(), ..Default::default() };
    assert_eq!(dan.revoke_approval_delegation(revoke.clone()).await.unwrap_err().code(), Code::NotFound);
    assert!(ann.revoke_approval_delegation(revoke.clone()).await.unwrap().into_inner().revoke_time.is_some());
    assert_eq!(reason(&ann.revoke_approval_delegation(revoke).await.unwrap_err()), "DELEGATION_REVOKED");
    for caller in ["dan", "ben"] {
        assert_eq!(reason(&office.decide(caller, approve(&other, "change-1")).await.unwrap_err()), "NOT_AN_APPROVER");
    }
    let list = pb::ListApprovalDelegationsRequest { filter: "delegator = me".to_owned(), ..Default::default() };
    let listed = ann.list_approval_delegations(list).await.unwrap().into_inner().approval_delegations;
    assert_eq!(listed.into_iter().map(|listed| listed.name).collect::<Vec<_>>(), [lent.name]);
    let facts = "SELECT count(*) FROM journal WHERE kind IN \
                 ('approval_delegation.created.v1', 'approval_delegation.revoked.v1')";
    assert_eq!(office.operations.number(facts).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_is_approved_afterwards_and_a_standard_change_beforehand() {
    let office = Office::new().await;
    let mut root = office.client("root").await;
    let mut mia = office.client("mia").await;
    let emergency = pb::ChangeDetails {
        r#type: pb::ChangeType::Emergency.into(),
        actual_start_time: Some(super::instant("2026-01-05T22:00:00Z")),
        actual_end_time: Some(super::instant("2026-01-05T22:30:00Z")),
        outcome: pb::ChangeOutcome::Successful.into(),
        ..planned()
    };
    let request = pb::CreateTicketRequest { ticket: Some(change(emergency)), ..Default::default() };
    let name = root.create_ticket(request).await.unwrap().into_inner().name;
    mia.transition_ticket(step(&name, "implement_authorised")).await.unwrap();
    let review = pb::TransitionTicketRequest { transition: "review".to_owned(), ..super::resolve(&name) };
    mia.transition_ticket(review).await.unwrap();
    let refusal = mia.transition_ticket(step(&name, "close")).await.unwrap_err();
    assert_eq!(refusal.get_details_error_info().unwrap().metadata["approvals"], "retrospective");
    office.decide("ann", approve(&name, "retrospective-1")).await.unwrap();
    mia.transition_ticket(step(&name, "close")).await.unwrap();

    let standard = |template: &str, risk: &str| {
        let details = pb::ChangeDetails {
            r#type: pb::ChangeType::Standard.into(),
            template: template.to_owned(),
            risk: risk.to_owned(),
            ..Default::default()
        };
        pb::CreateTicketRequest { ticket: Some(change(details)), ..Default::default() }
    };
    let unknown = root.create_ticket(standard("none", "")).await.unwrap_err();
    assert_eq!(violations(&unknown), ["ticket.change.template"]);
    let altered = root.create_ticket(standard("routine_patch", "high")).await.unwrap_err();
    assert_eq!(violations(&altered), ["ticket.change.risk"]);
    let opened = root.create_ticket(standard("routine_patch", "")).await.unwrap().into_inner();
    let Some(pb::ticket::Details::Change(details)) = &opened.details else { panic!("{opened:?}") };
    assert!(details.risk == "low" && !details.back_out_plan.is_empty());
    let moved = mia.transition_ticket(step(&opened.name, "implement_authorised")).await.unwrap().into_inner();
    assert_eq!((moved.state.as_str(), moved.approvals), ("implementing", Vec::new()));
    super::replay_agrees(&office.operations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_approved_by_whom_its_offering_names() {
    let office = Office::new().await;
    let policy = ApprovalPolicy { groups: vec!["groups/cab".to_owned()], quorum: 1, ..Default::default() };
    let offering =
        catalog_pb::Offering { display_name: "Laptop".to_owned(), approval_policy: Some(policy), ..Default::default() };
    let service = catalog_pb::Service {
        display_name: "Workplace".to_owned(),
        criticality: catalog_pb::Criticality::Low.into(),
        ..Default::default()
    };
    let mut portfolio = office.portfolio.clone();
    let create = catalog_pb::CreateServiceRequest {
        service_id: "office-work".to_owned(),
        service: Some(service),
        ..Default::default()
    };
    portfolio.create_service(create).await.unwrap();
    let create = |offering: catalog_pb::Offering| catalog_pb::CreateOfferingRequest {
        parent: "services/office-work".to_owned(),
        offering_id: "laptop".to_owned(),
        offering: Some(offering),
        ..Default::default()
    };
    let empty = catalog_pb::Offering { approval_policy: Some(ApprovalPolicy::default()), ..offering.clone() };
    let refusal = portfolio.create_offering(create(empty)).await.unwrap_err();
    assert_eq!(violations(&refusal), ["offering.approval_policy"]);
    portfolio.create_offering(create(offering)).await.unwrap();

    let ticket = pb::Ticket {
        process: "processes/service-request".to_owned(),
        title: "a laptop, please".to_owned(),
        offering: "services/office-work/offerings/laptop".to_owned(),
        ..Default::default()
    };
    let mut eve = office.client("eve").await;
    let request = pb::CreateTicketRequest { ticket: Some(ticket), ..Default::default() };
    let opened = eve.create_ticket(request).await.unwrap().into_inner();
    assert_eq!(states(&opened), [("request-1", pb::ApprovalState::Pending)]);
    let mut mia = office.client("mia").await;
    assert_eq!(reason(&mia.transition_ticket(step(&opened.name, "start")).await.unwrap_err()), "APPROVAL_REQUIRED");
    assert_eq!(
        reason(&office.decide("eve", approve(&opened.name, "request-1")).await.unwrap_err()),
        "FOUR_EYES_REQUIRED"
    );
    assert_eq!(reason(&office.decide("ann", approve(&opened.name, "request-1")).await.unwrap_err()), "NOT_AN_APPROVER");
    office.decide("ben", approve(&opened.name, "request-1")).await.unwrap();
    mia.transition_ticket(step(&opened.name, "start")).await.unwrap();
    super::replay_agrees(&office.operations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_are_listed_page_by_page_and_by_filter() {
    let office = Office::new().await;
    let mut names = Vec::new();
    for _ in 0..5 {
        names.push(format!("{}/approvals/change-1", office.submitted().await.name));
    }
    let mut ann = office.client("ann").await;
    for page_size in [1, 2, 7, 50] {
        let (mut found, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListApprovalsRequest {
                page_size,
                page_token,
                pending_for: "people/ann".to_owned(),
                ..Default::default()
            };
            let page = ann.list_approvals(request).await.unwrap().into_inner();
            found.extend(page.approvals.into_iter().map(|approval| approval.name));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(found, names, "pages of {page_size}");
    }
    let first = pb::ListApprovalsRequest { page_size: 1, ..Default::default() };
    let page_token = ann.list_approvals(first).await.unwrap().into_inner().next_page_token;
    let other = pb::ListApprovalsRequest { page_token, pending_for: "people/ann".to_owned(), ..Default::default() };
    assert_eq!(reason(&ann.list_approvals(other).await.unwrap_err()), "PAGE_TOKEN_INVALID");
    let ticket = names[2].split("/approvals/").next().unwrap();
    office.decide("ann", approve(ticket, "change-1")).await.unwrap();
    let listed = |filter: String| {
        let mut ann = ann.clone();
        async move {
            let request = pb::ListApprovalsRequest { filter, ..Default::default() };
            ann.list_approvals(request).await.unwrap().into_inner().approvals.len()
        }
    };
    assert_eq!(listed(format!("ticket = \"{ticket}\"")).await, 1);
    assert_eq!((listed("state = PENDING".to_owned()).await, listed("rule = \"change\"".to_owned()).await), (4, 5));
    assert_eq!(office.pending_for("root", "ann").await, [""; 0], "roles are known of the caller alone");
}
