//! The capture on a real server, one of its own for each test.

mod cost;
mod delta;
mod hidden;
mod obstacles;
mod programs;
mod support;
mod undo;
