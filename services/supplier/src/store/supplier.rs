//! Suppliers.

use std::sync::LazyLock;

use domain::contract::SupplierCategory;
use domain::filter::Field;
use domain::portfolio::closes_cycle;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use servicekit::db::Connection;
use servicekit::filter::{Column, Fields};
use servicekit::reference::{self, Dependant, Reference};
use servicekit::resource::{self, Resource, Stored, Visibility};
use servicekit::{Error, Violation, standard};

use super::illustrative;

/// A supplier as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Supplier(pub domain::contract::Supplier);

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    let categories = SupplierCategory::ALL.map(SupplierCategory::as_str);
    Fields::new(resource::columns([
        Column::text("parent", "supplier it belongs to", "parent"),
        Column::new(Field::choice("category", &categories, "how much attention the relation needs"), "category"),
        Column::text("manager", "person who manages the relation", "manager"),
        Column::text("country_code", "country", "country_code"),
        illustrative(),
    ]))
});

impl Resource for Supplier {
    const TABLE: &'static str = "supplier";
    const KIND: &'static str = "supplier";
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
                    Dependant::Named("supplier", "parent"),
                    Dependant::Named("contract", "supplier"),
                    Dependant::Among("contract", "additional_suppliers"),
                ];
                return reference::refuse_while_used(connection, &after.name, &users).await;
            }
            let parent = &after.body.0.parent;
            if parent.is_empty() || before.is_some_and(|before| before.body.0.parent == *parent) {
                return Ok(());
            }
            let above = reference::ancestors(connection, Self::TABLE, parent).await?;
            if closes_cycle(&after.name, parent, &above) {
                let message = format!("{parent} is {} itself or belongs to it: choose another parent", after.name);
                return Err(Error::invalid("supplier.parent", message));
            }
            reference::hold(connection, &[Reference::one("supplier.parent", Self::TABLE, parent)]).await
        })
    }
}
