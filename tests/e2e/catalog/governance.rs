//! Objectives, roles, who holds them, and who answers for what.

use proto::common::v1 as common;

use super::*;

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn objective(parent: &str) -> pb::BusinessObjective {
    pb::BusinessObjective {
        display_name: "Less downtime".to_owned(),
        measure: "hours lost in a year".to_owned(),
        target: Some(common::Decimal { value: "40.5".to_owned() }),
        target_date: Some(common::Date { year: 2027, month: 12, day: 31 }),
        parent: parent.to_owned(),
        ..Default::default()
    }
}

impl Catalog {
    async fn objective(&self, id: &str, parent: &str) -> Result<pb::BusinessObjective, Status> {
        let request = pb::CreateObjectiveRequest {
            objective_id: id.to_owned(),
            objective: Some(objective(parent)),
            ..Default::default()
        };
        Ok(self.portfolio().create_objective(ann(request)).await?.into_inner())
    }

    async fn role(&self, id: &str) {
        let role = pb::Role { display_name: id.to_uppercase(), ..Default::default() };
        let request = pb::CreateRoleRequest { role_id: id.to_owned(), role: Some(role), ..Default::default() };
        self.governance().create_role(ann(request)).await.unwrap();
    }

    async fn assign(&self, id: &str, assignment: pb::RoleAssignment) -> Result<pb::RoleAssignment, Status> {
        let request = pb::CreateRoleAssignmentRequest {
            role_assignment_id: id.to_owned(),
            role_assignment: Some(assignment),
            ..Default::default()
        };
        Ok(self.governance().create_role_assignment(ann(request)).await?.into_inner())
    }

    async fn answer_for(&self, id: &str, row: pb::Responsibility) -> Result<pb::Responsibility, Status> {
        let request = pb::CreateResponsibilityRequest {
            responsibility_id: id.to_owned(),
            responsibility: Some(row),
            ..Default::default()
        };
        Ok(self.governance().create_responsibility(ann(request)).await?.into_inner())
    }

    /// What is found in the change process, without roles that nobody holds.
    async fn gaps(&self, service: &str) -> Vec<pb::ResponsibilityFinding> {
        let request = pb::CheckResponsibilitiesRequest {
            process: "processes/change".to_owned(),
            service: service.to_owned(),
            as_of_date: Some(common::Date { year: 2026, month: 3, day: 2 }),
        };
        let found = self.governance().check_responsibilities(by(READER, request)).await.unwrap().into_inner();
        found.findings.into_iter().filter(|gap| gap.reason != "ROLE_VACANT").collect()
    }
}

fn held(role: &str, member: &str) -> pb::RoleAssignment {
    pb::RoleAssignment { role: role.to_owned(), member: member.to_owned(), ..Default::default() }
}

fn row(activity: &str, responsible: &[&str], accountable: &[&str]) -> pb::Responsibility {
    pb::Responsibility {
        process: "processes/change".to_owned(),
        activity: activity.to_owned(),
        responsible: texts(responsible),
        accountable: texts(accountable),
        ..Default::default()
    }
}

fn told(gaps: &[pb::ResponsibilityFinding]) -> Vec<(&str, &str)> {
    gaps.iter().map(|gap| (gap.reason.as_str(), gap.resource.as_str())).collect()
}

