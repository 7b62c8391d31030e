//! One attempt to deliver an event: a signed POST within a time limit, to an address within reach, redirects not followed.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};

use super::address::{OutOfReach, Reach};
use super::event::{self, Event, Secret};
use crate::config;
use crate::db::describe;
use crate::error::Error;

/// Bytes of an answer that are read, so that its connection can be used again; what they say is not looked at.
const ANSWER: usize = 1_024;

/// Carries events to endpoints.
pub(super) struct Courier {
    secured: Line,
    plain: Line,
    timeout: Duration,
}

/// Connections of one scheme.
struct Line {
    client: Client,
    reach: Reach,
}

impl Line {
    fn new(secured: bool, allowed: &Arc<[IpNet]>, timeout: Duration) -> Result<Self, Error> {
        let reach = Reach { public: secured, allowed: allowed.clone() };
        let client = Client::builder()
            .tls_built_in_root_certs(secured)
            .no_proxy()
            .redirect(Policy::none())
            .timeout(timeout)
            .dns_resolver(Arc::new(reach.clone()))
            .build()
            .map_err(|cause| Error::internal(describe(&cause)))?;
        Ok(Self { client, reach })
    }

    /// Refuses an address that stands in the URL itself, which nothing resolves.
    fn check(&self, url: &Url) -> Result<(), OutOfReach> {
        let host = url.host_str().unwrap_or_default();
        let literal: Result<IpAddr, _> = host.trim_start_matches('[').trim_end_matches(']').parse();
        match literal {
            Ok(address) if !self.reach.covers(address) => Err(self.reach.refusal(host)),
            _ => Ok(()),
        }
    }
}

impl Courier {
    /// Reads the certificates that the machine trusts, which takes a moment.
    pub(super) fn new(settings: &config::Webhooks) -> Result<Self, Error> {
        let allowed: Arc<[IpNet]> = settings.webhook_allow.clone().into();
        let timeout = settings.timeout();
        Ok(Self { secured: Line::new(true, &allowed, timeout)?, plain: Line::new(false, &allowed, timeout)?, timeout })
    }

    /// Sends the event once; the fault is a sentence for whoever made the webhook.
    pub(super) async fn send(&self, url: &str, secret: &Secret, event: &Event, at: Timestamp) -> Result<(), String> {
        let url = Url::parse(url).map_err(|fault| format!("the URL cannot be read: {fault}"))?;
        let line = if url.scheme() == "https" { &self.secured } else { &self.plain };
        line.check(&url).map_err(|refusal| refusal.to_string())?;
        let signature = secret.sign(event, at).map_err(|fault| fault.to_string())?;
        let request = line
            .client
            .post(url)
            .header(USER_AGENT, concat!("itsm/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, event::CONTENT_TYPE)
            .header("webhook-id", &event.id)
            .header("webhook-timestamp", at.as_second())
            .header("webhook-signature", signature)
            .body(event.body.clone());
        let answer = request.send().await.map_err(|fault| self.explain(fault))?;
        let status = answer.status();
        skim(answer).await;
        if status.is_success() {
            return Ok(());
        }
        let note = if status.is_redirection() { ", and redirects are not followed" } else { "" };
        Err(format!("the endpoint answered {status}{note}"))
    }

    fn explain(&self, fault: reqwest::Error) -> String {
        if fault.is_timeout() {
            return format!("the endpoint did not answer within {} s", self.timeout.as_secs());
        }
        let fault = fault.without_url();
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&fault);
        while let Some(error) = cause {
            if let Some(refusal) = error.downcast_ref::<OutOfReach>() {
                return refusal.to_string();
            }
            cause = error.source();
        }
        format!("the endpoint cannot be reached: {}", describe(&fault))
    }
}

/// Reads the beginning of an answer and lets go of it.
async fn skim(mut answer: Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = answer.chunk().await {
        read += chunk.len();
        if read > ANSWER {
            return;
        }
    }
}
