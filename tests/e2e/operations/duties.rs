//! Duties to notify authorities, and what is known of a ticket late.

use proto::operations::v1 as pb;
use testkit::reason;
use tonic::Code;

use super::{Operations, covered, incident, instant, resolve, step};

impl Operations {
    /// Waits until all facts of the ticket are in order, and returns when the last of them was put there.
    pub(super) async fn recorded_through(&self, ticket: &str) -> prost_types::Timestamp {
        loop {
            let request = pb::ListFactsRequest { name: ticket.to_owned(), page_size: 1000, ..Default::default() };
            let facts = self.client().list_facts(request).await.unwrap().into_inner().facts;
            let last = facts.iter().max_by_key(|fact| fact.seq).unwrap();
            if let (true, Some(at)) = (facts.iter().all(|fact| fact.seq > 0), last.record_time) {
                return at;
            }
            tokio::task::yield_now().await;
        }
    }
}

fn record(ticket: &str, step: pb::record_duty_request::Step) -> pb::RecordDutyRequest {
    pb::RecordDutyRequest {
        name: ticket.to_owned(),
        regulation: pb::Regulation::EuDora2025301.into(),
        step: Some(step),
        ..Default::default()
    }
}

fn aware() -> pb::record_duty_request::Step {
    let calendar = "calendars/working-hours".to_owned();
    pb::record_duty_request::Step::Aware(pb::DutyAwareness {
        entity: pb::DutyEntity::CreditInstitution.into(),
        calendar,
    })
}