#[tokio::test]
async fn objectives_are_a_tree_that_holds_what_hangs_on_it() {
    let catalog = Catalog::new().await;
    let missing = catalog.objective("downtime", "objectives/resilience").await.unwrap_err();
    assert_eq!(fields(&missing), ["objective.parent"]);
    catalog.objective("resilience", "").await.unwrap();
    let created = catalog.objective("downtime", "objectives/resilience").await.unwrap();
    let wanted = pb::BusinessObjective { parent: created.parent.clone(), ..objective("") };
    assert_eq!((created.target, created.target_date), (wanted.target, wanted.target_date));

    let mut portfolio = catalog.portfolio();
    for parent in ["objectives/downtime", "objectives/resilience"] {
        let objective = pb::BusinessObjective {
            name: "objectives/resilience".to_owned(),
            parent: parent.to_owned(),
            ..Default::default()
        };
        let request = pb::UpdateObjectiveRequest { objective: Some(objective), ..Default::default() };
        let circle = portfolio.update_objective(ann(request)).await.unwrap_err();
        assert_eq!((circle.code(), fields(&circle)), (Code::InvalidArgument, texts(&["objective.parent"])), "{parent}");
    }

    let serving = pb::Service { objectives: texts(&["objectives/downtime", "objectives/none"]), ..service("E-mail") };
    let request = |service| {
        ann(pb::CreateServiceRequest { service_id: "email".to_owned(), service: Some(service), ..Default::default() })
    };
    let strange = portfolio.create_service(request(serving)).await.unwrap_err();
    assert_eq!(fields(&strange), ["service.objectives[1]"]);
    let serving = pb::Service { objectives: texts(&["objectives/downtime"]), ..service("E-mail") };
    portfolio.create_service(request(serving)).await.unwrap();

    let delete = |name: &str| ann(pb::DeleteObjectiveRequest { name: name.to_owned(), ..Default::default() });
    for (objective, user) in
        [("objectives/resilience", "objectives/downtime"), ("objectives/downtime", "services/email")]
    {
        let used = portfolio.delete_objective(delete(objective)).await.unwrap_err();
        assert_eq!((used.code(), reason(&used).as_str()), (Code::FailedPrecondition, "REFERENCE_INVALID"));
        assert!(used.message().contains(user), "{}", used.message());
    }
    let list =
        pb::ListServicesRequest { filter: "objectives:\"objectives/downtime\"".to_owned(), ..Default::default() };
    assert_eq!(portfolio.list_services(ann(list)).await.unwrap().get_ref().services.len(), 1);
    let free = pb::Service { name: "services/email".to_owned(), ..service("E-mail") };
    let request = pb::UpdateServiceRequest {
        service: Some(free),
        update_mask: Some(mask(&["objectives"])),
        ..Default::default()
    };
    portfolio.update_service(ann(request)).await.unwrap();
    portfolio.delete_objective(delete("objectives/downtime")).await.unwrap();
    portfolio.delete_objective(delete("objectives/resilience")).await.unwrap();
}

#[tokio::test]
async fn who_holds_a_role_is_kept_like_every_resource() {
    let catalog = Catalog::new().await;
    let mut governance = catalog.governance();
    let strange = pb::RoleAssignment {
        service: "services/none".to_owned(),
        customer: "customers/none".to_owned(),
        ..held("roles/none", "people/ann")
    };
    let refused = catalog.assign("a", strange).await.unwrap_err();
    assert_eq!(fields(&refused), ["role_assignment.role", "role_assignment.service", "role_assignment.customer"]);

    let request = pb::CreateRoleAssignmentRequest {
        role_assignment_id: "a".to_owned(),
        role_assignment: Some(held("roles/change-manager", "people/ann")),
        request_id: "0190b5a2-6a5c-7b1e-8f7f-2b6e5b1c0a12".to_owned(),
        validate_only: true,
    };
    let before = catalog.facts().await;
    governance.create_role_assignment(ann(request.clone())).await.unwrap();
    assert_eq!(catalog.facts().await, before);
    let request = pb::CreateRoleAssignmentRequest { validate_only: false, ..request };
    let first = governance.create_role_assignment(ann(request.clone())).await.unwrap().into_inner();
    assert_eq!(governance.create_role_assignment(ann(request)).await.unwrap().into_inner(), first);
    assert_eq!(catalog.facts().await, before + 1);

    let ended = pb::RoleAssignment {
        end_date: Some(common::Date { year: 2026, month: 6, day: 30 }),
        etag: "\"9\"".to_owned(),
        ..first.clone()
    };
    let update =
        |assignment| pb::UpdateRoleAssignmentRequest { role_assignment: Some(assignment), ..Default::default() };
    let stale = governance.update_role_assignment(ann(update(ended.clone()))).await.unwrap_err();
    assert_eq!(reason(&stale), "ETAG_MISMATCH");
    let ended = pb::RoleAssignment { etag: first.etag, ..ended };
    governance.update_role_assignment(ann(update(ended))).await.unwrap();

    for (id, member) in [("b", "groups/network"), ("c", "people/bob"), ("d", "people/cid")] {
        catalog.assign(id, held("roles/change-approver", member)).await.unwrap();
    }
    let mut walked = Vec::new();
    let mut page_token = String::new();
    loop {
        let list = pb::ListRoleAssignmentsRequest {
            page_size: 2,
            page_token,
            filter: "role = \"roles/change-approver\" OR end_date <= \"2026-06-30\"".to_owned(),
            order_by: "member desc".to_owned(),
            ..Default::default()
        };
        let page = governance.list_role_assignments(by(READER, list)).await.unwrap().into_inner();
        assert!(page.role_assignments.len() <= 2);
        walked.extend(page.role_assignments.into_iter().map(|one| one.member));
        if page.next_page_token.is_empty() {
            break;
        }
        page_token = page.next_page_token;
    }
    assert_eq!(walked, ["people/cid", "people/bob", "people/ann", "groups/network"]);

    let delete = pb::DeleteRoleRequest { name: "roles/change-manager".to_owned(), ..Default::default() };
    let used = governance.delete_role(ann(delete)).await.unwrap_err();
    assert_eq!(reason(&used), "REFERENCE_INVALID");
    let refused = governance.create_role(by(READER, pb::CreateRoleRequest::default())).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let list = pb::ListRolesRequest::default();
    assert!(governance.list_roles(by(ACME, list)).await.unwrap().get_ref().roles.is_empty(), "customers see none");
}

