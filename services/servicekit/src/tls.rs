//! A port of the suite: plain, or behind TLS with certificates that are followed, and with the client's own.
//! Used by gRPC servers and by the dashboard alike.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tonic::transport::server::Connected;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::config;
use crate::error::{self, Error};
use crate::watched::{Watched, content, misconfigured};

/// How long a client may take to agree on keys.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Clients that may be agreeing on keys at once.
const MAX_HANDSHAKES: usize = 1_024;
/// Pause when the machine has no room for another connection.
const NO_ROOM: Duration = Duration::from_millis(500);

/// What is spoken on a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/2, as gRPC is.
    Grpc,
    /// HTTP/2 or HTTP/1.1, for browsers, and for those who ask for health over gRPC.
    Http,
}

impl Protocol {
    /// Its names in the handshake (RFC 7301), the best first.
    fn alpn(self) -> Vec<Vec<u8>> {
        match self {
            Self::Grpc => vec![b"h2".to_vec()],
            Self::Http => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        }
    }
}

/// A port that listens.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    tls: Option<Watched<ServerConfig>>,
    handshakes: JoinSet<Option<(Stream, SocketAddr)>>,
}

impl Listener {
    /// Takes the port and says so in one sentence when it cannot. Must be called within a runtime.
    pub fn bind(address: SocketAddr, tls: &config::Tls, protocol: Protocol) -> Result<Self, Error> {
        let tls = server_config(tls, protocol)?;
        let bound = std::net::TcpListener::bind(address).and_then(|listener| {
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener)
        });
        let tcp = bound.map_err(|cause| {
            let message = match cause.kind() {
                ErrorKind::AddrInUse => format!(
                    "{address} is in use: stop what listens there, or choose another with --listen or --port-base"
                ),
                _ => format!("{address} cannot be listened on ({cause}): choose another with --listen"),
            };
            Error::refused(error::LISTEN_FAILED, "", message)
        })?;
        Ok(Self { tcp, tls, handshakes: JoinSet::new() })
    }

    /// The address, with the port that was taken when 0 was asked for.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// The next client. One that fails to agree on keys, or takes its time, holds up nobody.
    pub async fn accept(&mut self) -> (Stream, SocketAddr) {
        loop {
            tokio::select! {
                Some(done) = self.handshakes.join_next() => {
                    if let Ok(Some(connection)) = done {
                        return connection;
                    }
                }
                accepted = self.tcp.accept(), if self.handshakes.len() < MAX_HANDSHAKES => match accepted {
                    Ok((tcp, peer)) => {
                        let _ = tcp.set_nodelay(true);
                        match &self.tls {
                            None => return (Stream::plain(tcp), peer),
                            Some(tls) => {
                                let acceptor = TlsAcceptor::from(tls.now());
                                self.handshakes.spawn(shake_hands(acceptor, tcp, peer));
                            }
                        }
                    }
                    // The client is gone already, or there is no room for it until others go.
                    Err(fault) if fault.kind() == ErrorKind::ConnectionAborted => {}
                    Err(fault) => {
                        tracing::warn!("no connection can be accepted: {fault}");
                        tokio::time::sleep(NO_ROOM).await;
                    }
                },
            }
        }
    }

    /// The clients as a stream, for a gRPC transport.
    pub(crate) fn incoming(self) -> impl futures::Stream<Item = io::Result<Stream>> {
        futures::stream::unfold(self, |mut listener| async {
            let (stream, _) = listener.accept().await;
            Some((Ok(stream), listener))
        })
    }
}

async fn shake_hands(acceptor: TlsAcceptor, tcp: TcpStream, peer: SocketAddr) -> Option<(Stream, SocketAddr)> {
    match tokio::time::timeout(HANDSHAKE, acceptor.accept(tcp)).await {
        Ok(Ok(stream)) => Some((Stream::tls(stream), peer)),
        Ok(Err(fault)) => {
            tracing::info!(%peer, "a client could not connect: {fault}");
            None
        }
        Err(_) => {
            tracing::info!(%peer, "a client took too long to connect");
            None
        }
    }
}

