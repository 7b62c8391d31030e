//! Which tickets a caller may see: all of them, or those of a customer and of those below it.

use diesel::sql_types::{Array, Text};
use servicekit::sql::Sql;

/// What a statement about tickets is restricted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everything: the provider's own staff.
    Everything,
    /// Tickets of these customers.
    Customers(Vec<String>),
}

impl Scope {
    /// Whether tickets of that customer (empty: of none) are within the scope.
    pub fn contains(&self, customer: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Customers(customers) => customers.iter().any(|own| own == customer),
        }
    }

    /// Whether the provider's own notes and observations are within the scope.
    pub fn sees_internal(&self) -> bool {
        *self == Self::Everything
    }

    /// Appends the restriction to the WHERE clause of a statement whose tickets are called `t`.
    pub fn restrict(&self, sql: &mut Sql) {
        if let Self::Customers(customers) = self {
            sql.push(" AND t.customer_id = ANY (").bind::<Array<Text>, _>(customers.clone()).push(")");
        }
    }
}
