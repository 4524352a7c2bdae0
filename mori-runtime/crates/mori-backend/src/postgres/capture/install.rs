//! Installing the capture, and sealing a layer.

use super::{Result, batch};
use mori_cow::postgres::sql;
use postgres::Client;

/// Installs the capture into the database of the connection and seals its state. Where it is installed already, only seals.
///
/// Errors: `Server`, and then nothing has changed.
pub fn install(client: &mut Client) -> Result<()> {
    let installed = batch::run(client, "look for the capture", sql::IS_INSTALLED)?;
    let mut major = 0;
    for row in installed.iter().flatten() {
        if row.text(0) == Some("t") {
            return seal(client);
        }
        major = row.required_number(1, "major version")?;
    }
    batch::run(client, "install the capture", &sql::install(major)).map(|_| ())
}

/// Makes what is in the database now the state from which a lane differs. Takes a lock that waits for open transactions that have written.
///
/// Errors: `Server`, and then nothing has changed.
pub fn seal(client: &mut Client) -> Result<()> {
    batch::run(client, "seal the layer", sql::SEAL).map(|_| ())
}
