//! Publishes what comes with the program: processes, the roles they speak of, and a proposal of who answers for what.

use std::collections::BTreeSet;

use diesel::QueryableByName;
use diesel::sql_types::Text;
use domain::governance::Governance;
use jiff::Timestamp;
use servicekit::idempotency::Key;
use servicekit::resource::{self, Outcome, Publish, Resource, Stored};
use servicekit::sql::Sql;
use servicekit::{Caller, Error, Kit, Scope};

use crate::store::{Process, Responsibility, Role};

/// Who publishes what comes with the program.
const ACTOR: &str = "systems/itsm";
const METHOD: &str = "itsm.catalog.v1.GovernanceService/PublishProcess";

/// Brings what ships into the catalog. What people have changed, published or deleted stays as they left it; what nobody
/// has touched follows the program, a process by a new revision, so that tickets stay with the one that governs them.
///
/// First revisions are in force from 1970 on, so that a history that is imported later is governed by them.
pub async fn run(kit: &Kit) -> Result<(), Error> {
    // Servers that start together take turns: the lock goes with the connection.
    let mut turn = kit.database.dedicated().await?;
    let lock = Sql::new("SELECT pg_advisory_lock(hashtextextended('what ships', 0))::text AS name");
    let _: Named = lock.get_result(&mut turn).await?;
    publish(kit).await
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

async fn publish(kit: &Kit) -> Result<(), Error> {
    let caller = Caller::trusted(ACTOR);
    let processes = domain::process::shipped().into_iter().map(|process| (process.name(), Process(process))).collect();
    let processes = bring(kit, &caller, processes).await?;
    for process in &processes {
        publish_process(kit, &caller, process).await?;
    }
    let Governance { roles, responsibilities, .. } = domain::governance::shipped();
    let roles = bring(kit, &caller, roles.into_iter().map(|(name, role)| (name, Role(role))).collect()).await?;
    let roles: BTreeSet<&str> = roles.iter().map(|role| role.name.as_str()).collect();
    // Rows are left out where people have taken away what they are about.
    let rows = responsibilities.into_iter().filter(|(_, row)| {
        let process = processes.iter().find(|process| process.name == row.process);
        process.is_some_and(|process| process.body.0.activity(&row.activity).is_some())
            && row.letters().into_iter().flat_map(|(_, names)| names).all(|role| roles.contains(role.as_str()))
    });
    bring(kit, &caller, rows.map(|(name, row)| (name, Responsibility(row))).collect()).await?;
    Ok(())
}

/// Adds what is not there and updates what nobody but the program has written; answers what is not deleted.
async fn bring<R: Resource>(kit: &Kit, caller: &Caller, members: Vec<(String, R)>) -> Result<Vec<Stored<R>>, Error> {
    let mut found = Vec::with_capacity(members.len());
    for (member, added) in members.iter().zip(resource::add(kit, caller, &members, false).await?) {
        let mut stored = added.stored;
        let differs = added.outcome == Outcome::Different && stored.deleted_at.is_none();
        if differs && is_ours(kit, &stored.name).await? {
            let updated = resource::upsert(kit, caller, std::slice::from_ref(member), false).await?;
            stored = updated.into_iter().next().map_or(stored, |updated| updated.stored);
        }
        found.push(stored);
    }
    found.retain(|stored| stored.deleted_at.is_none());
    Ok(found)
}

/// Whether the program was the last to write the resource.
async fn is_ours(kit: &Kit, name: &str) -> Result<bool, Error> {
    let mut sql = Sql::new("SELECT actor AS name FROM journal WHERE subject = ");
    sql.bind::<Text, _>(name.to_owned()).push(" ORDER BY subject_version DESC, position DESC LIMIT 1");
    let last: Vec<Named> = sql.load(&mut kit.database.get(&Scope::Everything).await?).await?;
    Ok(last.iter().all(|last| last.name == ACTOR))
}

/// Publishes the process unless its newest revision says the same, or people have taken it over.
async fn publish_process(kit: &Kit, caller: &Caller, process: &Stored<Process>) -> Result<(), Error> {
    let mut connection = kit.database.get(&Scope::Everything).await?;
    let newest = resource::revision_in_force::<Process>(&mut connection, &process.name, Timestamp::MAX).await?;
    drop(connection);
    if newest.as_ref().is_some_and(|newest| newest.body == process.body) || !is_ours(kit, &process.name).await? {
        return Ok(());
    }
    let publish = Publish {
        key: Key::new(&*kit.clock, caller, METHOD, "", &())?,
        name: process.name.clone(),
        etag: String::new(),
        effective_from: newest.is_none().then_some(Timestamp::UNIX_EPOCH),
        validate_only: false,
    };
    resource::publish::<Process>(kit, caller, publish).await?;
    Ok(())
}
