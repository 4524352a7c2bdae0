//! Commands and errors in bytes.

/// Adds a command to `out`: an array of strings.
pub fn append_command<A: AsRef<[u8]>>(out: &mut Vec<u8>, arguments: &[A]) {
    out.extend_from_slice(format!("*{}\r\n", arguments.len()).as_bytes());
    for argument in arguments {
        let argument = argument.as_ref();
        out.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        out.extend_from_slice(argument);
        out.extend_from_slice(b"\r\n");
    }
}

/// A command in bytes.
pub fn command<A: AsRef<[u8]>>(arguments: &[A]) -> Vec<u8> {
    let mut out = Vec::new();
    append_command(&mut out, arguments);
    out
}

/// An error in bytes. `message` begins with its code; what would end the line is left out.
pub fn error_reply(message: &str) -> Vec<u8> {
    format!("-{}\r\n", message.replace(['\r', '\n'], " ")).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::{RequestScanner, Scan};

    #[test]
    fn what_is_written_is_read_again() {
        let arguments: [&[u8]; 3] = [b"SET", b"a\r\nb", b""];
        let bytes = command(&arguments);
        let mut scanner = RequestScanner::default();
        assert_eq!(scanner.scan(&bytes), Ok(Scan::Command { len_bytes: bytes.len() }));
        assert_eq!(scanner.arguments(&bytes), arguments);
        assert_eq!(error_reply("ERR a\r\nb"), b"-ERR a  b\r\n");
    }
}
