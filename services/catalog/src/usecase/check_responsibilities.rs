//! Finds what is wrong with who answers for what.

use domain::governance::{Gap, Review};
use domain::name::Collection;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use servicekit::{Caller, Error, Kit, Scope, Violation, error, resource};

use crate::store;

const PROCESSES: Collection<1> = Collection::new(["processes"]);
const SERVICES: Collection<1> = Collection::new(["services"]);

/// The gaps, worst first, of one process or all and one service or all, as of a day or today.
pub async fn run(
    kit: &Kit,
    caller: &Caller,
    process: &str,
    service: &str,
    on: Option<Date>,
) -> Result<Vec<Gap>, Error> {
    if caller.customer.is_some() {
        let message =
            format!("{} is bound to {} and sees nothing of the provider's roles", caller.actor, caller.scope());
        return Err(Error::refused(error::PERMISSION_DENIED, "", message));
    }
    let named = |field: &str, collection: Collection<1>, name: &str| {
        (!name.is_empty()).then(|| collection.parse(field, name).err()).flatten()
    };
    let wrong = [named("process", PROCESSES, process), named("service", SERVICES, service)];
    Error::check(wrong.into_iter().flatten().map(|found| Violation::new(found.field, found.message)).collect())?;
    let mut connection = kit.database.get(&Scope::Everything).await?;
    if !process.is_empty() {
        resource::load::<store::Process>(&mut connection, caller, process).await?;
    }
    if !service.is_empty() {
        resource::load::<store::Service>(&mut connection, caller, service).await?;
    }
    let now = kit.clock.now();
    let today = now.to_zoned(TimeZone::UTC).date();
    let on = on.unwrap_or(today);
    // The whole of a day that has passed or is to come; of today, what is in force now.
    let end = on.tomorrow().and_then(|next| next.to_zoned(TimeZone::UTC)).map(|next| next.timestamp());
    let at = if on == today { now } else { end.map_err(|_| Error::invalid("as_of_date", "is out of range"))? };
    let governance = store::governance(&mut connection).await?;
    let processes = store::processes_in_force(&mut connection, at).await?;
    let landscape = store::landscape(&mut connection).await?;
    let given = |name| Some(name).filter(|name: &&str| !name.is_empty());
    Ok(Review { governance: &governance, processes: &processes, landscape: &landscape, on }
        .gaps(given(process), given(service)))
}
