//! The lane's port.

use super::Lane;
use crate::error::BrokerError;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Accepts clients of a lane on the loopback address, one thread each, until it is dropped.
pub struct Listener {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
}

/// A statement may nest deeply: SQLite's own limit of expression depth needs this much stack.
const SESSION_STACK_BYTES: usize = 4 << 20;

impl Listener {
    /// `port` 0 takes a free one.
    pub fn bind(lane: &Arc<dyn Lane>, port: u16) -> Result<Listener, BrokerError> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => BrokerError::PortInUse { port },
            _ => BrokerError::Listen { port, source },
        })?;
        let address = socket.local_addr().map_err(|source| BrokerError::Listen { port, source })?;
        let stopped = Arc::new(AtomicBool::new(false));
        let (lane, is_stopped) = (lane.clone(), stopped.clone());
        let accept = move || {
            for stream in socket.incoming() {
                if is_stopped.load(Ordering::Acquire) {
                    return;
                }
                // A client that is gone again, or a lack of descriptors: the next one may fare better.
                let Ok(stream) = stream else { continue };
                let lane = lane.clone();
                let thread = std::thread::Builder::new()
                    .name("session".to_owned())
                    .stack_size(SESSION_STACK_BYTES);
                // Without a thread the stream is dropped, and the client told by a closed connection.
                let _ = thread.spawn(move || lane.serve(stream));
            }
        };
        std::thread::Builder::new()
            .name("listener".to_owned())
            .spawn(accept)
            .map_err(|source| BrokerError::Listen { port, source })?;
        Ok(Listener { address, stopped })
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        // Wakes the thread that waits for a client.
        let _ = TcpStream::connect(self.address);
    }
}
