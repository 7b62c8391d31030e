//! A service that runs for one test: a real server on a free port of loopback, and channels to it.
//! It ends with the test's runtime.

use std::net::SocketAddr;

use itsm::client::{self, Channel};
use servicekit::{Error, config, serve};
use tokio_util::sync::CancellationToken;

/// A service that answers.
#[derive(Debug, Clone, Copy)]
pub struct Running {
    address: SocketAddr,
    metrics: Option<SocketAddr>,
}

impl Running {
    /// Starts what a service's `build` has put together; everybody may do everything.
    pub async fn insecure(server: Result<serve::Server, Error>) -> Self {
        Self::start(server, &config::Server::insecure(0)).await
    }

    /// Starts it with settings of its own: tokens, for instance. Must be called within a runtime.
    #[allow(clippy::unused_async, reason = "spawns, and so needs the runtime that an async function has")]
    pub async fn start(server: Result<serve::Server, Error>, config: &config::Server) -> Self {
        let bound =
            server.and_then(|server| server.bind(config)).unwrap_or_else(|error| panic!("cannot serve: {error}"));
        let (address, metrics) = (bound.address(), bound.metrics_address());
        tokio::spawn(bound.run(CancellationToken::new()));
        Self { address, metrics }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it answers `/metrics`, if it was told to.
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// A connection without credentials.
    pub async fn channel(&self) -> Channel {
        self.channel_of("").await
    }

    /// A connection that presents this token.
    pub async fn channel_of(&self, token: &str) -> Channel {
        let connected = client::connect(&self.address.to_string(), token).await;
        connected.unwrap_or_else(|problem| panic!("cannot reach the service: {problem}"))
    }
}

/// The name of the reason that a refusal gives.
pub fn reason(status: &tonic::Status) -> String {
    use tonic_types::StatusExt as _;
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}
