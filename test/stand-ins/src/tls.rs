//! TLS in front of another stand-in, for what a handshake costs a client.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{DEFAULT_VERSIONS, ServerConfig};

/// A TLS endpoint with a certificate of its own, which passes on to a plain one.
pub struct Tls {
    /// Where it listens: `https://localhost:<port>`.
    pub endpoint: String,
    /// The certificate that a client has to trust, as PEM.
    pub certificate: String,
    first_connection: Arc<Mutex<Option<Instant>>>,
}

impl Tls {
    /// In front of `http://<address>:<port>`.
    ///
    /// # Errors
    /// Where that is no such endpoint, or nothing can listen.
    pub async fn in_front_of(endpoint: &str) -> Result<Self> {
        let upstream: SocketAddr = endpoint.trim_start_matches("http://").parse().context("no http endpoint")?;
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()])?;
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).map_err(anyhow::Error::msg)?;
        let config = ServerConfig::builder_with_provider(default_provider().into())
            .with_protocol_versions(DEFAULT_VERSIONS)?
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("https://localhost:{}", listener.local_addr()?.port());
        let first_connection: Arc<Mutex<Option<Instant>>> = Arc::default();
        let noted = Arc::clone(&first_connection);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                noted.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
                tokio::spawn(pass_on(acceptor.clone(), client, upstream));
            }
        });
        Ok(Self { endpoint, certificate: cert.pem(), first_connection })
    }

    /// When the first client connected.
    #[must_use]
    pub fn first_connection(&self) -> Option<Instant> {
        *self.first_connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn pass_on(acceptor: TlsAcceptor, client: TcpStream, upstream: SocketAddr) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let mut client = acceptor.accept(client).await?;
    let mut server = TcpStream::connect(upstream).await?;
    server.set_nodelay(true)?;
    copy_bidirectional(&mut client, &mut server).await.map(|_| ())
}
