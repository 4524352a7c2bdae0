//! Images and the delta made of them, without a server.

mod fold;
mod record;
