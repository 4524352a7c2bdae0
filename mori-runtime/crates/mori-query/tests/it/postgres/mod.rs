//! PostgreSQL: a corpus of statements, what is said of each, and what the server says of it.

mod corpus;
mod outlines;
mod parser;
mod process;
mod server;
mod soup;
