//! Who holds which role.

use std::sync::LazyLock;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use servicekit::db::Connection;
use servicekit::filter::{Column, Fields};
use servicekit::reference::{self, Reference};
use servicekit::resource::{self, Resource, Stored, Visibility};
use servicekit::{Error, Violation, standard};

use super::{date, illustrative};

/// A role assignment as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoleAssignment(pub domain::governance::RoleAssignment);

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::new(resource::columns([
        Column::text("role", "role that is held", "role"),
        Column::text("member", "who holds it", "member"),
        Column::text("service", "service for which it is held", "service"),
        Column::text("customer", "customer for whose matters it is held", "customer"),
        date("start_date", "first day, as 2026-06-30", "to_char(start_on, 'YYYY-MM-DD')", "start_on"),
        date("end_date", "last day, as 2026-06-30", "to_char(end_on, 'YYYY-MM-DD')", "end_on"),
        illustrative(),
    ]))
});

impl Resource for RoleAssignment {
    const TABLE: &'static str = "role_assignment";
    const KIND: &'static str = "role_assignment";
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
            let assignment = &after.body.0;
            let named = [
                Reference::one("role_assignment.role", "role", &assignment.role),
                Reference::one("role_assignment.service", "service", &assignment.service),
                Reference::one("role_assignment.customer", "customer", &assignment.customer),
            ];
            reference::hold(connection, &named).await
        })
    }
}
