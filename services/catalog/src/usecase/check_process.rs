//! Finds what is wrong with the working copy of a process.

use domain::finding::Finding;
use servicekit::{Caller, Error, Kit, resource};

use crate::findings;
use crate::store::Process;

/// The findings, errors first.
pub async fn run(kit: &Kit, caller: &Caller, name: &str) -> Result<Vec<Finding>, Error> {
    let process = resource::get::<Process>(kit, caller, name).await?;
    Ok(findings::of_process(&process.body))
}
