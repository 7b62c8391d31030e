//! Who is calling: bearer tokens from a file, and what a caller may do.
//! Format of the file: one caller a line, `token actor [customer=…] [roles=a,b]`; `#` begins a comment.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::error::{self, Error};

/// The role that stands for every role.
pub const EVERY_ROLE: &str = "*";

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

/// How callers are recognised.
#[derive(Debug, Clone)]
pub enum Authenticator {
    /// By the SHA-256 of their bearer token, so that comparing leaks nothing about the token.
    Tokens(Arc<HashMap<[u8; 32], Arc<Caller>>>),
    /// Not at all: everybody is this caller. For loopback only.
    Everybody(Arc<Caller>),
}

impl Authenticator {
    /// Everybody is `people/local` with every role.
    pub fn insecure() -> Self {
        Self::Everybody(Arc::new(Caller::trusted("people/local")))
    }

    /// Reads a token file.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|cause| misconfigured(format!("token file {} cannot be read: {cause}", path.display())))?;
        Self::parse(&text).map_err(|fault| misconfigured(format!("token file {}: {fault}", path.display())))
    }

    /// Reads the text of a token file; the fault names the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut callers = HashMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let (hash, caller) = parse_line(line).map_err(|fault| format!("line {}: {fault}", index + 1))?;
            if callers.insert(hash, Arc::new(caller)).is_some() {
                return Err(format!("line {}: the token is there twice: give each caller its own", index + 1));
            }
        }
        if callers.is_empty() {
            return Err("it names no caller: add a line such as `<token> people/ann roles=*`".to_owned());
        }
        Ok(Self::Tokens(Arc::new(callers)))
    }

    /// The caller with these credentials, the value of the `authorization` metadata.
    pub fn authenticate(&self, authorization: Option<&str>) -> Result<Arc<Caller>, Error> {
        let callers = match self {
            Self::Everybody(caller) => return Ok(caller.clone()),
            Self::Tokens(callers) => callers,
        };
        let header = authorization.ok_or_else(|| unauthenticated("the request has no credentials"))?;
        let token = header
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(|| unauthenticated("the credentials are not a bearer token"))?;
        callers.get(&hash(token)).cloned().ok_or_else(|| unauthenticated("the token is not known here"))
    }
}

fn misconfigured(message: String) -> Error {
    Error::refused(error::CONFIGURATION_INVALID, "", message)
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn parse_line(line: &str) -> Result<([u8; 32], Caller), String> {
    let mut words = line.split_whitespace();
    let token = words.next().unwrap_or_default();
    let hash = match token.strip_prefix("sha256:") {
        Some(digits) => hex::decode(digits)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or("`sha256:` wants 64 hexadecimal digits, the digest of the token")?,
        None if token.len() < 16 => return Err("the token is shorter than 16 characters".to_owned()),
        None => hash(token),
    };
    let actor = words.next().ok_or("after the token comes the actor, for instance people/ann")?;
    let mut caller = Caller { actor: actor.to_owned(), customer: None, roles: BTreeSet::new() };
    for word in words {
        match word.split_once('=') {
            Some(("customer", name)) if !name.is_empty() => caller.customer = Some(name.to_owned()),
            Some(("roles", roles)) => {
                caller.roles = roles.split(',').filter(|role| !role.is_empty()).map(str::to_owned).collect();
            }
            _ => return Err(format!("`{word}` is neither customer=… nor roles=…")),
        }
    }
    Ok((hash, caller))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# who may call\n\
        0123456789abcdef people/ann roles=catalog.editor,tickets.agent # staff\n\
        \n\
        fedcba9876543210 people/bob customer=customers/acme\n";

    #[test]
    fn a_token_leads_to_its_caller() {
        let callers = Authenticator::parse(FILE).unwrap();
        let ann = callers.authenticate(Some("Bearer 0123456789abcdef")).unwrap();
        assert_eq!(ann.actor, "people/ann");
        assert!(ann.require("catalog.editor").is_ok());
        let bob = callers.authenticate(Some("bearer fedcba9876543210")).unwrap();
        assert_eq!(bob.scope(), "customers/acme");
        assert!(bob.may_see("customers/acme") && !bob.may_see("customers/other") && !bob.may_see(""));
    }

    #[test]
    fn a_file_may_hold_digests_instead_of_tokens() {
        let text = format!("sha256:{} people/ann", hex::encode(hash("0123456789abcdef")));
        let callers = Authenticator::parse(&text).unwrap();
        assert!(callers.authenticate(Some("Bearer 0123456789abcdef")).is_ok());
    }

    #[test]
    fn nobody_gets_in_without_a_known_token() {
        let callers = Authenticator::parse(FILE).unwrap();
        for header in [None, Some(""), Some("Basic 0123456789abcdef"), Some("Bearer 0123456789abcdeg")] {
            let refusal = callers.authenticate(header).unwrap_err();
            assert_eq!(refusal.reason(), error::UNAUTHENTICATED, "{header:?}");
        }
    }

    #[test]
    fn a_missing_role_is_named() {
        let refusal = Caller { roles: BTreeSet::new(), ..Caller::trusted("people/eve") }.require("admin").unwrap_err();
        assert_eq!(refusal.reason(), error::PERMISSION_DENIED);
        assert!(refusal.to_string().contains("admin"));
    }

    #[test]
    fn a_broken_line_is_named() {
        for (text, line) in [
            ("\nshort people/ann", "line 2"),
            ("0123456789abcdef", "line 1"),
            ("0123456789abcdef people/ann role=x", "line 1"),
            ("0123456789abcdef people/a\n0123456789abcdef people/b", "line 2"),
        ] {
            assert!(Authenticator::parse(text).unwrap_err().starts_with(line), "{text}");
        }
        assert!(Authenticator::parse("# nobody").is_err());
    }
}
