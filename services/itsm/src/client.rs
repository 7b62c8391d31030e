//! The suite's own client: channels with a token, and refusals as one sentence for people.

use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::import::Problem;

/// A connection that presents the caller's token.
pub type Channel = InterceptedService<tonic::transport::Channel, Token>;

/// Adds the token to every call.
#[derive(Debug, Clone, Default)]
pub struct Token(Option<MetadataValue<Ascii>>);

impl Interceptor for Token {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

/// Connects to a server: `127.0.0.1:7102` or `http://host:port`. An empty token sends none.
pub async fn connect(address: &str, token: &str) -> Result<Channel, Problem> {
    let uri = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let endpoint = Endpoint::from_shared(uri)
        .map_err(|_| Problem::new(format!("{address} is not an address: give host:port")))?
        .connect_timeout(Duration::from_secs(5))
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(8 << 20)
        .http2_adaptive_window(false);
    let channel = endpoint
        .connect()
        .await
        .map_err(|_| Problem::new(format!("nothing answers at {address}: is the suite running (`itsm up`)?")))?;
    let token = if token.is_empty() {
        Token(None)
    } else {
        let value = format!("Bearer {token}").parse();
        Token(Some(value.map_err(|_| Problem::new("the token holds characters that a header cannot carry"))?))
    };
    Ok(InterceptedService::new(channel, token))
}

/// A refusal in one sentence, with the fields that are wrong.
pub fn sentence(status: &Status) -> String {
    let mut text = match status.code() {
        Code::Unavailable if status.message().is_empty() => "the server went away".to_owned(),
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
