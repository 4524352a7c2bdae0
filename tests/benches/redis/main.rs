//! What a Redis lane costs, beside the plain server and other relays, interleaved in one run: `cargo bench -p mori-tests --bench redis`.
//!
//! Hop: GET and SET through the lane, haproxy in TCP mode and nutcracker, where these are installed, and straight to a server with the same content. Reset: the end of
//! a lease after 0 to 30 000 changed keys, beside deleting these keys in one round trip. Times are those of the fastest tenth of the blocks.

mod hop;
#[path = "../relays.rs"]
mod relays;
mod reset;

/// The time that a tenth of the samples does not exceed, in nanoseconds.
fn tenth(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 10).copied().unwrap_or(f64::NAN)
}

fn main() {
    if mori_tests::redis::server_binary().is_none() {
        println!("Redis is not installed: nothing is measured");
        return;
    }
    hop::run();
    reset::run();
}
