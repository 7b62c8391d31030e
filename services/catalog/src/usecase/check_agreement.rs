//! Finds what is wrong with the working copy of an agreement.

use domain::finding::Finding;
use servicekit::{Caller, Error, Kit, Scope, resource};

use crate::store::{self, Agreement, check_agreement};

/// The findings, errors first: those that stand in the way of publishing it, and where it ties with others in force.
pub async fn run(kit: &Kit, caller: &Caller, name: &str) -> Result<Vec<Finding>, Error> {
    let mut connection = kit.database.get(&Scope::Everything).await?;
    let agreement = resource::load::<Agreement>(&mut connection, caller, name).await?.body;
    let mut findings = check_agreement(&mut connection, &agreement).await?;
    let published = store::published_agreements(&mut connection).await?;
    let others = store::in_force(&published, kit.clock.now()).filter(|other| other.name != name);
    findings.extend(agreement.definition.check_ties(others.map(|other| (other.name, other.agreement))));
    findings.sort_by_key(|finding| finding.severity);
    Ok(findings)
}
