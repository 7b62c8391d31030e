//! Finds what is wrong with the working copy of an agreement.

use domain::finding::Finding;
use servicekit::{Caller, Error, Kit, resource};

use crate::store::{Agreement, check_agreement};

/// The findings, errors first.
pub async fn run(kit: &Kit, caller: &Caller, name: &str) -> Result<Vec<Finding>, Error> {
    let mut connection = kit.database.get().await?;
    let agreement = resource::load::<Agreement>(&mut connection, caller, name).await?;
    check_agreement(&mut connection, &agreement.body).await
}
