//! A relay between sockets of a test, and an engine that knows one-byte messages.

use super::{Arrival, Farewell, Passing, READ_BYTES, Relay, Traffic};
use crate::wire::Wire;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Longer than anything here takes.
const WAIT: Duration = Duration::from_secs(20);

/// `.` goes on, `(` and `)` enclose what goes on as a whole, `2` goes on as `22`, `!` is refused, and `#` is a mistake of ours.
struct Letters {
    ended: Sender<()>,
    farewell: fn() -> Farewell,
    left: Shutdown,
}

impl Traffic for Letters {
    fn requests(&mut self, bytes: &[u8]) -> Passing {
        let open = bytes.iter().rposition(|byte| *byte == b'(');
        let taken = match open {
            Some(open) if !bytes[open..].contains(&b')') => open,
            _ => bytes.len(),
        };
        let bytes = &bytes[..taken];
        assert!(!bytes.contains(&b'#'), "a mistake");
        if bytes.contains(&b'!') {
            return Passing::Refused(b"no".to_vec());
        }
        match bytes.contains(&b'2') {
            true => Passing::Instead(taken, String::from_utf8_lossy(bytes).replace('2', "22").into_bytes()),
            false => Passing::AsTheyCame(taken),
        }
    }

    fn replies(&mut self, bytes: &[u8]) -> io::Result<()> {
        match bytes.contains(&b'?') {
            true => Err(io::ErrorKind::InvalidData.into()),
            false => Ok(()),
        }
    }

    fn left(&self) -> Shutdown {
        self.left
    }

    fn server_closed(&mut self) -> Farewell {
        (self.farewell)()
    }
}

impl Drop for Letters {
    fn drop(&mut self) {
        let _ = self.ended.send(());
    }
}

/// Both far ends of a session, and what tells of its end.
struct Ends {
    client: TcpStream,
    server: UnixStream,
    ended: Receiver<()>,
}

impl Ends {
    fn has_ended(&self) {
        self.ended.recv_timeout(WAIT).expect("the session ends");
    }
}

fn session(relay: &Relay, begun: &[u8]) -> Ends {
    session_with(relay, begun, Shutdown::Both, || Farewell::Close)
}

fn session_with(relay: &Relay, begun: &[u8], left: Shutdown, farewell: fn() -> Farewell) -> Ends {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (near_server, server) = UnixStream::pair().unwrap();
    let (sender, ended) = channel();
    client.set_read_timeout(Some(WAIT)).unwrap();
    server.set_read_timeout(Some(WAIT)).unwrap();
    let traffic = Letters {
        ended: sender,
        farewell,
        left,
    };
    relay
        .hand_over(Arrival {
            traffic: Box::new(traffic),
            client: Arc::new(Wire::Plain(listener.accept().unwrap().0)),
            server: Arc::new(near_server),
            begun: begun.to_vec(),
        })
        .unwrap();
    Ends { client, server, ended }
}

#[track_caller]
fn hears(stream: &mut impl Read, expected: &str) {
    let mut heard = vec![0; expected.len()];
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(String::from_utf8_lossy(&heard), expected);
}

#[track_caller]
fn is_closed(stream: &mut impl Read) {
    let read = stream.read(&mut [0]);
    assert!(
        matches!(read, Ok(0)) || read.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset),
        "{read:?}"
    );
}

#[test]
fn bytes_pass_in_both_directions_whole_messages_and_what_came_before() {
    let relay = Relay::start().unwrap();
    let mut ends = session(&relay, b"..(");
    hears(&mut ends.server, "..");
    ends.client.write_all(b".").unwrap();
    ends.server.write_all(b"unasked").unwrap();
    hears(&mut ends.client, "unasked");
    ends.client.write_all(b").(").unwrap();
    hears(&mut ends.server, "(.).");
    ends.client.write_all(b"2)").unwrap();
    hears(&mut ends.server, "(22)");
    drop(ends.client);
    is_closed(&mut ends.server);
    ends.ended.recv_timeout(WAIT).unwrap();
}

#[test]
fn a_long_message_and_a_long_answer_pass() {
    let relay = Relay::start().unwrap();
    let mut ends = session(&relay, b"");
    let long = format!("({})", ".".repeat(40 * READ_BYTES));
    let (mut client, sent) = (ends.client.try_clone().unwrap(), long.clone());
    let writer = std::thread::spawn(move || client.write_all(sent.as_bytes()).unwrap());
    hears(&mut ends.server, &long);
    writer.join().unwrap();
    let (mut server, sent) = (ends.server.try_clone().unwrap(), long.clone());
    let writer = std::thread::spawn(move || server.write_all(sent.as_bytes()).unwrap());
    hears(&mut ends.client, &long);
    writer.join().unwrap();
}

