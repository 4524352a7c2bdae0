//! SIGINT and SIGTERM as messages.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals as SignalIterator};
use std::io;
use std::sync::mpsc::Sender;
use std::thread;

/// Delivers signals until it is dropped.
pub struct Signals {
    handle: Handle,
}

/// A message type that can carry a signal.
pub trait Wake: Send + 'static {
    fn signal(signal: i32) -> Self;
}

impl Wake for i32 {
    fn signal(signal: i32) -> i32 {
        signal
    }
}

impl Signals {
    /// Sends every SIGINT and SIGTERM from now on. They end the process no longer.
    pub fn forward<M: Wake>(to: Sender<M>) -> io::Result<Signals> {
        let mut signals = SignalIterator::new([SIGINT, SIGTERM])?;
        let handle = signals.handle();
        thread::spawn(move || {
            for signal in signals.forever() {
                if to.send(M::signal(signal)).is_err() {
                    break;
                }
            }
        });
        Ok(Signals { handle })
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.handle.close();
    }
}
