//! TLS under the driver, which is asynchronous inside, so its interface here is, too. Channel binding is not offered: SCRAM proves the password
//! without it.

use crate::postgres::error::{PostgresError, Result};
use crate::tls::{self, Trust};
use postgres::Socket;
use postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Makes TLS connections for the driver.
#[derive(Clone)]
pub(super) struct Connector {
    config: Arc<ClientConfig>,
}

impl Connector {
    /// See [`tls::client_config`].
    pub(super) fn new(trust: Trust, roots: Option<&Path>, identity: Option<(&Path, &Path)>) -> Result<Connector> {
        let mut config =
            tls::client_config(trust, roots, identity).map_err(|error| PostgresError::ProdCertificates { reason: error.to_string() })?;
        // Servers that speak TLS from the first byte insist on it, the others do not mind.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(Connector { config: Arc::new(config) })
    }
}

impl MakeTlsConnect<Socket> for Connector {
    type Stream = Stream;
    type TlsConnect = Handshake;
    type Error = rustls::pki_types::InvalidDnsNameError;

    fn make_tls_connect(&mut self, host: &str) -> std::result::Result<Handshake, Self::Error> {
        // A Unix socket has no name, and no TLS either.
        let name = if host.starts_with('/') || host.is_empty() {
            "localhost"
        } else {
            host
        };
        Ok(Handshake {
            config: self.config.clone(),
            name: ServerName::try_from(name.to_owned())?,
        })
    }
}

pub(super) struct Handshake {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl TlsConnect<Socket> for Handshake {
    type Stream = Stream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        let connect = tokio_rustls::TlsConnector::from(self.config).connect(self.name, socket);
        Box::pin(async move { connect.await.map(|stream| Stream(Box::new(stream))) })
    }
}

/// The driver's stream; a type of ours because its trait and rustls' type are both foreign.
pub(super) struct Stream(Box<tokio_rustls::client::TlsStream<Socket>>);

impl TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
