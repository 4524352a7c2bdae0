//! Tests that pass, fail, hang, die and leak, each in a module that says which. What some of them wait for, and what they tell of
//! themselves, are files in the folder that `BANK_SIGNALS` names.

use std::path::PathBuf;
use std::time::Duration;
use tokio_postgres::Client;

type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

async fn pay(client: &Client, amount: i64) -> Result<u64> {
    client.execute("UPDATE accounts SET balance = balance - $1 WHERE id = 1", &[&amount]).await?;
    Ok(client.execute("INSERT INTO transfers (debit, credit, amount) VALUES (1, 3, $1)", &[&amount]).await?)
}

fn signals() -> PathBuf {
    PathBuf::from(std::env::var_os("BANK_SIGNALS").expect("BANK_SIGNALS names a folder"))
}

/// Tells that the test has come so far.
fn tell(name: &str) {
    std::fs::write(signals().join(name), std::process::id().to_string()).expect("the folder is there");
}

async fn wait_for(name: &str) {
    let file = signals().join(name);
    while !file.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

mod good {
    use super::*;

    #[mori::test(read_only)]
    async fn reads(client: Client) -> Result {
        let balance: i64 = client.query_one("SELECT balance FROM accounts WHERE id = 1", &[]).await?.get(0);
        assert_eq!(balance, 500);
        Ok(())
    }

    #[mori::test]
    async fn pays(db: mori::Sqlite, client: Client) -> Result {
        pay(&client, 20).await?;
        mori::assert_delta!(db, accounts: [1], transfers: [11]);
        Ok(())
    }

    /// The twin of `pays`: the same row gets the same id, whichever of them is first.
    #[mori::test]
    async fn pays_too(db: mori::Sqlite, client: Client) -> Result {
        pay(&client, 30).await?;
        mori::assert_delta!(db, accounts: [1], transfers: [11]);
        Ok(())
    }

    #[mori::test]
    async fn commits(db: mori::Db, mut client: Client) -> Result {
        let transaction = client.transaction().await?;
        transaction.execute("DELETE FROM transfers", &[]).await?;
        transaction.commit().await?;
        mori::assert_tombstones!(db, transfers: [10]);
        mori::assert_transactions!(db, committed: 1, rolled_back: 0);
        Ok(())
    }

    #[test]
    fn needs_no_database() {}

    #[mori::test]
    #[ignore = "slow"]
    async fn is_ignored(client: Client) -> Result {
        pay(&client, 1).await?;
        Ok(())
    }
}

mod bad {
    use super::*;

    /// Pays twice, and says that it paid once.
    #[mori::test]
    async fn pays_twice(db: mori::Sqlite, client: Client) -> Result {
        client.execute("DELETE FROM transfers WHERE id = 10", &[]).await?;
        pay(&client, 20).await?;
        pay(&client, 20).await?;
        mori::assert_delta!(db, accounts: { updated: 1 }, transfers: { inserted: 1 });
        Ok(())
    }

    #[mori::test]
    async fn panics(client: Client) {
        let rows = client.query("SELECT id FROM accounts", &[]).await.expect("a table of prod");
        panic!("there are {} accounts", rows.len());
    }

    #[mori::test(read_only)]
    async fn writes_though_read_only(client: Client) -> Result {
        pay(&client, 20).await?;
        Ok(())
    }
}

mod hanging {
    use super::*;

    #[mori::test(timeout = "200ms")]
    async fn never_ends(client: Client) -> Result {
        pay(&client, 20).await?;
        std::future::pending().await
    }
}

mod dying {
    use super::*;

    #[mori::test]
    async fn aborts(client: Client) -> Result {
        pay(&client, 20).await?;
        eprintln!("now it comes");
        std::process::abort()
    }
}

mod leaking {
    use super::*;
    use std::cell::RefCell;
    use std::thread::JoinHandle;

    /// Lets the process end only after the task that was left behind has.
    struct Left(JoinHandle<()>);

    thread_local! {
        static LEFT: RefCell<Vec<Option<Left>>> = const { RefCell::new(Vec::new()) };
    }

    impl Drop for Left {
        fn drop(&mut self) {
            while !self.0.is_finished() {
                std::thread::yield_now();
            }
        }
    }

    /// Leaves a task running that goes on writing.
    #[mori::test]
    async fn leaves_a_writer(db: mori::Sqlite) -> Result {
        let url = db.url().to_owned();
        let (sender, wrote) = std::sync::mpsc::channel();
        let writer = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.expect("the lane accepts");
                tokio::spawn(connection);
                while pay(&client, 1).await.is_ok() {
                    let _ = sender.send(());
                }
            });
        });
        LEFT.with_borrow_mut(|left| left.push(Some(Left(writer))));
        wrote.recv()?;
        Ok(())
    }
}

mod flaky {
    use super::*;

    /// Passes when it is run for the second time.
    #[mori::test]
    async fn passes_next_time(client: Client) -> Result {
        pay(&client, 20).await?;
        let first_time = !signals().join("was here").exists();
        tell("was here");
        assert!(!first_time, "not yet");
        Ok(())
    }
}

mod waiting {
    use super::*;

    #[mori::test]
    async fn first(db: mori::Sqlite, client: Client) -> Result {
        pay(&client, 20).await?;
        tell("first waits");
        wait_for("go on").await;
        pay(&client, 20).await?;
        mori::assert_delta!(db, accounts: [1], transfers: [11, 12]);
        Ok(())
    }

    #[mori::test]
    async fn second(client: Client) -> Result {
        pay(&client, 30).await?;
        tell("second waits");
        wait_for("go on").await;
        Ok(())
    }

    /// Holds no lane: the broker does not know of it.
    #[test]
    fn without_a_database() {
        tell("third waits");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(wait_for("go on"));
    }
}
