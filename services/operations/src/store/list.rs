//! Lists and counts of tickets, by any field that can be filtered by.

use std::sync::LazyLock;

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use domain::clock::State;
use domain::filter::{Field, Kind, Typed};
use domain::process::{Category, PendingReason};
use domain::ticket::ChangeType;
use servicekit::db::Connection;
use servicekit::filter::{Column, Fields};
use servicekit::page::{Keyset, Listing, Page};
use servicekit::sql::Sql;
use servicekit::{Error, Scope};

use super::ticket::{Part, Row, Stored};

/// A running clock of a ticket is breached when its due instant has passed, also when nobody touches the ticket.
const CLOCK_STATE: &str = "(CASE WHEN t.due_at <= now() THEN 'BREACHED' ELSE t.clock_state END)";

/// What tickets are filtered and ordered by.
pub static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    let text = |name: &str, description: &str| Field::new(name, Kind::String, description);
    let number = |name: &str, description: &str| Field::new(name, Kind::Integer, description).orderable();
    let time = |name: &str, description: &str| Field::new(name, Kind::Timestamp, description).orderable();
    let list = |name: &str, description: &str| Field::new(name, Kind::StringList, description);
    let flag = |name: &str, description: &str| Field::new(name, Kind::Bool, description);
    Fields::new([
        Column::new(text("name", "resource name: tickets/INC-000042; ordered by number").orderable(), "t.name")
            .ordered_by("t.number", "bigint"),
        Column::new(time("create_time", "when it was recorded here"), "t.created_at"),
        Column::new(time("update_time", "when it was last changed here"), "t.updated_at"),
        Column::new(text("practice", "practice of its process: incident"), "t.practice"),
        Column::new(text("process", "process it follows: processes/incident"), "t.process"),
        Column::new(
            Field::new("process_revision", Kind::Integer, "revision of that process"),
            "(t.body ->> 'process_revision')::bigint",
        ),
        Column::new(text("state", "state, an id of its process").orderable(), "t.state"),
        Column::new(
            Field::choice("state_category", &Category::ALL.map(Category::as_str), "what the state means"),
            "t.category_state",
        ),
        Column::new(text("title", "what is wrong or wanted"), "nullif(t.body ->> 'title', '')"),
        Column::new(text("customer", "customer it belongs to").orderable(), "nullif(t.customer_id, '')"),
        Column::new(text("requester", "person who asks"), "t.requester"),
        Column::new(text("reported_by", "person who recorded it"), "(t.body ->> 'reported_by')"),
        Column::new(text("affected_user", "person who is affected"), "(t.body ->> 'affected_user')"),
        Column::new(list("watchers", "people who are kept informed"), "text_list(t.body -> 'watchers')"),
        Column::new(text("service", "service concerned").orderable(), "t.service"),
        Column::new(text("offering", "offering asked for"), "t.offering"),
        Column::new(
            list("configuration_items", "configuration items concerned"),
            "text_list(t.body -> 'configuration_items')",
        ),
        Column::new(list("category_path", "category and its parts"), "text_list(t.body -> 'category_path')"),
        Column::new(text("channel", "how it came in"), "(t.body ->> 'channel')"),
        Column::new(text("location", "where it is"), "(t.body ->> 'location')"),
        Column::new(list("tags", "labels"), "text_list(t.body -> 'tags')"),
        Column::new(
            flag("confidential", "whether only those involved may see it"),
            "(t.body -> 'confidential')::boolean",
        ),
        Column::new(number("impact", "effect on the business, from 1"), "t.impact"),
        Column::new(number("urgency", "how fast it has to be, from 1"), "t.urgency"),
        Column::new(
            Field::new("matrix_priority", Kind::Integer, "priority by the matrix"),
            "(t.body ->> 'matrix_priority')::bigint",
        ),
        Column::new(number("priority", "priority in force, from 1"), "t.priority"),
        Column::new(text("assignment.group", "group that has it").orderable(), "t.group_name"),
        Column::new(text("assignment.person", "person who has it").orderable(), "t.person"),
        Column::new(text("assignment.contract", "contract of the supplier that works on it"), "t.contract"),
        Column::new(
            Field::choice("pending_reason", &PendingReason::ALL.map(PendingReason::as_str), "why it waits"),
            "(t.body -> 'pending' ->> 'reason')",
        ),
        Column::new(
            Field::new("resume_time", Kind::Timestamp, "when waiting ends by itself"),
            "iso_timestamp(t.body -> 'pending' ->> 'resume_at')",
        ),
        Column::new(text("awaited_party", "for whom it waits"), "(t.body -> 'pending' ->> 'awaited_party')"),
        Column::new(text("resolution.code", "how it was resolved"), "(t.body -> 'resolution' ->> 'code')"),
        Column::new(text("cancel_reason", "why it was cancelled"), "(t.body ->> 'cancel_reason')"),
        Column::new(text("source_system", "system it came from"), "t.source_system"),
        Column::new(text("source_id", "id in that system"), "t.source_id"),
        Column::new(
            list("external_references", "references in other systems"),
            "text_list(t.body -> 'external_references')",
        ),
        Column::new(time("open_time", "when it was opened"), "t.opened_at"),
        Column::new(time("resolve_time", "when it was last resolved"), "t.resolved_at"),
        Column::new(time("close_time", "when it was closed"), "t.closed_at"),
        Column::new(
            time("requested_time", "date negotiated with the requester"),
            "iso_timestamp(t.body ->> 'requested_at')",
        ),
        Column::new(number("reopen_count", "how often it was reopened"), "t.reopen_count"),
        Column::new(number("reassignment_count", "how often it changed hands"), "t.reassignment_count"),
        Column::new(
            flag("source_sla_met", "the source's own verdict on its service level"),
            "(t.body ->> 'source_sla_met')::boolean",
        ),
        Column::new(
            Field::choice("clock_state", &State::ALL.map(State::as_str), "worst state of the customer's clocks"),
            CLOCK_STATE,
        ),
        Column::new(time("due_time", "when a running clock reaches its target"), "t.due_at"),
        Column::new(time("duty_due_time", "deadline of law for a report not yet submitted"), "t.duty_due_at"),
        Column::new(flag("awaits_approval", "whether somebody has to decide on it"), "t.awaits_approval"),
        Column::new(
            flag("major", "whether it was declared a major incident, stood down since or not"),
            "coalesce(t.body -> 'details' ? 'major', false)",
        ),
        Column::new(
            text("incident.major.commander", "who leads the major incident"),
            "(t.body -> 'details' -> 'major' ->> 'commander')",
        ),
        Column::new(
            time("incident.major.declare_time", "when it was declared a major incident"),
            "iso_timestamp(t.body -> 'details' -> 'major' ->> 'declared_at')",
        ),
        Column::new(
            time("incident.major.stand_down_time", "when the major incident was stood down"),
            "iso_timestamp(t.body -> 'details' -> 'major' ->> 'stood_down_at')",
        ),
        Column::new(
            time("incident.major.review_due_time", "when the review of the major incident is due"),
            "iso_timestamp(t.body -> 'details' -> 'major' ->> 'review_due_at')",
        ),
        Column::new(
            Field::choice("change.type", &ChangeType::ALL.map(ChangeType::as_str), "how the change is authorised"),
            "(CASE WHEN t.practice = 'change' THEN t.body -> 'details' ->> 'type' END)",
        ),
        Column::new(
            text("change.outcome", "what became of the change"),
            "(CASE WHEN t.practice = 'change' THEN t.body -> 'details' ->> 'outcome' END)",
        ),
        Column::new(
            time("change.planned_start_time", "planned start of the change"),
            "iso_timestamp(t.body -> 'details' ->> 'planned_start_at')",
        ),
        Column::new(
            time("change.planned_end_time", "planned end of the change"),
            "iso_timestamp(t.body -> 'details' ->> 'planned_end_at')",
        ),
        Column::new(number("nonconformance_count", "steps that its process does not have"), "t.nonconformance_count"),
    ])
});

