//! A program: what is there before, and what its clients send.

use mori_tests::redis::{encode, quoted};
use std::fmt;

/// How the replies to a command are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Byte by byte.
    Exact,
    /// The elements may come in any order.
    Sorted,
    /// Keys and values in turn; the pairs may come in any order.
    Pairs,
    /// Integers that may differ by so much: what is left of a span of time.
    Near(u64),
    /// Only of what kind the reply is: it is random, or told by the clock.
    Shape,
    /// A page of a SCAN, which depends on the server's hash seed.
    Page,
    /// A DUMP: sets and hashes are in an order that depends on the hash seed, streams tell the time.
    Dump,
    /// What HELLO says, without the connection's number.
    Hello,
    /// XINFO, without times.
    Times,
    /// XPENDING's rows, and others that end with a time and a count.
    Pending,
    /// (UN)SUBSCRIBE: as many replies as there are channels, which UNSUBSCRIBE may tell in any order.
    Subscription,
    /// There may be no reply.
    Silent,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    pub args: Vec<Vec<u8>>,
    pub form: Form,
    /// Sent as a line, as from telnet.
    pub is_inline: bool,
}

impl Command {
    pub fn new(args: Vec<Vec<u8>>) -> Command {
        Command {
            args,
            form: Form::Exact,
            is_inline: false,
        }
    }

    pub fn form(mut self, form: Form) -> Command {
        self.form = form;
        self
    }

    pub fn push(&mut self, arg: impl IntoArg) {
        self.args.push(arg.into_arg());
    }

    pub fn extend(&mut self, args: impl IntoIterator<Item = impl IntoArg>) {
        self.args.extend(args.into_iter().map(IntoArg::into_arg));
    }

    /// The command's name in capitals.
    pub fn name(&self) -> String {
        String::from_utf8_lossy(&self.args[0]).to_ascii_uppercase()
    }

    pub fn bytes(&self) -> Vec<u8> {
        if self.is_inline {
            format!("{self}\r\n").into_bytes()
        } else {
            encode(&self.args)
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let args: Vec<String> = self.args.iter().map(|arg| quoted(arg)).collect();
        f.write_str(&args.join(" "))
    }
}

/// What can be an argument.
pub trait IntoArg {
    fn into_arg(self) -> Vec<u8>;
}

macro_rules! into_arg {
    (bytes: $($bytes:ty),*; text: $($text:ty),*) => {
        $(impl IntoArg for $bytes { fn into_arg(self) -> Vec<u8> { Vec::from(self) } })*
        $(impl IntoArg for $text { fn into_arg(self) -> Vec<u8> { self.to_string().into_bytes() } })*
    };
}
into_arg!(bytes: &str, String, Vec<u8>, &[u8]; text: i64, u64, i32, usize, f64);

impl IntoArg for &Vec<u8> {
    fn into_arg(self) -> Vec<u8> {
        self.clone()
    }
}

macro_rules! command {
    ($($arg:expr),+ $(,)?) => {
        $crate::redis::programs::program::Command::new(vec![$($crate::redis::programs::program::IntoArg::into_arg($arg)),+])
    };
}
pub(super) use command;

/// What happens at once. A client that is in a transaction does only the first two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Commands in one write.
    Send { client: usize, commands: Vec<Command> },
    /// Bytes after which the server closes the connection. The client connects again.
    Break { client: usize, bytes: Vec<u8> },
    /// Commands to which there are more replies than one, or none, up to that of a PING.
    Fenced { client: usize, commands: Vec<Command> },
    /// A SCAN from cursor 0 to cursor 0: everything it told, each once. The cursor is the argument at this place.
    Scan { client: usize, command: Command, cursor: usize },
    /// The DUMP of a key, given to RESTORE as its payload, which is the argument at this place.
    Carry {
        client: usize,
        key: Vec<u8>,
        restore: Command,
        payload: usize,
    },
    /// A key expires.
    Lapse { client: usize, key: Vec<u8> },
    /// Commands that may have to wait, each of its own client, in this order; then what may end that. Who still waits is unblocked.
    Wait {
        waiting: Vec<(usize, Command)>,
        client: usize,
        commands: Vec<Command>,
    },
}

impl Step {
    pub fn commands(&self) -> Vec<&Command> {
        match self {
            Step::Send { commands, .. } | Step::Fenced { commands, .. } => commands.iter().collect(),
            Step::Scan { command, .. } | Step::Carry { restore: command, .. } => vec![command],
            Step::Wait { waiting, commands, .. } => waiting.iter().map(|(_, command)| command).chain(commands).collect(),
            Step::Break { .. } | Step::Lapse { .. } => Vec::new(),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = |f: &mut fmt::Formatter<'_>, client: &usize, commands: &[Command], what: &str| {
            for (index, command) in commands.iter().enumerate() {
                let how = match (command.is_inline, commands.len()) {
                    (true, _) => " inline",
                    (_, 1) => "",
                    _ if index + 1 < commands.len() => " in one write with the next",
                    _ => "",
                };
                writeln!(f, "{command}   # client {}{how}{what}", client + 1)?;
            }
            Ok(())
        };
        match self {
            Step::Send { client, commands } | Step::Fenced { client, commands } => lines(f, client, commands, ""),
            Step::Break { client, bytes } => writeln!(f, "# client {} sends {} and is disconnected", client + 1, quoted(bytes)),
            Step::Scan { client, command, .. } => writeln!(f, "{command}   # client {}, and on to the last page", client + 1),
            Step::Carry { client, key, restore, .. } => {
                writeln!(f, "DUMP {}   # client {}", quoted(key), client + 1)?;
                writeln!(f, "{restore}   # client {}, with what DUMP gave", client + 1)
            }
            Step::Lapse { client, key } => writeln!(f, "PEXPIRE {} 1   # client {}, and until it is gone", quoted(key), client + 1),
            Step::Wait { waiting, client, commands } => {
                for (client, command) in waiting {
                    writeln!(f, "{command}   # client {}, may wait", client + 1)?;
                }
                lines(f, client, commands, ", meanwhile")
            }
        }
    }
}

/// A key, or a library, and what makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub database: usize,
    pub commands: Vec<Command>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub seed: u64,
    /// What prod holds.
    pub prod: Vec<Entry>,
    /// What a client writes before the program.
    pub local: Vec<Entry>,
    /// For each client, 2 or 3.
    pub protocols: Vec<u8>,
    pub steps: Vec<Step>,
}

impl Program {
    /// The whole program as lines for redis-cli.
    pub fn script(&self) -> String {
        let mut text = String::new();
        for (title, entries) in [("prod", &self.prod), ("written first", &self.local)] {
            text.push_str(&format!("# {title}\n"));
            for entry in entries {
                if entry.database != 0 {
                    text.push_str(&format!("SELECT {}\n", entry.database));
                }
                entry.commands.iter().for_each(|command| text.push_str(&format!("{command}\n")));
                if entry.database != 0 {
                    text.push_str("SELECT 0\n");
                }
            }
        }
        let protocols: Vec<String> = self.protocols.iter().map(|protocol| format!("RESP{protocol}")).collect();
        text.push_str(&format!("# the program, of clients that speak {}\n", protocols.join(", ")));
        self.steps.iter().for_each(|step| text.push_str(&step.to_string()));
        text
    }
}
