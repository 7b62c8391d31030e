//! Which role each method takes. Callers bound to a customer see no supplier and no contract, whatever their roles.

use servicekit::standard::Permission;

/// Reads suppliers and contracts.
const READER: &str = "supplier.reader";
/// Writes suppliers and contracts.
const EDITOR: &str = "supplier.editor";
/// Puts the terms of contracts in force.
const PUBLISHER: &str = "supplier.publisher";

/// Every method of the service with its role.
pub const PERMISSIONS: &[Permission] = &[
    ("itsm.supplier.v1.SupplierService/GetSupplier", READER),
    ("itsm.supplier.v1.SupplierService/ListSuppliers", READER),
    ("itsm.supplier.v1.SupplierService/CreateSupplier", EDITOR),
    ("itsm.supplier.v1.SupplierService/UpdateSupplier", EDITOR),
    ("itsm.supplier.v1.SupplierService/DeleteSupplier", EDITOR),
    ("itsm.supplier.v1.SupplierService/GetContract", READER),
    ("itsm.supplier.v1.SupplierService/ListContracts", READER),
    ("itsm.supplier.v1.SupplierService/CreateContract", EDITOR),
    ("itsm.supplier.v1.SupplierService/UpdateContract", EDITOR),
    ("itsm.supplier.v1.SupplierService/DeleteContract", EDITOR),
    ("itsm.supplier.v1.SupplierService/PublishContract", PUBLISHER),
    ("itsm.supplier.v1.SupplierService/ListContractRevisions", READER),
    ("itsm.supplier.v1.SupplierService/ImportContracts", EDITOR),
    ("itsm.supplier.v1.SupplierService/ListRenewals", READER),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_of_the_contract_has_one_entry() {
        let listed: Vec<&str> = PERMISSIONS.iter().map(|(method, _)| *method).collect();
        assert_eq!(listed, servicekit::standard::methods_of("itsm.supplier.v1"));
    }
}
