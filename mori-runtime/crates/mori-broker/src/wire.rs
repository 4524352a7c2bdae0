//! The client's end of a relay's session: plain bytes, or TLS with a certificate of our own.
//!
//! It blocks while a session begins. Once the session is relayed it does not, and says `WouldBlock`.

use crate::config::Certificate;
use crate::error::BrokerError;
use crate::lane::lock;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

/// How much of the network is read at once under TLS: a little more than its largest record.
const TLS_READ_BYTES: usize = 18 << 10;

/// The type of TLS's first record.
pub const TLS_HANDSHAKE: u8 = 0x16;

pub enum Wire {
    Plain(TcpStream),
    Tls { tcp: TcpStream, state: Box<Mutex<TlsState>> },
}

pub struct TlsState {
    connection: ServerConnection,
    /// Came from the network, and is not decrypted yet: what is decrypted is taken before more is, for there is a limit to it.
    cipher: Vec<u8>,
}

impl Wire {
    /// Begins TLS as its server, for a protocol by its name in TLS. The handshake takes place with the first read.
    /// `certified`: None is the certificate made for this process.
    pub fn tls(tcp: TcpStream, protocol: &[u8], certified: Option<&Arc<ServerConfig>>) -> io::Result<Wire> {
        let certified = certified
            .cloned()
            .or_else(server_config)
            .ok_or_else(|| io::Error::other("no certificate could be made"))?;
        let mut config = (*certified).clone();
        config.alpn_protocols = vec![protocol.to_vec()];
        let config = Arc::new(config);
        let connection = ServerConnection::new(config).map_err(io::Error::other)?;
        Ok(Wire::Tls {
            tcp,
            state: Box::new(Mutex::new(TlsState {
                connection,
                cipher: Vec::new(),
            })),
        })
    }

    pub fn tcp(&self) -> &TcpStream {
        match self {
            Wire::Plain(tcp) | Wire::Tls { tcp, .. } => tcp,
        }
    }

    /// Reads what there is, at least a byte; 0 at the end.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (mut tcp, state) = match self {
            Wire::Plain(tcp) => return retry(|| (&mut &*tcp).read(buffer)),
            Wire::Tls { tcp, state } => (tcp, state),
        };
        let mut chunk = [0; TLS_READ_BYTES];
        loop {
            {
                let TlsState { connection, cipher } = &mut *lock(state);
                match connection.reader().read(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    // A client that leaves without the closing alert has left all the same.
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                    read => return read,
                }
                if !cipher.is_empty() {
                    let taken = connection.read_tls(&mut &cipher[..])?;
                    cipher.drain(..taken);
                    let processed = connection.process_new_packets();
                    // What cannot be sent now is sent with what comes next.
                    send_records(connection, &mut tcp).or_else(pass_if_full)?;
                    processed.map_err(io::Error::other)?;
                    continue;
                }
            }
            let read = retry(|| tcp.read(&mut chunk))?;
            let TlsState { connection, cipher } = &mut *lock(state);
            match read {
                0 => drop(connection.read_tls(&mut io::empty())?),
                read => cipher.extend_from_slice(&chunk[..read]),
            }
        }
    }

    pub fn is_plain(&self) -> bool {
        matches!(self, Wire::Plain(_))
    }

    /// Sends a part of the bytes, and says how many. Under TLS that are those which were encrypted: see `flush`.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(tcp) => (&mut &*tcp).write(bytes),
            Wire::Tls { tcp, state } => {
                let mut tcp = tcp;
                let connection = &mut lock(state).connection;
                send_records(connection, &mut tcp)?;
                let taken = connection.writer().write(bytes)?;
                send_records(connection, &mut tcp).or_else(pass_if_full)?;
                Ok(taken)
            }
        }
    }

    /// Whether something was written that is encrypted and not sent.
    pub fn has_unsent(&self) -> bool {
        match self {
            Wire::Plain(_) => false,
            Wire::Tls { state, .. } => lock(state).connection.wants_write(),
        }
    }

    /// Sends what was encrypted. Says whether nothing is left.
    pub fn flush(&self) -> io::Result<bool> {
        if let Wire::Tls { tcp, state } = self {
            let mut tcp = tcp;
            send_records(&mut lock(state).connection, &mut tcp).or_else(pass_if_full)?;
        }
        Ok(!self.has_unsent())
    }

    pub fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Wire::Plain(tcp) => (&mut &*tcp).write_all(bytes),
            Wire::Tls { tcp, state } => {
                let mut tcp = tcp;
                let connection = &mut lock(state).connection;
                let mut rest = bytes;
                while !rest.is_empty() {
                    // It takes no more than its buffer holds.
                    let taken = connection.writer().write(rest)?;
                    rest = &rest[taken..];
                    send_records(connection, &mut tcp)?;
                }
                Ok(())
            }
        }
    }

    /// Ends the connection, in both directions.
    pub fn shutdown(&self) {
        if let Wire::Tls { tcp, state } = self
            && let Ok(mut state) = state.try_lock()
        {
            state.connection.send_close_notify();
            let _ = state.connection.write_tls(&mut &*tcp);
        }
        let _ = self.tcp().shutdown(Shutdown::Both);
    }
}

fn send_records(connection: &mut ServerConnection, tcp: &mut impl Write) -> io::Result<()> {
    while connection.wants_write() {
        connection.write_tls(tcp)?;
    }
    Ok(())
}

fn pass_if_full(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::WouldBlock => Ok(()),
        _ => Err(error),
    }
}

fn retry(mut read: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match read() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// A certificate made for this process, for the loopback address. Clients that ask for TLS get it; they cannot know its issuer.
fn server_config() -> Option<Arc<ServerConfig>> {
    static CONFIG: OnceLock<Option<Arc<ServerConfig>>> = OnceLock::new();
    CONFIG.get_or_init(make_config).clone()
}

/// A certificate of the user's own. Errors: `Certificate`.
pub fn certified(certificate: &Certificate) -> Result<Arc<ServerConfig>, BrokerError> {
    let error = |path: &Path, reason: &dyn std::fmt::Display| BrokerError::Certificate {
        path: path.to_owned(),
        reason: reason.to_string(),
    };
    let chain = CertificateDer::pem_file_iter(&certificate.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|reason| error(&certificate.cert, &reason))?;
    let key = PrivateKeyDer::from_pem_file(&certificate.key).map_err(|reason| error(&certificate.key, &reason))?;
    config_of(chain, key).map_err(|reason| error(&certificate.cert, &reason))
}

fn config_of(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(Arc::new(config))
}

fn make_config() -> Option<Arc<ServerConfig>> {
    let names = ["localhost", "127.0.0.1"].map(str::to_owned);
    let made = rcgen::generate_simple_self_signed(names).ok()?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    config_of(vec![made.cert.der().clone()], key.into()).ok()
}
