//! Running the test's body, and knowing how it ended: value, panic with its place, or time run out.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, Location, PanicHookInfo};
use std::sync::Once;
use std::time::Duration;

pub(super) enum Ended<R> {
    Returned(R),
    Panicked(Panic),
    TimedOut(Duration),
}

pub(super) struct Panic {
    pub payload: Box<dyn Any + Send>,
    pub message: String,
    /// `tests/orders.rs:48`. Absent if another hook has replaced ours.
    pub location: Option<String>,
}

thread_local! {
    /// The place of this thread's last panic while it is watched.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
    /// Where the test last asked for the text of a snapshot.
    static SNAPSHOT: Cell<Option<&'static Location<'static>>> = const { Cell::new(None) };
}

/// Notes the place of a snapshot assertion: a mismatch panics inside insta, whose own place says nothing of the test.
#[track_caller]
pub(crate) fn note_snapshot() {
    SNAPSHOT.set(Some(Location::caller()));
}

/// The place to report for a panic. insta's texts end with the line of the assertion: that tells ours from the test's own.
fn place_of(info: &PanicHookInfo<'_>) -> Option<String> {
    let location = info.location()?;
    let noted = SNAPSHOT.try_with(Cell::get).ok().flatten();
    let text = message(info.payload());
    let snapshot = noted.filter(|noted| location.file().contains("insta-") && text.ends_with(&format!("line {}", noted.line())));
    let place = snapshot.unwrap_or(location);
    Some(format!("{}:{}", place.file(), place.line()))
}

/// Runs `body`, which gives `None` when its time is up.
pub(super) fn watch<R>(limit: Option<Duration>, body: impl FnOnce() -> Option<R>) -> Ended<R> {
    install_hook();
    PLACE.take();
    // What a panic leaves half done is the test's own; all of ours is behind the control connection.
    match panic::catch_unwind(AssertUnwindSafe(body)) {
        Ok(Some(value)) => Ended::Returned(value),
        Ok(None) => Ended::TimedOut(limit.unwrap_or_default()),
        Err(payload) => Ended::Panicked(Panic {
            message: message(payload.as_ref()),
            payload,
            location: PLACE.take(),
        }),
    }
}

/// Once a process: note where a thread panicked, then do what was done before. The note of a thread nobody watches is never read.
fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            let place = place_of(info);
            // A thread that panics while its locals are being dropped has no place to note; it is no test.
            let _ = PLACE.try_with(|noted| noted.replace(place));
            previous(info);
        }));
    });
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Ended, watch};
    use std::time::Duration;

    #[test]
    fn a_panic_keeps_text_and_place() {
        let line = line!() + 1;
        let Ended::<()>::Panicked(panic) = watch(None, || panic!("status is {}", 3)) else {
            panic!("it panicked")
        };
        assert_eq!(panic.message, "status is 3");
        assert_eq!(panic.location, Some(format!("{}:{line}", file!())));
    }

    #[test]
    fn a_payload_passes_through() {
        let ended = watch(None, || {
            std::panic::resume_unwind(Box::new(7_i32));
            #[expect(unreachable_code, reason = "gives the closure its type")]
            Some(())
        });
        let Ended::Panicked(panic) = ended else { panic!("it panicked") };
        assert_eq!(panic.message, "a panic without a text");
        assert!(panic.payload.is::<i32>());
    }

    #[test]
    fn values_and_limits_pass_through() {
        assert!(matches!(watch(None, || Some(3)), Ended::Returned(3)));
        let limit = Duration::from_secs(30);
        assert!(matches!(watch(Some(limit), || None::<()>), Ended::TimedOut(found) if found == limit));
    }
}
