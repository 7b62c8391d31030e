//! The file of callers: API tokens, by digest, and client certificates, by name. One caller a line:
//! `token actor [customer=…] [roles=a,b] [expires=2027-01-01]`; `#` begins a comment.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{Caller, Digest, digest};
use crate::error::Error;
use crate::watched::{Watched, content, misconfigured};

/// Shortest token that is taken, in characters.
const SHORTEST: usize = 16;

/// Everybody that a file of callers names.
#[derive(Debug, Clone, Default)]
pub(super) struct Callers {
    tokens: HashMap<Digest, Entry>,
    certificates: HashMap<String, Entry>,
}

/// A caller and until when the line holds.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) caller: Arc<Caller>,
    /// First instant at which the line holds no longer. None: for ever.
    pub(super) expires_at: Option<Timestamp>,
}

/// What a caller shows.
#[derive(Debug, PartialEq, Eq)]
enum Credential {
    Token(Digest),
    Certificate(String),
}

impl Callers {
    /// Reads a file and follows it.
    pub(super) fn watch(path: &Path) -> Result<Watched<Self>, Error> {
        let file = path.to_owned();
        let read = move || {
            let text = String::from_utf8_lossy(&content("token file", &file)?).into_owned();
            Self::parse(&text).map_err(|fault| misconfigured(format!("token file {}: {fault}", file.display())))
        };
        Watched::new(vec![path.to_owned()], read)
    }

    /// Reads the text of a file; the fault names the line.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut callers = Self::default();
        for (index, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let (credential, entry) = parse_line(line).map_err(|fault| format!("line {}: {fault}", index + 1))?;
            let (what, earlier) = match credential {
                Credential::Token(digest) => ("token", callers.tokens.insert(digest, entry)),
                Credential::Certificate(name) => ("certificate", callers.certificates.insert(name, entry)),
            };
            if earlier.is_some() {
                return Err(format!("line {}: the {what} is there twice: give each caller its own", index + 1));
            }
        }
        Ok(callers)
    }

    /// Whether nobody is named.
    pub(super) fn is_empty(&self) -> bool {
        self.tokens.is_empty() && self.certificates.is_empty()
    }

    /// Whether any certificate is named.
    pub(super) fn name_certificates(&self) -> bool {
        !self.certificates.is_empty()
    }

    /// The line of a token.
    pub(super) fn by_token(&self, digest: &Digest) -> Option<&Entry> {
        self.tokens.get(digest)
    }

    /// The line of the first of these names of a certificate that is listed.
    pub(super) fn by_certificate(&self, names: &[String]) -> Option<&Entry> {
        names.iter().find_map(|name| self.certificates.get(name))
    }
}

fn parse_line(line: &str) -> Result<(Credential, Entry), String> {
    let mut words = line.split_whitespace();
    let first = words.next().unwrap_or_default();
    let credential = match (first.strip_prefix("sha256:"), first.strip_prefix("certificate=")) {
        (Some(digits), _) => {
            let bytes = hex::decode(digits).ok().and_then(|bytes| bytes.try_into().ok());
            Credential::Token(bytes.ok_or("`sha256:` wants 64 hexadecimal digits, the digest of the token")?)
        }
        (None, Some("")) => return Err("`certificate=` wants the URI or the common name in the certificate".to_owned()),
        (None, Some(name)) => Credential::Certificate(name.to_owned()),
        (None, None) if first.len() < SHORTEST => {
            return Err(format!("the token is shorter than {SHORTEST} characters"));
        }
        (None, None) => Credential::Token(digest(first)),
    };
    let actor = words.next().ok_or("after the token comes the actor, for instance people/ann")?;
    let mut caller = Caller { actor: actor.to_owned(), customer: None, roles: BTreeSet::new() };
    let mut expires_at = None;
    for word in words {
        match word.split_once('=') {
            Some(("customer", name)) if !name.is_empty() => caller.customer = Some(name.to_owned()),
            Some(("roles", roles)) => {
                caller.roles = roles.split(',').filter(|role| !role.is_empty()).map(str::to_owned).collect();
            }
            Some(("expires", day)) => expires_at = Some(start_of(day)?),
            _ => return Err(format!("`{word}` is none of customer=…, roles=…, expires=…")),
        }
    }
    Ok((credential, Entry { caller: Arc::new(caller), expires_at }))
}

/// The first instant of a day in UTC.
fn start_of(day: &str) -> Result<Timestamp, String> {
    let start = day.parse::<Date>().and_then(|day| day.to_zoned(TimeZone::UTC));
    start.map(|start| start.timestamp()).map_err(|_| format!("`expires={day}` is no day: write it as 2027-01-01"))
}

/// The line of a token in a file of callers: its digest instead of the token, and whom it stands for.
pub fn line(token: &str, caller: &Caller, expires_on: Option<Date>) -> Result<String, String> {
    let mut line = format!("sha256:{} {}", hex::encode(digest(token)), caller.actor);
    if let Some(customer) = &caller.customer {
        line = format!("{line} customer={customer}");
    }
    if !caller.roles.is_empty() {
        line = format!("{line} roles={}", caller.roles.iter().cloned().collect::<Vec<_>>().join(","));
    }
    if let Some(day) = expires_on {
        line = format!("{line} expires={day}");
    }
    // What the file would not give back must not come out of here: a blank in an actor, a comma in a role.
    match parse_line(line.split('#').next().unwrap_or_default()) {
        Ok((_, entry)) if *entry.caller == *caller => Ok(line),
        _ => Err("actor, customer and roles are plain words without blanks, commas and #".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_line_is_named() {
        for (text, line) in [
            ("\nshort people/ann", "line 2"),
            ("0123456789abcdef", "line 1"),
            ("0123456789abcdef people/ann role=x", "line 1"),
            ("0123456789abcdef people/ann expires=soon", "line 1"),
            ("0123456789abcdef people/ann expires=2027-02-30", "line 1"),
            ("certificate= systems/a", "line 1"),
            ("sha256:12 people/ann", "line 1"),
            ("0123456789abcdef people/a\n0123456789abcdef people/b", "line 2"),
            ("certificate=a systems/a\ncertificate=a systems/b", "line 2"),
        ] {
            assert!(Callers::parse(text).unwrap_err().starts_with(line), "{text}");
        }
        assert!(Callers::parse("# nobody").unwrap().is_empty());
    }

    #[test]
    fn a_line_holds_until_its_day_begins() {
        let callers = Callers::parse("0123456789abcdef systems/a expires=2027-01-01").unwrap();
        let entry = callers.by_token(&digest("0123456789abcdef")).unwrap();
        assert_eq!(entry.expires_at, Some("2027-01-01T00:00:00Z".parse().unwrap()));
    }

    #[test]
    fn the_line_of_a_new_token_reads_back() {
        let caller = Caller {
            actor: "systems/import".to_owned(),
            customer: Some("customers/acme".to_owned()),
            roles: ["tickets.importer".to_owned(), "tickets.reader".to_owned()].into(),
        };
        let line = line("itsm_secret-token", &caller, Some("2027-01-01".parse().unwrap())).unwrap();
        assert!(!line.contains("secret"), "{line}");
        let callers = Callers::parse(&line).unwrap();
        assert_eq!(*callers.by_token(&digest("itsm_secret-token")).unwrap().caller, caller);
        for odd in ["systems/a b", "systems/#a", ""] {
            assert!(
                super::line("itsm_secret-token", &Caller { actor: odd.to_owned(), ..caller.clone() }, None).is_err()
            );
        }
    }
}
