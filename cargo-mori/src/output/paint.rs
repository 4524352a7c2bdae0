//! Colours, where they are wanted.

use std::env;
use std::io::{self, IsTerminal};

/// Colours text or leaves it alone.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    enabled: bool,
}

impl Paint {
    #[cfg(test)]
    pub const PLAIN: Paint = Paint { enabled: false };

    pub fn for_stdout() -> Paint {
        Paint {
            enabled: wanted(|name| env::var(name).ok(), io::stdout().is_terminal()),
        }
    }

    pub fn for_stderr() -> Paint {
        Paint {
            enabled: wanted(|name| env::var(name).ok(), io::stderr().is_terminal()),
        }
    }

    pub fn is_enabled(self) -> bool {
        self.enabled
    }

    pub fn success(self, text: &str) -> String {
        self.wrap("32;1", text)
    }

    pub fn failure(self, text: &str) -> String {
        self.wrap("31;1", text)
    }

    pub fn warning(self, text: &str) -> String {
        self.wrap("33;1", text)
    }

    pub fn retry(self, text: &str) -> String {
        self.wrap("35;1", text)
    }

    pub fn strong(self, text: &str) -> String {
        self.wrap("1", text)
    }

    pub fn faint(self, text: &str) -> String {
        self.wrap("2", text)
    }

    pub fn binary(self, text: &str) -> String {
        self.wrap("35;1", text)
    }

    pub fn module(self, text: &str) -> String {
        self.wrap("36", text)
    }

    pub fn test(self, text: &str) -> String {
        self.wrap("34;1", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.enabled {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// `CARGO_TERM_COLOR` decides if it says always or never; else `NO_COLOR`, if it is not empty, turns colours off; else a
/// terminal has them.
pub(super) fn wanted(variable: impl Fn(&str) -> Option<String>, is_terminal: bool) -> bool {
    match variable("CARGO_TERM_COLOR").as_deref() {
        Some("always") => true,
        Some("never") => false,
        _ => is_terminal && variable("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}
