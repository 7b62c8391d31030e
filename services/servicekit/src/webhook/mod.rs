//! Webhooks: facts of the journal delivered over HTTP, signed, at least once and in order.
//! What is subscribed to is a declarative resource; how deliveries go, and secrets, are rows beside it and in no fact.

mod address;
mod courier;
mod delivery;
mod event;
mod resource;
mod service;
mod store;

pub use delivery::deliver;
pub use resource::MOST;
pub use service::Service;

use crate::filter::Filtered;
use crate::journal;
use crate::resource::Resource as _;

/// The methods of webhooks that take a filter.
pub fn filters() -> Vec<Filtered> {
    vec![
        ("itsm.journal.v1.WebhookService/ListWebhooks", resource::Webhook::fields()),
        ("itsm.journal.v1.WebhookService/ListDeadLetters", &journal::FIELDS),
    ]
}

/// The tables, for a migration of every service.
pub const DDL: &str = include_str!("../../sql/webhooks.sql");
