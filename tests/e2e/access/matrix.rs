//! Every method of the contract with every kind of credentials and every role, taken from the descriptors.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use itsm::client::Channel;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use prost_reflect::prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Value, json};
use servicekit::auth::Permission;
use servicekit::config;
use testkit::{Running, Scratch, TestDatabase, reason};
use tonic::client::Grpc;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};

use super::{Key, accepting, assembled, claims, key_set, with, write};

/// Messages as they are on the wire.
#[derive(Default)]
pub(super) struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        prost::bytes::BufMut::put_slice(buffer, &item);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        use prost::bytes::Buf as _;
        Ok(Some(buffer.copy_to_bytes(buffer.remaining()).to_vec()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}

/// Three servers on one database, and every method with the role that it takes.
struct House {
    channels: BTreeMap<&'static str, Channel>,
    methods: Vec<(&'static str, &'static str, &'static str)>,
    _database: TestDatabase,
}

/// The roles that methods take, by server.
fn tables() -> [(&'static str, &'static [Permission]); 3] {
    [("catalog", catalog::PERMISSIONS), ("operations", operations::PERMISSIONS), ("supplier", supplier::PERMISSIONS)]
}

impl House {
    async fn new(config: &config::Server) -> Self {
        let database = TestDatabase::new().await;
        let at = config::Database::at(database.url());
        let mut channels = BTreeMap::new();
        channels.insert("catalog", Running::start(catalog::build(&at).await, config).await.channel().await);
        channels.insert("operations", Running::start(operations::build(&at).await, config).await.channel().await);
        channels.insert("supplier", Running::start(supplier::build(&at).await, config).await.channel().await);
        let own =
            tables().into_iter().flat_map(|(server, table)| table.iter().map(move |(m, role)| (server, *m, *role)));
        let common = tables().into_iter().flat_map(|(server, _)| {
            servicekit::serve::PERMISSIONS.iter().map(move |(method, role)| (server, *method, *role))
        });
        Self { channels, methods: own.chain(common).collect(), _database: database }
    }

    /// What the server says to one message of these bytes; nothing when it begins to answer.
    async fn call(&self, server: &str, method: &str, authorization: Option<&str>, body: &[u8]) -> Result<(), Status> {
        let mut grpc = Grpc::new(self.channels[server].clone());
        grpc.ready().await.map_err(|error| Status::unknown(error.to_string()))?;
        let mut request = Request::new(tokio_stream::once(body.to_vec()));
        if let Some(value) = authorization {
            request.metadata_mut().insert("authorization", value.parse().unwrap());
        }
        let path = PathAndQuery::try_from(format!("/{method}")).unwrap();
        grpc.streaming(request, path, Bytes).await.map(drop)
    }
}

#[test]
fn the_tables_hold_every_method_of_the_contract() {
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).unwrap();
    let services = pool.services().filter(|service| service.full_name().starts_with("itsm."));
    let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
    let contract: BTreeSet<String> =
        methods.map(|method| format!("{}/{}", method.parent_service().full_name(), method.name())).collect();
    let own = tables().into_iter().flat_map(|(_, table)| table);
    let listed: BTreeSet<String> =
        own.chain(servicekit::serve::PERMISSIONS).map(|(method, _)| (*method).to_owned()).collect();
    assert!(contract.len() > 80, "the contract shrank to {}", contract.len());
    assert_eq!(listed, contract);
}

/// Credentials that let nobody in, with the reason that is given.
fn refused(key: &Key, rsa: &Key, stranger: &Key) -> Vec<(&'static str, Option<String>, &'static str)> {
    const NONE: &str = "UNAUTHENTICATED";
    const INVALID: &str = "TOKEN_INVALID";
    let good = claims(&["*"]);
    let jwt = |changes: Value| Some(format!("Bearer {}", key.sign(&with(good.clone(), changes))));
    let bearer = |token: String| Some(format!("Bearer {token}"));
    let now = good["exp"].as_i64().unwrap() - super::YEARS;
    let public = key.public();
    // The bytes of the public key as they are held to verify with, taken for a shared secret.
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(public[part].as_str().unwrap()).unwrap();
    let secret = [vec![4], decode("x"), decode("y")].concat();
    let confused = |secret: &[u8]| {
        let header = Header { kid: Some(key.id.to_owned()), ..Header::new(Algorithm::HS256) };
        bearer(encode(&header, &good, &EncodingKey::from_secret(secret).unwrap()).unwrap())
    };
    let signed = key.sign(&good);
    let (unsigned, signature) = signed.rsplit_once('.').unwrap();
    let header = json!({ "alg": "ES256", "kid": key.id });
    let tampered =
        assembled(&header, &with(good.clone(), json!({ "sub": "root" })), &URL_SAFE_NO_PAD.decode(signature).unwrap());
    vec![
        ("no token", None, NONE),
        ("an empty header", Some(String::new()), NONE),
        ("another scheme", Some("Basic YW5uOnNlY3JldA==".to_owned()), NONE),
        ("an empty token", Some("Bearer ".to_owned()), INVALID),
        ("garbage", bearer("garbage".to_owned()), INVALID),
        ("garbage in three parts", bearer("a.b.c".to_owned()), INVALID),
        ("an expired token", jwt(json!({ "exp": now - 3_600 })), "TOKEN_EXPIRED"),
        ("a token without expiry", jwt(json!({ "exp": null })), INVALID),
        ("a token that is not valid yet", jwt(json!({ "nbf": now + 3_600 })), INVALID),
        ("another audience", jwt(json!({ "aud": "other" })), INVALID),
        ("no audience", jwt(json!({ "aud": null })), INVALID),
        ("another issuer", jwt(json!({ "iss": "https://evil.example" })), INVALID),
        ("no issuer", jwt(json!({ "iss": null })), INVALID),
        ("no subject", jwt(json!({ "sub": null })), INVALID),
        ("alg none", bearer(assembled(&json!({ "alg": "none", "kid": key.id }), &good, b"")), INVALID),
        ("HS256 with the public key", confused(&secret), INVALID),
        ("HS256 with the public key as published", confused(public.to_string().as_bytes()), INVALID),
        ("another algorithm than the key's", bearer(rsa.sign_as(key.id, &good)), INVALID),
        ("an unknown key", bearer(stranger.sign(&good)), INVALID),
        ("a forged signature", bearer(stranger.sign_as(key.id, &good)), INVALID),
        ("a signature of something else", bearer(tampered), INVALID),
        ("no signature", bearer(format!("{unsigned}.")), INVALID),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_method_answers_to_credentials_that_are_not_good() {
    let (key, rsa, stranger) = (Key::es256("main"), Key::rs256("rsa"), Key::es256("stranger"));
    let folder = Scratch::new();
    let key_file = write(folder.join("keys.json"), key_set(&[&key, &rsa]));
    let house = House::new(&accepting(&key_file)).await;
    let mut texts: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (what, authorization, expected) in refused(&key, &rsa, &stranger) {
        for (server, method, _) in &house.methods {
            let answer = house.call(server, method, authorization.as_deref(), b"").await;
            let status = answer.expect_err(&format!("{method} of {server} lets in {what}"));
            let found = (status.code(), reason(&status));
            assert_eq!(found, (Code::Unauthenticated, expected.to_owned()), "{method} of {server} with {what}");
            texts.entry(expected).or_default().insert(status.message().to_owned());
        }
    }
    assert_eq!(texts["TOKEN_INVALID"].len(), 1, "the text says nothing of why: {texts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_is_open_to_its_role_and_to_no_other() {
    let key = Key::es256("main");
    let folder = Scratch::new();
    let key_file = write(folder.join("keys.json"), key_set(&[&key]));
    let house = House::new(&accepting(&key_file)).await;
    let mut roles: BTreeSet<&str> = house.methods.iter().map(|(_, _, role)| *role).collect();
    roles.remove("");
    assert!(roles.len() >= 10, "{roles:?}");
    let with_role = roles.iter().map(|role| vec![*role]);
    for held in with_role.chain([vec![], vec!["*"], vec!["nothing.real"], roles.iter().copied().collect()]) {
        let authorization = format!("Bearer {}", key.sign(&claims(&held)));
        for (server, method, needed) in &house.methods {
            let may = needed.is_empty() || held.contains(needed) || held == ["*"];
            let answer = house.call(server, method, Some(&authorization), b"").await;
            let code = answer.as_ref().err().map_or(Code::Ok, Status::code);
            if may {
                let odd =
                    [Code::Unauthenticated, Code::PermissionDenied, Code::Unimplemented, Code::Internal, Code::Unknown];
                assert!(!odd.contains(&code), "{method} of {server} with {held:?}: {answer:?}");
            } else {
                let status = answer.expect_err(&format!("{method} of {server} is open to {held:?}"));
                assert_eq!((code, reason(&status).as_str()), (Code::PermissionDenied, "PERMISSION_DENIED"), "{method}");
                assert!(status.message().contains(needed), "{method}: {}", status.message());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_learns_nothing_of_what_was_sent() {
    const NO_MESSAGE: &[u8] = b"\xff\xff\xff\xff";
    let key = Key::es256("main");
    let folder = Scratch::new();
    let key_file = write(folder.join("keys.json"), key_set(&[&key]));
    let house = House::new(&accepting(&key_file)).await;
    let without_role = format!("Bearer {}", key.sign(&claims(&[])));
    for (server, method, role) in &house.methods {
        let status = house.call(server, method, None, NO_MESSAGE).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated, "{method} of {server}");
        if !role.is_empty() {
            let status = house.call(server, method, Some(&without_role), NO_MESSAGE).await.unwrap_err();
            assert_eq!(status.code(), Code::PermissionDenied, "{method} of {server}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_method_takes_a_message_that_is_too_large() {
    let house = House::new(&config::Server::insecure(0)).await;
    let large = vec![0; servicekit::serve::MAX_MESSAGE_BYTES + 1];
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).unwrap();
    for (server, method, _) in &house.methods {
        let (service, name) = method.split_once('/').unwrap();
        let service = pool.get_service_by_name(service).unwrap();
        // The answer to a stream begins before its messages are read.
        if service.methods().any(|method| method.name() == name && method.is_client_streaming()) {
            continue;
        }
        let status = house.call(server, method, None, &large).await.expect_err(method);
        assert_eq!(reason(&status), "MESSAGE_TOO_LARGE", "{method} of {server}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_filter_has_its_limits() {
    let house = House::new(&config::Server::insecure(0)).await;
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).unwrap();
    let long = format!("name = \"{}\"", "a".repeat(domain::filter::MAX_LENGTH));
    let deep = format!("{}name = \"a\"{}", "(".repeat(domain::filter::MAX_DEPTH + 1), ")".repeat(33));
    let many = vec!["name = \"a\""; domain::filter::MAX_TERMS + 1].join(" OR ");
    let mut filtered = 0;
    for (server, method, _) in &house.methods {
        let (service, name) = method.split_once('/').unwrap();
        let service = pool.get_service_by_name(service).unwrap();
        let input = service.methods().find(|method| method.name() == name).unwrap().input();
        if input.get_field_by_name("filter").is_none() {
            continue;
        }
        let ask = async |filter: &str| {
            let mut request = DynamicMessage::new(input.clone());
            request.set_field_by_name("filter", prost_reflect::Value::String(filter.to_owned()));
            house.call(server, method, None, &request.encode_to_vec()).await
        };
        // Some want to know first of what the list is.
        if ask("").await.is_err() {
            continue;
        }
        filtered += 1;
        for filter in [&long, &deep, &many] {
            let status = ask(filter).await.expect_err(method);
            assert_eq!(reason(&status), "FILTER_INVALID", "{method} of {server}");
        }
    }
    assert!(filtered >= 20, "{filtered}");
}
