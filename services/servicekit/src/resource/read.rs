//! Get and List.

use diesel::OptionalExtension;
use diesel::QueryableByName;
use diesel::sql_types::{Array, Nullable, Text};
use domain::filter::{Field, Kind};
use jiff::Timestamp;

use super::{COLUMNS, Resource, Row, Stored, Visibility, scope};
use crate::auth::Caller;
use crate::db::Connection;
use crate::error::Error;
use crate::filter::Column;
use crate::kit::Kit;
use crate::page::{self, Keyset, Listing, Page};
use crate::sql::Sql;

/// What a List method was asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct List<'a> {
    /// Method, page, filter and order. Parent and deleted ones need no mention in its `selection`.
    pub request: page::Request<'a>,
    /// Lists what lies under this prefix of a name: `services/email/`. Empty: everything.
    pub parent: &'a str,
    /// Whether deleted resources are listed too.
    pub show_deleted: bool,
}

/// Fields that every resource with a display name can be filtered and ordered by, `name` first; then those of its own.
pub fn columns(own: impl IntoIterator<Item = Column>) -> Vec<Column> {
    let mut columns = vec![
        Column::text("name", "resource name", "name"),
        Column::text("display_name", "name for people", "display_name"),
        Column::new(Field::new("create_time", Kind::Timestamp, "when it was created").orderable(), "created_at"),
        Column::new(Field::new("update_time", Kind::Timestamp, "when it was last changed").orderable(), "updated_at"),
    ];
    columns.extend(own);
    columns
}

/// The resource of that name, deleted or not; NOT_FOUND when there is none, or not for this caller.
pub async fn get<R: Resource>(kit: &Kit, caller: &Caller, name: &str) -> Result<Stored<R>, Error> {
    let mut connection = kit.database.get(&scope::<R>(kit, caller)).await?;
    load(&mut connection, caller, name).await
}

/// As [`get`], on a connection at hand.
pub async fn load<R: Resource>(connection: &mut Connection, caller: &Caller, name: &str) -> Result<Stored<R>, Error> {
    select(connection, caller, name, "").await?.ok_or_else(|| Error::not_found(name))
}

/// The resource of that name if there is one and it is not deleted: for references, inside [`Resource::guard`].
pub async fn find<R: Resource>(connection: &mut Connection, name: &str) -> Result<Option<Stored<R>>, Error> {
    let everything = Caller::trusted("systems/itsm");
    Ok(select(connection, &everything, name, "").await?.filter(|stored| stored.deleted_at.is_none()))
}

/// Reads one row, with `locking` (` FOR UPDATE`) as asked.
pub(super) async fn select<R: Resource>(
    connection: &mut Connection,
    caller: &Caller,
    name: &str,
    locking: &str,
) -> Result<Option<Stored<R>>, Error> {
    let mut sql = Sql::new(format!("SELECT {COLUMNS} FROM {} WHERE name = ", R::TABLE));
    sql.bind::<Text, _>(name.to_owned());
    visible::<R>(caller, &mut sql);
    sql.push(locking);
    let row: Option<Row> = sql.get_result(connection).await.optional()?;
    row.map(Row::read).transpose()
}

/// Appends what the caller may see to a WHERE clause.
pub(super) fn visible<R: Resource>(caller: &Caller, sql: &mut Sql) {
    let Some(customer) = &caller.customer else { return };
    match R::VISIBILITY {
        Visibility::Everyone => {}
        Visibility::Provider => {
            sql.push(" AND false");
        }
        Visibility::Customer(column) => {
            sql.push(" AND ").push(column).push(" = ").bind::<Text, _>(customer.clone());
        }
    }
}

#[derive(QueryableByName)]
struct Listed {
    #[diesel(embed)]
    content: Row,
    #[diesel(sql_type = Array<Nullable<Text>>)]
    keyset: Keyset,
}

/// One page of the resources that the caller may see.
pub async fn list<R: Resource>(kit: &Kit, caller: &Caller, list: List<'_>) -> Result<Page<Stored<R>>, Error> {
    list_within(kit, caller, list, |_, _| ()).await
}

/// As [`list`], of those resources only for which the conditions hold that `within` appends (` AND …`). It gets the
/// instant that is the present on every page; the request's `selection` says what else the conditions depend on.
pub async fn list_within<R: Resource>(
    kit: &Kit,
    caller: &Caller,
    list: List<'_>,
    within: impl FnOnce(Timestamp, &mut Sql) + Send,
) -> Result<Page<Stored<R>>, Error> {
    let selection = format!("{} {} {}", list.parent, list.show_deleted, list.request.selection);
    let request = page::Request { selection: &selection, ..list.request };
    let listing = Listing::open(kit, caller, R::fields(), request)?;
    let mut sql = Sql::new(format!("SELECT {COLUMNS}, "));
    listing.keyset(&mut sql);
    sql.push(&format!(" FROM {} WHERE ", R::TABLE));
    sql.push(if list.show_deleted { "true" } else { "deleted_at IS NULL" });
    if !list.parent.is_empty() {
        sql.push(" AND starts_with(name, ").bind::<Text, _>(list.parent.to_owned()).push(")");
    }
    visible::<R>(caller, &mut sql);
    within(listing.at(), &mut sql);
    listing.restrict(&mut sql);
    let mut connection = kit.database.get(&scope::<R>(kit, caller)).await?;
    let rows: Vec<Listed> = sql.load(&mut connection).await?;
    let page = listing.page(rows, |listed| listed.keyset.clone());
    let next_page_token = page.next_page_token;
    let items = page.items.into_iter().map(|listed| listed.content.read()).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}
