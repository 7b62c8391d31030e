//! Cost entries.

use std::sync::LazyLock;

use domain::filter::{Field, Kind};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use servicekit::db::Connection;
use servicekit::filter::{Column, Fields};
use servicekit::reference::{self, Reference};
use servicekit::resource::{self, Resource, Stored, Visibility};
use servicekit::{Error, Violation, standard};

use super::illustrative;

/// A line of the cost ledger as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CostEntry(pub domain::cost::CostEntry);

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::new(resource::columns([
        Column::new(Field::new("start_time", Kind::Timestamp, "start of the charge period").orderable(), "start_at"),
        Column::new(Field::new("end_time", Kind::Timestamp, "end of the charge period").orderable(), "end_at"),
        Column::new(Field::new("billed_cost.value", Kind::Decimal, "what was billed").orderable(), "billed_cost"),
        Column::text("billed_cost.currency_code", "currency of the bill", "billed_currency"),
        Column::text("pool", "cost pool or category", "pool"),
        Column::text("vendor", "who issued the bill", "vendor"),
        Column::text("provider", "provider of what was consumed", "provider"),
        Column::text("provider_service", "the provider's own name for its service", "provider_service"),
        Column::text("charge_category", "kind of charge", "charge_category"),
        Column::text("account", "account that was charged", "account"),
        Column::text("region", "region", "region"),
        Column::text("service", "service of the catalog it belongs to", "service"),
        Column::text("source", "where the entry comes from", "source"),
        Column::text("source_id", "place in the source", "source_id"),
        illustrative(),
    ]))
});

impl Resource for CostEntry {
    const TABLE: &'static str = "cost_entry";
    const KIND: &'static str = "cost_entry";
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
            reference::hold(connection, &[Reference::one("cost_entry.service", "service", &after.body.0.service)]).await
        })
    }
}
