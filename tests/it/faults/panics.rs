//! Noticing a panic of the server, which in this process is a thread that ends and nothing else.

use std::panic::PanicHookInfo;
use std::sync::{Mutex, Once, PoisonError};

static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// From here on, panics of the server's threads are noted. What any panic did before is still done.
pub fn watch() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            if matches!(std::thread::current().name(), Some("session" | "listener")) {
                SEEN.lock().unwrap_or_else(PoisonError::into_inner).push(info.to_string());
            }
            previous(info);
        }));
    });
}

/// Asserts that no thread of a server has panicked.
#[track_caller]
pub fn assert_none() {
    let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(seen.is_empty(), "the server panicked: {seen:#?}");
}
