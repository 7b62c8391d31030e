//! Enums of the contract beside those of the domain.

servicekit::mirror! {
    /// How much attention a relation needs.
    category: proto::supplier::v1::SupplierCategory = domain::contract::SupplierCategory {
        Strategic, Tactical, Operational, Commodity,
    }
    /// What happens when a contract ends.
    renewal_policy: proto::supplier::v1::RenewalPolicy = domain::contract::RenewalPolicy { Expires, Renews, Option }
}
