//! The public keys of an issuer: from a file that is followed, or from a URL that is asked again when a key is unknown.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::Algorithm as Alg;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use serde::Deserialize;

use crate::error::{self, Error};
use crate::watched::{Watched, content, misconfigured};

/// Algorithms of signatures that are accepted; each key takes those of its kind. Never `none`, and none with a shared
/// secret, so that a public key can never pass for one.
pub const ALGORITHMS: [&str; 7] = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"];
const RSA: &[Alg] = &[Alg::RS256, Alg::RS384, Alg::RS512, Alg::PS256];

/// Shortest RSA modulus that is taken, in bits (NIST SP 800-57).
const SHORTEST_RSA: usize = 2048;
/// How long the issuer may take to answer.
const ANSWER: Duration = Duration::from_secs(5);
/// How much of an answer is read, in bytes.
const LONGEST: usize = 1 << 20;
/// The issuer is asked at most this often, however many unknown keys come.
pub(super) const PAUSE: Duration = Duration::from_secs(10);
/// Keys older than this are asked for anew while the old ones serve, so that a withdrawn key goes.
const STALE: Duration = Duration::from_mins(5);

/// A key and what may be signed with it.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) key: DecodingKey,
    pub(super) algorithms: Vec<Alg>,
}

/// The keys of an issuer by their id.
#[derive(Debug, Clone, Default)]
pub(super) struct KeySet {
    keys: HashMap<String, Key>,
}

impl KeySet {
    /// Reads a JWK set (RFC 7517). Keys that are not for signatures, and kinds that are not accepted, are left out.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<serde_json::Value>,
        }
        let set: Set = serde_json::from_slice(text).map_err(|_| "is no JWK set".to_owned())?;
        let jwks = set.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let keys = jwks.filter_map(|jwk| Some((jwk.common.key_id.clone().unwrap_or_default(), usable(&jwk)?)));
        Ok(Self { keys: keys.collect() })
    }

    /// The key of that id; without an id the only key (OpenID Connect Core 10.1 asks for ids where there are several).
    pub(super) fn find(&self, id: Option<&str>) -> Option<&Key> {
        match id {
            Some(id) => self.keys.get(id),
            None if self.keys.len() == 1 => self.keys.values().next(),
            None => None,
        }
    }
}

fn usable(jwk: &Jwk) -> Option<Key> {
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let of_kind: &[Alg] = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) if rsa.n.len() * 6 >= SHORTEST_RSA => RSA,
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => &[Alg::ES256],
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P384 => &[Alg::ES384],
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => &[Alg::EdDSA],
        _ => return None,
    };
    let algorithms: Vec<_> = match jwk.common.key_algorithm {
        None => of_kind.to_vec(),
        Some(stated) => {
            of_kind.iter().copied().filter(|algorithm| Alg::try_from(stated).ok() == Some(*algorithm)).collect()
        }
    };
    let key = DecodingKey::from_jwk(jwk).ok()?;
    (!algorithms.is_empty()).then_some(Key { key, algorithms })
}

/// Where the keys of an issuer come from.
#[derive(Debug)]
pub(super) enum Keys {
    File(Watched<KeySet>),
    Url(Arc<Remote>),
}

impl Keys {
    /// Keys of a file or of an `https` or `http` URL; without either, of the URL that the issuer's discovery document
    /// names.
    pub(super) fn new(issuer: &str, from: Option<&str>) -> Result<Self, Error> {
        let is_url = |text: &str| text.starts_with("https://") || text.starts_with("http://");
        match from {
            Some(file) if !is_url(file) => {
                let path = PathBuf::from(file);
                let read = move || {
                    let fault = |fault| misconfigured(format!("key set {}: {fault}", path.display()));
                    KeySet::parse(&content("key set", &path)?).map_err(fault)
                };
                Ok(Self::File(Watched::new(vec![PathBuf::from(file)], read)?))
            }
            Some(url) => Ok(Self::Url(Arc::new(Remote::new(Place::Keys(url.to_owned()))?))),
            None if is_url(issuer) => Ok(Self::Url(Arc::new(Remote::new(Place::Issuer(issuer.to_owned()))?))),
            None => Err(misconfigured(format!("{issuer} is no URL: say with --oidc-jwks where its keys are"))),
        }
    }

