//! Work that no test waits for: lanes made ahead of need, and lanes made anew. The end of the run waits for it, so that nothing is left behind.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

#[derive(Debug, Default)]
struct State {
    running: usize,
    is_closed: bool,
}

#[derive(Debug, Default)]
pub struct Background {
    state: Mutex<State>,
    ended: Condvar,
}

impl Background {
    /// Runs `work` on a thread of its own; not at all once the run is about to end.
    pub fn spawn(self: &Arc<Self>, work: impl FnOnce() + Send + 'static) {
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.is_closed {
                return;
            }
            state.running += 1;
        }
        let ticket = Ticket(self.clone());
        std::thread::spawn(move || {
            // Dropped at the end of this scope, or by a panic of the work.
            let _ticket = ticket;
            work();
        });
    }

    /// Starts nothing more, and waits for what runs, `limit` at most.
    pub fn close(&self, limit: Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_closed = true;
        drop(self.ended.wait_timeout_while(state, limit, |state| state.running > 0));
    }
}

struct Ticket(Arc<Background>);

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).running -= 1;
        self.0.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn the_end_waits_for_what_runs_and_starts_nothing() {
        let background = Arc::new(Background::default());
        let (go, wait) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let first = tell.clone();
        background.spawn(move || {
            let _ = wait.recv();
            let _ = first.send("first");
        });
        let closing = background.clone();
        let closer = std::thread::spawn(move || {
            closing.close(Duration::from_secs(60));
            let _ = tell.send("closed");
        });
        go.send(()).unwrap();
        closer.join().unwrap();
        background.spawn(|| panic!("too late"));
        assert_eq!(told.iter().collect::<Vec<_>>(), ["first", "closed"]);
    }
}
