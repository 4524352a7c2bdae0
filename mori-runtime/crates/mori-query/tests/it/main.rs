//! Tests through the public API: against SQLite itself, and on random text.

#[cfg(test)]
mod differential;
#[cfg(test)]
mod soup;
