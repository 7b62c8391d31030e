//! Offerings.

use std::sync::LazyLock;

use domain::filter::{Field, Kind};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use servicekit::db::Connection;
use servicekit::filter::{Column, Fields};
use servicekit::reference::{self, Dependant, Reference};
use servicekit::resource::{self, Resource, Stored, Visibility};
use servicekit::{Error, Violation, standard};

/// An offering as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offering(pub domain::portfolio::Offering);

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::new(resource::columns([
        Column::text("service", "service it belongs to", "service"),
        Column::text("fulfilment_process", "process that fulfils a request", "fulfilment_process"),
        Column::new(Field::new("unit_price.value", Kind::Decimal, "price of one unit").orderable(), "price"),
        Column::text("unit_price.currency_code", "currency of the price", "price_currency"),
    ]))
});

impl Resource for Offering {
    const TABLE: &'static str = "offering";
    const KIND: &'static str = "offering";
    const VISIBILITY: Visibility = Visibility::Everyone;

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
                let users = [Dependant::Among("agreement", "offerings")];
                return reference::refuse_while_used(connection, &after.name, &users).await;
            }
            let service = after.name.split("/offerings/").next().unwrap_or_default();
            let process = &after.body.0.fulfilment_process;
            let named = [
                Reference::one("parent", "service", service),
                Reference::one("offering.fulfilment_process", "process", process),
            ];
            reference::hold(connection, &named).await
        })
    }
}
