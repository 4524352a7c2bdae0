//! SCRAM-SHA-256, the server's side (RFC 5802, RFC 7677), as PostgreSQL speaks it: the user is the one of the startup packet, and there is no
//! channel binding (<https://www.postgresql.org/docs/current/sasl-authentication.html>).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// The mechanism's name.
pub const SCRAM_SHA_256: &str = "SCRAM-SHA-256";

const KEY_LEN_BYTES: usize = 32;
/// SHA-256 works on blocks of this size.
const BLOCK_LEN_BYTES: usize = 64;

type Key = [u8; KEY_LEN_BYTES];

/// Why a client is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScramError {
    #[error("malformed SCRAM message")]
    Malformed,
    #[error("channel binding is not offered")]
    ChannelBinding,
    #[error("the proof is not that of the password")]
    WrongProof,
}

/// What a server knows of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    iterations: u32,
    /// In base64.
    salt: String,
    stored_key: Key,
    server_key: Key,
}

impl Verifier {
    /// Reads `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, as `pg_authid` holds it. None if it is none.
    pub fn parse(text: &str) -> Option<Verifier> {
        let (parameters, keys) = text.strip_prefix(SCRAM_SHA_256)?.strip_prefix('$')?.split_once('$')?;
        let (iterations, salt) = parameters.split_once(':')?;
        let (stored_key, server_key) = keys.split_once(':')?;
        let key = |text: &str| Key::try_from(STANDARD.decode(text).ok()?).ok();
        Some(Verifier {
            iterations: iterations.parse().ok()?,
            salt: salt.to_owned(),
            stored_key: key(stored_key)?,
            server_key: key(server_key)?,
        })
    }
}

/// One login, after the client's first message.
#[derive(Debug)]
pub struct ScramServer {
    /// In base64: what the client says again of channel binding.
    binding: &'static str,
    nonce: String,
    client_first: String,
    server_first: String,
}

impl ScramServer {
    /// Reads the client's first message. `nonce`: a random text of printable characters without a comma.
    pub fn begin(verifier: &Verifier, client_first: &[u8], nonce: &str) -> Result<ScramServer, ScramError> {
        let text = std::str::from_utf8(client_first).map_err(|_| ScramError::Malformed)?;
        let (binding, bare) = match text.get(..3) {
            Some("n,,") => ("biws", &text[3..]),
            // A client that could, and was not offered it.
            Some("y,,") => ("eSws", &text[3..]),
            _ if text.starts_with("p=") => return Err(ScramError::ChannelBinding),
            _ => return Err(ScramError::Malformed),
        };
        let client_nonce = bare
            .strip_prefix("n=")
            .and_then(|rest| rest.split_once(",r="))
            .and_then(|(_, rest)| rest.split(',').next())
            .filter(|nonce| !nonce.is_empty())
            .ok_or(ScramError::Malformed)?;
        let nonce = format!("{client_nonce}{nonce}");
        Ok(ScramServer {
            binding,
            client_first: bare.to_owned(),
            server_first: format!("r={nonce},s={},i={}", verifier.salt, verifier.iterations),
            nonce,
        })
    }

    /// The server's first message.
    pub fn first(&self) -> &str {
        &self.server_first
    }

    /// Checks the client's last message, and returns the server's.
    pub fn finish(&self, verifier: &Verifier, client_last: &[u8]) -> Result<String, ScramError> {
        let text = std::str::from_utf8(client_last).map_err(|_| ScramError::Malformed)?;
        let (without_proof, proof) = text.rsplit_once(",p=").ok_or(ScramError::Malformed)?;
        let mut parts = without_proof.split(',');
        let is_ours = parts.next().and_then(|part| part.strip_prefix("c=")) == Some(self.binding)
            && parts.next().and_then(|part| part.strip_prefix("r=")) == Some(self.nonce.as_str());
        let proof = STANDARD.decode(proof).ok().and_then(|proof| Key::try_from(proof).ok());
        let (true, Some(proof)) = (is_ours, proof) else {
            return Err(ScramError::Malformed);
        };
        let message = format!("{},{},{without_proof}", self.client_first, self.server_first);
        let signature = sign(&verifier.stored_key, message.as_bytes());
        let mut client_key = proof;
        client_key.iter_mut().zip(signature).for_each(|(byte, signed)| *byte ^= signed);
        if Key::from(Sha256::digest(client_key)) != verifier.stored_key {
            return Err(ScramError::WrongProof);
        }
        Ok(format!("v={}", STANDARD.encode(sign(&verifier.server_key, message.as_bytes()))))
    }
}