/// A connection to a client.
#[derive(Debug)]
pub struct Stream {
    io: Either<TcpStream, Box<TlsStream<TcpStream>>>,
    peer: Peer,
}

impl Stream {
    fn plain(tcp: TcpStream) -> Self {
        Self { io: Either::Left(tcp), peer: Peer::default() }
    }

    fn tls(stream: TlsStream<TcpStream>) -> Self {
        let certificates = stream.get_ref().1.peer_certificates();
        let names = certificates.and_then(<[_]>::first).map(|certificate| names(certificate)).unwrap_or_default();
        Self { io: Either::Right(Box::new(stream)), peer: Peer { names: names.into() } }
    }
}

/// What is known of the client of a connection.
#[derive(Debug, Clone, Default)]
pub struct Peer {
    names: Arc<[String]>,
}

impl Peer {
    /// Names in the client's certificate, which has been verified: its URIs, or its common name when it has none.
    /// Empty: it showed none.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// A client with a certificate of these names.
    #[cfg(test)]
    pub(crate) fn named(names: &[&str]) -> Self {
        Self { names: names.iter().map(|name| (*name).to_owned()).collect() }
    }
}

fn names(certificate: &CertificateDer) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return Vec::new() };
    let others = certificate.subject_alternative_name().ok().flatten();
    let others = others.map(|extension| extension.value.general_names.as_slice()).unwrap_or_default();
    let uris: Vec<_> = others
        .iter()
        .filter_map(|name| match name {
            GeneralName::URI(uri) => Some((*uri).to_owned()),
            _ => None,
        })
        .collect();
    if !uris.is_empty() {
        return uris;
    }
    let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    common.map(str::to_owned).collect()
}

fn certificates(what: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&content(what, file)?).collect();
    match read {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(misconfigured(format!("{what} {} holds no certificate in PEM form", file.display()))),
    }
}

/// How TLS is spoken, following its files. None: the port is plain.
fn server_config(tls: &config::Tls, protocol: Protocol) -> Result<Option<Watched<ServerConfig>>, Error> {
    let (Some(certificate), Some(key)) = (&tls.certificate, &tls.key) else { return Ok(None) };
    let files = [Some(certificate), Some(key), tls.client_ca.as_ref()].into_iter().flatten().cloned().collect();
    let (certificate, key, client_ca) = (certificate.clone(), key.clone(), tls.client_ca.clone());
    let read = move || {
        let chain = certificates("certificate", &certificate)?;
        let private = PrivateKeyDer::from_pem_slice(&content("private key", &key)?)
            .map_err(|_| misconfigured(format!("{} holds no private key in PEM form", key.display())))?;
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(ring.clone())
            .with_safe_default_protocol_versions()
            .map_err(Error::internal)?;
        let builder = match &client_ca {
            None => builder.with_no_client_auth(),
            Some(file) => {
                let mut roots = RootCertStore::empty();
                for authority in certificates("client CA", file)? {
                    let refused = |_| misconfigured(format!("{} holds no CA certificate", file.display()));
                    roots.add(authority).map_err(refused)?;
                }
                // People come with a token and without a certificate, on the same port.
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), ring)
                    .allow_unauthenticated()
                    .build()
                    .map_err(Error::internal)?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_single_cert(chain, private).map_err(|fault| {
            misconfigured(format!("{} and {} do not go together: {fault}", certificate.display(), key.display()))
        })?;
        config.alpn_protocols = protocol.alpn();
        Ok(config)
    };
    Watched::new(files, read).map(Some)
}

/// Verifies a server by its certificate being the first one in this file, whatever it is for and whoever signed it: for a
/// server of the same process, which is called by an address that certificates are hardly ever for.
pub fn only(file: &Path) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let certificate = certificates("certificate", file)?.swap_remove(0);
    let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
    Ok(Arc::new(Only { certificate, algorithms }))
}

#[derive(Debug)]
struct Only {
    certificate: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Only {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *certificate == self.certificate {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::UnknownIssuer.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl Connected for Stream {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, into)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
