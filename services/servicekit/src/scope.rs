//! Whose rows a transaction sees and writes. Row-level security in the database holds it to that, whatever a statement
//! asks for; without a scope there is nothing. WHERE clauses say the same once more, for plans and as a second lock.

use diesel::sql_types::{Array, Text};

use crate::sql::Sql;

/// The policies of the tables that every service has, for a migration of each.
pub const DDL: &str = include_str!("../sql/scope.sql");

/// What a transaction is held to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everything: the provider's own staff, and the service itself.
    Everything,
    /// What belongs to customers, for a caller who is bound to one.
    Bound(Bound),
}

/// What belongs to some customers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bound {
    customers: Vec<String>,
    internal: bool,
    person: Option<String>,
}

impl Scope {
    /// What belongs to these customers, of their facts the public ones.
    pub fn of(customers: Vec<String>) -> Self {
        Self::Bound(Bound { customers, internal: false, person: None })
    }

    /// The same with facts that are not public: to decide by and to compute with, never to answer with as they are.
    #[must_use]
    pub fn deciding(&self) -> Self {
        match self {
            Self::Everything => Self::Everything,
            Self::Bound(bound) => Self::Bound(Bound { internal: true, ..bound.clone() }),
        }
    }

    /// The same with what names that person.
    #[must_use]
    pub fn naming(&self, person: &str) -> Self {
        match self {
            Self::Everything => Self::Everything,
            Self::Bound(bound) => Self::Bound(Bound { person: Some(person.to_owned()), ..bound.clone() }),
        }
    }

    /// Whether what belongs to that customer (empty: to none) is within the scope.
    pub fn contains(&self, customer: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Bound(bound) => bound.customers.iter().any(|own| own == customer),
        }
    }

    /// Whether the provider's own notes and observations may be shown.
    pub fn sees_internal(&self) -> bool {
        *self == Self::Everything
    }

    /// Appends the restriction to a WHERE clause, by the column that names the customer.
    pub fn restrict(&self, column: &str, sql: &mut Sql) {
        let Self::Bound(Bound { customers, .. }) = self else { return };
        sql.push(" AND ").push(column);
        match customers.as_slice() {
            // An index that begins with the customer gives the rows of one in its order.
            [one] => sql.push(" = ").bind::<Text, _>(one.clone()),
            _ => sql.push(" = ANY (").bind::<Array<Text>, _>(customers.clone()).push(")"),
        };
    }

    /// Appends the restriction for facts `j` of the journal: of customers the public ones only.
    pub fn restrict_facts(&self, sql: &mut Sql) {
        self.restrict("j.customer_id", sql);
        if let Self::Bound(Bound { internal: false, .. }) = self {
            sql.push(" AND j.audience = 'PUBLIC'");
        }
    }

    /// The setting `itsm.scope` that policies read: `*`, or words.
    pub(crate) fn setting(&self) -> String {
        let Self::Bound(Bound { customers, internal, person }) = self else { return "*".to_owned() };
        let internal = internal.then_some("INTERNAL");
        // A name with a blank in it would be several words, and could be somebody else's: it stands for nothing.
        let names = customers.iter().chain(person).map(String::as_str).filter(|name| name.contains('/'));
        let names = names.filter(|name| !name.contains(char::is_whitespace));
        names.chain(internal).collect::<Vec<_>>().join(" ")
    }

    /// The statement that holds the rest of the transaction to the scope.
    pub(crate) fn statement(&self) -> String {
        format!("SET LOCAL itsm.scope = '{}'", self.setting().replace('\'', "''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acme() -> Scope {
        Scope::of(vec!["customers/acme".to_owned(), "customers/acme-north".to_owned()])
    }

    #[test]
    fn a_scope_is_words() {
        assert_eq!(Scope::Everything.setting(), "*");
        assert_eq!(acme().setting(), "customers/acme customers/acme-north");
        assert_eq!(acme().deciding().setting(), "customers/acme customers/acme-north INTERNAL");
        assert_eq!(acme().naming("people/o'brien").statement().rsplit(' ').next(), Some("people/o''brien'"));
        assert_eq!(Scope::of(Vec::new()).setting(), "");
    }

    #[test]
    fn a_name_cannot_smuggle_another_word_in() {
        for name in ["people/ann customers/other", "people/ann\tcustomers/other", "*", "INTERNAL", ""] {
            let scope = Scope::of(vec!["customers/acme".to_owned(), name.to_owned()]).naming(name);
            assert_eq!(scope.setting(), "customers/acme", "{name}");
        }
    }

    #[test]
    fn only_the_provider_sees_what_is_internal() {
        assert!(Scope::Everything.sees_internal() && Scope::Everything.contains(""));
        assert!(!acme().deciding().sees_internal());
        assert!(acme().contains("customers/acme-north") && !acme().contains("") && !acme().contains("customers/a"));
    }
}