#[tokio::test]
async fn a_row_names_roles_and_an_activity_that_there_are() {
    let catalog = Catalog::new().await;
    let refused = catalog.answer_for("a", row("assess", &["roles/none"], &["roles/change-manager"])).await.unwrap_err();
    assert_eq!(fields(&refused), ["responsibility.responsible[0]"]);
    let refused = catalog.answer_for("a", row("dream", &[], &["roles/change-manager"])).await.unwrap_err();
    assert_eq!(fields(&refused), ["responsibility.activity"]);
    assert!(refused.message().contains("assess"), "{}", refused.message());
    catalog.answer_for("a", row("assess", &[], &["roles/change-manager"])).await.unwrap();
    let delete = pb::DeleteProcessRequest { name: "processes/change".to_owned(), ..Default::default() };
    assert_eq!(reason(&catalog.governance().delete_process(ann(delete)).await.unwrap_err()), "REFERENCE_INVALID");
}

#[tokio::test]
async fn an_activity_with_two_accountables_or_none_or_nobody_to_do_it_is_found_and_named() {
    let catalog = Catalog::new().await;
    assert_eq!(told(&catalog.gaps("").await), [], "what ships is sound");
    let [manager, implementer] = ["roles/change-manager", "roles/change-implementer"];
    let two = row("assess", &[implementer], &[manager, "roles/change-process-owner"]);
    catalog.answer_for("two", two).await.unwrap();
    catalog.answer_for("none", row("implement", &[implementer], &[])).await.unwrap();
    catalog.answer_for("idle", row("review", &[], &[manager])).await.unwrap();
    let gaps = catalog.gaps("").await;
    assert_eq!(
        told(&gaps),
        [
            ("ACCOUNTABLE_SEVERAL", "responsibilities/two"),
            ("ACCOUNTABLE_MISSING", "responsibilities/none"),
            ("RESPONSIBLE_MISSING", "responsibilities/idle"),
            ("GUARD_OUTSIDE_RACI", "responsibilities/none"),
        ]
    );
    assert_eq!(gaps[0].roles, [manager, "roles/change-process-owner"]);
    assert_eq!((gaps[0].process.as_str(), gaps[0].activity.as_str()), ("processes/change", "assess"));
    assert_eq!(
        gaps[0].message,
        "roles/change-manager and roles/change-process-owner are all accountable for assess of processes/change: \
         keep one"
    );

    catalog.service("email", service("E-mail")).await;
    let own = pb::Responsibility { service: "services/email".to_owned(), ..row("assess", &[implementer], &[manager]) };
    catalog.answer_for("own", own).await.unwrap();
    let of_email = catalog.gaps("services/email").await;
    assert!(of_email.iter().all(|gap| gap.activity != "assess"), "the service's own row is sound: {of_email:?}");
    assert_eq!(catalog.gaps("").await.len(), 4);

    for name in ["responsibilities/change-register", "responsibilities/none"] {
        let delete = pb::DeleteResponsibilityRequest { name: name.to_owned(), ..Default::default() };
        catalog.governance().delete_responsibility(ann(delete)).await.unwrap();
    }
    let gaps = catalog.gaps("").await;
    assert!(told(&gaps).contains(&("ACTIVITY_UNASSIGNED", "processes/change")), "{gaps:?}");
    assert!(gaps.iter().all(|gap| gap.reason != "ACCOUNTABLE_MISSING"), "what is proposed counts again");
}

