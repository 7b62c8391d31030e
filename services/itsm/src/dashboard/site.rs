//! What all requests share: the settings and a connection to each service.

use std::sync::{Mutex, PoisonError};

use tonic::transport::Channel;

use super::Config;
use crate::client::{self, Trust};
use crate::import::Problem;

/// A dashboard that serves.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) config: Config,
    upstreams: [Upstream; 3],
}

/// A service that pages are made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Catalog,
    Operations,
    Supplier,
}

impl Service {
    /// Its name for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::Operations => "operations",
            Self::Supplier => "supplier",
        }
    }
}

impl Site {
    pub(super) fn new(config: Config) -> Self {
        let upstreams = [&config.catalog, &config.operations, &config.supplier].map(|address| Upstream {
            address: address.clone(),
            trust: config.trust.clone(),
            channel: Mutex::default(),
        });
        Self { config, upstreams }
    }

    /// The connection to a service.
    pub(super) fn upstream(&self, service: Service) -> &Upstream {
        &self.upstreams[service as usize]
    }
}

/// Where a service is, and the connection to it once there is one.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) address: String,
    trust: Trust,
    channel: Mutex<Option<Channel>>,
}

impl Upstream {
    /// The connection, opened when it is not.
    pub(super) async fn channel(&self) -> Result<Channel, Problem> {
        if let Some(channel) = &*self.slot() {
            return Ok(channel.clone());
        }
        let channel = client::open(&self.address, &self.trust).await?;
        Ok(self.slot().insert(channel).clone())
    }

    /// Gives up a connection that broke off: the next one is opened anew, and says why when it cannot be.
    pub(super) fn give_up(&self) {
        *self.slot() = None;
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Channel>> {
        self.channel.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
