//! What a test's argument may be.

use crate::{Db, HarnessError};
use mori_model::Engine;
use std::future::Future;

/// A type that a test can take as argument: a handle on its lane, or something made from one.
///
/// ```
/// # mod shop { pub struct Client; impl Client { pub async fn connect(_: &str) -> std::io::Result<Client> { Ok(Client) } } }
/// struct Shop(shop::Client);
///
/// impl mori::FromLane for Shop {
///     async fn from_lane(db: mori::Db) -> Result<Shop, mori::HarnessError> {
///         shop::Client::connect(db.url()).await.map(Shop).map_err(mori::HarnessError::argument::<Shop>)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a mori test",
    note = "take `mori::Db` or an engine's type such as `mori::Postgres` by value, or implement `mori::FromLane`"
)]
pub trait FromLane: Sized {
    /// The engine the lane must have. Without one, the argument shares the lane of another argument, or takes the only connection.
    const ENGINE: Option<Engine> = None;

    /// Runs on the test's runtime before the test's body.
    fn from_lane(db: Db) -> impl Future<Output = Result<Self, HarnessError>>;
}

impl FromLane for Db {
    async fn from_lane(db: Db) -> Result<Db, HarnessError> {
        Ok(db)
    }
}

/// Connected, with its connection task on the test's runtime. Serves every engine whose lanes speak the PostgreSQL protocol.
#[cfg(feature = "tokio-postgres")]
impl FromLane for tokio_postgres::Client {
    async fn from_lane(db: Db) -> Result<tokio_postgres::Client, HarnessError> {
        if db.engine() == Engine::Redis {
            return Err(HarnessError::ForeignArgument {
                argument: "tokio_postgres::Client",
                connection: db.name().to_owned(),
                engine: db.engine(),
            });
        }
        let connected = tokio_postgres::connect(db.url(), tokio_postgres::NoTls).await;
        let (client, connection) = connected.map_err(HarnessError::argument::<tokio_postgres::Client>)?;
        // Its error reaches the test through the client; a second report here would only repeat it.
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(client)
    }
}

/// Connected, with the task that drives it on the test's runtime. Asks for a lane of Redis, and shares that of a [`Redis`](crate::Redis) beside it.
#[cfg(feature = "redis")]
impl FromLane for redis::aio::MultiplexedConnection {
    const ENGINE: Option<Engine> = Some(Engine::Redis);

    async fn from_lane(db: Db) -> Result<redis::aio::MultiplexedConnection, HarnessError> {
        use redis::IntoConnectionInfo;
        use redis::aio::MultiplexedConnection;

        let info = db
            .url()
            .into_connection_info()
            .map_err(HarnessError::argument::<MultiplexedConnection>)?;
        // The driver's name is news to nobody here, and servers before 7.2 answer it with an error, which a routing snapshot would show.
        let settings = info.redis_settings().clone().set_skip_set_lib_name();
        let client = redis::Client::open(info.set_redis_settings(settings)).map_err(HarnessError::argument::<MultiplexedConnection>)?;
        // The driver gives up on a reply after half a second; BLPOP and its kind may wait longer, and the test has a limit of its own.
        let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
        let connected = client.get_multiplexed_async_connection_with_config(&config).await;
        connected.map_err(HarnessError::argument::<MultiplexedConnection>)
    }
}
