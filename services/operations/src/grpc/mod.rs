//! Messages and the domain, nothing else: one file for each gRPC service.

mod enums;
mod import;
mod outage;
mod privacy;
mod read;
mod show;
mod ticket;

pub use outage::Outages;
pub use privacy::Privacy;
pub use ticket::Tickets;

#[cfg(test)]
mod tests {
    use domain::ticket::command::{Act, Caller, Opening, open};
    use domain::ticket::{FieldSet, Side};
    use jiff::Timestamp;
    use proto::operations::v1 as pb;
    use servicekit::convert::Reader;
    use servicekit::wire::{json_struct, timestamp};

    use super::{read, show};
    use crate::catalog::Snapshot;
    use crate::settle::settle;
    use crate::store::ticket::Stored;
    use crate::usecase::begun;

    const NOW: &str = "2024-06-01T12:00:00Z";

    fn texts(values: &[&str]) -> Vec<String> {
        values.iter().map(|&value| value.to_owned()).collect()
    }

    /// A ticket in which everything that people write when they open one is given.
    fn everything() -> pb::Ticket {
        pb::Ticket {
            process: "processes/incident".to_owned(),
            title: "mail is down".to_owned(),
            description: "nothing comes in\nsince nine".to_owned(),
            customer: "customers/acme".to_owned(),
            requester: "people/eve".to_owned(),
            reported_by: "people/bob".to_owned(),
            affected_user: "people/zoe".to_owned(),
            watchers: texts(&["people/a", "people/b"]),
            service: "services/email".to_owned(),
            offering: "services/email/offerings/mailbox".to_owned(),
            configuration_items: texts(&["mx1"]),
            category_path: texts(&["Mail", "Inbound"]),
            channel: "phone".to_owned(),
            location: "Oslo".to_owned(),
            tags: texts(&["vip"]),
            custom_fields: Some(json_struct(serde_json::json!({"floor": 3, "rooms": ["a", "b"], "half": 0.5}))),
            confidential: true,
            impact: 1,
            urgency: 2,
            priority_override: Some(pb::PriorityOverride {
                value: 1,
                reason: "board meeting".to_owned(),
                actor: "people/ann".to_owned(),
            }),
            assignment: Some(pb::Assignment {
                group: "groups/mail".to_owned(),
                person: "people/bob".to_owned(),
                contract: "contracts/4711".to_owned(),
            }),
            source_system: "desk".to_owned(),
            source_id: "D-1".to_owned(),
            external_references: texts(&["vendor 9"]),
            requested_time: Some(prost_types::Timestamp { seconds: 1_718_000_000, nanos: 0 }),
            details: Some(pb::ticket::Details::Incident(pb::IncidentDetails { major: None })),
            ..pb::Ticket::default()
        }
    }

    fn opened(message: &pb::Ticket) -> Stored {
        let mut reader = Reader::new("ticket.");
        let fields = read::changes(&mut reader, message, read::Empty::Keep);
        reader.finish().unwrap();
        let process = domain::process::shipped().remove(0);
        let caller = Caller {
            actor: "people/ann".to_owned(),
            side: Side::Provider,
            roles: std::collections::BTreeSet::new(),
            answering: std::collections::BTreeMap::new(),
            may_backdate: false,
        };
        let now: Timestamp = NOW.parse().unwrap();
        let opening = Opening { name: "tickets/INC-000042".to_owned(), process_revision: 3, fields };
        let change = open(&process, opening, &Act::now(&caller, now)).unwrap();
        let settled = settle(&Snapshot::default(), &[], Vec::new(), &change.next, now);
        begun(42, uuid::Uuid::from_u128(1), change.next, settled, now).0
    }

    #[test]
    fn every_field_that_people_write_survives_the_way_in_and_out() {
        let given = everything();
        let shown = show::ticket(&opened(&given), show::View::Full, NOW.parse().unwrap());
        let expected = pb::Ticket {
            name: "tickets/INC-000042".to_owned(),
            uid: shown.uid.clone(),
            etag: "\"1\"".to_owned(),
            create_time: Some(timestamp(NOW.parse().unwrap())),
            update_time: Some(timestamp(NOW.parse().unwrap())),
            practice: "incident".to_owned(),
            process_revision: 3,
            state: "new".to_owned(),
            state_category: 1,
            matrix_priority: 2,
            priority: 1,
            open_time: Some(timestamp(NOW.parse().unwrap())),
            ..given
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_is_shown_and_read_again_changes_nothing() {
        let stored = opened(&everything());
        let shown = show::ticket(&stored, show::View::Full, NOW.parse().unwrap());
        let mut reader = Reader::default();
        let changes = read::changes(&mut reader, &shown, read::Empty::Clear);
        reader.finish().unwrap();
        assert_eq!(changes.against(&stored.ticket, FieldSet::ALL).fields().iter().collect::<Vec<_>>(), []);
    }

    #[test]
    fn an_empty_ticket_clears_every_field_that_people_write() {
        let stored = opened(&everything());
        let mut reader = Reader::default();
        let changes = read::changes(&mut reader, &pb::Ticket::default(), read::Empty::Clear);
        reader.finish().unwrap();
        let cleared = changes.against(&stored.ticket, FieldSet::ALL).fields();
        // All but those that the server writes, or that are empty in a ticket that was just opened.
        assert_eq!(cleared.iter().count(), 27, "{:?}", cleared.iter().collect::<Vec<_>>());
    }

    #[test]
    fn a_basic_view_leaves_out_the_long_text() {
        let shown = show::ticket(&opened(&everything()), show::View::Basic, NOW.parse().unwrap());
        assert_eq!((shown.description.as_str(), shown.title.as_str()), ("", "mail is down"));
    }

    #[test]
    fn a_running_clock_is_breached_when_its_due_instant_has_passed() {
        let due_at: Timestamp = NOW.parse().unwrap();
        let stored =
            Stored { clock_state: Some(domain::clock::State::Running), due_at: Some(due_at), ..opened(&everything()) };
        let second = jiff::SignedDuration::from_secs(1);
        let state = |at: Timestamp| show::ticket(&stored, show::View::Basic, at).clock_state();
        assert_eq!(state(due_at - second), pb::ClockState::Running);
        assert_eq!(state(due_at), pb::ClockState::Breached);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let wrong = pb::Ticket {
            title: "two\nlines".to_owned(),
            customer: "acme".to_owned(),
            watchers: texts(&["people/a", "b"]),
            impact: -1,
            requested_time: Some(prost_types::Timestamp { seconds: 0, nanos: 7 }),
            custom_fields: Some(json_struct(serde_json::json!({"a": ["b\0"]}))),
            ..pb::Ticket::default()
        };
        let mut reader = Reader::new("ticket.");
        read::changes(&mut reader, &wrong, read::Empty::Keep);
        let mut fields: Vec<_> = reader.found().iter().map(|violation| violation.field.as_str()).collect();
        fields.sort_unstable();
        assert_eq!(
            fields,
            [
                "ticket.custom_fields.a[0]",
                "ticket.customer",
                "ticket.impact",
                "ticket.requested_time",
                "ticket.title",
                "ticket.watchers[1]",
            ]
        );
    }
}
