//! Budgets.

use std::sync::LazyLock;

use domain::filter::{Field, Kind};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use servicekit::db::Connection;
use servicekit::filter::{Column, Fields};
use servicekit::reference::{self, Reference};
use servicekit::resource::{self, Resource, Stored, Visibility};
use servicekit::{Error, Violation, standard};

use super::{date, illustrative};

/// A budget as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Budget(pub domain::value::Budget);

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::new(resource::columns([
        Column::text("pool", "cost pool it is for", "pool"),
        Column::text("service", "service it is for", "service"),
        date("start_date", "first day, as 2026-06-30", "to_char(start_on, 'YYYY-MM-DD')", "start_on"),
        date("end_date", "last day, as 2026-06-30", "to_char(end_on, 'YYYY-MM-DD')", "end_on"),
        Column::new(
            Field::new("amount.minor_units", Kind::Integer, "what may be spent, in whole minor units").orderable(),
            "amount_minor_units",
        ),
        Column::text("amount.currency_code", "currency", "amount_currency"),
        Column::text("owner", "person who answers for it", "owner"),
        illustrative(),
    ]))
});

impl Resource for Budget {
    const TABLE: &'static str = "budget";
    const KIND: &'static str = "budget";
    const VISIBILITY: Visibility = Visibility::Provider;

    fn fields() -> &'static Fields {
        &FIELDS
    }

    fn validate(&self) -> Vec<Violation> {
        standard::violations(self)
    }

    fn guard<'a>(
        connection: &'a mut Connection,
        _: Option<&'a Stored<Self>>,
        after: &'a Stored<Self>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if after.deleted_at.is_some() {
                return Ok(());
            }
            reference::hold(connection, &[Reference::one("budget.service", "service", &after.body.0.service)]).await
        })
    }
}
