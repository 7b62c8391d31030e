//! Who gets in, and how far: every method with every kind of credentials, TLS, an issuer, and the dashboard's sign-in.

mod dashboard;
mod docs;
mod issuer;
mod limits;
mod matrix;
mod scope;
mod tls;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};
use servicekit::config;

const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "itsm";
/// Five years in seconds: far from now.
const YEARS: i64 = 3_600 * 24 * 365 * 5;

/// A key of an issuer.
struct Key {
    id: &'static str,
    algorithm: Algorithm,
    private: EncodingKey,
}

impl Key {
    fn es256(id: &'static str) -> Self {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        Self { id, algorithm: Algorithm::ES256, private: EncodingKey::from_ec_der(pkcs8.as_ref()) }
    }

    fn ed25519(id: &'static str) -> Self {
        // RFC 8410 section 7: what comes before the 32 random bytes that are the key.
        let mut pkcs8 = hex::decode("302e020100300506032b657004220420").unwrap();
        let seed: [u8; 32] = ring::rand::generate(&SystemRandom::new()).unwrap().expose();
        pkcs8.extend(seed);
        Self { id, algorithm: Algorithm::EdDSA, private: EncodingKey::from_ed_der(&pkcs8) }
    }

    /// Always the same one: making an RSA key takes its time. It is used here and nowhere else.
    fn rs256(id: &'static str) -> Self {
        let private = EncodingKey::from_rsa_pem(include_bytes!("rsa.pem")).unwrap();
        Self { id, algorithm: Algorithm::RS256, private }
    }

    fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.private, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.id.to_owned());
        serde_json::to_value(jwk).unwrap()
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_as(self.id, claims)
    }

    fn sign_as(&self, id: &str, claims: &Value) -> String {
        let header = Header { kid: Some(id.to_owned()), ..Header::new(self.algorithm) };
        encode(&header, claims, &self.private).unwrap()
    }
}

fn key_set(keys: &[&Key]) -> String {
    json!({ "keys": keys.iter().map(|key| key.public()).collect::<Vec<_>>() }).to_string()
}

/// A token that is put together by hand.
fn assembled(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    format!("{}.{}.{}", part(header.to_string().as_bytes()), part(claims.to_string().as_bytes()), part(signature))
}

/// What a good token says: `ann` with these roles, good for years.
fn claims(roles: &[&str]) -> Value {
    use servicekit::clock::Clock as _;
    let now = servicekit::clock::System.now().as_second();
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": now + YEARS, "nbf": now - YEARS, "roles": roles })
}

/// The claims with others put in; null takes one out.
fn with(mut claims: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

/// A server that accepts the issuer's tokens by the keys of a file.
fn accepting(key_file: &Path) -> config::Server {
    let oidc = config::Oidc {
        issuer: Some(ISSUER.to_owned()),
        audience: Some(AUDIENCE.to_owned()),
        jwks: Some(key_file.display().to_string()),
        ..config::Oidc::default()
    };
    config::Server { insecure: false, oidc, ..config::Server::insecure(0) }
}

fn write(path: PathBuf, text: impl AsRef<[u8]>) -> PathBuf {
    std::fs::write(&path, text).unwrap();
    path
}

/// Does it again until it is so: changes of files count within a second or two.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..200 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{what}: not within ten seconds");
}
