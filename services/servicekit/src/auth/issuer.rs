//! Signed tokens of an OpenID Connect issuer, and the callers that they stand for.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Validation, decode, decode_header};
use serde_json::{Map, Value};

use super::keys::{KeySet, Keys};
use super::{Caller, Digest, expired, not_accepted};
use crate::config::Oidc;
use crate::error::Error;
use crate::watched::misconfigured;

/// By how much the clocks of issuer and server may differ.
const LEEWAY: SignedDuration = SignedDuration::from_secs(30);
/// Longest subject (OpenID Connect Core 2).
const LONGEST_SUBJECT: usize = 255;
/// Tokens whose signature is remembered.
const REMEMBERED: usize = 10_000;

type Claims = Map<String, Value>;

/// An issuer whose tokens are accepted.
#[derive(Debug)]
pub(super) struct Issuer {
    name: String,
    audience: String,
    roles_claim: String,
    customer_claim: String,
    keys: Keys,
    verified: Mutex<Verified>,
}

/// Tokens that were verified with these keys: a signature is computed once, not with every request.
#[derive(Debug, Default)]
struct Verified {
    keys: Arc<KeySet>,
    tokens: HashMap<Digest, Accepted>,
}

/// What a token says once its signature, issuer and audience are right.
#[derive(Debug, Clone)]
struct Accepted {
    caller: Arc<Caller>,
    /// The token is good from here, leeway included. None: always was.
    begins_at: Option<Timestamp>,
    /// The token is good up to here, leeway included.
    ends_at: Timestamp,
}

impl Issuer {
    /// The issuer that the settings name, if they name one.
    pub(super) fn new(oidc: &Oidc) -> Result<Option<Self>, Error> {
        let Some(name) = oidc.issuer.clone() else { return Ok(None) };
        let audience = oidc.audience.clone().filter(|audience| !audience.is_empty());
        let audience = audience.ok_or_else(|| {
            misconfigured("tokens made for others would be accepted: name this installation with --oidc-audience")
        })?;
        Ok(Some(Self {
            keys: Keys::new(&name, oidc.jwks.as_deref())?,
            name,
            audience,
            roles_claim: oidc.roles_claim.clone(),
            customer_claim: oidc.customer_claim.clone(),
            verified: Mutex::default(),
        }))
    }

    /// The caller that a token stands for.
    pub(super) async fn authenticate(&self, token: &str, digest: Digest, now: Timestamp) -> Result<Arc<Caller>, Error> {
        let refuse = |why: &str| {
            tracing::info!(why, "a token was refused");
            not_accepted()
        };
        // Whether there is a key of that id is asked before anything is computed.
        let header = decode_header(token).map_err(|fault| refuse(&fault.to_string()))?;
        let keys = self.keys.with(header.kid.as_deref()).await?;
        let accepted = if let Some(accepted) = self.remembered(&keys, &digest) {
            accepted
        } else {
            let accepted = self.verify(token, header.kid.as_deref(), &keys).map_err(|why| refuse(&why))?;
            self.remember(&keys, digest, accepted.clone());
            accepted
        };
        if accepted.begins_at.is_some_and(|begins_at| now < begins_at) {
            return Err(refuse("not valid yet"));
        }
        if accepted.ends_at <= now {
            return Err(expired());
        }
        Ok(accepted.caller)
    }

    /// What a token says, if one of the keys has signed it; the fault is for the log.
    fn verify(&self, token: &str, key_id: Option<&str>, keys: &KeySet) -> Result<Accepted, String> {
        let key = keys.find(key_id).ok_or("no such key")?;
        let mut validation = Validation::default();
        validation.algorithms.clone_from(&key.algorithms);
        // The claims are read here, and their times are judged by the server's own clock.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let token = decode::<Claims>(token, &key.key, &validation).map_err(|fault| fault.to_string())?;
        self.read(&token.claims)
    }

    fn remembered(&self, keys: &Arc<KeySet>, digest: &Digest) -> Option<Accepted> {
        let verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::ptr_eq(&verified.keys, keys).then(|| verified.tokens.get(digest).cloned()).flatten()
    }

    fn remember(&self, keys: &Arc<KeySet>, digest: Digest, accepted: Accepted) {
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        // With other keys everything is verified anew: a key may have been withdrawn.
        if !Arc::ptr_eq(&verified.keys, keys) || verified.tokens.len() >= REMEMBERED {
            *verified = Verified { keys: keys.clone(), tokens: HashMap::new() };
        }
        verified.tokens.insert(digest, accepted);
    }

