//! Contracts and their revisions.

use std::sync::LazyLock;

use domain::contract::RenewalPolicy;
use domain::filter::{Field, Kind};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use servicekit::db::Connection;
use servicekit::filter::{Column, Fields};
use servicekit::reference::{self, Reference};
use servicekit::resource::{self, Resource, Revisioned, Stored, Visibility};
use servicekit::{Error, Violation, standard};

use super::{illustrative, recorded_contracts};

/// A contract as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contract(pub domain::contract::Contract);

impl Contract {
    /// Its place in the source that it comes from. None: it was entered by hand.
    pub fn place(&self) -> Option<(&str, &str)> {
        let place = (self.0.source.as_str(), self.0.source_id.as_str());
        (place != ("", "")).then_some(place)
    }
}

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    let policies = RenewalPolicy::ALL.map(RenewalPolicy::as_str);
    let whole = |name: &str, description: &str| Field::new(name, Kind::Integer, description).orderable();
    Fields::new(resource::columns([
        Column::text("supplier", "supplier", "supplier"),
        Column::list("additional_suppliers", "further suppliers", "additional_suppliers"),
        Column::text("reference", "number that the parties use", "reference"),
        Column::text("contract_type", "kind, as the register calls it", "contract_type"),
        Column::text("owner_unit", "part of the organisation that holds it", "owner_unit"),
        Column::text("owner", "person who answers for it", "owner"),
        Column::text("register_status", "life cycle as the register states it", "register_status"),
        date("start_date", "first day, as 2026-06-30", "to_char(start_on, 'YYYY-MM-DD')", "start_on"),
        date("end_date", "last day, as 2026-06-30", "to_char(end_on, 'YYYY-MM-DD')", "end_on"),
        date(
            "notice_deadline_date",
            "last day on which notice can be given, as 2026-06-30",
            "to_char(notice_deadline_on, 'YYYY-MM-DD')",
            "notice_deadline_on",
        ),
        Column::new(whole("notice_days", "days of notice before the end"), "notice_days"),
        Column::new(Field::choice("renewal_policy", &policies, "what happens at the end"), "renewal_policy"),
        Column::new(
            whole("committed_amount.minor_units", "committed amount in whole minor units"),
            "committed_minor_units",
        ),
        Column::text("committed_amount.currency_code", "currency of the committed amount", "committed_currency"),
        Column::list("services", "services that depend on it", "services"),
        Column::text("source", "where the entry comes from", "source"),
        Column::text("source_id", "place in the source", "source_id"),
        illustrative(),
    ]))
});

/// A calendar date: compared as its text, which sorts as the date does, and ordered by its column.
fn date(name: &str, description: &str, text: &'static str, column: &'static str) -> Column {
    Column::text(name, description, text).ordered_by(column, "date")
}

impl Resource for Contract {
    const TABLE: &'static str = "contract";
    const KIND: &'static str = "contract";
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
            let contract = &after.body.0;
            let mut named = vec![Reference::one("contract.supplier", "supplier", &contract.supplier)];
            named.extend(Reference::each("contract.additional_suppliers", "supplier", &contract.additional_suppliers));
            reference::hold(connection, &named).await?;
            let Some(place) = after.body.place() else { return Ok(()) };
            match recorded_contracts(connection, &[place]).await?.into_iter().next() {
                Some(recorded) if recorded.name != after.name => Err(Error::already_exists(recorded.name)),
                _ => Ok(()),
            }
        })
    }
}

impl Revisioned for Contract {
    const REVISIONS: &'static str = "contract_revision";
}
