//! Calendars, agreements and processes: checked, published, never edited.

use super::*;

fn calendar(time_zone: &str) -> pb::Calendar {
    let day = |day: pb::DayOfWeek| pb::DayHours {
        day: day.into(),
        intervals: vec![pb::LocalInterval { open_at: "09:00".to_owned(), close_at: "17:00".to_owned() }],
    };
    pb::Calendar {
        display_name: "Office hours".to_owned(),
        time_zone: time_zone.to_owned(),
        weekly_hours: vec![day(pb::DayOfWeek::Monday), day(pb::DayOfWeek::Friday)],
        ..pb::Calendar::default()
    }
}

fn gold() -> pb::Agreement {
    let objective = |id: &str, metric: pb::Metric, calendar: &str| pb::Objective {
        id: id.to_owned(),
        metric: metric.into(),
        target: Some(prost_types::Duration { seconds: 4 * 3_600, nanos: 0 }),
        calendar: calendar.to_owned(),
        ..pb::Objective::default()
    };
    pb::Agreement {
        display_name: "Gold".to_owned(),
        kind: pb::AgreementKind::Sla.into(),
        objectives: vec![
            objective("response", pb::Metric::Response, ""),
            objective("resolution", pb::Metric::Resolution, "calendars/office"),
        ],
        ..pb::Agreement::default()
    }
}

async fn create_calendar(catalog: &Catalog, calendar: pb::Calendar) -> pb::Calendar {
    let request = pb::CreateCalendarRequest {
        calendar_id: "office".to_owned(),
        calendar: Some(calendar),
        ..pb::CreateCalendarRequest::default()
    };
    catalog.agreements().create_calendar(ann(request)).await.unwrap().into_inner()
}

fn create_agreement(agreement: pb::Agreement) -> Request<pb::CreateAgreementRequest> {
    ann(pb::CreateAgreementRequest {
        agreement_id: "gold".to_owned(),
        agreement: Some(agreement),
        ..pb::CreateAgreementRequest::default()
    })
}

fn publish_calendar(effective: Option<i64>) -> Request<pb::PublishCalendarRequest> {
    ann(pb::PublishCalendarRequest {
        name: "calendars/office".to_owned(),
        effective_time: effective.map(|seconds| prost_types::Timestamp { seconds, nanos: 0 }),
        ..pb::PublishCalendarRequest::default()
    })
}

const IN_2016: i64 = 1_451_606_400;

async fn revisions(catalog: &Catalog) -> Vec<pb::CalendarRevision> {
    let request = pb::ListCalendarRevisionsRequest { name: "calendars/office".to_owned(), ..Default::default() };
    catalog.agreements().list_calendar_revisions(ann(request)).await.unwrap().into_inner().calendar_revisions
}

#[tokio::test]
async fn a_published_revision_stays_as_it_was_published() {
    let catalog = Catalog::new().await;
    let mut agreements = catalog.agreements();
    create_calendar(&catalog, calendar("Europe/Paris")).await;
    agreements.publish_calendar(publish_calendar(Some(IN_2016))).await.unwrap();
    let first = revisions(&catalog).await;
    assert_eq!((first.len(), first[0].revision, first[0].publisher.as_str()), (1, 1, "people/ann"));

    let moved =
        pb::Calendar { name: "calendars/office".to_owned(), time_zone: "Asia/Tokyo".to_owned(), ..Default::default() };
    let request = pb::UpdateCalendarRequest { calendar: Some(moved), ..Default::default() };
    let updated = agreements.update_calendar(ann(request)).await.unwrap().into_inner();
    assert_eq!((updated.time_zone.as_str(), updated.revision), ("Asia/Tokyo", 1), "changed, and revision 1 in force");
    assert_eq!(revisions(&catalog).await, first);

    let past = agreements.publish_calendar(publish_calendar(Some(IN_2016 + 1))).await.unwrap_err();
    assert_eq!((past.code(), reason(&past).as_str()), (Code::FailedPrecondition, "REVISION_IN_THE_PAST"));
    agreements.publish_calendar(publish_calendar(Some(4_000_000_000))).await.unwrap();
    let both = revisions(&catalog).await;
    assert_eq!(
        both.iter().map(|revision| revision.name.as_str()).collect::<Vec<_>>(),
        ["calendars/office@2", "calendars/office@1"]
    );
    assert_eq!(both[1], first[0]);
    let read = pb::GetCalendarRequest { name: "calendars/office".to_owned() };
    let read = agreements.get_calendar(ann(read)).await.unwrap().into_inner();
    assert_eq!(read.revision, 1, "the second one is not in force yet");
}