    /// What the claims of a token say; the fault is for the log.
    fn read(&self, claims: &Claims) -> Result<Accepted, String> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        if text("iss") != Some(&self.name) {
            return Err("of another issuer".to_owned());
        }
        if !strings(claims.get("aud")).is_some_and(|audiences| audiences.contains(&self.audience.as_str())) {
            return Err("for another audience".to_owned());
        }
        let ends_at = instant(claims.get("exp")).ok_or("without an expiry")?;
        let begins_at = match claims.get("nbf") {
            None => None,
            stated => Some(instant(stated).ok_or("with an unreadable nbf")?),
        };
        let subject = text("sub").filter(|subject| {
            (1..=LONGEST_SUBJECT).contains(&subject.len()) && subject.bytes().all(|byte| byte.is_ascii_graphic())
        });
        let subject = subject.ok_or("without a subject of 1 to 255 printable characters")?;
        Ok(Accepted {
            caller: Arc::new(Caller {
                actor: format!("people/{subject}"),
                customer: self.customer(claims)?,
                roles: self.roles(claims)?,
            }),
            begins_at: begins_at.map(|at| at.saturating_sub(LEEWAY).unwrap_or(at)),
            ends_at: ends_at.saturating_add(LEEWAY).unwrap_or(ends_at),
        })
    }

    /// The customer that the caller is bound to. A claim that cannot be read refuses the token: it must never make a
    /// customer's caller one of the provider's.
    fn customer(&self, claims: &Claims) -> Result<Option<String>, String> {
        match find(claims, &self.customer_claim) {
            None => Ok(None),
            Some(Value::String(name)) if name.starts_with("customers/") => Ok(Some(name.clone())),
            Some(Value::String(id)) if !id.is_empty() && !id.contains('/') => Ok(Some(format!("customers/{id}"))),
            Some(_) => Err(format!("with a claim {} that names no customer", self.customer_claim)),
        }
    }

    /// The roles: a list of words, or words with blanks between them.
    fn roles(&self, claims: &Claims) -> Result<BTreeSet<String>, String> {
        match find(claims, &self.roles_claim) {
            None => Ok(BTreeSet::new()),
            Some(Value::String(words)) => Ok(words.split_whitespace().map(str::to_owned).collect()),
            list => strings(list)
                .map(|roles| roles.into_iter().map(str::to_owned).collect())
                .ok_or_else(|| format!("with a claim {} that is no list of roles", self.roles_claim)),
        }
    }
}

/// A claim by its name, or by its path with dots: `realm_access.roles`.
fn find<'a>(claims: &'a Claims, path: &str) -> Option<&'a Value> {
    let found = claims.get(path).or_else(|| {
        let (first, rest) = path.split_once('.')?;
        rest.split('.').try_fold(claims.get(first)?, |value, name| value.get(name))
    });
    found.filter(|value| !value.is_null())
}

/// One string or several.
fn strings(value: Option<&Value>) -> Option<Vec<&str>> {
    match value? {
        Value::String(one) => Some(vec![one]),
        Value::Array(all) => all.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// A NumericDate (RFC 7519 section 2): seconds, also with decimals, which are cut off.
fn instant(value: Option<&Value>) -> Option<Timestamp> {
    let number = value?;
    #[allow(clippy::cast_possible_truncation)] // what is out of range is no timestamp
    let seconds = number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds as i64))?;
    Timestamp::from_second(seconds).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn issuer(roles_claim: &str) -> Issuer {
        Issuer {
            name: "https://id.example".to_owned(),
            audience: "itsm".to_owned(),
            roles_claim: roles_claim.to_owned(),
            customer_claim: "customer".to_owned(),
            keys: Keys::File(Watched::new(Vec::new(), || Ok(KeySet::default())).unwrap()),
            verified: Mutex::default(),
        }
    }

    fn read(changes: Value) -> Result<Accepted, String> {
        read_with("roles", changes)
    }

    fn read_with(roles_claim: &str, changes: Value) -> Result<Accepted, String> {
        let claims = json!({ "iss": "https://id.example", "aud": "itsm", "sub": "ann", "exp": 1_900_000_000 });
        let Value::Object(mut claims) = claims else { panic!() };
        let Value::Object(changes) = changes else { panic!() };
        claims.extend(changes);
        issuer(roles_claim).read(&claims)
    }

    use crate::watched::Watched;

    #[test]
    fn claims_become_a_caller() {
        let accepted = read(json!({ "roles": ["a", "b"], "customer": "acme", "aud": ["x", "itsm"] })).unwrap();
        let roles = ["a".to_owned(), "b".to_owned()].into();
        let customer = Some("customers/acme".to_owned());
        assert_eq!(*accepted.caller, Caller { actor: "people/ann".to_owned(), customer, roles });
        assert!(read(json!({})).unwrap().caller.roles.is_empty());
    }

    #[test]
    fn roles_come_as_a_list_or_as_words_from_any_depth() {
        let roles = |claim, claims| read_with(claim, claims).unwrap().caller.roles.iter().cloned().collect::<Vec<_>>();
        assert_eq!(roles("scope", json!({ "scope": "a b" })), ["a", "b"]);
        assert_eq!(roles("realm_access.roles", json!({ "realm_access": { "roles": ["a"] } })), ["a"]);
        assert_eq!(roles("https://itsm.example/roles", json!({ "https://itsm.example/roles": ["a"] })), ["a"]);
    }

    #[test]
    fn a_claim_that_cannot_be_read_refuses_the_token() {
        for odd in [
            json!({ "iss": "https://id.example/" }),
            json!({ "iss": ["https://id.example"] }),
            json!({ "aud": "other" }),
            json!({ "aud": null }),
            json!({ "aud": ["itsm", 1] }),
            json!({ "exp": null }),
            json!({ "exp": "1900000000" }),
            json!({ "nbf": "soon" }),
            json!({ "sub": "" }),
            json!({ "sub": "a b" }),
            json!({ "sub": 7 }),
            json!({ "sub": "a".repeat(256) }),
            json!({ "roles": 7 }),
            json!({ "roles": ["a", 7] }),
            json!({ "customer": 7 }),
            json!({ "customer": "" }),
            json!({ "customer": ["customers/acme"] }),
            json!({ "customer": "suppliers/acme" }),
        ] {
            assert!(read(odd.clone()).is_err(), "{odd}");
        }
    }

    #[test]
    fn times_may_have_decimals_and_have_some_leeway() {
        let accepted = read(json!({ "exp": 1_900_000_000.7, "nbf": 1_800_000_000 })).unwrap();
        assert_eq!(accepted.ends_at.as_second(), 1_900_000_030);
        assert_eq!(accepted.begins_at.unwrap().as_second(), 1_799_999_970);
    }
}
