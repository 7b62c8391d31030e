//! Counts the tickets that the caller may see.

use servicekit::page::{Listing, Request};
use servicekit::{Caller, Error};

use super::Operations;
use crate::store::list::{Count, FIELDS, count};

impl Operations {
    /// Counts by the values of a field, by falling count; without a field there is one count, unless it is zero.
    pub async fn count_tickets(
        &self,
        caller: &Caller,
        request: Request<'_>,
        group_by: &str,
    ) -> Result<Vec<Count>, Error> {
        let scope = self.kit.scope_of(caller);
        let listing = Listing::open(&self.kit, caller, &FIELDS, request)?;
        let mut connection = self.kit.database.get(&scope).await?;
        count(&mut connection, &scope, listing.filter(), group_by).await
    }
}