#[tokio::test]
async fn a_role_without_anybody_or_without_any_use_is_found_and_named() {
    let catalog = Catalog::new().await;
    catalog.role("wizard").await;
    let check = |process: &str, day: i32| {
        let as_of_date = Some(common::Date { year: 2026, month: 3, day });
        by(READER, pb::CheckResponsibilitiesRequest { process: process.to_owned(), as_of_date, ..Default::default() })
    };
    let mut governance = catalog.governance();
    let roles_found = async |governance: &mut GovernanceServiceClient<Channel>, process: &str, day: i32, why: &str| {
        let found = governance.check_responsibilities(check(process, day)).await.unwrap().into_inner().findings;
        found.into_iter().filter(|gap| gap.reason == why).map(|gap| gap.resource).collect::<Vec<_>>()
    };
    assert_eq!(roles_found(&mut governance, "", 1, "ROLE_UNUSED").await, ["roles/wizard"]);
    let vacant = roles_found(&mut governance, "processes/change", 1, "ROLE_VACANT").await;
    assert!(vacant.contains(&"roles/change-approver".to_owned()), "{vacant:?}");

    let term = pb::RoleAssignment {
        start_date: Some(common::Date { year: 2026, month: 3, day: 5 }),
        end_date: Some(common::Date { year: 2026, month: 3, day: 9 }),
        ..held("roles/change-approver", "people/ann")
    };
    catalog.assign("approver", term).await.unwrap();
    for (day, is_vacant) in [(4, true), (5, false), (9, false), (10, true)] {
        let vacant = roles_found(&mut governance, "processes/change", day, "ROLE_VACANT").await;
        assert_eq!(vacant.contains(&"roles/change-approver".to_owned()), is_vacant, "on {day}");
    }

    let mut change = governance
        .get_process(ann(pb::GetProcessRequest { name: "processes/change".to_owned() }))
        .await
        .unwrap()
        .into_inner();
    change.transitions[0].required_role = "sorcerer".to_owned();
    let request = pb::UpdateProcessRequest { process: Some(change), ..Default::default() };
    governance.update_process(ann(request)).await.unwrap();
    let publish = pb::PublishProcessRequest { name: "processes/change".to_owned(), ..Default::default() };
    governance.publish_process(ann(publish)).await.unwrap();
    let request = pb::CheckResponsibilitiesRequest { process: "processes/change".to_owned(), ..Default::default() };
    let found = governance.check_responsibilities(ann(request)).await.unwrap().into_inner().findings;
    let unknown: Vec<_> = found.iter().filter(|gap| gap.reason == "ROLE_UNKNOWN").collect();
    assert_eq!(unknown.len(), 1);
    assert_eq!(unknown[0].roles, ["roles/sorcerer"]);

    let strange = by(READER, pb::CheckResponsibilitiesRequest { service: "x".to_owned(), ..Default::default() });
    assert_eq!(fields(&governance.check_responsibilities(strange).await.unwrap_err()), ["service"]);
    let missing = check("processes/none", 1);
    assert_eq!(governance.check_responsibilities(missing).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn who_could_approve_their_own_work_is_found_and_named() {
    let catalog = Catalog::new().await;
    catalog.assign("does", held("roles/change-implementer", "people/ann")).await.unwrap();
    catalog.assign("other", held("roles/change-approver", "people/bob")).await.unwrap();
    assert_eq!(told(&catalog.gaps("").await), []);
    catalog.assign("approves", held("roles/change-approver", "people/ann")).await.unwrap();
    let gaps = catalog.gaps("").await;
    assert_eq!(told(&gaps), [("SELF_APPROVAL", "roleAssignments/approves"); 2], "of what is planned and what is done");
    assert!(gaps.iter().all(|gap| gap.member == "people/ann" && gap.activity == "authorise"));
    assert_eq!(gaps[0].roles, ["roles/change-approver", "roles/change-implementer"]);
    assert_eq!(
        gaps[0].message,
        "people/ann holds roles/change-implementer, which does assess of processes/change, and \
         roles/change-approver, which approves it by authorise: nobody approves their own work: give one of the roles \
         to somebody else"
    );
}

#[tokio::test]
async fn what_ships_is_proposed_and_reports_and_operations_read_it() {
    let catalog = Catalog::new().await;
    let rows =
        catalog.number("SELECT count(*) FROM published_responsibilities_v1 WHERE (definition ->> 'proposed')::boolean");
    let shipped = domain::governance::shipped();
    assert_eq!(usize::try_from(rows.await).unwrap(), shipped.responsibilities.len());
    assert_eq!(catalog.number("SELECT count(*) FROM published_role_assignments_v1").await, 0);
    catalog.assign("one", held("roles/change-approver", "people/ann")).await.unwrap();
    catalog.objective("resilience", "").await.unwrap();
    while catalog.number("SELECT pending FROM report_v1_horizon").await > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for (view, count) in [
        ("objectives", 1),
        ("roles", shipped.roles.len()),
        ("role_assignments", 1),
        ("responsibilities", shipped.responsibilities.len()),
    ] {
        let query = format!("SELECT * FROM catalog.report_v1_{view} WHERE recorded_to IS NULL");
        assert_eq!(super::publishing::read_as(&catalog, "reporting", &query).await, Ok(count), "{view}");
    }
}

#[tokio::test]
async fn an_older_database_gets_a_new_revision_of_what_ships_and_keeps_what_people_wrote() {
    let catalog = Catalog::new().await;
    let mut governance = catalog.governance();
    let mine = pb::Process { name: "processes/problem".to_owned(), auto_close_days: 9, ..Default::default() };
    let request = pb::UpdateProcessRequest { process: Some(mine), ..Default::default() };
    governance.update_process(ann(request)).await.unwrap();
    // As an earlier version of the program left it.
    let owner = catalog.database.connect().await;
    let earlier = "SET body = body - 'activities' - 'owner_role' - 'inputs' - 'outputs' - 'measures' WHERE true";
    for table in ["process", "process_revision"] {
        owner.batch_execute(&format!("UPDATE catalog.{table} {earlier}")).await.unwrap();
    }
    let first = owner
        .query_one("SELECT body::text FROM catalog.process_revision WHERE name = 'processes/incident'", &[])
        .await
        .unwrap();
    catalog.start_again().await;
    catalog.start_again().await;
    let revisions = "SELECT name, revision, effective_from > '2000-01-01', body ? 'activities' \
                     FROM catalog.process_revision ORDER BY name, revision";
    let found: Vec<(String, i32, bool, bool)> = owner
        .query(revisions, &[])
        .await
        .unwrap()
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3)))
        .collect();
    let of = |name: &str| found.iter().filter(|one| one.0 == name).map(|one| (one.1, one.2, one.3)).collect::<Vec<_>>();
    assert_eq!(of("processes/incident"), [(1, false, false), (2, true, true)]);
    assert_eq!(of("processes/problem"), [(1, false, false)], "people have taken it over");
    let again = owner
        .query_one(
            "SELECT body::text FROM catalog.process_revision WHERE name = 'processes/incident' AND revision = 1",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(first.get::<_, String>(0), again.get::<_, String>(0));

    let request = pb::CompareProcessRevisionsRequest {
        name: "processes/incident".to_owned(),
        base_revision: 1,
        compared_revision: 2,
    };
    let told = governance.compare_process_revisions(ann(request)).await.unwrap().into_inner().differences;
    let of = |path: &str| told.iter().find(|one| one.path == path).map(|one| one.sentence.as_str()).unwrap_or_default();
    assert_eq!(of("activities[resolve]"), "resolve is new: an activity called Resolve and recover, with resolve");
    assert_eq!(of("owner_role"), "role that answers for the process nothing becomes roles/incident-process-owner");
    assert!(of("measures[sla.attainment]").contains("0.95 ratio"), "{told:?}");
}

