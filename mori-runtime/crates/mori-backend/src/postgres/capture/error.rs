//! What can go wrong.

use mori_cow::postgres::RecordError;

/// The capture could not be installed, read or undone.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The lane's server refused, or is gone.
    #[error("{action}: {}", server_message(source))]
    Server { action: &'static str, source: postgres::Error },
    /// A row image in the log is none: somebody has written into the log.
    #[error("read the lane's changes: {0}")]
    Image(#[from] RecordError),
    /// The server's answer has another form than the installed functions give: the layer was built by another version. Build it anew.
    #[error("{action}: the answer has no {missing}; the layer was built by another version of Mori, build it anew")]
    Answer { action: &'static str, missing: &'static str },
}

/// The driver's own text of an error of the server is only `db error`.
fn server_message(error: &postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |error| error.to_string())
}
