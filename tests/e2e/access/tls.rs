//! TLS on a port: who trusts whom, and whom a client certificate stands for.

use std::net::SocketAddr;
use std::path::PathBuf;

use itsm::client::{Trust, connect_with};
use itsm::import::Problem;
use proto::catalog::v1::ListAgreementsRequest;
use proto::catalog::v1::agreement_service_client::AgreementServiceClient;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use servicekit::config;
use testkit::{Running, Scratch, TestDatabase, reason};
use tonic::Status;

use super::{until, write};

const TOKEN: &str = "people-token-00001";

/// Somebody who signs certificates.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Certificate and key, in files of these names.
    pub(super) fn sign(
        &self,
        folder: &Scratch,
        name: &str,
        common_name: &str,
        others: Vec<SanType>,
    ) -> (PathBuf, PathBuf) {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.subject_alt_names = others;
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key_file = write(folder.join(format!("{name}.key")), key.serialize_pem());
        (write(folder.join(format!("{name}.pem")), certificate.pem()), key_file)
    }

    pub(super) fn server(&self, folder: &Scratch) -> (PathBuf, PathBuf) {
        self.sign(folder, "server", "server", vec![SanType::IpAddress([127, 0, 0, 1].into())])
    }
}

struct House {
    folder: Scratch,
    authority: Authority,
    address: SocketAddr,
    _database: TestDatabase,
}

impl House {
    async fn new() -> Self {
        let folder = Scratch::new();
        let authority = Authority::new("house");
        let ca = write(folder.join("ca.pem"), authority.pem());
        let (certificate, key) = authority.server(&folder);
        let callers = format!(
            "{TOKEN} people/ann roles=catalog.viewer\n\
             certificate=spiffe://example/import systems/import roles=catalog.viewer\n\
             certificate=scanner systems/scanner\n"
        );
        let config = config::Server {
            insecure: false,
            tokens_file: Some(write(folder.join("tokens"), callers)),
            tls: config::Tls { certificate: Some(certificate), key: Some(key), client_ca: Some(ca) },
            ..config::Server::insecure(0)
        };
        let database = TestDatabase::new().await;
        let server = catalog::build(&config::Database::at(database.url())).await;
        let address = Running::start(server, &config).await.address();
        Self { folder, authority, address, _database: database }
    }

    /// Trusts the house and shows nothing.
    fn trust(&self) -> Trust {
        Trust { ca: Some(self.folder.join("ca.pem")), ..Trust::default() }
    }

    /// Trusts the house and shows a certificate of that authority.
    fn showing(&self, authority: &Authority, common_name: &str, uri: Option<&str>) -> Trust {
        let others = uri.map(|uri| SanType::URI(uri.try_into().unwrap())).into_iter().collect();
        let (certificate, key) = authority.sign(&self.folder, "client", common_name, others);
        Trust { client_cert: Some(certificate), client_key: Some(key), ..self.trust() }
    }

    async fn call(&self, token: &str, trust: &Trust) -> Result<Result<(), Status>, Problem> {
        let channel = connect_with(&format!("https://{}", self.address), token, trust).await?;
        let mut client = AgreementServiceClient::new(channel);
        Ok(client.list_agreements(ListAgreementsRequest::default()).await.map(drop))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_certificate_calls_without_a_token() {
    let house = House::new().await;
    let by_uri = house.showing(&house.authority, "whatever", Some("spiffe://example/import"));
    house.call("", &by_uri).await.unwrap().unwrap();
    // Known by its common name, and with a role too few.
    let by_name = house.showing(&house.authority, "scanner", None);
    let refusal = house.call("", &by_name).await.unwrap().unwrap_err();
    assert_eq!(reason(&refusal), "PERMISSION_DENIED");
    assert!(refusal.message().contains("systems/scanner"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_with_a_uri_is_not_known_by_its_common_name() {
    let house = House::new().await;
    let both = house.showing(&house.authority, "scanner", Some("spiffe://example/stranger"));
    assert_eq!(reason(&house.call("", &both).await.unwrap().unwrap_err()), "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_a_foreign_authority_does_not_connect() {
    let house = House::new().await;
    let foreign = house.showing(&Authority::new("foreign"), "scanner", Some("spiffe://example/import"));
    // The server may refuse while the client thinks it has connected: then the first call fails, with or without token.
    for token in ["", TOKEN] {
        if let Ok(Ok(())) = house.call(token, &foreign).await {
            panic!("a foreign certificate was accepted");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_come_with_a_token_and_without_a_certificate() {
    let house = House::new().await;
    house.call(TOKEN, &house.trust()).await.unwrap().unwrap();
    assert_eq!(reason(&house.call("", &house.trust()).await.unwrap().unwrap_err()), "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_does_not_trust_a_server_of_a_foreign_authority() {
    let house = House::new().await;
    let foreign = write(house.folder.join("foreign.pem"), Authority::new("foreign").pem());
    let trust = Trust { ca: Some(foreign), ..Trust::default() };
    let problem = house.call(TOKEN, &trust).await.unwrap_err().to_string();
    assert!(problem.contains("cannot be trusted"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_text_gets_no_answer_from_a_tls_port() {
    let house = House::new().await;
    match connect_with(&house.address.to_string(), TOKEN, &Trust::default()).await {
        Err(_) => {}
        Ok(channel) => {
            let mut client = AgreementServiceClient::new(channel);
            client.list_agreements(ListAgreementsRequest::default()).await.unwrap_err();
        }
    }
    // And the port goes on answering others, also while a client says nothing at all.
    let _silent = tokio::net::TcpStream::connect(house.address).await.unwrap();
    house.call(TOKEN, &house.trust()).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_taken_up_without_a_restart() {
    let house = House::new().await;
    let renewed = Authority::new("renewed");
    let trust = Trust { ca: Some(write(house.folder.join("renewed.pem"), renewed.pem())), ..Trust::default() };
    assert!(house.call(TOKEN, &trust).await.is_err());
    renewed.server(&house.folder);
    until("the new certificate is shown", async || house.call(TOKEN, &trust).await.is_ok()).await;
}
