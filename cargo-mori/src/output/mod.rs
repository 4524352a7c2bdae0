//! Writing to the terminal: colours, tables, JSON, times.

mod paint;
mod stdout;
mod table;
mod time;

pub use paint::Paint;
pub use stdout::{note, print, print_json, print_json_line};
pub use table::Table;
pub use time::{age, parse_duration, rfc3339};

#[cfg(test)]
mod tests;
