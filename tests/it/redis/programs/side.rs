//! The connections of a program to one of its two servers.

use mori_tests::redis::{Address, Reply, Resp, encode};
use std::io;
use std::time::{Duration, Instant};

/// A client that is neither answered nor made to wait in this time was lost.
const BLOCKED_MAX: Duration = Duration::from_secs(10);
/// How long a look for a reply takes while a client may be waiting.
const LOOK: Duration = Duration::from_micros(500);

pub struct Client {
    pub resp: Resp,
    /// The server's number of this connection, by which others can end its waiting.
    pub number: Vec<u8>,
}

impl Client {
    fn connect(address: &Address, protocol: u8) -> io::Result<Client> {
        let mut resp = if protocol == 3 {
            Resp::connect_3(address)?
        } else {
            Resp::connect(address)?
        };
        let number = resp.try_ask(&["CLIENT", "ID"])?.bytes().to_vec();
        Ok(Client { resp, number })
    }

    /// Everything up to this many replies. Pushes come with them, in their order.
    pub fn read_replies(&mut self, count: usize) -> io::Result<Vec<Reply>> {
        let (mut messages, mut replies) = (Vec::new(), 0);
        while replies < count {
            let message = self.resp.read()?;
            replies += usize::from(!message.is_push());
            messages.push(message);
        }
        Ok(messages)
    }

    pub fn send_fence(&mut self, name: &str) -> io::Result<()> {
        self.resp.send(&["PING", name])
    }

    /// Everything before the answer to a PING with this name.
    pub fn read_to_fence(&mut self, name: &str) -> io::Result<Vec<Reply>> {
        let mut messages = Vec::new();
        loop {
            let message = self.resp.read()?;
            // RESP2 answers a subscriber's PING as if it were a message.
            let is_fence = |reply: &Reply| reply.bytes() == name.as_bytes();
            if is_fence(&message) || (message.items().len() == 2 && is_fence(&message.items()[1])) {
                return Ok(messages);
            }
            messages.push(message);
        }
    }
}

/// One server's clients, and a connection to look at it.
pub struct Side {
    address: Address,
    pub clients: Vec<Client>,
    control: Resp,
}

impl Side {
    pub fn connect(address: &Address, protocols: &[u8]) -> io::Result<Side> {
        Ok(Side {
            address: address.clone(),
            clients: protocols
                .iter()
                .map(|protocol| Client::connect(address, *protocol))
                .collect::<io::Result<_>>()?,
            control: Resp::connect(address)?,
        })
    }

    pub fn reconnect(&mut self, client: usize, protocol: u8) -> io::Result<()> {
        self.clients[client] = Client::connect(&self.address, protocol)?;
        Ok(())
    }

    /// Until a client has something to read, or is one of this many that wait.
    pub fn wait_until_blocked(&mut self, client: usize, count: usize) -> io::Result<()> {
        let deadline = Instant::now() + BLOCKED_MAX;
        while Instant::now() < deadline {
            if self.blocked_clients()? >= count || self.clients[client].resp.has_data_within(LOOK)? {
                return Ok(());
            }
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, "a client neither waits nor is answered"))
    }

    pub fn blocked_clients(&mut self) -> io::Result<usize> {
        let info = self.control.try_ask(&["INFO", "clients"])?.text();
        let count = info.lines().find_map(|line| line.strip_prefix("blocked_clients:"));
        Ok(count.and_then(|count| count.trim().parse().ok()).unwrap_or(0))
    }

    /// Ends a client's waiting: what the server says to that.
    pub fn unblock(&mut self, client: usize) -> io::Result<Reply> {
        let number = self.clients[client].number.clone();
        self.control.try_ask(&[b"CLIENT".as_slice(), b"UNBLOCK", &number])
    }

    /// Ends all connections in such a way that the server has forgotten them when this returns.
    pub fn quit(mut self) -> io::Result<()> {
        for client in self.clients.iter_mut().map(|client| &mut client.resp).chain([&mut self.control]) {
            client.send_bytes(&encode(&["QUIT"]))?;
            client.read_to_end()?;
        }
        Ok(())
    }
}
