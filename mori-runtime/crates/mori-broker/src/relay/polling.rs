//! The thread: waits until something happens on any session's sides, and gives each of these its turn.

use super::pass::{Pass, Turn};
use super::{Arrival, READ_BYTES, Shared};
use crate::lane::lock;
use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Of the waker. The others are a session's place, doubled, and its side.
const WAKE: Token = Token(usize::MAX);

const CLIENT: usize = 0;

const EVENTS_MAX: usize = 256;

pub fn poll() -> io::Result<(Poll, Waker)> {
    let poll = Poll::new()?;
    let waker = Waker::new(poll.registry(), WAKE)?;
    Ok((poll, waker))
}

/// The sessions by their places; that of one that has ended is taken by the next.
struct Passes {
    places: Vec<Option<Pass>>,
    free: Vec<usize>,
    /// Those that have something to do.
    next: Vec<usize>,
    scratch: Vec<u8>,
}

/// Relays until nobody hands sessions over any more, and the last has ended.
pub fn run(poll: Poll, shared: &Shared) {
    // Whatever ends it: who hands a session over later is to know.
    let _ = catch_unwind(AssertUnwindSafe(|| relay(poll, shared)));
    shared.has_ended.store(true, Ordering::Release);
    // What was handed over meanwhile is not served any more.
    let left = std::mem::take(&mut *lock(&shared.arrivals));
    drop(left);
}

fn relay(mut poll: Poll, shared: &Shared) {
    let mut events = Events::with_capacity(EVENTS_MAX);
    let mut passes = Passes {
        places: Vec::new(),
        free: Vec::new(),
        next: Vec::new(),
        scratch: vec![0; READ_BYTES],
    };
    loop {
        let timeout = (!passes.next.is_empty()).then_some(Duration::ZERO);
        match poll.poll(&mut events, timeout) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return,
            _ => {}
        }
        for event in events.iter().filter(|event| event.token() != WAKE) {
            passes.learn(event);
        }
        for place in std::mem::take(&mut passes.next) {
            passes.run(place, poll.registry());
        }
        // Last: a place that has just become free may have events in this round.
        let arrivals = std::mem::take(&mut *lock(&shared.arrivals));
        for arrival in arrivals {
            passes.admit(arrival, poll.registry());
        }
        if passes.is_empty() && shared.is_dropped.load(Ordering::Acquire) {
            return;
        }
    }
}

impl Passes {
    fn is_empty(&self) -> bool {
        self.free.len() == self.places.len()
    }

    fn admit(&mut self, arrival: Arrival, registry: &Registry) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() - 1
        });
        let admitted = catch_unwind(AssertUnwindSafe(|| {
            let sides = [arrival.client.tcp().as_raw_fd(), arrival.server.as_raw_fd()];
            for (side, descriptor) in sides.iter().enumerate() {
                registry.register(&mut SourceFd(descriptor), Token(place * 2 + side), Interest::READABLE)?;
            }
            Pass::begin(arrival)
        }));
        match admitted {
            Ok(Ok(pass)) => {
                self.places[place] = Some(pass);
                self.run(place, registry);
            }
            // What there was of it is dropped, and the client told by a closed connection.
            Ok(Err(_)) | Err(_) => self.free.push(place),
        }
    }

    fn learn(&mut self, event: &Event) {
        let place = event.token().0 / 2;
        let Some(Some(pass)) = self.places.get_mut(place) else { return };
        let side = match event.token().0 % 2 {
            CLIENT => &mut pass.client_side,
            _ => &mut pass.server_side,
        };
        side.is_ending |= event.is_read_closed() || event.is_error();
        side.is_readable |= event.is_readable() || side.is_ending;
        if !std::mem::replace(&mut pass.is_next, true) {
            self.next.push(place);
        }
    }

    fn run(&mut self, place: usize, registry: &Registry) {
        let Some(Some(pass)) = self.places.get_mut(place) else { return };
        pass.is_next = false;
        // A mistake of ours in one session is not to end the others.
        let turn = catch_unwind(AssertUnwindSafe(|| pass.run(&mut self.scratch))).unwrap_or(Turn::Ended);
        match turn {
            Turn::Waits => watch(pass, place, registry),
            Turn::GoesOn => {
                pass.is_next = true;
                self.next.push(place);
            }
            Turn::Ended => {
                for descriptor in descriptors(pass) {
                    // The lane holds on to them for a moment yet.
                    let _ = registry.deregister(&mut SourceFd(&descriptor));
                }
                let ended = self.places[place].take();
                // With it, the last that holds the lane may go.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(ended)));
                self.free.push(place);
            }
        }
    }
}

fn descriptors(pass: &Pass) -> [RawFd; 2] {
    [pass.client.tcp().as_raw_fd(), pass.server.as_raw_fd()]
}

/// Has the poll tell of room to write on the sides that lack it, and only on these: a Unix socket tells of room whenever its peer has read.
fn watch(pass: &mut Pass, place: usize, registry: &Registry) {
    let lacks_room = pass.lacks_room();
    for (side, descriptor) in descriptors(pass).iter().enumerate() {
        if pass.is_watched[side] == lacks_room[side] {
            continue;
        }
        let interest = match lacks_room[side] {
            true => Interest::READABLE | Interest::WRITABLE,
            false => Interest::READABLE,
        };
        // Where the system refuses, the next event on either side tries again.
        if registry
            .reregister(&mut SourceFd(descriptor), Token(place * 2 + side), interest)
            .is_ok()
        {
            pass.is_watched[side] = lacks_room[side];
        }
    }
}
