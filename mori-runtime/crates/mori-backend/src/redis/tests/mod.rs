//! Servers of our own, on real binaries.
