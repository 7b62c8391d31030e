//! Who is calling: tokens of an issuer, API tokens and client certificates, and what a caller may do.

mod issuer;
mod keys;
mod tokens;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::config;
use crate::error::{self, Error};
use crate::tls::Peer;
use crate::watched::{Watched, misconfigured};
use issuer::Issuer;
use tokens::{Callers, Entry};

pub use keys::ALGORITHMS;
pub use tokens::line as token_line;

/// The role that stands for every role.
pub const EVERY_ROLE: &str = "*";

/// A method and the role that it takes; an empty role lets every caller in.
pub type Permission = (&'static str, &'static str);

/// SHA-256 of a token: comparing digests leaks nothing about a token.
type Digest = [u8; 32];

fn digest(token: &str) -> Digest {
    Sha256::digest(token.as_bytes()).into()
}

/// Somebody who may call, as established from the request's credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who: `people/ann`, `systems/import`. Never empty.
    pub actor: String,
    /// The customer the caller is bound to: `customers/acme`. None: the provider's own staff, who see all.
    pub customer: Option<String>,
    /// Roles held, for instance `catalog.editor`; `*` stands for all.
    pub roles: BTreeSet<String>,
}

impl Caller {
    /// A caller of the provider that holds every role: the suite itself, or `--insecure`.
    pub fn trusted(actor: &str) -> Self {
        Self { actor: actor.to_owned(), customer: None, roles: BTreeSet::from([EVERY_ROLE.to_owned()]) }
    }

    /// The caller of a request that came through the edge of a [`crate::serve::Server`].
    pub fn of<T>(request: &tonic::Request<T>) -> Result<Arc<Self>, Error> {
        request
            .extensions()
            .get::<Arc<Self>>()
            .cloned()
            .ok_or_else(|| unauthenticated("no caller came with the request"))
    }

    /// Whether the caller holds the role.
    pub fn has(&self, role: &str) -> bool {
        self.roles.contains(EVERY_ROLE) || self.roles.contains(role)
    }

    /// Fails with PERMISSION_DENIED unless the caller holds the role.
    pub fn require(&self, role: &str) -> Result<(), Error> {
        if self.has(role) {
            return Ok(());
        }
        let message = format!("{} lacks the role {role}: ask an administrator for it", self.actor);
        Err(Error::refused(error::PERMISSION_DENIED, "", message).with("role", role))
    }

    /// What the caller is bound to, as part of keys: the customer's name, or empty for the provider's staff.
    pub fn scope(&self) -> &str {
        self.customer.as_deref().unwrap_or_default()
    }

    /// Whether the caller may see what belongs to `customer` (empty: to none).
    pub fn may_see(&self, customer: &str) -> bool {
        self.customer.as_deref().is_none_or(|own| own == customer)
    }
}

fn unauthenticated(message: &str) -> Error {
    Error::refused(error::UNAUTHENTICATED, "", format!("{message}: send a bearer token in the authorization metadata"))
}

/// One sentence for whatever is wrong with a token: why goes to the log, and nothing to whoever forges tokens.
fn not_accepted() -> Error {
    Error::refused(
        error::TOKEN_INVALID,
        "",
        "the token is not accepted here: ask for one that was made for this server",
    )
}

fn expired() -> Error {
    Error::refused(error::TOKEN_EXPIRED, "", "the token has expired: ask for a new one")
}

/// How callers are recognised.
#[derive(Debug)]
pub struct Authenticator(Way);

#[derive(Debug)]
enum Way {
    /// By what they show: a bearer token decides, and without one a client certificate.
    Credentials {
        /// API tokens and names of certificates, from a file.
        callers: Option<Watched<Callers>>,
        /// Whose signed tokens are accepted.
        issuer: Option<Box<Issuer>>,
    },
    /// Not at all: everybody is this caller. For loopback only.
    Everybody(Arc<Caller>),
}

impl Authenticator {
    /// Everybody is `people/local` with every role.
    pub fn insecure() -> Self {
        Self(Way::Everybody(Arc::new(Caller::trusted("people/local"))))
    }

    /// By the callers of a token file.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        Self::new(Some(path), &config::Oidc::default(), false)
    }

    /// By the callers of a token file, by the tokens of an issuer, or by both; `certificates` are asked for when the
    /// server verifies those of clients. Refuses settings with which nobody could call.
    pub fn new(file: Option<&Path>, oidc: &config::Oidc, certificates: bool) -> Result<Self, Error> {
        let callers = file.map(Callers::watch).transpose()?;
        let issuer = Issuer::new(oidc)?.map(Box::new);
        let named = callers.as_ref().map(Watched::now);
        if certificates && !named.as_ref().is_some_and(|callers| callers.name_certificates()) {
            let way_out = "add lines such as `certificate=spiffe://example/import systems/import` to --tokens-file";
            return Err(misconfigured(format!("--tls-client-ca lets nobody in: {way_out}")));
        }
        match (named, file) {
            (Some(callers), Some(path)) if callers.is_empty() && issuer.is_none() => Err(misconfigured(format!(
                "token file {} names no caller: add a line such as `<token> people/ann roles=*`",
                path.display()
            ))),
            (None, _) if issuer.is_none() => Err(misconfigured(
                "nobody could call: name a token file with --tokens-file or an issuer with --oidc-issuer, or use --insecure",
            )),
            _ => Ok(Self(Way::Credentials { callers, issuer })),
        }
    }

    /// The caller with these credentials: the value of the `authorization` metadata, and the client's verified
    /// certificate.
    pub async fn authenticate(
        &self,
        authorization: Option<&str>,
        peer: Option<&Peer>,
        now: Timestamp,
    ) -> Result<Arc<Caller>, Error> {
        let (callers, issuer) = match &self.0 {
            Way::Everybody(caller) => return Ok(caller.clone()),
            Way::Credentials { callers, issuer } => (callers.as_ref().map(Watched::now), issuer),
        };
        let Some(header) = authorization else {
            let names = peer.map(Peer::names).filter(|names| !names.is_empty());
            let names = names.ok_or_else(|| unauthenticated("the request has no credentials"))?;
            let entry = callers.as_ref().and_then(|callers| callers.by_certificate(names));
            return in_force(entry.ok_or_else(|| unauthenticated("the client certificate is not listed here"))?, now);
        };
        let token = header
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(|| unauthenticated("the credentials are not a bearer token"))?;
        let digest = digest(token);
        if let Some(entry) = callers.as_ref().and_then(|callers| callers.by_token(&digest)) {
            return in_force(entry, now);
        }
        match issuer {
            Some(issuer) => issuer.authenticate(token, digest, now).await,
            None => Err(not_accepted()),
        }
    }
}