fn sign(key: &Key, message: &[u8]) -> Key {
    // RFC 2104 fills a shorter key up with zeros.
    let mut block = [0; BLOCK_LEN_BYTES];
    block[..KEY_LEN_BYTES].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use postgres_protocol::authentication::sasl::{ChannelBinding, ScramSha256};
    use postgres_protocol::password::scram_sha_256;

    fn verifier(password: &str) -> Verifier {
        Verifier::parse(&scram_sha_256(password.as_bytes())).unwrap()
    }

    fn log_in(password: &str, known: &str, binding: ChannelBinding) -> Result<(), ScramError> {
        let verifier = verifier(known);
        let mut client = ScramSha256::new(password.as_bytes(), binding);
        let server = ScramServer::begin(&verifier, client.message(), "0123456789abcdef")?;
        client.update(server.first().as_bytes()).unwrap();
        let last = server.finish(&verifier, client.message())?;
        client
            .finish(last.as_bytes())
            .expect("the server has proved that it knows the password");
        Ok(())
    }

    #[test]
    fn who_knows_the_password_is_let_in() {
        assert_eq!(log_in("s3cret, ünïcode", "s3cret, ünïcode", ChannelBinding::unsupported()), Ok(()));
        assert_eq!(log_in("secret", "secret", ChannelBinding::unrequested()), Ok(()));
        assert_eq!(
            log_in("secret", "Secret", ChannelBinding::unsupported()),
            Err(ScramError::WrongProof)
        );
        let bound = ChannelBinding::tls_server_end_point(vec![1; 32]);
        assert_eq!(log_in("secret", "secret", bound), Err(ScramError::ChannelBinding));
    }

    /// The example of RFC 7677, section 3.
    #[test]
    fn the_example_of_the_rfc() {
        let verifier = Verifier::parse(&postgres_protocol_example()).unwrap();
        let nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let server = ScramServer::begin(&verifier, b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO", nonce).unwrap();
        assert_eq!(
            server.first(),
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        let last = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(
            server.finish(&verifier, last.as_bytes()).as_deref(),
            Ok("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
        );
    }

    /// The verifier of the RFC's password, `pencil`, made by the definitions.
    fn postgres_protocol_example() -> String {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        // Hi(), RFC 5802, section 2.2.
        let mut round = [&salt[..], &1_u32.to_be_bytes()].concat();
        let mut salted = [0; KEY_LEN_BYTES];
        for _ in 0..4096 {
            let mut mac = Hmac::<Sha256>::new_from_slice(b"pencil").unwrap();
            mac.update(&round);
            round = mac.finalize().into_bytes().to_vec();
            salted.iter_mut().zip(&round).for_each(|(byte, other)| *byte ^= other);
        }
        let stored_key = Sha256::digest(sign(&salted, b"Client Key"));
        let server_key = sign(&salted, b"Server Key");
        format!(
            "{SCRAM_SHA_256}$4096:W22ZaJ0SNY7soEsUEjb6gQ==${}:{}",
            STANDARD.encode(stored_key),
            STANDARD.encode(server_key)
        )
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let verifier = verifier("secret");
        for first in [
            "",
            "n",
            "n,,",
            "n,a=x,n=,r=abc",
            "n,,n=,x=",
            "n,,n=,r=",
            "m,,n=,r=abc",
            "é",
            "n,,r=abc",
        ] {
            let begun = ScramServer::begin(&verifier, first.as_bytes(), "x");
            assert_eq!(begun.err(), Some(ScramError::Malformed), "{first}");
        }
        let server = ScramServer::begin(&verifier, b"n,,n=,r=abc", "def").unwrap();
        let proof = STANDARD.encode([0; KEY_LEN_BYTES]);
        for last in [
            "",
            "c=biws,r=abcdef",
            "c=biws,r=abcdef,p=",
            "c=biws,r=abcdef,p=AAAA",
            "c=biws,r=abcdef,p=*",
        ] {
            assert_eq!(server.finish(&verifier, last.as_bytes()), Err(ScramError::Malformed), "{last}");
        }
        for (last, error) in [
            (format!("c=biws,r=abc,p={proof}"), ScramError::Malformed),
            (format!("c=eSws,r=abcdef,p={proof}"), ScramError::Malformed),
            (format!("c=biws,r=abcdef,p={proof}"), ScramError::WrongProof),
        ] {
            assert_eq!(server.finish(&verifier, last.as_bytes()), Err(error), "{last}");
        }
        assert_eq!(server.finish(&verifier, b"\xff"), Err(ScramError::Malformed));
        for text in ["", "md5abc", "SCRAM-SHA-256$4096:AA==$AA==:AA==", "SCRAM-SHA-256$x:AA==$:"] {
            assert!(Verifier::parse(text).is_none(), "{text}");
        }
    }
}
