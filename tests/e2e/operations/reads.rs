//! Lists, counts, notes, facts and explanations.

use std::collections::BTreeSet;

use proto::journal::v1::Audience;
use proto::operations::v1 as pb;
use testkit::reason;

use super::{Operations, assign, covered, incident, instant, resolve, step};

impl Operations {
    /// The names on all pages of this size.
    async fn pages(&self, page_size: i32, filter: &str, order_by: &str) -> Vec<String> {
        let mut request = pb::ListTicketsRequest {
            page_size,
            filter: filter.to_owned(),
            order_by: order_by.to_owned(),
            ..Default::default()
        };
        let mut names = Vec::new();
        loop {
            let page = self.client().list_tickets(request.clone()).await.unwrap().into_inner();
            assert!(page.tickets.len() <= usize::try_from(page_size).unwrap());
            names.extend(page.tickets.into_iter().map(|ticket| ticket.name));
            if page.next_page_token.is_empty() {
                return names;
            }
            request.page_token = page.next_page_token;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_any_size_give_the_same_sequence() {
    let operations = Operations::new().await;
    for n in 0..60 {
        let ticket = if n % 3 == 0 { incident("plain") } else { covered("covered", n % 3) };
        let ticket = operations.open(ticket).await.unwrap().name;
        if n % 4 == 0 {
            operations.client().assign_ticket(assign(&ticket, &format!("groups/g{}", n % 5))).await.unwrap();
        }
    }
    for (filter, order_by, count) in [
        ("", "", 60),
        ("priority = 1 OR NOT priority:*", "priority desc", 40),
        ("", "assignment.group, due_time desc", 60),
        ("clock_state = RUNNING AND create_time <= now()", "due_time", 40),
    ] {
        let whole = operations.pages(50, filter, order_by).await;
        assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), count, "{filter}");
        for size in [1, 2, 7] {
            assert_eq!(operations.pages(size, filter, order_by).await, whole, "{size} {filter} {order_by}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_can_be_filtered_and_ordered_by() {
    let operations = Operations::new().await;
    operations.open(covered("anything", 1)).await.unwrap();
    for field in operations::store::list::FIELDS.schema().fields() {
        let present = pb::CountTicketsRequest { filter: format!("{}:*", field.name), ..Default::default() };
        operations.client().count_tickets(present).await.unwrap_or_else(|status| panic!("{}: {status}", field.name));
        if field.orderable {
            for order in [field.name.clone(), format!("{} desc", field.name)] {
                assert_eq!(operations.pages(1, "", &order).await.len(), 1, "{order}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_on_a_list_field_asks_for_members() {
    let operations = Operations::new().await;
    operations.open(pb::Ticket { tags: vec!["vip".to_owned()], ..incident("one") }).await.unwrap();
    operations.open(incident("two")).await.unwrap();
    assert_eq!(operations.count("tags:\"vip\"").await, 1);
    assert_eq!(operations.count("NOT tags:*").await, 1);
    assert_eq!(operations.count("title = \"o*\"").await, 1);
    assert_eq!(operations.count("title != \"one\" AND state_category != CLOSED").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_by_a_field_add_up_to_the_total() {
    let operations = Operations::new().await;
    for level in [1, 1, 2, 3] {
        operations.open(covered("counted", level)).await.unwrap();
    }
    operations.open(incident("no priority")).await.unwrap();
    let count = |group_by: &str| {
        let request = pb::CountTicketsRequest { group_by: group_by.to_owned(), ..Default::default() };
        let mut client = operations.client();
        async move { client.count_tickets(request).await.map(tonic::Response::into_inner) }
    };
    let by_priority = count("priority").await.unwrap();
    let counts: Vec<_> = by_priority.counts.iter().map(|count| (count.value.as_str(), count.count)).collect();
    assert_eq!((by_priority.total_count, counts), (5, vec![("1", 2), ("", 1), ("3", 1), ("4", 1)]));
    for group_by in ["state", "state_category", "practice", "service", "customer", "group", "person", "clock_state"] {
        assert_eq!(count(group_by).await.unwrap().total_count, 5, "{group_by}");
    }
    assert_eq!(reason(&count("colour").await.unwrap_err()), "FIELD_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn counted_segments_sum_to_the_elapsed_time() {
    let operations = Operations::new().await;
    let ticket = operations.open(covered("explained", 2)).await.unwrap().name;
    let waiting = pb::TransitionFields { pending_reason: pb::PendingReason::Customer.into(), ..Default::default() };
    operations.client().transition_ticket(step(&ticket, "start")).await.unwrap();
    operations
        .client()
        .transition_ticket(pb::TransitionTicketRequest { fields: Some(waiting), ..step(&ticket, "hold") })
        .await
        .unwrap();
    operations.client().transition_ticket(step(&ticket, "resume")).await.unwrap();
    for read_time in [None, Some(instant("2199-12-31T23:59:59Z"))] {
        let request = pb::ExplainClocksRequest { name: ticket.clone(), read_time, known_time: None };
        let explained = operations.client().explain_clocks(request).await.unwrap().into_inner();
        assert!(explained.clocks.len() >= 2);
        for clock in explained.clocks {
            let nanos = |at: &Option<prost_types::Timestamp>| {
                let at = at.unwrap();
                i128::from(at.seconds) * 1_000_000_000 + i128::from(at.nanos)
            };
            let counted = clock.segments.iter().filter(|segment| segment.counted);
            let sum: i128 = counted.map(|segment| nanos(&segment.end_time) - nanos(&segment.start_time)).sum();
            let elapsed = clock.clock.unwrap().elapsed_duration.unwrap();
            assert_eq!(sum, i128::from(elapsed.seconds) * 1_000_000_000 + i128::from(elapsed.nanos));
            assert!(clock.segments.windows(2).all(|pair| pair[0].end_time == pair[1].start_time));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_known_yet_is_not_read() {
    let operations = Operations::new().await;
    let ticket = operations.open(covered("known", 2)).await.unwrap().name;
    operations.client().transition_ticket(resolve(&ticket)).await.unwrap();
    let explain = |known_time| {
        let request = pb::ExplainClocksRequest { name: ticket.clone(), read_time: None, known_time };
        let mut client = operations.client();
        async move { client.explain_clocks(request).await.unwrap().into_inner().clocks }
    };
    assert!(explain(None).await.iter().all(|clock| clock.clock.as_ref().unwrap().stopped));
    assert_eq!(explain(Some(instant("2020-01-01T00:00:00Z"))).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_and_facts_come_in_the_order_in_which_they_happened() {
    let operations = Operations::new().await;
    let ticket = operations.open(incident("noted")).await.unwrap().name;
    for n in 1..=5 {
        let note = operations.note(&ticket, Audience::Public, &format!("note {n}")).await.unwrap();
        assert_eq!(note.name, format!("{ticket}/notes/{n}"));
    }
    let mut request = pb::ListNotesRequest { parent: ticket.clone(), page_size: 2, ..Default::default() };
    let mut texts = Vec::new();
    loop {
        let page = operations.client().list_notes(request.clone()).await.unwrap().into_inner();
        texts.extend(page.notes.into_iter().map(|note| note.text));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(texts, ["note 1", "note 2", "note 3", "note 4", "note 5"]);
    let request = pb::ListFactsRequest { name: ticket, ..Default::default() };
    let facts = operations.client().list_facts(request).await.unwrap().into_inner().facts;
    let kinds: Vec<_> = facts.iter().map(|fact| fact.kind.as_str()).collect();
    assert_eq!(kinds[..3], ["ticket.opened.v1", "ticket.governed.v1", "ticket.noted.v1"]);
    assert_eq!(facts.iter().map(|fact| fact.subject_version).collect::<Vec<_>>(), [1, 1, 2, 3, 4, 5, 6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_comes_in_the_order_asked_for_or_not_at_all() {
    let operations = Operations::new().await;
    let one = operations.open(incident("one")).await.unwrap().name;
    let two = operations.open(incident("two")).await.unwrap().name;
    let ask = |names: &[&String]| {
        let names = names.iter().map(|name| (*name).clone()).collect();
        let mut client = operations.client();
        async move { client.batch_get_tickets(pb::BatchGetTicketsRequest { names, ..Default::default() }).await }
    };
    let got = ask(&[&two, &one, &two]).await.unwrap().into_inner().tickets;
    assert_eq!(got.iter().map(|ticket| &ticket.name).collect::<Vec<_>>(), [&two, &one, &two]);
    let refusal = ask(&[&one, &"tickets/INC-999999".to_owned()]).await.unwrap_err();
    assert_eq!(reason(&refusal), "RESOURCE_NOT_FOUND");
    assert!(refusal.message().contains("INC-999999"));
    let other = one.replace("INC", "PRB");
    assert_eq!(reason(&ask(&[&other]).await.unwrap_err()), "RESOURCE_NOT_FOUND");
}