/// Neither side is read faster than the other takes it, and the rest of the sessions go on.
#[test]
fn who_does_not_read_is_waited_for() {
    let relay = Relay::start().unwrap();
    for _ in 0..2 {
        let (mut slow, mut other) = (session(&relay, b""), session(&relay, b""));
        slow.server.set_nonblocking(true).unwrap();
        let (mut sent, chunk) = (0, [b'x'; 4096]);
        let mut stalled = 0;
        // Sockets hold a few megabytes; a relay that held the rest would take all of this.
        while stalled < 100 {
            match slow.server.write(&chunk) {
                Ok(written) => (sent, stalled) = (sent + written, 0),
                Err(_) => {
                    stalled += 1;
                    other.client.write_all(b".").unwrap();
                    hears(&mut other.server, ".");
                }
            }
            assert!(sent < 64 << 20, "nobody waits");
        }
        slow.server.set_nonblocking(false).unwrap();
        slow.server.shutdown(Shutdown::Write).unwrap();
        let mut heard = Vec::new();
        slow.client.read_to_end(&mut heard).unwrap();
        assert_eq!(heard.len(), sent);
        slow.has_ended();
    }
}

#[test]
fn a_client_that_leaves_is_answered_where_the_engine_says_so() {
    let relay = Relay::start().unwrap();
    let mut ends = session_with(&relay, b"", Shutdown::Write, || Farewell::Close);
    ends.client.write_all(b"..").unwrap();
    ends.client.shutdown(Shutdown::Write).unwrap();
    hears(&mut ends.server, "..");
    is_closed(&mut ends.server);
    ends.server.write_all(b"answer").unwrap();
    drop(ends.server);
    hears(&mut ends.client, "answer");
    is_closed(&mut ends.client);
    ends.ended.recv_timeout(WAIT).unwrap();
}

#[test]
fn what_is_refused_ends_the_session_with_its_reason() {
    let relay = Relay::start().unwrap();
    let mut ends = session(&relay, b"");
    ends.client.write_all(b"..!").unwrap();
    hears(&mut ends.client, "no");
    is_closed(&mut ends.client);
    is_closed(&mut ends.server);
    ends.has_ended();
}

#[test]
fn a_server_that_closes_ends_the_session_as_the_engine_says() {
    let relay = Relay::start().unwrap();
    let mut ends = session(&relay, b"");
    ends.server.write_all(b"last").unwrap();
    drop(ends.server);
    hears(&mut ends.client, "last");
    is_closed(&mut ends.client);
    ends.ended.recv_timeout(WAIT).unwrap();

    let mut ends = session_with(&relay, b"", Shutdown::Both, || Farewell::Tell(b"bye".to_vec()));
    drop(ends.server);
    hears(&mut ends.client, "bye");
    is_closed(&mut ends.client);
    ends.ended.recv_timeout(WAIT).unwrap();

    // Who stays is told when it speaks, or leaves.
    for says in [&b"!"[..], b".", b""] {
        let mut ends = session_with(&relay, b"", Shutdown::Both, || Farewell::Stay);
        drop(ends.server);
        if says.is_empty() {
            ends.client.shutdown(Shutdown::Write).unwrap();
        }
        ends.client.write_all(says).unwrap_or_default();
        if says == b"!" {
            hears(&mut ends.client, "no");
        }
        is_closed(&mut ends.client);
        ends.ended.recv_timeout(WAIT).unwrap();
    }
}

/// What a client sends when the server is gone is lost, and it is told what it would be told otherwise.
#[test]
fn who_writes_to_a_server_that_is_gone_hears_its_last_words() {
    let relay = Relay::start().unwrap();
    for farewell in [|| Farewell::Tell(b"bye".to_vec()), || Farewell::Stay] as [fn() -> Farewell; 2] {
        let mut ends = session_with(&relay, b"", Shutdown::Both, farewell);
        ends.server.write_all(b"last").unwrap();
        // Bytes that come before the relay knows of the end.
        ends.client.write_all(b".").unwrap();
        drop(ends.server);
        ends.client.write_all(b"..").unwrap();
        hears(&mut ends.client, "last");
        if matches!(farewell(), Farewell::Tell(_)) {
            hears(&mut ends.client, "bye");
        } else {
            // It may have been read before the end was known, or after.
            let _ = ends.client.write_all(b"!");
        }
        ends.client.shutdown(Shutdown::Write).unwrap_or_default();
        ends.ended.recv_timeout(WAIT).unwrap();
    }
}

/// Also a mistake of ours.
#[test]
fn one_session_that_fails_does_not_end_the_others() {
    let relay = Relay::start().unwrap();
    let mut other = session(&relay, b"");
    let mut failing = session(&relay, b"");
    failing.client.write_all(b"#").unwrap();
    is_closed(&mut failing.client);
    is_closed(&mut failing.server);
    failing.has_ended();
    session(&relay, b"#").has_ended();
    let mut noisy = session(&relay, b"");
    noisy.server.write_all(b"?").unwrap();
    is_closed(&mut noisy.client);
    noisy.has_ended();
    other.client.write_all(b".").unwrap();
    hears(&mut other.server, ".");
}

#[test]
fn sessions_go_on_when_nobody_hands_over_any_more() {
    let relay = Relay::start().unwrap();
    let mut many: Vec<Ends> = (0..50).map(|_| session(&relay, b"")).collect();
    drop(relay);
    for ends in &mut many {
        ends.client.write_all(b".").unwrap();
        hears(&mut ends.server, ".");
        ends.server.write_all(b"x").unwrap();
        hears(&mut ends.client, "x");
    }
    for ends in many {
        drop(ends.client);
        ends.ended.recv_timeout(WAIT).unwrap();
    }
}
