//! How a client of PostgreSQL's protocol shows that it knows the password that `mori.yaml` gives it. Mori keeps no passwords of prod's users: there is
//! one, whoever the client says it is.

use crate::config::{ClientAuth, ClientLogin};
use crate::wire::Wire;
use mori_wire::pg::scram::{SCRAM_SHA_256, ScramServer, Verifier};
use mori_wire::pg::{FrontendMessage, SqlState, backend, cleartext_password, sasl_initial_response, split_frame};
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::password::scram_sha_256;
use std::hash::{BuildHasher, RandomState};
use std::io;

/// A message of a login is no longer.
const MESSAGE_LEN_BYTES_MAX: usize = 16 << 10;

/// Why a client is not let in.
#[derive(Debug, PartialEq, Eq)]
pub struct LoginRefused {
    pub sqlstate: SqlState,
    pub message: String,
}

/// Asks a client for the password. What the server says to one that is let in is left to the caller. Errors: the client is gone.
pub fn log_in(login: &ClientLogin, user: &str, client: &Wire) -> io::Result<Result<(), LoginRefused>> {
    let mut talk = Talk {
        client,
        received: Vec::new(),
    };
    let knows = match login.auth {
        ClientAuth::Password => {
            talk.say(backend::authentication_cleartext_password)?;
            talk.hear()?
                .is_some_and(|body| cleartext_password(&body).is_ok_and(|password| password == login.password))
        }
        ClientAuth::Md5 => {
            let [a, b, c, d, ..] = random();
            let salt = [a, b, c, d];
            talk.say(|out| backend::authentication_md5_password(out, salt))?;
            let hash = md5_hash(user.as_bytes(), login.password.as_bytes(), salt);
            talk.hear()?
                .is_some_and(|body| cleartext_password(&body).is_ok_and(|said| said == hash))
        }
        ClientAuth::ScramSha256 => scram(&mut talk, &login.password)?,
    };
    Ok(match knows {
        true => Ok(()),
        false => Err(LoginRefused {
            sqlstate: SqlState::INVALID_PASSWORD,
            message: format!("password authentication failed for user \"{user}\""),
        }),
    })
}

fn scram(talk: &mut Talk<'_>, password: &str) -> io::Result<bool> {
    let verifier = Verifier::parse(&scram_sha_256(password.as_bytes())).ok_or_else(|| io::Error::other("no verifier"))?;
    talk.say(|out| backend::authentication_sasl(out, &[SCRAM_SHA_256]))?;
    let Some(first) = talk.hear()? else { return Ok(false) };
    let Ok((SCRAM_SHA_256, data)) = sasl_initial_response(&first) else {
        return Ok(false);
    };
    let nonce: String = [random(), random(), random()]
        .concat()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let Ok(server) = ScramServer::begin(&verifier, data, &nonce) else {
        return Ok(false);
    };
    talk.say(|out| backend::authentication_sasl_continue(out, server.first().as_bytes()))?;
    let Some(last) = talk.hear()? else { return Ok(false) };
    let Ok(answer) = server.finish(&verifier, &last) else {
        return Ok(false);
    };
    talk.say(|out| backend::authentication_sasl_final(out, answer.as_bytes()))?;
    Ok(true)
}

/// Eight bytes that nobody can guess: the system seeds the hasher anew in each process, and it counts on with each.
fn random() -> [u8; 8] {
    RandomState::new().hash_one(()).to_ne_bytes()
}

struct Talk<'a> {
    client: &'a Wire,
    received: Vec<u8>,
}

impl Talk<'_> {
    fn say(&self, message: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let mut out = Vec::new();
        message(&mut out);
        self.client.write_all(&out)
    }

    /// The body of the client's next message; none if it is not about a password.
    fn hear(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let Ok(frame) = split_frame(&self.received, MESSAGE_LEN_BYTES_MAX) else {
                return Ok(None);
            };
            if let Some((header, body)) = frame {
                let body = match FrontendMessage::decode(header.tag, body) {
                    Ok(FrontendMessage::Password { body }) => Some(body.to_owned()),
                    _ => None,
                };
                self.received.drain(..header.total_len);
                // No client goes on before it knows that it is let in.
                return Ok(body.filter(|_| self.received.is_empty()));
            }
            let mut chunk = [0; 1024];
            match self.client.read(&mut chunk)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => self.received.extend_from_slice(&chunk[..read]),
            }
        }
    }
}
