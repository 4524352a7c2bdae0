//! Message by message: what the protocol's documentation says of a server, asked with a socket.
//! <https://www.postgresql.org/docs/current/protocol-flow.html>

mod cancel;
mod extended;
mod hostile;
mod portals;
mod simple;
mod startup;
mod stream;