    /// A key set that has the key, or the newest one there is. Asks the issuer when the key is unknown; fails only when
    /// it is unknown and the issuer cannot be asked.
    pub(super) async fn with(&self, id: Option<&str>) -> Result<Arc<KeySet>, Error> {
        let remote = match self {
            Self::File(keys) => return Ok(keys.now()),
            Self::Url(remote) => remote,
        };
        let (keys, stale) = remote.known();
        if keys.find(id).is_some() {
            if stale {
                tokio::spawn({
                    let remote = remote.clone();
                    async move { remote.refresh(STALE).await }
                });
            }
            return Ok(keys);
        }
        if remote.refresh(PAUSE).await {
            return Ok(remote.known().0);
        }
        let message = "the keys of the issuer cannot be read: try again";
        Err(Error::refused(error::KEYS_UNAVAILABLE, "", message))
    }
}

#[derive(Debug)]
enum Place {
    /// URL of the key set.
    Keys(String),
    /// The issuer, whose discovery document names that URL.
    Issuer(String),
}

/// Keys that are asked for over HTTP. The last good answer stays while there is no other.
#[derive(Debug)]
pub(super) struct Remote {
    place: Place,
    client: reqwest::Client,
    state: RwLock<State>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    keys: Arc<KeySet>,
    /// When the issuer was last asked. None: never.
    asked: Option<Instant>,
    /// Whether it answered then.
    answered: bool,
}

impl State {
    fn is_younger_than(&self, age: Duration) -> bool {
        self.asked.is_some_and(|asked| asked.elapsed() < age)
    }
}

