//! Imported tickets counted through the API, against what other programs count in the same file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use itsm::client::Channel;
use itsm::import::mapping::Mapping;
use itsm::import::{Input, tickets};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proto::operations::v1 as pb;
use proto::operations::v1::ticket_service_client::TicketServiceClient;
use serde::Deserialize;
use servicekit::config;
use testkit::{Running, Scratch, TestDatabase};

type Counts = BTreeMap<String, usize>;

/// What `tests/figures/jira_export_figures.py` printed.
#[derive(Debug, Deserialize)]
struct Figures {
    made_with: String,
    issues: usize,
    by_type_and_status: BTreeMap<String, Counts>,
    by_priority: Counts,
    by_month_of_opening: Counts,
    by_assignee: Counts,
    by_label: Counts,
    resolved: usize,
    median_minutes_to_resolve: f64,
    mean_minutes_to_resolve: f64,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("figures")
}

async fn all(channel: Channel) -> Vec<pb::Ticket> {
    let mut client = TicketServiceClient::new(channel);
    let mut request = pb::ListTicketsRequest { page_size: 1_000, view: 2, ..Default::default() };
    let mut all = Vec::new();
    loop {
        let page = client.list_tickets(request.clone()).await.unwrap().into_inner();
        all.extend(page.tickets);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return all;
        }
    }
}

fn at(time: &prost_types::Timestamp) -> Timestamp {
    Timestamp::new(time.seconds, time.nanos).unwrap()
}

fn count(values: impl IntoIterator<Item = String>) -> Counts {
    values.into_iter().fold(Counts::new(), |mut counts, value| {
        *counts.entry(value).or_default() += 1;
        counts
    })
}