/// What tickets are counted by: names of the contract, with their short forms.
const GROUPS: [(&str, &str); 14] = [
    ("priority", "t.priority"),
    ("state", "t.state"),
    ("state_category", "t.category_state"),
    ("practice", "t.practice"),
    ("process", "t.process"),
    ("service", "t.service"),
    ("offering", "t.offering"),
    ("customer", "t.customer_id"),
    ("group", "t.group_name"),
    ("person", "t.person"),
    ("contract", "t.contract"),
    ("requester", "t.requester"),
    ("channel", "(t.body ->> 'channel')"),
    ("clock_state", CLOCK_STATE),
];

#[derive(QueryableByName)]
struct Listed {
    #[diesel(embed)]
    ticket: Row,
    #[diesel(sql_type = Array<Nullable<Text>>)]
    keyset: Keyset,
}

/// One page of the tickets within the scope.
pub async fn list(
    connection: &mut Connection,
    scope: &Scope,
    listing: &Listing<'_>,
    part: Part,
) -> Result<Page<Stored>, Error> {
    let rows: Vec<Listed> = statement(scope, listing, part).load(connection).await?;
    let page = listing.page(rows, |listed| listed.keyset.clone());
    let items = page.items.into_iter().map(|listed| listed.ticket.read()).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token: page.next_page_token })
}

/// The statement that reads a page.
pub fn statement(scope: &Scope, listing: &Listing<'_>, part: Part) -> Sql {
    let mut sql = Sql::new("SELECT ");
    sql.push(part.columns()).push(", ");
    listing.keyset(&mut sql);
    sql.push(" FROM tickets t WHERE true");
    scope.restrict("t.customer_id", &mut sql);
    listing.restrict(&mut sql);
    sql
}

/// Number of tickets with one value of a field.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Count {
    /// The value. Empty: not set.
    #[diesel(sql_type = Text)]
    pub value: String,
    /// Number of tickets.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
}

/// Counts the tickets within the scope for which the filter holds, by falling count. Without a field to count by there
/// is one total.
pub async fn count(
    connection: &mut Connection,
    scope: &Scope,
    filter: &Typed,
    group_by: &str,
) -> Result<Vec<Count>, Error> {
    let group = match group_by {
        "" => "NULL",
        name => {
            let short = name.strip_prefix("assignment.").unwrap_or(name);
            let found = GROUPS.iter().find(|(known, _)| *known == short);
            found.map(|(_, sql)| *sql).ok_or_else(|| {
                let names = GROUPS.map(|(known, _)| known).join(", ");
                Error::invalid("group_by", format!("tickets are not counted by it: use one of {names}"))
            })?
        }
    };
    let mut sql = Sql::new(format!("SELECT coalesce(({group})::text, '') AS value, count(*) AS count FROM tickets t "));
    sql.push("WHERE true");
    scope.restrict("t.customer_id", &mut sql);
    sql.push(" AND ");
    FIELDS.condition(filter, &mut sql);
    sql.push(" GROUP BY 1 ORDER BY 2 DESC, 1");
    Ok(sql.load(connection).await?)
}
