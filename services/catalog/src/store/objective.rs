//! Objectives of the business.

use std::sync::LazyLock;

use domain::portfolio::closes_cycle;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use servicekit::db::Connection;
use servicekit::filter::{Column, Fields};
use servicekit::reference::{self, Dependant, Reference};
use servicekit::resource::{self, Resource, Stored, Visibility};
use servicekit::{Error, Violation, standard};

use super::{date, illustrative};

/// An objective as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Objective(pub domain::portfolio::Objective);

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::new(resource::columns([
        Column::text("owner", "person accountable", "owner"),
        Column::text("parent", "objective it is part of", "parent"),
        date(
            "target_date",
            "day by which it is to be reached, as 2026-06-30",
            "to_char(target_on, 'YYYY-MM-DD')",
            "target_on",
        ),
        illustrative(),
    ]))
});

impl Resource for Objective {
    const TABLE: &'static str = "objective";
    const KIND: &'static str = "objective";
    const VISIBILITY: Visibility = Visibility::Provider;

    fn fields() -> &'static Fields {
        &FIELDS
    }

    fn validate(&self) -> Vec<Violation> {
        standard::violations(self)
    }

    fn guard<'a>(
        connection: &'a mut Connection,
        before: Option<&'a Stored<Self>>,
        after: &'a Stored<Self>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if after.deleted_at.is_some() {
                let users = [
                    Dependant::Named("objective", "parent"),
                    Dependant::Among("service", "objectives"),
                    Dependant::Named("benefit", "objective"),
                ];
                return reference::refuse_while_used(connection, &after.name, &users).await;
            }
            let parent = &after.body.0.parent;
            if parent.is_empty() || before.is_some_and(|before| before.body.0.parent == *parent) {
                return Ok(());
            }
            let above = reference::ancestors(connection, Self::TABLE, parent).await?;
            if closes_cycle(&after.name, parent, &above) {
                let message = format!("{parent} is {} itself or part of it: choose another parent", after.name);
                return Err(Error::invalid("objective.parent", message));
            }
            reference::hold(connection, &[Reference::one("objective.parent", Self::TABLE, parent)]).await
        })
    }
}
