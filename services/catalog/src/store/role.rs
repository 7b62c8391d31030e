//! Roles.

use std::sync::LazyLock;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use servicekit::db::Connection;
use servicekit::filter::Fields;
use servicekit::reference::{self, Dependant};
use servicekit::resource::{self, Resource, Stored, Visibility};
use servicekit::{Error, Violation, standard};

use super::illustrative;

/// A role as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Role(pub domain::governance::Role);

static FIELDS: LazyLock<Fields> = LazyLock::new(|| Fields::new(resource::columns([illustrative()])));

impl Resource for Role {
    const TABLE: &'static str = "role";
    const KIND: &'static str = "role";
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
            if after.deleted_at.is_none() {
                return Ok(());
            }
            let users = [
                Dependant::Named("role_assignment", "role"),
                Dependant::Among("responsibility", "responsible"),
                Dependant::Among("responsibility", "accountable"),
                Dependant::Among("responsibility", "consulted"),
                Dependant::Among("responsibility", "informed"),
            ];
            reference::refuse_while_used(connection, &after.name, &users).await
        })
    }
}
