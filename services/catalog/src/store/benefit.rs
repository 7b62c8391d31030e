//! Benefits.

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

/// A benefit as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Benefit(pub domain::value::Benefit);

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    let whole = |name: &str, description: &str| Field::new(name, Kind::Integer, description).orderable();
    Fields::new(resource::columns([
        Column::text("objective", "business goal it serves", "objective"),
        Column::text("service", "service that brings it about", "service"),
        date("start_date", "first day, as 2026-06-30", "to_char(start_on, 'YYYY-MM-DD')", "start_on"),
        date("end_date", "last day, as 2026-06-30", "to_char(end_on, 'YYYY-MM-DD')", "end_on"),
        Column::new(whole("planned.likely.minor_units", "likely benefit, in whole minor units"), "likely_minor_units"),
        Column::new(whole("realised.minor_units", "what was gained, in whole minor units"), "realised_minor_units"),
        Column::text("planned.likely.currency_code", "currency", "currency"),
        Column::text("owner", "person who answers for it", "owner"),
        illustrative(),
    ]))
});

impl Resource for Benefit {
    const TABLE: &'static str = "benefit";
    const KIND: &'static str = "benefit";
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
            let benefit = &after.body.0;
            let named = [
                Reference::one("benefit.objective", "objective", &benefit.objective),
                Reference::one("benefit.service", "service", &benefit.service),
            ];
            reference::hold(connection, &named).await
        })
    }
}
