//! Tests through the public API: against the engines themselves, and on random text.

#[cfg(test)]
mod differential;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod soup;