#[tokio::test]
async fn a_check_of_a_process_finds_dead_ends_and_references_to_nothing() {
    let catalog = Catalog::new().await;
    let mut governance = catalog.governance();
    let get = pb::GetProcessRequest { name: "processes/incident".to_owned() };
    let mut incident = governance.get_process(ann(get)).await.unwrap().into_inner();
    let state = |id: &str| pb::ProcessState {
        id: id.to_owned(),
        display_name: id.to_owned(),
        category: pb::StateCategory::Active.into(),
    };
    incident.states.extend([state("limbo"), state("island")]);
    incident.transitions.push(pb::ProcessTransition {
        id: "lose".to_owned(),
        display_name: "Lose".to_owned(),
        source_states: texts(&["new"]),
        target_state: "limbo".to_owned(),
        ..Default::default()
    });
    incident.activities[0].transitions.push("fly".to_owned());
    incident.activities[1].approves.push("dream".to_owned());
    let request = pb::UpdateProcessRequest { process: Some(incident), ..Default::default() };
    governance.update_process(ann(request)).await.unwrap();
    let check = pb::CheckProcessRequest { name: "processes/incident".to_owned() };
    let found = governance.check_process(by(READER, check)).await.unwrap().into_inner().findings;
    let found: Vec<_> = found.iter().map(|one| (one.reason.as_str(), one.field.as_str())).collect();
    assert_eq!(
        found,
        [
            ("DEAD_END", "states[6]"),
            ("STATE_UNREACHABLE", "states[7]"),
            ("DEAD_END", "states[7]"),
            ("TRANSITION_UNKNOWN", "activities[0].transitions[1]"),
            ("ACTIVITY_UNKNOWN", "activities[1].approves[0]"),
            ("TRANSITION_UNCLAIMED", "transitions[7]"),
        ]
    );
    let publish = pb::PublishProcessRequest { name: "processes/incident".to_owned(), ..Default::default() };
    assert_eq!(reason(&governance.publish_process(ann(publish)).await.unwrap_err()), "DEFINITION_INVALID");
}
