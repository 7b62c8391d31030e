//! Services.

use std::sync::LazyLock;

use domain::filter::Field;
use domain::portfolio::{Criticality, ServiceState};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use servicekit::db::Connection;
use servicekit::filter::{Column, Fields};
use servicekit::reference::{self, Dependant, Reference};
use servicekit::resource::{self, Resource, Stored, Visibility};
use servicekit::{Error, Violation, standard};

use super::illustrative;

/// A service as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service(pub domain::portfolio::Service);

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::new(resource::columns([
        Column::text("line", "line of business or family", "line"),
        Column::text("owner", "person accountable", "owner"),
        Column::new(
            Field::choice(
                "criticality",
                &Criticality::ALL.map(Criticality::as_str),
                "how much the business depends on it",
            ),
            "criticality",
        ),
        Column::new(
            Field::choice("state", &ServiceState::ALL.map(ServiceState::as_str), "life cycle"),
            "service_state",
        ),
        Column::list("depends_on", "services it needs", "depends_on"),
        Column::list("objectives", "objectives of the business that it serves", "objectives"),
        illustrative(),
    ]))
});

impl Resource for Service {
    const TABLE: &'static str = "service";
    const KIND: &'static str = "service";
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
                let users = [
                    Dependant::Under("offering"),
                    Dependant::Among("service", "depends_on"),
                    Dependant::Among("agreement", "services"),
                    Dependant::Named("cost_entry", "service"),
                    Dependant::Named("budget", "service"),
                    Dependant::Named("benefit", "service"),
                    Dependant::Named("allocation_rule", "service"),
                    Dependant::Among("allocation_rule", "target_services"),
                    Dependant::Named("role_assignment", "service"),
                    Dependant::Named("responsibility", "service"),
                ];
                return reference::refuse_while_used(connection, &after.name, &users).await;
            }
            let service = &after.body.0;
            let needed = Reference::each("service.depends_on", "service", &service.depends_on);
            let served = Reference::each("service.objectives", "objective", &service.objectives);
            reference::hold(connection, &needed.chain(served).collect::<Vec<_>>()).await
        })
    }
}
