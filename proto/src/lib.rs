//! The gRPC contract of the suite: messages, clients and servers made from `itsm/*/v1/*.proto`.
//! Module paths follow the packages: `proto::operations::v1::Ticket`.
#![allow(clippy::all, clippy::pedantic)]

/// Every file of the contract with its comments, as an encoded `google.protobuf.FileDescriptorSet`.
///
/// Servers answer reflection from it; tests and documents read the comments out of it.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/itsm.descriptors.bin"));

/// `itsm.common.v1`: types that every package shares.
pub mod common {
    /// Version 1 of the package.
    pub mod v1 {
        tonic::include_proto!("itsm.common.v1");
    }
}

/// `itsm.journal.v1`: the journal of facts.
pub mod journal {
    /// Version 1 of the package.
    pub mod v1 {
        tonic::include_proto!("itsm.journal.v1");
    }
}

/// `itsm.catalog.v1`: what is delivered, to whom, what was promised, how work is done, what it costs.
pub mod catalog {
    /// Version 1 of the package.
    pub mod v1 {
        tonic::include_proto!("itsm.catalog.v1");
    }
}

/// `itsm.operations.v1`: what happens.
pub mod operations {
    /// Version 1 of the package.
    pub mod v1 {
        tonic::include_proto!("itsm.operations.v1");
    }
}

/// `itsm.supplier.v1`: whom the services depend on.
pub mod supplier {
    /// Version 1 of the package.
    pub mod v1 {
        tonic::include_proto!("itsm.supplier.v1");
    }
}