fn in_force(entry: &Entry, now: Timestamp) -> Result<Arc<Caller>, Error> {
    match entry.expires_at {
        Some(end) if end <= now => Err(expired()),
        _ => Ok(entry.caller.clone()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const FILE: &str = "# who may call\n\
        0123456789abcdef people/ann roles=catalog.editor,tickets.agent # staff\n\
        \n\
        fedcba9876543210 people/bob customer=customers/acme\n\
        certificate=spiffe://example/import systems/import roles=tickets.importer\n\
        expiring-token-01 systems/old expires=2024-06-01\n";

    const NOW: &str = "2024-06-01T00:00:00Z";

    /// Recognises the callers of a text.
    pub(crate) fn callers(text: &str) -> Authenticator {
        let callers = Callers::parse(text).unwrap();
        let watched = Watched::new(Vec::new(), move || Ok(callers.clone())).unwrap();
        Authenticator(Way::Credentials { callers: Some(watched), issuer: None })
    }

    async fn authenticate(header: Option<&str>, peer: Option<&Peer>) -> Result<Arc<Caller>, Error> {
        callers(FILE).authenticate(header, peer, NOW.parse().unwrap()).await
    }

    #[tokio::test]
    async fn a_token_leads_to_its_caller() {
        let ann = authenticate(Some("Bearer 0123456789abcdef"), None).await.unwrap();
        assert_eq!(ann.actor, "people/ann");
        assert!(ann.require("catalog.editor").is_ok());
        let bob = authenticate(Some("bearer fedcba9876543210"), None).await.unwrap();
        assert_eq!(bob.scope(), "customers/acme");
        assert!(bob.may_see("customers/acme") && !bob.may_see("customers/other") && !bob.may_see(""));
    }

    #[tokio::test]
    async fn a_file_may_hold_digests_instead_of_tokens() {
        let text = format!("sha256:{} people/ann", hex::encode(digest("0123456789abcdef")));
        let now = NOW.parse().unwrap();
        assert!(callers(&text).authenticate(Some("Bearer 0123456789abcdef"), None, now).await.is_ok());
    }

    #[tokio::test]
    async fn nobody_gets_in_without_a_known_token() {
        for (header, reason) in [
            (None, error::UNAUTHENTICATED),
            (Some(""), error::UNAUTHENTICATED),
            (Some("Basic 0123456789abcdef"), error::UNAUTHENTICATED),
            (Some("Bearer 0123456789abcdeg"), error::TOKEN_INVALID),
            (Some("Bearer expiring-token-01"), error::TOKEN_EXPIRED),
        ] {
            let refusal = authenticate(header, None).await.unwrap_err();
            assert_eq!(refusal.reason(), reason, "{header:?}");
            assert_eq!(refusal.reason().code, tonic::Code::Unauthenticated);
        }
    }

    #[tokio::test]
    async fn a_token_is_good_until_its_day() {
        let eve = "2024-05-31T23:59:59.999999Z".parse().unwrap();
        assert!(callers(FILE).authenticate(Some("Bearer expiring-token-01"), None, eve).await.is_ok());
    }

    #[tokio::test]
    async fn a_listed_certificate_stands_for_its_caller() {
        let known = Peer::named(&["spiffe://example/other", "spiffe://example/import"]);
        assert_eq!(authenticate(None, Some(&known)).await.unwrap().actor, "systems/import");
        let stranger = Peer::named(&["spiffe://example/stranger"]);
        assert_eq!(authenticate(None, Some(&stranger)).await.unwrap_err().reason(), error::UNAUTHENTICATED);
        assert_eq!(authenticate(None, Some(&Peer::named(&[]))).await.unwrap_err().reason(), error::UNAUTHENTICATED);
    }

    #[tokio::test]
    async fn a_bearer_token_decides_also_beside_a_certificate() {
        let known = Peer::named(&["spiffe://example/import"]);
        assert_eq!(authenticate(Some("Bearer 0123456789abcdef"), Some(&known)).await.unwrap().actor, "people/ann");
        let refusal = authenticate(Some("Bearer 0123456789abcdeg"), Some(&known)).await.unwrap_err();
        assert_eq!(refusal.reason(), error::TOKEN_INVALID);
    }

    #[test]
    fn a_missing_role_is_named() {
        let refusal = Caller { roles: BTreeSet::new(), ..Caller::trusted("people/eve") }.require("admin").unwrap_err();
        assert_eq!(refusal.reason(), error::PERMISSION_DENIED);
        assert!(refusal.to_string().contains("admin"));
    }
}