#[tokio::test]
async fn a_definition_with_errors_is_kept_and_not_published() {
    let catalog = Catalog::new().await;
    let mut agreements = catalog.agreements();
    create_calendar(&catalog, pb::Calendar { weekly_hours: Vec::new(), ..calendar("Mars/Olympus") }).await;
    let refused = agreements.publish_calendar(publish_calendar(None)).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "DEFINITION_INVALID"));
    assert_eq!(fields(&refused), ["time_zone", "weekly_hours"], "all that was found, in the words of the contract");
    assert!(revisions(&catalog).await.is_empty());
}

#[tokio::test]
async fn an_agreement_counts_by_published_calendars_of_customers_and_services_that_exist() {
    let catalog = Catalog::new().await;
    let mut agreements = catalog.agreements();
    let strange = pb::Agreement {
        customers: vec!["customers/none".to_owned()],
        services: vec!["services/none".to_owned()],
        ..gold()
    };
    let refused = agreements.create_agreement(create_agreement(strange)).await.unwrap_err();
    assert_eq!(
        fields(&refused),
        ["agreement.customers[0]", "agreement.services[0]", "agreement.objectives[1].calendar"]
    );

    create_calendar(&catalog, calendar("Europe/Paris")).await;
    agreements.create_agreement(create_agreement(gold())).await.unwrap();
    let publish = || ann(pb::PublishAgreementRequest { name: "agreements/gold".to_owned(), ..Default::default() });
    let unpublished = agreements.publish_agreement(publish()).await.unwrap_err();
    assert!(fields(&unpublished).contains(&"objectives[1].calendar".to_owned()), "{unpublished:?}");
    agreements.publish_calendar(publish_calendar(None)).await.unwrap();
    let check = pb::CheckAgreementRequest { name: "agreements/gold".to_owned() };
    let findings = agreements.check_agreement(ann(check)).await.unwrap().into_inner().findings;
    assert!(findings.iter().all(|finding| finding.severity() == pb::FindingSeverity::Warning), "{findings:?}");
    agreements.publish_agreement(publish()).await.unwrap();

    let delete = pb::DeleteCalendarRequest { name: "calendars/office".to_owned(), ..Default::default() };
    let used = agreements.delete_calendar(ann(delete)).await.unwrap_err();
    assert_eq!(reason(&used), "REFERENCE_INVALID");
}

#[tokio::test]
async fn the_shipped_processes_are_published_once_and_govern_the_past() {
    let catalog = Catalog::new().await;
    let before = catalog.facts().await;
    catalog.start_again().await;
    assert_eq!(catalog.facts().await, before, "a second start publishes nothing");
    let mut governance = catalog.governance();
    let list = pb::ListProcessesRequest::default();
    let processes = governance.list_processes(by(READER, list)).await.unwrap().into_inner().processes;
    let seen: Vec<_> = processes.iter().map(|process| (process.name.as_str(), process.revision)).collect();
    assert_eq!(
        seen,
        [
            ("processes/change", 1),
            ("processes/incident", 1),
            ("processes/problem", 1),
            ("processes/service-request", 1)
        ]
    );
    let epoch = Some(prost_types::Timestamp::default());
    assert!(processes.iter().all(|process| process.effective_time == epoch));
    let check = pb::CheckProcessRequest { name: "processes/incident".to_owned() };
    assert_eq!(governance.check_process(by(READER, check)).await.unwrap().into_inner().findings, []);
}

#[tokio::test]
async fn a_process_that_people_changed_stays_changed_after_a_restart() {
    let catalog = Catalog::new().await;
    let mut governance = catalog.governance();
    let mine = pb::Process { name: "processes/incident".to_owned(), auto_close_days: 14, ..pb::Process::default() };
    let request = pb::UpdateProcessRequest { process: Some(mine), ..Default::default() };
    let updated = governance.update_process(ann(request)).await.unwrap().into_inner();
    let delete = pb::DeleteProcessRequest { name: "processes/change".to_owned(), ..Default::default() };
    governance.delete_process(ann(delete)).await.unwrap();
    catalog.start_again().await;
    let get = |name: &str| ann(pb::GetProcessRequest { name: name.to_owned() });
    assert_eq!(governance.get_process(get("processes/incident")).await.unwrap().into_inner(), updated);
    assert!(governance.get_process(get("processes/change")).await.unwrap().get_ref().delete_time.is_some());
}