fn submitted(report: pb::DutyReport, reference: &str) -> pb::record_duty_request::Step {
    let reference = reference.to_owned();
    pb::record_duty_request::Step::Submitted(pb::DutySubmission { report: report.into(), reference })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duty_shows_its_deadline_on_the_ticket_until_the_report_is_submitted() {
    use pb::record_duty_request::Step;
    let operations = Operations::new().await;
    let mut client = operations.client();
    let ticket = operations.open(incident("breach of data")).await.unwrap().name;
    let early = client.record_duty(record(&ticket, Step::Classified(()))).await.unwrap_err();
    assert_eq!((early.code(), reason(&early).as_str()), (Code::FailedPrecondition, "DUTY_NOT_BEGUN"));
    let known = client.record_duty(record(&ticket, aware())).await.unwrap().into_inner();
    assert_eq!(known.duty_due_time, None, "nobody has classified it as major");
    let again = client.record_duty(record(&ticket, aware())).await.unwrap().into_inner();
    assert_ne!(again.etag, known.etag, "at another time it is a correction");
    let major = client.record_duty(record(&ticket, Step::Classified(()))).await.unwrap().into_inner();
    assert!(major.duty_due_time.is_some());
    assert_eq!(operations.count("duty_due_time < now() + 4h").await, 1);
    assert_eq!(operations.count("duty_due_time < now() + 3h").await, 0);

    let request = pb::ExplainClocksRequest { name: ticket.clone(), ..Default::default() };
    let duties = client.explain_clocks(request).await.unwrap().into_inner().duties;
    assert_eq!(duties.len(), 3);
    assert_eq!((duties[0].report(), duties[0].state()), (pb::DutyReport::Initial, pb::DutyState::Running));
    assert_eq!(duties[0].due_time, major.duty_due_time);
    assert_eq!(duties[0].limits.iter().filter(|limit| limit.decides).count(), 1);
    assert!(duties[1..].iter().all(|duty| duty.state() == pb::DutyState::Awaited));

    let initial = submitted(pb::DutyReport::Initial, "FMA-1");
    let notified = client.record_duty(record(&ticket, initial)).await.unwrap().into_inner();
    let seconds = |ticket: &pb::Ticket| ticket.duty_due_time.unwrap().seconds;
    assert!(seconds(&notified) > seconds(&major) + 60 * 3600, "the intermediate report is next");
    super::replay_agrees(&operations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_makes_no_sense_is_refused_with_its_field() {
    let operations = Operations::new().await;
    let mut client = operations.client();
    let ticket = operations.open(incident("breach of data")).await.unwrap().name;
    let nothing = pb::RecordDutyRequest { name: ticket.clone(), ..Default::default() };
    let refusal = client.record_duty(nothing).await.unwrap_err();
    assert!(refusal.message().contains("regulation") && refusal.message().contains("step"), "{refusal}");
    let calendar = pb::DutyAwareness { entity: pb::DutyEntity::Other.into(), calendar: "calendars/nowhere".to_owned() };
    let refusal =
        client.record_duty(record(&ticket, pb::record_duty_request::Step::Aware(calendar))).await.unwrap_err();
    assert!(refusal.message().contains("calendars/nowhere is not published"), "{refusal}");
    client.record_duty(record(&ticket, aware())).await.unwrap();
    for (report, reference, field) in [
        (pb::DutyReport::EarlyWarning, "FMA-1", "submitted.report"),
        (pb::DutyReport::Initial, " ", "submitted.reference"),
    ] {
        let refusal = client.record_duty(record(&ticket, submitted(report, reference))).await.unwrap_err();
        assert_eq!(refusal.code(), Code::InvalidArgument);
        assert!(refusal.message().contains(field), "{refusal}");
    }
    let later = pb::RecordDutyRequest {
        occur_time: Some(instant("2199-01-01T00:00:00Z")),
        ..record(&ticket, pb::record_duty_request::Step::Handled(()))
    };
    assert_eq!(reason(&client.record_duty(later).await.unwrap_err()), "BACKDATE_IN_FUTURE");
}

/// A ticket of the past with a pause that was recorded only after it was over.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_is_recorded_late_corrects_the_reading_and_leaves_what_was_known() {
    let operations = Operations::new().await;
    let mut client = operations.client();
    let ticket = pb::Ticket { open_time: Some(instant("2024-03-04T08:00:00.000001Z")), ..covered("late pause", 1) };
    let request = pb::CreateTicketRequest {
        ticket: Some(ticket),
        comment: "written down later".to_owned(),
        ..Default::default()
    };
    let ticket = client.create_ticket(request).await.unwrap().into_inner().name;
    let known_before = operations.recorded_through(&ticket).await;

    let waiting = pb::TransitionFields { pending_reason: pb::PendingReason::Customer.into(), ..Default::default() };
    let backdated = |transition: &str, at: &str, fields| pb::TransitionTicketRequest {
        occur_time: Some(instant(at)),
        comment: "written down later".to_owned(),
        fields,
        ..step(&ticket, transition)
    };
    client.transition_ticket(backdated("hold", "2024-03-04T09:00:00.000002Z", Some(waiting))).await.unwrap();
    client.transition_ticket(backdated("resume", "2024-03-04T09:30:00.000004Z", None)).await.unwrap();
    operations.recorded_through(&ticket).await;

    let elapsed = |read: &str, known_time| {
        let request = pb::ExplainClocksRequest { name: ticket.clone(), read_time: Some(instant(read)), known_time };
        let mut client = operations.client();
        async move {
            let answer = client.explain_clocks(request).await.unwrap().into_inner();
            let of = |metric: &str| {
                let clocks = answer.clocks.iter().filter_map(|explanation| explanation.clock.as_ref());
                let clock = clocks.into_iter().find(|clock| clock.id.starts_with(metric)).unwrap();
                let elapsed = clock.elapsed_duration.unwrap();
                (clock.state(), elapsed.seconds * 1_000_000 + i64::from(elapsed.nanos / 1000))
            };
            of("RESOLUTION/SLA")
        }
    };
    let minutes = |minutes: i64| minutes * 60 * 1_000_000;
    // As known now, to the microsecond: in the pause, and after it.
    let paused = (pb::ClockState::Paused, minutes(60) + 1);
    assert_eq!(elapsed("2024-03-04T09:10:00Z", None).await, paused);
    assert_eq!(elapsed("2024-03-04T09:30:00.000004Z", None).await.1, minutes(60) + 1);
    assert_eq!(elapsed("2024-03-04T10:00:00.000006Z", None).await.1, minutes(90) + 3);
    // As known before it was recorded: nothing of the pause, at the same instants.
    assert_eq!(elapsed("2024-03-04T09:10:00Z", Some(known_before)).await.1, minutes(70) - 1);
    assert_eq!(elapsed("2024-03-04T10:00:00.000006Z", Some(known_before)).await.1, minutes(120) + 5);

    client.transition_ticket(resolve(&ticket)).await.unwrap();
    assert_eq!(elapsed("2024-03-04T09:10:00Z", None).await, paused, "what came later changes no earlier reading");
}
