//! `itsm issuer`: an issuer of OpenID Connect tokens for development. It asks nobody for a password: whoever can read its
//! key can be anybody, so it answers on loopback only and hands no tokens out over the network.

use std::io::{ErrorKind, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::cli::{IssuedToken, IssuerIdentity};
use crate::import::Problem;
use crate::suite::data_dir_or_default;

/// Port unless another is given.
pub const PORT: u16 = 7109;

/// A key to sign with and its public half.
pub struct Signer {
    private: EncodingKey,
    public: Jwk,
    id: String,
}

impl Signer {
    /// The key of a file, which is made when it is not there.
    pub fn open(path: &Path) -> Result<Self, Problem> {
        let problem = |error: std::io::Error| Problem::new(format!("the key {}: {error}", path.display()));
        let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        match made {
            Ok(mut file) => file.write_all(generate()?.as_bytes()).map_err(problem)?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(problem(error)),
        }
        let pem = std::fs::read(path).map_err(problem)?;
        Self::of(&pem).map_err(|_| Problem::new(format!("{} is no P-256 key in PEM form: delete it", path.display())))
    }

    fn of(pem: &[u8]) -> jsonwebtoken::errors::Result<Self> {
        let private = EncodingKey::from_ec_pem(pem)?;
        let mut public = Jwk::from_encoding_key(&private, Algorithm::ES256)?;
        let id = public.thumbprint(ThumbprintHash::SHA256)?;
        public.common.key_id = Some(id.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { private, public, id })
    }

    /// The key set that verifies what is signed here.
    pub fn keys(&self) -> JwkSet {
        JwkSet { keys: vec![self.public.clone()] }
    }

    /// A token of the issuer of that name.
    pub fn token(&self, issuer: &str, asked: &IssuedToken, now: Timestamp) -> Result<String, Problem> {
        let ends = SignedDuration::from_mins(asked.minutes.into());
        let mut claims = json!({
            "iss": issuer,
            "aud": asked.audience,
            "sub": asked.sub,
            "iat": now.as_second(),
            "exp": now.as_second() + ends.as_secs(),
            "roles": asked.roles,
        });
        if let Some(customer) = &asked.customer {
            claims["customer"] = json!(customer);
        }
        let header = Header { kid: Some(self.id.clone()), ..Header::new(Algorithm::ES256) };
        encode(&header, &claims, &self.private).map_err(|error| Problem::new(format!("the key cannot sign: {error}")))
    }
}

/// A fresh P-256 key in PEM form.
fn generate() -> Result<String, Problem> {
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .map_err(|_| Problem::new("the machine has no random numbers"))?;
    Ok(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(key)))
}

/// An issuer that has its port and does not answer yet.
pub struct Issuer {
    listener: TcpListener,
    signer: Signer,
    /// What it is called: its own address.
    pub name: String,
}

impl Issuer {
    /// Takes the port, on loopback.
    pub async fn bind(port: u16, signer: Signer) -> Result<Self, Problem> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let failed = |error| Problem::new(format!("the issuer cannot listen on {address}: {error}"));
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let name = name_of(listener.local_addr().map_err(failed)?.port());
        Ok(Self { listener, signer, name })
    }

    /// Answers with its discovery document and its keys until told to stop.
    pub async fn serve(self, stop: CancellationToken) -> Result<(), Problem> {
        let keys = self.signer.keys();
        let discovery = json!({
            "issuer": self.name,
            "jwks_uri": format!("{}/keys", self.name),
            "id_token_signing_alg_values_supported": ["ES256"],
            "subject_types_supported": ["public"],
            "response_types_supported": ["id_token"],
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(|| async { Json(discovery) }))
            .route("/keys", get(|| async { Json(keys) }));
        axum::serve(self.listener, router)
            .with_graceful_shutdown(stop.cancelled_owned())
            .await
            .map_err(|error| Problem::new(format!("the issuer stopped: {error}")))
    }
}

/// What the issuer on that port is called.
fn name_of(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// The key file of an issuer.
pub fn key_file(identity: &IssuerIdentity) -> Result<PathBuf, Problem> {
    if let Some(path) = &identity.key {
        return Ok(path.clone());
    }
    let folder = data_dir_or_default(None)?;
    std::fs::create_dir_all(&folder).map_err(|error| Problem::new(format!("{}: {error}", folder.display())))?;
    Ok(folder.join("issuer.pem"))
}

/// Prints a token of the issuer, which need not be running.
pub fn print_token(asked: &IssuedToken, now: Timestamp) -> Result<(), Problem> {
    let signer = Signer::open(&key_file(&asked.identity)?)?;
    println!("{}", signer.token(&name_of(asked.identity.port), asked, now)?);
    Ok(())
}

/// Runs the issuer, and says how it is used.
pub async fn run(identity: &IssuerIdentity, stop: CancellationToken) -> Result<(), Problem> {
    let key = key_file(identity)?;
    let issuer = Issuer::bind(identity.port, Signer::open(&key)?).await?;
    let mut same = if identity.port == PORT { String::new() } else { format!(" --port {}", identity.port) };
    if let Some(key) = &identity.key {
        same = format!("{same} --key {}", key.display());
    }
    println!(
        "an issuer for development at {}, on loopback only: whoever reads {} can be anybody",
        issuer.name,
        key.display()
    );
    println!("  accept its tokens   itsm up --oidc-issuer {} --oidc-audience itsm", issuer.name);
    println!("  make one            itsm issuer token{same} --sub ann --roles '*'");
    issuer.serve(stop).await
}
