//! Reads tickets by name, or by the id they have in the system they came from.

use servicekit::{Caller, Error};

use super::{Operations, for_scope, number_of, of_name};
use crate::store::case::Get;
use crate::store::ticket::{Part, Stored, get_many, lookup};

impl Operations {
    /// The ticket of that name.
    pub async fn get_ticket(&self, caller: &Caller, name: &str, part: Part) -> Result<Stored, Error> {
        let scope = self.kit.scope_of(caller);
        let number = number_of(name)?;
        let found = self.gets.find(Get { number, part, scope: scope.clone() }).await?;
        Ok(for_scope(of_name(found, name)?, &scope))
    }

    /// Tickets by name, in that order; NOT_FOUND names the first that is missing.
    pub async fn get_tickets(&self, caller: &Caller, names: &[String], part: Part) -> Result<Vec<Stored>, Error> {
        let scope = self.kit.scope_of(caller);
        let numbers = names.iter().map(|name| number_of(name)).collect::<Result<Vec<_>, _>>()?;
        let mut connection = self.kit.database.get(&scope).await?;
        let found = get_many(&mut connection, &scope, &numbers, part).await?;
        let tickets = names.iter().zip(numbers).map(|(name, number)| {
            // The same name may have been asked for twice.
            of_name(found.get(&number).cloned(), name).map(|stored| for_scope(stored, &scope))
        });
        tickets.collect()
    }

    /// The ticket with that id in that source.
    pub async fn lookup_ticket(&self, caller: &Caller, system: &str, id: &str) -> Result<Stored, Error> {
        let scope = self.kit.scope_of(caller);
        let mut connection = self.kit.database.get(&scope).await?;
        let found = lookup(&mut connection, &scope, system, id).await?;
        let stored = found.ok_or_else(|| Error::not_found(format!("ticket {id} of {system}")))?;
        Ok(for_scope(stored, &scope))
    }
}