impl Remote {
    fn new(place: Place) -> Result<Self, Error> {
        let (Place::Keys(url) | Place::Issuer(url)) = &place;
        let parsed = reqwest::Url::parse(url).map_err(|_| misconfigured(format!("{url} is no URL")))?;
        let local = matches!(parsed.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        if parsed.scheme() != "https" && !local {
            tracing::warn!(url, "keys come over plain HTTP: whoever controls the network decides who may call");
        }
        let client = reqwest::Client::builder().timeout(ANSWER).redirect(reqwest::redirect::Policy::none()).build();
        Ok(Self {
            place,
            client: client.map_err(Error::internal)?,
            state: RwLock::default(),
            turn: tokio::sync::Mutex::default(),
        })
    }

    /// The keys at hand and whether they are old.
    fn known(&self) -> (Arc<KeySet>, bool) {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        (state.keys.clone(), !state.is_younger_than(STALE))
    }

    /// Asks the issuer unless it was asked within `age`; one asks at a time and others share the answer. Whether the
    /// last answer was good.
    async fn refresh(&self, age: Duration) -> bool {
        let _turn = self.turn.lock().await;
        {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            if state.is_younger_than(age) {
                return state.answered;
            }
            state.asked = Some(Instant::now());
        }
        let answer = self.ask().await;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.answered = answer.is_ok();
        match answer {
            Ok(keys) => state.keys = Arc::new(keys),
            Err(cause) => tracing::warn!("the issuer's keys stay as they were: {cause}"),
        }
        state.answered
    }

    async fn ask(&self) -> Result<KeySet, String> {
        let url = match &self.place {
            Place::Keys(url) => url.clone(),
            Place::Issuer(issuer) => self.discover(issuer).await?,
        };
        KeySet::parse(&self.get(&url).await?).map_err(|fault| format!("{url} {fault}"))
    }

    /// The URL of the keys, as OpenID Connect Discovery 4 says.
    async fn discover(&self, issuer: &str) -> Result<String, String> {
        #[derive(Deserialize)]
        struct Discovery {
            issuer: String,
            jwks_uri: String,
        }
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let document: Discovery =
            serde_json::from_slice(&self.get(&url).await?).map_err(|_| format!("{url} is no discovery document"))?;
        if document.issuer != issuer {
            return Err(format!("{url} is the document of {}, not of {issuer}", document.issuer));
        }
        Ok(document.jwks_uri)
    }

    async fn get(&self, url: &str) -> Result<Vec<u8>, String> {
        let failed = |cause: reqwest::Error| format!("{url} cannot be read: {cause:?}");
        let mut response = self.client.get(url).send().await.map_err(failed)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(format!("{url} answers {}", response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST {
                return Err(format!("{url} answers with more than {LONGEST} bytes"));
            }
        }
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(keys: serde_json::Value) -> KeySet {
        KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

    #[test]
    fn each_key_takes_the_algorithms_of_its_kind_only() {
        let keys = parsed(json!([
            { "kty": "EC", "crv": "P-256", "x": X, "y": Y, "kid": "ec" },
            { "kty": "RSA", "n": "A".repeat(342), "e": "AQAB", "kid": "rsa" },
            { "kty": "RSA", "n": "A".repeat(342), "e": "AQAB", "kid": "pss", "alg": "PS256" },
            { "kty": "OKP", "crv": "Ed25519", "x": X, "kid": "ed", "use": "sig" },
        ]));
        assert_eq!(keys.find(Some("ec")).unwrap().algorithms, [Alg::ES256]);
        assert_eq!(keys.find(Some("rsa")).unwrap().algorithms, RSA);
        assert_eq!(keys.find(Some("pss")).unwrap().algorithms, [Alg::PS256]);
        assert_eq!(keys.find(Some("ed")).unwrap().algorithms, [Alg::EdDSA]);
    }

    #[test]
    fn secrets_short_keys_and_keys_for_other_uses_are_left_out() {
        let keys = parsed(json!([
            { "kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0", "kid": "a" },
            { "kty": "RSA", "n": "A".repeat(171), "e": "AQAB", "kid": "b" },
            { "kty": "EC", "crv": "P-256", "x": X, "y": Y, "kid": "c", "use": "enc" },
            { "kty": "EC", "crv": "P-256", "x": X, "y": Y, "kid": "d", "alg": "HS256" },
            { "kty": "EC", "crv": "P-521", "x": X, "y": Y, "kid": "e" },
            { "kty": "new", "kid": "f" },
        ]));
        assert!(keys.keys.is_empty(), "{keys:?}");
    }

    #[test]
    fn every_algorithm_that_is_accepted_is_listed() {
        let kinds: Vec<_> = RSA.iter().chain(&[Alg::ES256, Alg::ES384, Alg::EdDSA]).map(|a| format!("{a:?}")).collect();
        assert_eq!(kinds, ALGORITHMS);
    }

    #[test]
    fn a_token_without_a_key_id_means_the_only_key() {
        let one = parsed(json!([{ "kty": "EC", "crv": "P-256", "x": X, "y": Y }]));
        assert!(one.find(None).is_some() && one.find(Some("other")).is_none());
        let two = parsed(json!([
            { "kty": "EC", "crv": "P-256", "x": X, "y": Y, "kid": "a" },
            { "kty": "EC", "crv": "P-256", "x": X, "y": Y, "kid": "b" },
        ]));
        assert!(two.find(None).is_none() && two.find(Some("a")).is_some());
    }

    #[test]
    fn what_is_no_key_set_is_refused() {
        for text in ["", "{}", "[]", "{\"keys\": 1}"] {
            assert!(KeySet::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    /// An issuer on a port of its own that answers every request with the key set at hand, or with a fault.
    struct Issuer {
        url: String,
        answer: Arc<std::sync::Mutex<Option<serde_json::Value>>>,
        asked: Arc<std::sync::atomic::AtomicUsize>,
    }

    impl Issuer {
        async fn start() -> Self {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let issuer = Self { url, answer: Arc::default(), asked: Arc::default() };
            let (answer, asked) = (issuer.answer.clone(), issuer.asked.clone());
            tokio::spawn(async move {
                loop {
                    let (mut client, _) = listener.accept().await.unwrap();
                    let mut request = [0; 4096];
                    let _ = client.read(&mut request).await;
                    asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    let (status, body) = match &*answer.lock().unwrap() {
                        Some(body) => ("200 OK", body.to_string()),
                        None => ("503 Service Unavailable", String::new()),
                    };
                    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}", body.len());
                    let _ = client.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await;
                }
            });
            issuer
        }

        fn serve(&self, ids: &[&str]) {
            let keys: Vec<_> =
                ids.iter().map(|id| json!({ "kty": "EC", "crv": "P-256", "x": X, "y": Y, "kid": id })).collect();
            *self.answer.lock().unwrap() = Some(json!({ "keys": keys }));
        }

        fn asked(&self) -> usize {
            self.asked.load(std::sync::atomic::Ordering::SeqCst)
        }

        fn keys(&self) -> Keys {
            Keys::new("https://id.example", Some(&self.url)).unwrap()
        }
    }

    /// Whether a key of that id is known, or whether that cannot be said.
    async fn knows(keys: &Keys, id: &str) -> Result<bool, &'static str> {
        keys.with(Some(id)).await.map(|set| set.find(Some(id)).is_some()).map_err(|error| error.reason().name)
    }

    /// Lets the last question lie that much further back.
    fn wait(keys: &Keys, time: Duration) {
        let Keys::Url(remote) = keys else { panic!("keys of a file") };
        let mut state = remote.state.write().unwrap();
        state.asked = state.asked.map(|asked| asked.checked_sub(time).unwrap());
    }

    #[tokio::test]
    async fn an_unknown_key_is_asked_for_but_not_with_every_token() {
        let issuer = Issuer::start().await;
        issuer.serve(&["a"]);
        let keys = issuer.keys();
        assert_eq!(knows(&keys, "a").await, Ok(true));
        issuer.serve(&["a", "b"]);
        for _ in 0..50 {
            assert_eq!(knows(&keys, "b").await, Ok(false));
        }
        assert_eq!(issuer.asked(), 1);
        wait(&keys, PAUSE);
        assert_eq!(knows(&keys, "b").await, Ok(true));
        assert_eq!((issuer.asked(), knows(&keys, "a").await), (2, Ok(true)));
    }

    #[tokio::test]
    async fn known_keys_serve_while_the_issuer_is_down() {
        let issuer = Issuer::start().await;
        let keys = issuer.keys();
        assert_eq!(knows(&keys, "a").await, Err("KEYS_UNAVAILABLE"));
        issuer.serve(&["a"]);
        wait(&keys, PAUSE);
        assert_eq!(knows(&keys, "a").await, Ok(true));
        *issuer.answer.lock().unwrap() = None;
        wait(&keys, PAUSE);
        assert_eq!(knows(&keys, "b").await, Err("KEYS_UNAVAILABLE"));
        assert_eq!(knows(&keys, "a").await, Ok(true));
    }

    #[tokio::test]
    async fn a_key_that_the_issuer_withdraws_goes() {
        let issuer = Issuer::start().await;
        issuer.serve(&["a", "b"]);
        let keys = issuer.keys();
        assert_eq!(knows(&keys, "b").await, Ok(true));
        issuer.serve(&["a"]);
        wait(&keys, STALE);
        for _ in 0..1_000 {
            if knows(&keys, "b").await == Ok(false) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the key is still known");
    }

    #[tokio::test]
    async fn an_answer_without_end_is_not_read() {
        let issuer = Issuer::start().await;
        *issuer.answer.lock().unwrap() = Some(json!({ "keys": [], "more": "x".repeat(LONGEST) }));
        assert_eq!(knows(&issuer.keys(), "a").await, Err("KEYS_UNAVAILABLE"));
    }
}
