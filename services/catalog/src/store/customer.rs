//! Customers.

use std::sync::LazyLock;

use domain::portfolio::closes_cycle;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use servicekit::db::Connection;
use servicekit::filter::{Column, Fields};
use servicekit::reference::{self, Dependant, Reference};
use servicekit::resource::{self, Resource, Stored, Visibility};
use servicekit::{Error, Violation, standard};

use super::illustrative;

/// A customer as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Customer(pub domain::portfolio::Customer);

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::new(resource::columns([
        Column::text("parent", "customer it is part of", "parent"),
        Column::text("business_unit", "business unit", "business_unit"),
        Column::text("lei", "Legal Entity Identifier", "lei"),
        illustrative(),
    ]))
});

impl Resource for Customer {
    const TABLE: &'static str = "customer";
    const KIND: &'static str = "customer";
    /// A caller bound to a customer sees that one.
    const VISIBILITY: Visibility = Visibility::Customer("name");

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
                    Dependant::Named("customer", "parent"),
                    Dependant::Among("agreement", "customers"),
                    Dependant::Among("allocation_rule", "target_customers"),
                    Dependant::Named("role_assignment", "customer"),
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
                return Err(Error::invalid("customer.parent", message));
            }
            reference::hold(connection, &[Reference::one("customer.parent", Self::TABLE, parent)]).await
        })
    }
}
