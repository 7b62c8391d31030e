//! Lists of approvals: parts of the tickets that they belong to.

use std::sync::LazyLock;

use diesel::QueryableByName;
use diesel::sql_types::{Array, Nullable, Text};
use domain::filter::{Field, Kind};
use domain::ticket::{Approval, ApprovalState};
use servicekit::db::Connection;
use servicekit::filter::{Column, Fields};
use servicekit::page::{Keyset, Listing, Page};
use servicekit::sql::Sql;
use servicekit::{Error, Scope};

/// What approvals are filtered and ordered by.
pub static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    let text = |name: &str, description: &str| Field::new(name, Kind::String, description);
    let time = |name: &str, description: &str| Field::new(name, Kind::Timestamp, description).orderable();
    Fields::new([
        Column::new(
            text("name", "resource name: tickets/CHG-000042/approvals/change-1").orderable(),
            "(t.name || '/approvals/' || (a.body -> 'asked' ->> 'approval')) COLLATE \"C\"",
        ),
        Column::new(text("ticket", "ticket it belongs to").orderable(), "t.name"),
        Column::new(text("practice", "practice of the ticket"), "t.practice"),
        Column::new(text("customer", "customer of the ticket"), "nullif(t.customer_id, '')"),
        Column::new(text("service", "service of the ticket"), "t.service"),
        Column::new(text("rule", "approval of the process that it is: change"), "(a.body -> 'asked' ->> 'rule')"),
        Column::new(
            Field::choice("state", &ApprovalState::ALL.map(ApprovalState::as_str), "what it has come to"),
            "(a.body ->> 'state')",
        ),
        Column::new(text("asker", "whose act asked for it"), "(a.body -> 'asked' ->> 'asked_by')"),
        Column::new(time("ask_time", "when it was asked for"), "iso_timestamp(a.body ->> 'asked_at')"),
        Column::new(time("decide_time", "when it came to its state"), "iso_timestamp(a.body ->> 'decided_at')"),
    ])
});

/// Somebody who has decisions to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approver {
    /// Who: `people/ann`.
    pub person: String,
    /// Roles held, and groups belonged to, by themselves or by those in whose place they decide; `*` stands for all.
    pub roles: Vec<String>,
    /// In whose place they decide for a while.
    pub delegators: Vec<String>,
}

/// An approval with the name of its ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct OfTicket {
    /// Name of the ticket.
    pub ticket: String,
    /// The approval.
    pub approval: Approval,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    ticket: String,
    #[diesel(sql_type = Text)]
    approval: String,
    #[diesel(sql_type = Array<Nullable<Text>>)]
    keyset: Keyset,
}

/// One page of the approvals of tickets within the scope, or of those that somebody has to decide on.
pub async fn list(
    connection: &mut Connection,
    scope: &Scope,
    listing: &Listing<'_>,
    pending_for: Option<&Approver>,
) -> Result<Page<OfTicket>, Error> {
    let mut sql = Sql::new("SELECT t.name AS ticket, a.body::text AS approval, ");
    listing.keyset(&mut sql);
    sql.push(" FROM tickets t CROSS JOIN LATERAL jsonb_array_elements(t.body -> 'approvals') AS a (body) WHERE ");
    sql.push(if pending_for.is_some() { "t.awaits_approval" } else { "t.body ? 'approvals'" });
    scope.restrict("t.customer_id", &mut sql);
    if let Some(approver) = pending_for {
        restrict(approver, &mut sql);
    }
    listing.restrict(&mut sql);
    let rows: Vec<Row> = sql.load(connection).await?;
    let page = listing.page(rows, |row| row.keyset.clone());
    let items = page.items.into_iter().map(|row| {
        let broken = |cause| Error::internal(format!("stored approval of {}: {cause}", row.ticket));
        let approval = domain::stored::approval_from_json(&row.approval).map_err(broken)?;
        Ok(OfTicket { ticket: row.ticket, approval })
    });
    Ok(Page { items: items.collect::<Result<_, Error>>()?, next_page_token: page.next_page_token })
}

/// Pending, within the approver's terms, not decided by them, and not their own: as `domain` decides it.
fn restrict(approver: &Approver, sql: &mut Sql) {
    let person = || approver.person.clone();
    let people: Vec<String> = approver.delegators.iter().cloned().chain([person()]).collect();
    sql.push(" AND a.body ->> 'state' = 'PENDING' AND (");
    if approver.roles.iter().any(|role| role == "*") {
        sql.push("a.body -> 'asked' -> 'policy' ?| ARRAY['roles', 'groups'] OR ");
    }
    for part in ["roles", "groups"] {
        sql.push("coalesce(a.body -> 'asked' -> 'policy' -> '").push(part).push("' ?| ");
        sql.bind::<Array<Text>, _>(approver.roles.clone()).push(", false) OR ");
    }
    sql.push("coalesce(a.body -> 'asked' -> 'policy' -> 'people' ?| ").bind::<Array<Text>, _>(people);
    sql.push(
        ", false) OR jsonb_path_exists(a.body, '$.delegations[*] ? (@.delegate == $who)', jsonb_build_object('who', ",
    );
    sql.bind::<Text, _>(person()).push("))) AND NOT jsonb_path_exists(a.body, ");
    sql.push("'$.decisions[*] ? (@.approver == $who || @.delegate == $who)', jsonb_build_object('who', ");
    sql.bind::<Text, _>(person()).push(")) AND a.body -> 'asked' ->> 'asked_by' <> ").bind::<Text, _>(person());
    sql.push(" AND t.requester IS DISTINCT FROM ").bind::<Text, _>(person());
    sql.push(" AND NOT EXISTS (SELECT FROM journal j LEFT JOIN journal_private p USING (position) ");
    sql.push("WHERE j.subject = t.name AND (j.kind = 'ticket.opened.v1' AND ");
    sql.push("coalesce(p.content -> j.actor ->> 1, j.actor) = ").bind::<Text, _>(person());
    sql.push(" OR t.practice = 'change' AND j.kind = 'ticket.assigned.v1' AND ");
    sql.push("coalesce(p.content -> (j.payload ->> 'person') ->> 1, j.payload ->> 'person') = ");
    sql.bind::<Text, _>(person()).push("))");
}
