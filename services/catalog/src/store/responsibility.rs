//! Who answers for which activity.

use std::sync::LazyLock;

use domain::filter::{Field, Kind};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use servicekit::db::Connection;
use servicekit::filter::{Column, Fields};
use servicekit::reference::{self, Reference};
use servicekit::resource::{self, Resource, Stored, Visibility};
use servicekit::{Error, Violation, standard};

use super::{Process, illustrative};

/// A responsibility as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Responsibility(pub domain::governance::Responsibility);

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::new(resource::columns([
        Column::text("process", "process the activity belongs to", "process"),
        Column::text("activity", "activity", "activity"),
        Column::text("service", "service for which the row holds", "service"),
        Column::list("responsible", "roles that do the work", "responsible"),
        Column::list("accountable", "roles that answer for the outcome", "accountable"),
        Column::list("consulted", "roles that are asked before", "consulted"),
        Column::list("informed", "roles that are told after", "informed"),
        Column::new(Field::new("proposed", Kind::Bool, "whether it only describes"), "proposed"),
        illustrative(),
    ]))
});

impl Resource for Responsibility {
    const TABLE: &'static str = "responsibility";
    const KIND: &'static str = "responsibility";
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
                return Ok(());
            }
            let row = &after.body.0;
            let mut named = vec![
                Reference::one("responsibility.process", "process", &row.process),
                Reference::one("responsibility.service", "service", &row.service),
            ];
            for (letter, roles) in row.letters() {
                named.extend(Reference::each(&format!("responsibility.{letter}"), "role", roles));
            }
            reference::hold(connection, &named).await?;
            // What was there may have lost its activity since; CheckResponsibilities tells.
            let stays =
                |before: &Stored<Self>| before.body.0.process == row.process && before.body.0.activity == row.activity;
            if before.is_some_and(stays) {
                return Ok(());
            }
            let process = resource::find::<Process>(connection, &row.process).await?;
            let known = process.map(|process| process.body.0.activities).unwrap_or_default();
            if known.iter().any(|activity| activity.id == row.activity) {
                return Ok(());
            }
            let known: Vec<String> = known.into_iter().map(|activity| activity.id).collect();
            let message = format!("{} is no activity of {}: it has {}", row.activity, row.process, listed(&known));
            Err(Error::invalid("responsibility.activity", message))
        })
    }
}

fn listed(ids: &[String]) -> String {
    if ids.is_empty() { "none".to_owned() } else { ids.join(", ") }
}
