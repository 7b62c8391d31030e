//! Messages and the domain, nothing else: one file for each gRPC service.

mod enums;
mod import;
mod read;
mod show;
mod ticket;

pub use ticket::Tickets;
