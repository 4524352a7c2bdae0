//! Commands, type by type. None of them answers by chance or by the clock, but for what its form leaves out.

mod bits;
mod geo;
mod hashes;
mod keys;
mod lexicons;
mod lists;
pub mod messages;
mod mistakes;
pub mod scripts;
mod session;
mod sets;
mod sorted_sets;
mod streams;
mod strings;
pub mod waiting;

use super::generate::Generator;
use super::program::Command;

/// Any command that one client sends and that has one reply.
pub fn any(g: &mut Generator) -> Command {
    match g.below(100) {
        0..=12 => strings::any(g),
        13..=18 => bits::any(g),
        19..=34 => keys::any(g),
        35..=44 => lists::any(g),
        45..=53 => sets::any(g),
        54..=61 => sorted_sets::any(g),
        62..=65 => lexicons::any(g),
        66..=74 => hashes::any(g),
        75..=84 => streams::any(g),
        85..=87 => geo::any(g),
        88..=92 => scripts::any(g),
        93..=94 => messages::any(g),
        95 => mistakes::any(g),
        96 => waiting::impatient(g),
        _ => session::any(g),
    }
}