/// States that this program has for what Jira shows, added up: several types and statuses become one.
fn expected_states(figures: &Figures) -> Counts {
    let mut states = Counts::new();
    for (kind, statuses) in &figures.by_type_and_status {
        for (status, count) in statuses {
            let practice = match kind.as_str() {
                "Incident" | "Bug" => "incident",
                "Service Request" => "service_request",
                _ => "problem",
            };
            let state = match (status.as_str(), practice) {
                ("Open", _) => "new",
                ("In Progress" | "Reopened", "problem") => "investigating",
                ("In Progress" | "Reopened", _) => "in_progress",
                ("Waiting for approval", _) => "approval",
                ("Waiting for customer" | "Waiting for vendor", _) => "pending",
                ("Resolved", "service_request") => "fulfilled",
                ("Resolved", _) => "resolved",
                ("Closed", _) => "closed",
                ("Declined", _) => "rejected",
                ("Canceled", _) => "cancelled",
                other => panic!("{other:?}"),
            };
            *states.entry(format!("{practice} {state}")).or_default() += count;
        }
    }
    states
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jira_export_gives_the_figures_that_pandas_counts_in_it() {
    let database = TestDatabase::new().await;
    let place = config::Database::at(database.url());
    Running::insecure(catalog::build(&place).await).await;
    let operations = Running::insecure(operations::build(&place).await).await;

    let figures: Figures = serde_json::from_slice(&fs::read(folder().join("jira_export.json")).unwrap()).unwrap();
    assert!(figures.made_with.starts_with("pandas "));
    let mapping = || Mapping::load("jira-csv").unwrap().in_zone(Some("Europe/Berlin"));
    let input = || Input::open(&folder().join("jira_export.csv")).unwrap();
    let dry = tickets::dry_run(&input(), &mapping()).unwrap();
    assert_eq!((dry.rows, dry.failures.len(), dry.unmapped.len()), (420, 0, 0), "{:?}", dry.failures);
    let summary = tickets::import_from(operations.channel().await, input(), mapping(), false).await.unwrap();
    assert_eq!((summary.rows, summary.created, summary.failures), (420, 420, vec![]));
    let again = tickets::import_from(operations.channel().await, input(), mapping(), true).await.unwrap();
    assert_eq!((again.created, again.unchanged), (0, 420), "a file that is sent again changes nothing");

    let tickets = all(operations.channel().await).await;
    assert_eq!(tickets.len(), figures.issues);
    let states = count(tickets.iter().map(|ticket| format!("{} {}", ticket.practice, ticket.state)));
    assert_eq!(states, expected_states(&figures));

    let priorities = ["Highest", "High", "Medium", "Low", "Lowest"];
    let found = tickets.iter().map(|ticket| priorities[usize::try_from(ticket.priority - 1).unwrap()].to_owned());
    assert_eq!(count(found), figures.by_priority);

    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let opened = |ticket: &pb::Ticket| at(&ticket.open_time.unwrap());
    let months = tickets.iter().map(|ticket| opened(ticket).to_zoned(berlin.clone()).strftime("%Y-%m").to_string());
    assert_eq!(count(months), figures.by_month_of_opening);

    let person = |ticket: &pb::Ticket| ticket.assignment.clone().unwrap_or_default().person;
    let expected = figures.by_assignee.iter().map(|(name, count)| {
        let person = if name.is_empty() { String::new() } else { format!("people/{}", domain::name::slug(name)) };
        (person, *count)
    });
    assert_eq!(count(tickets.iter().map(person)), expected.collect());
    assert_eq!(count(tickets.iter().flat_map(|ticket| ticket.tags.clone())), figures.by_label);

    let resolved = tickets.iter().filter_map(|ticket| Some((opened(ticket), at(&ticket.resolve_time?))));
    let mut minutes: Vec<f64> = resolved.map(|(from, to)| to.duration_since(from).as_secs_f64() / 60.0).collect();
    minutes.sort_by(f64::total_cmp);
    assert_eq!(minutes.len(), figures.resolved);
    let middle = minutes.len() / 2;
    let median =
        if minutes.len() % 2 == 1 { minutes[middle] } else { f64::midpoint(minutes[middle - 1], minutes[middle]) };
    assert!((median - figures.median_minutes_to_resolve).abs() < 1e-9, "{median}");
    let mean = minutes.iter().sum::<f64>() / f64::from(u32::try_from(minutes.len()).unwrap());
    assert!((mean - figures.mean_minutes_to_resolve).abs() < 1e-6, "{mean}");
}

fn mapped(mapping: &str, file: &str) -> itsm::import::Summary {
    let scratch = Scratch::new();
    let path = scratch.join("mapping.yaml");
    fs::write(&path, mapping).unwrap();
    let input = Input::of("file.csv", file.as_bytes()).unwrap();
    tickets::dry_run(&input, &Mapping::load(path.to_str().unwrap()).unwrap()).unwrap()
}

#[test]
fn a_dry_run_counts_what_nothing_maps_and_what_is_skipped() {
    let mapping = "description: d\nsource_system: s\nprocess: processes/incident\nformat: { delimiter: ';', time: ['%d.%m.%Y %H:%M', '%d.%m.%Y'] }\nfields:\n  source_id: { column: Id }\n  observe_time: { first: [Done, Changed] }\n  state: { column: State, values: { open: new } }\n  service: { column: Area, values: { Mail: services/email }, others: skip }\n  tags: { columns: [Label], optional: true }\n";
    let file = "\u{feff}Id;State;Area;Changed;Done\n1;open;Mail;01.03.2016 09:05;\n2;open;Fax;1.3.2016;\n3;odd;Fax;01.03.2016;\n4;open;Mail;03/01/2016;\n";
    let summary = mapped(mapping, file);
    assert_eq!((summary.rows, summary.created), (4, 2));
    assert_eq!(summary.unmapped, [(("state".to_owned(), "odd".to_owned()), 1)].into());
    assert_eq!(summary.unnamed, [(("service".to_owned(), "Fax".to_owned()), 2)].into());
    let wrong: Vec<_> = summary.failures.iter().map(ToString::to_string).collect();
    assert!(
        wrong[1].contains("line 5: observe_time: is not a time in the form %d.%m.%Y %H:%M or %d.%m.%Y"),
        "{wrong:?}"
    );
}
