//! This executable, run again for one test.

use crate::fake::FakeBroker;
use std::process::Command;

/// Set for children only.
const CHILD: &str = "MORI_IT_CHILD";

/// How libtest judged a child, and all it printed.
pub struct Ran {
    pub passed: bool,
    pub output: String,
}

/// Runs the test `name` of this executable against `broker`.
pub fn run(name: &str, broker: &FakeBroker) -> Ran {
    let output = Command::new(std::env::current_exe().expect("we run"))
        .args(["--exact", name, "--show-output"])
        .env(CHILD, "1")
        .env("MORI_SOCKET", broker.socket())
        .env("RUST_BACKTRACE", "0")
        .env("INSTA_UPDATE", "no")
        .env_remove("MORI_KEEP")
        .output()
        .expect("the executable runs");
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("running 1 test"), "{name} is a test here: {text}");
    Ran {
        passed: output.status.success(),
        output: text,
    }
}

/// Whether we are the process that shall run the test under test.
pub fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

impl Ran {
    #[track_caller]
    pub fn passed(self) -> Ran {
        assert!(self.passed, "{}", self.output);
        self
    }

    #[track_caller]
    pub fn failed(self) -> Ran {
        assert!(!self.passed, "{}", self.output);
        self
    }

    #[track_caller]
    pub fn says(self, text: &str) -> Ran {
        assert!(self.output.contains(text), "`{text}` is not in\n{}", self.output);
        self
    }

    #[track_caller]
    pub fn lacks(self, text: &str) -> Ran {
        assert!(!self.output.contains(text), "`{text}` is in\n{}", self.output);
        self
    }
}
