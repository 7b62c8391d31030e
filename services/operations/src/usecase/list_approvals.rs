//! One page of the approvals that the caller may see, or of those that somebody has to decide on.

use servicekit::page::{Listing, Page, Request};
use servicekit::{Caller, Error, Scope};

use super::Operations;
use crate::store::approval::{Approver, FIELDS, OfTicket, list};
use crate::store::delegation::leading_to;

impl Operations {
    /// Lists approvals, by name unless another order is asked for. `pending_for` is empty for all of them, and `me` for
    /// those of the caller.
    pub async fn list_approvals(
        &self,
        caller: &Caller,
        request: Request<'_>,
        pending_for: &str,
    ) -> Result<Page<OfTicket>, Error> {
        let scope = self.kit.scope_of(caller);
        let pending_for = if pending_for == "me" { &caller.actor } else { pending_for };
        let listing = Listing::open(&self.kit, caller, &FIELDS, Request { selection: pending_for, ..request })?;
        let mut connection = self.kit.database.get(&scope.deciding()).await?;
        let approver = if pending_for.is_empty() {
            None
        } else {
            let own = connection.within(Scope::Everything);
            let lent = leading_to(&mut connection, pending_for, listing.at()).await?;
            connection.within(own);
            let own = caller.roles.iter().filter(|_| pending_for == caller.actor);
            let roles = own.chain(lent.iter().flat_map(|lent| &lent.roles)).cloned().collect();
            let delegators = lent.iter().map(|lent| lent.delegator.clone()).collect();
            Some(Approver { person: pending_for.to_owned(), roles, delegators })
        };
        list(&mut connection, &scope, &listing, approver.as_ref()).await
    }
}
