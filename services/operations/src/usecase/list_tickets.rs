//! One page of the tickets that the caller may see.

use servicekit::page::{Listing, Page, Request};
use servicekit::{Caller, Error};

use super::{Operations, for_scope};
use crate::store::list::{FIELDS, list};
use crate::store::ticket::{Part, Stored};

impl Operations {
    /// Lists tickets, by number unless another order is asked for.
    pub async fn list_tickets(&self, caller: &Caller, request: Request<'_>, part: Part) -> Result<Page<Stored>, Error> {
        let scope = self.kit.scope_of(caller);
        let listing = Listing::open(&self.kit, caller, &FIELDS, request)?;
        let mut connection = self.kit.database.get(&scope).await?;
        let page = list(&mut connection, &scope, &listing, part).await?;
        Ok(page.map(|stored| for_scope(stored, &scope)))
    }
}
