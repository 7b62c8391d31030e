//! The suite's own client: channels with a token, and refusals as one sentence for people.

use std::path::PathBuf;
use std::time::Duration;

use servicekit::tls;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::import::Problem;
use crate::suite::problem;

/// A connection that presents the caller's token.
pub type Channel = InterceptedService<tonic::transport::Channel, Token>;

/// Adds to every call whom it is made for, and how long its answer is waited for.
#[derive(Debug, Clone, Default)]
pub struct Token {
    bearer: Option<MetadataValue<Ascii>>,
    deadline: Option<Duration>,
}

impl Token {
    /// A token as the caller has it. Empty: none is sent.
    pub fn new(token: &str) -> Result<Self, Problem> {
        if token.is_empty() {
            return Ok(Self::default());
        }
        let bearer = format!("Bearer {token}").parse();
        let bearer = bearer.map_err(|_| Problem::new("the token holds characters that a header cannot carry"))?;
        Ok(Self { bearer: Some(bearer), deadline: None })
    }

    /// Gives every call a deadline, which the server is told too.
    #[must_use]
    pub fn within(self, deadline: Duration) -> Self {
        Self { deadline: Some(deadline), ..self }
    }
}

impl Interceptor for Token {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(bearer) = &self.bearer {
            request.metadata_mut().insert("authorization", bearer.clone());
        }
        if let Some(deadline) = self.deadline {
            request.set_timeout(deadline);
        }
        Ok(request)
    }
}

/// What a client trusts, and the certificate that it shows.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Trust {
    /// Certificates that https addresses are verified with, PEM; those of the machine unless given
    #[arg(long, env = "ITSM_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Certificate to show to https addresses, its chain after it, PEM: instead of a token
    #[arg(long, env = "ITSM_CLIENT_CERT", value_name = "FILE", requires = "client_key")]
    pub client_cert: Option<PathBuf>,
    /// Private key of that certificate, PEM
    #[arg(long, env = "ITSM_CLIENT_KEY", value_name = "FILE", requires = "client_cert")]
    pub client_key: Option<PathBuf>,
    /// The certificate that a server of the same process answers with: it is known by itself, whatever it is for.
    #[arg(skip)]
    pub own: Option<PathBuf>,
}

impl Trust {
    fn names_certificates(&self) -> bool {
        self.ca.is_some() || self.client_cert.is_some() || self.own.is_some()
    }

    /// The endpoint with TLS.
    fn secure(&self, endpoint: Endpoint) -> Result<Endpoint, Problem> {
        let read = |path: &PathBuf| {
            std::fs::read(path).map_err(|error| Problem::new(format!("cannot read {}: {error}", path.display())))
        };
        let mut config = ClientTlsConfig::new();
        if let (Some(certificate), Some(key)) = (&self.client_cert, &self.client_key) {
            config = config.identity(Identity::from_pem(read(certificate)?, read(key)?));
        }
        let secured = match (&self.own, &self.ca) {
            (Some(file), _) => endpoint.tls_config_with_verifier(config, tls::only(file).map_err(problem)?),
            (None, Some(file)) => endpoint.tls_config(config.ca_certificate(Certificate::from_pem(read(file)?))),
            (None, None) => endpoint.tls_config(config.with_native_roots()),
        };
        secured.map_err(|error| Problem::new(format!("the certificates cannot be used: {}", cause(&error))))
    }
}

/// Connects as [`connect_with`] does, to an address that the machine trusts.
pub async fn connect(address: &str, token: &str) -> Result<Channel, Problem> {
    connect_with(address, token, &Trust::default()).await
}

/// Connects to a server: `http://host:port`, `https://host:port`, or `127.0.0.1:7102`, which is https where certificates
/// are named. An empty token sends none.
pub async fn connect_with(address: &str, token: &str, trust: &Trust) -> Result<Channel, Problem> {
    let channel = open(address, trust).await?;
    Ok(InterceptedService::new(channel, Token::new(token)?))
}

/// Opens a connection that speaks for nobody yet; it opens itself again when it breaks off.
pub async fn open(address: &str, trust: &Trust) -> Result<tonic::transport::Channel, Problem> {
    let scheme = if trust.names_certificates() { "https" } else { "http" };
    let uri = if address.contains("://") { address.to_owned() } else { format!("{scheme}://{address}") };
    let secure = uri.starts_with("https://");
    let mut endpoint = Endpoint::from_shared(uri)
        .map_err(|_| Problem::new(format!("{address} is not an address: give host:port")))?
        .connect_timeout(Duration::from_secs(5))
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(8 << 20)
        .http2_adaptive_window(false);
    if secure {
        endpoint = trust.secure(endpoint)?;
    } else if trust.names_certificates() {
        return Err(Problem::new(format!("certificates are for https, and {address} is not: leave one of them out")));
    }
    endpoint.connect().await.map_err(|error| match cause(&error) {
        fault if OF_TLS.iter().any(|word| fault.contains(word)) => {
            Problem::new(format!("{address} cannot be trusted: {fault}"))
        }
        _ => Problem::new(format!("nothing answers at {address}: is the suite running (`itsm up`)?")),
    })
}

/// What is in the text of a fault when client and server do not agree on TLS.
const OF_TLS: [&str; 3] = ["certificate", "corrupt message", "alert"];

/// The innermost cause of an error.
fn cause(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).last().map(ToString::to_string).unwrap_or_default()
}

/// A refusal in one sentence, with the fields that are wrong.
pub fn sentence(status: &Status) -> String {
    let mut text = match status.code() {
        Code::Unavailable if status.message().is_empty() => "the server went away".to_owned(),
        // What the transport says when the server is gone, or a TLS port is at the other end.
        _ if ["transport error", "h2 protocol error"].iter().any(|fault| status.message().starts_with(fault)) => {
            "the connection broke off: is the server up, and is its address https:// if it speaks TLS?".to_owned()
        }
        _ => status.message().to_owned(),
    };
    if let Some(violations) = status.get_details_bad_request().map(|bad| bad.field_violations) {
        let fields: Vec<_> = violations
            .iter()
            .filter(|violation| !text.contains(&violation.description))
            .map(|violation| format!("{}: {}", violation.field, violation.description))
            .collect();
        if !fields.is_empty() {
            text = format!("{text} ({})", fields.join("; "));
        }
    }
    if text.is_empty() { format!("the server answered {:?} without a reason", status.code()) } else { text }
}
