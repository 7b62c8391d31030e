//! Major incidents: declared, kept up to date, stood down, found again.

use testkit::reason;
use tonic::Code;

use super::{Operations, incident, instant, pb, violations};

fn major(ticket: &pb::Ticket) -> pb::MajorIncident {
    let Some(pb::ticket::Details::Incident(details)) = &ticket.details else { panic!("{ticket:?}") };
    details.major.clone().unwrap()
}

fn declare(name: &str) -> pb::DeclareMajorIncidentRequest {
    pb::DeclareMajorIncidentRequest {
        name: name.to_owned(),
        commander: "people/fay".to_owned(),
        update_cadence: Some(prost_types::Duration { seconds: 1_800, nanos: 0 }),
        users_affected: 1_200,
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_major_incident_is_declared_updated_and_stood_down_as_facts() {
    let operations = Operations::new().await;
    let mut client = operations.client();
    let name = operations.open(incident("no mail anywhere")).await.unwrap().name;
    operations.open(incident("a mouse is broken")).await.unwrap();
    let declared = client.declare_major_incident(declare(&name)).await.unwrap().into_inner();
    assert_eq!((major(&declared).commander.as_str(), major(&declared).users_affected), ("people/fay", 1_200));
    let again = client.declare_major_incident(declare(&name)).await.unwrap_err();
    assert_eq!((again.code(), reason(&again).as_str()), (Code::FailedPrecondition, "MAJOR_ALREADY_DECLARED"));

    let update = pb::UpdateMajorIncidentRequest {
        name: name.clone(),
        commander: Some(String::new()),
        users_affected: Some(1_500),
        ..Default::default()
    };
    let updated = client.update_major_incident(update.clone()).await.unwrap().into_inner();
    assert_eq!((major(&updated).commander.as_str(), major(&updated).users_affected), ("", 1_500));
    assert_eq!(major(&updated).update_cadence, major(&declared).update_cadence, "what is not set stays");
    assert_eq!(client.update_major_incident(update).await.unwrap().into_inner().etag, updated.etag, "nothing new");
    let early = pb::UpdateMajorIncidentRequest {
        name: name.clone(),
        review_due_time: Some(instant("2199-01-01T00:00:00Z")),
        ..Default::default()
    };
    assert_eq!(violations(&client.update_major_incident(early).await.unwrap_err()), ["review_due_time"]);
    assert_eq!(operations.count("major = true AND NOT incident.major.stand_down_time:*").await, 1);

    let stand_down = |due: &str| pb::StandDownMajorIncidentRequest {
        name: name.clone(),
        review_due_time: Some(instant(due)),
        comment: "mail flows again".to_owned(),
        ..Default::default()
    };
    let past = client.stand_down_major_incident(stand_down("2020-01-01T00:00:00Z")).await.unwrap_err();
    assert_eq!(violations(&past), ["review_due_time"]);
    let over = client.stand_down_major_incident(stand_down("2199-01-01T00:00:00Z")).await.unwrap().into_inner();
    assert!(major(&over).stand_down_time.is_some() && over.state == "new", "the ticket goes on");
    assert_eq!(operations.count("incident.major.review_due_time < 2200-01-01T00:00:00Z").await, 1);
    assert_eq!(operations.count("major = true").await, 1, "it was one");
    assert_eq!(operations.count("major = false").await, 1);
    let twice = client.stand_down_major_incident(stand_down("2199-01-01T00:00:00Z")).await.unwrap_err();
    assert_eq!(reason(&twice), "MAJOR_NOT_DECLARED");
    client.declare_major_incident(declare(&name)).await.unwrap();

    let facts = pb::ListFactsRequest { name, ..Default::default() };
    let facts = client.list_facts(facts).await.unwrap().into_inner().facts;
    let kinds: Vec<_> = facts.iter().map(|fact| fact.kind.as_str()).filter(|kind| kind.contains("major")).collect();
    let (declared, updated) = ("ticket.major_declared.v1", "ticket.major_updated.v1");
    assert_eq!(kinds, [declared, updated, "ticket.major_stood_down.v1", declared]);
    super::replay_agrees(&operations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_incident_is_a_major_one_and_only_by_being_declared() {
    let operations = Operations::new().await;
    let mut client = operations.client();
    let details = pb::IncidentDetails {
        major: Some(pb::MajorIncident { declare_time: Some(instant("2026-01-01T00:00:00Z")), ..Default::default() }),
    };
    let written = pb::Ticket { details: Some(pb::ticket::Details::Incident(details)), ..incident("by the way") };
    let refusal = operations.open(written).await.unwrap_err();
    assert_eq!(
        (reason(&refusal).as_str(), violations(&refusal)),
        ("FIELD_NOT_WRITABLE", vec!["ticket.incident.major".to_owned()])
    );
    let problem = pb::Ticket { process: "processes/problem".to_owned(), ..incident("a cause") };
    let problem = operations.open(problem).await.unwrap().name;
    assert_eq!(reason(&client.declare_major_incident(declare(&problem)).await.unwrap_err()), "NOT_AN_INCIDENT");
    let name = operations.open(incident("wrong")).await.unwrap().name;
    let wrong = pb::DeclareMajorIncidentRequest { commander: "fay".to_owned(), users_affected: -1, ..declare(&name) };
    let mut fields = violations(&client.declare_major_incident(wrong).await.unwrap_err());
    fields.sort();
    assert_eq!(fields, ["commander", "users_affected"]);
    let never =
        pb::DeclareMajorIncidentRequest { update_cadence: Some(prost_types::Duration::default()), ..declare(&name) };
    assert_eq!(violations(&client.declare_major_incident(never).await.unwrap_err()), ["update_cadence"]);
    let update = pb::UpdateMajorIncidentRequest { name, ..Default::default() };
    assert_eq!(reason(&client.update_major_incident(update).await.unwrap_err()), "MAJOR_NOT_DECLARED");
}
