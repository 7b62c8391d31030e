//! Publishes the processes that come with the program, at first start.

use jiff::Timestamp;
use servicekit::idempotency::Key;
use servicekit::resource::{self, Publish};
use servicekit::{Caller, Error, Kit};

use crate::store::Process;

/// Who publishes what comes with the program.
const ACTOR: &str = "systems/itsm";
const METHOD: &str = "itsm.catalog.v1.GovernanceService/PublishProcess";

/// Creates and publishes every shipped process that has no revision yet; what people changed or deleted stays so.
///
/// They are in force from 1970 on, so that a history that is imported later is governed by them.
pub async fn run(kit: &Kit) -> Result<(), Error> {
    let caller = Caller::trusted(ACTOR);
    let processes = domain::process::shipped();
    let members: Vec<_> = processes.into_iter().map(|process| (process.name(), Process(process))).collect();
    for added in resource::add(kit, &caller, &members, false).await? {
        let name = added.stored.name;
        let mut connection = kit.database.get().await?;
        let in_force = resource::revision_in_force::<Process>(&mut connection, &name, Timestamp::UNIX_EPOCH).await?;
        drop(connection);
        if in_force.is_some() || added.stored.deleted_at.is_some() {
            continue;
        }
        let publish = Publish {
            key: Key::new(&*kit.clock, &caller, METHOD, "", &())?,
            name,
            etag: String::new(),
            effective_from: Some(Timestamp::UNIX_EPOCH),
            validate_only: false,
        };
        resource::publish::<Process>(kit, &caller, publish).await?;
    }
    Ok(())
}
