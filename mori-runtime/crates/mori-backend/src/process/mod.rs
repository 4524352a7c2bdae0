//! Server processes of ours, whatever their engine: how they end with us.

mod supervisor;

pub(crate) use supervisor::Supervisor;
