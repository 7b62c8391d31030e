//! What a ticket refers to has to exist in the catalog, and to be the caller's to name.

use domain::ticket::{Changes, Patch};
use servicekit::Scope;
use servicekit::error::{Error, Violation};

use crate::catalog::Snapshot;
use crate::error::CUSTOMER_FIXED;

/// Refuses references to what does not exist, all at once, and a customer outside the caller's scope.
pub(super) fn check(changes: &Changes, scope: &Scope, catalog: &Snapshot) -> Result<(), Error> {
    if let Patch::Set(customer) = &changes.customer
        && !scope.contains(customer)
    {
        let text = format!("{customer} is not the customer that the caller is bound to: leave the field out");
        return Err(Error::refused(CUSTOMER_FIXED, "", text));
    }
    if changes.customer == Patch::Clear && !scope.contains("") {
        let text = "the ticket of a caller that is bound to a customer belongs to it: leave the field out";
        return Err(Error::refused(CUSTOMER_FIXED, "", text));
    }
    let mut found = Vec::new();
    let mut exists = |field: &str, name: &Patch<String>, known: &dyn Fn(&str) -> bool| {
        if let Patch::Set(name) = name
            && !known(name)
        {
            let text = format!("{name} does not exist in the catalog: create it first, or leave the field out");
            found.push(Violation::new(format!("ticket.{field}"), text));
        }
    };
    exists("customer", &changes.customer, &|name| catalog.has_customer(name));
    exists("service", &changes.service, &|name| catalog.has_service(name));
    exists("offering", &changes.offering, &|name| catalog.has_offering(name));
    if !scope.sees_internal() {
        for (field, given) in [("source_system", &changes.source_system), ("source_id", &changes.source_id)] {
            if given.value().is_some() {
                found.push(Violation::new(format!("ticket.{field}"), "is written by the provider: leave it out"));
            }
        }
    }
    Error::check(found)
}
