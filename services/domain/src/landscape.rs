//! Where services and customers belong: what selection and overlapping promises have to know beyond an agreement.

use std::collections::BTreeMap;

use crate::selection::Subject;
use crate::ticket::Matter;

/// Most steps from a customer to the top; a longer way is a circle.
const MAX_DEPTH: usize = 64;

/// The lines of services and the parents of customers, as they are at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Landscape {
    /// The line of each service. Empty: it is in none.
    pub lines: BTreeMap<String, String>,
    /// The parent of each customer. Empty: it is at the top.
    pub parents: BTreeMap<String, String>,
}

impl Landscape {
    /// The customer, then its parent, and so on to the top. Empty for no customer.
    pub fn chain<'a>(&'a self, customer: Option<&'a str>) -> Vec<&'a str> {
        let above = |name: &&'a str| self.parents.get(*name).map(String::as_str).filter(|parent| !parent.is_empty());
        std::iter::successors(customer, above).take(MAX_DEPTH).collect()
    }

    /// The customer and all below it.
    pub fn customers_from<'a>(&'a self, customer: &'a str) -> impl Iterator<Item = &'a str> {
        let below = self.parents.keys().map(String::as_str);
        let below = below.filter(move |name| *name != customer && self.chain(Some(name)).contains(&customer));
        std::iter::once(customer).chain(below)
    }

    /// The line of a service. Empty: it is in none, or not known.
    pub fn line(&self, service: &str) -> Option<&str> {
        self.lines.get(service).map(String::as_str).filter(|line| !line.is_empty())
    }

    /// What selection looks at; `customers` is the chain of the customer.
    pub fn subject<'a>(&'a self, matter: &'a Matter, customers: &'a [&'a str]) -> Subject<'a> {
        let service = matter.service.as_deref();
        Subject {
            customers,
            service,
            line: service.and_then(|service| self.line(service)),
            offering: matter.offering.as_deref(),
            practice: &matter.practice,
            priority: matter.priority,
        }
    }
}
