//! An image of prod is prod, and prod is not written.

use super::prod_server::{ProdServer, SUPERUSER};
use super::snapshot::{assert_same, snapshot};
use super::{Place, lane, wait_until};
use crate::postgres::{Layer, Phase, PostgresError, ProdOptions, Progress, Result, prod_major};
use std::fs;
use std::path::Path;

const PROD: &str = include_str!("prod.sql");

fn take(prod: &ProdServer, url: &str, dir: &Path) -> Result<Layer> {
    take_up_to(prod, url, dir, 1 << 30)
}

fn take_up_to(prod: &ProdServer, url: &str, dir: &Path, bytes_max: u64) -> Result<Layer> {
    let options = ProdOptions {
        key: "image".to_owned(),
        bytes_max,
    };
    Layer::of_prod(&prod.binaries, url, dir, &options, &mut |_| {})
}

/// Everything that would tell of a write: the position in the log, the next transaction's number, and rows written by anybody.
fn writes(prod: &ProdServer) -> String {
    let mut client = prod.client();
    // A session's counts are there for others when it has ended.
    wait_until("other sessions have ended", || {
        let others = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        client.query_one(others, &[]).unwrap().get::<_, i64>(0) == 0
    });
    let row = client
        .query_one(
            "SELECT pg_current_wal_insert_lsn()::text, pg_snapshot_xmax(pg_current_snapshot())::text,
                    (SELECT string_agg(format('%s %s %s', tup_inserted, tup_updated, tup_deleted), ';' ORDER BY datname) FROM pg_stat_database),
                    (SELECT string_agg(format('%s %s %s %s', relid::regclass, n_tup_ins, n_tup_upd, n_tup_del), ';' ORDER BY relid) FROM pg_stat_all_tables)",
            &[],
        )
        .unwrap();
    (0..4).map(|index| row.get::<_, String>(index)).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_image_is_the_same_database_and_prod_is_not_written() {
    let Some(prod) = ProdServer::start(PROD) else { return };
    let before = {
        let mut client = prod.client();
        // Reading rows for the first time would tidy up their pages, which is written to the log. Statistics leave rows to tidy up.
        for statement in ["ANALYZE", "VACUUM (FREEZE)", "VACUUM (FREEZE)", "CHECKPOINT"] {
            client.batch_execute(statement).unwrap();
        }
        snapshot(&mut client)
    };
    let (written, place) = (writes(&prod), Place::new());
    assert_eq!(prod_major(&prod.url("owner", "shop")).unwrap(), prod.binaries.major());

    let mut seen = Vec::new();
    let options = ProdOptions {
        key: "image".to_owned(),
        bytes_max: 1 << 30,
    };
    let layer = Layer::of_prod(
        &prod.binaries,
        &prod.url("owner", "shop"),
        &place.at("layer"),
        &options,
        &mut |step| seen.push(step),
    );
    let layer = layer.unwrap_or_else(|error| panic!("{error}"));

    assert_eq!(writes(&prod), written);
    assert_same(&before, &snapshot(&mut prod.client()));
    assert_eq!(place.names(), ["layer"]);
    assert!(!place.at("layer").join("prod.dump").exists());

    assert_eq!((layer.database(), layer.user(), layer.superuser()), ("shop", "owner", SUPERUSER));
    assert!(
        layer
            .meta()
            .prod
            .as_ref()
            .is_some_and(|prod| prod.bytes > 0 && prod.server_version.starts_with(char::is_numeric))
    );
    check_progress(&seen);

    let server = lane(&layer, &place.at("lane"));
    let copy = snapshot(&mut server.connect("shop").unwrap());
    // The one thing that is left out on purpose: libraries to load, which may not be here.
    let without_library: Vec<String> = before
        .iter()
        .map(|line| line.replace(",session_preload_libraries=auto_explain", ""))
        .collect();
    assert_ne!(without_library, before);
    assert_same(&without_library, &copy);
}

fn check_progress(seen: &[Progress]) {
    assert!(
        matches!(seen.first(), Some(Progress::Connected { tables, .. }) if *tables > 5),
        "{seen:?}"
    );
    assert!(matches!(seen.last(), Some(Progress::Done { .. })), "{seen:?}");
    for wanted in [Phase::Reading, Phase::Restoring] {
        let tables = seen.iter().filter_map(|step| match step {
            Progress::Table { phase, table, total, .. } if *phase == wanted => Some((table.as_str(), *total)),
            _ => None,
        });
        let tables: Vec<_> = tables.collect();
        assert!(tables.iter().any(|(table, _)| *table == "Mixed Case.Order Line"), "{tables:?}");
        assert!(tables.iter().all(|(_, total)| *total == tables.len()), "{tables:?}");
    }
}

#[test]
fn a_lane_of_an_image_speaks_as_prod() {
    let Some(prod) = ProdServer::start(PROD) else { return };
    let place = Place::new();
    let layer = take(&prod, &prod.url("owner", "shop"), &place.at("layer")).unwrap();
    let server = lane(&layer, &place.at("lane"));
    let settings = |mut client: postgres::Client| -> Vec<String> {
        let names = [
            "default_text_search_config",
            "intervalstyle",
            "timezone",
            "statement_timeout",
            "lock_timeout",
            "search_path",
            "app.tenant",
        ];
        let setting = |name: &&str| {
            client
                .query_one("SELECT coalesce(current_setting($1, true), '-')", &[name])
                .unwrap()
                .get(0)
        };
        names.iter().map(setting).collect()
    };
    for user in ["owner", "nobody_special"] {
        let in_lane = settings(server.connect_as(user, "shop").unwrap());
        assert_eq!(in_lane[0], "pg_catalog.german");
        assert_eq!(in_lane[1], "iso_8601");
        assert_eq!(in_lane[3], "1min");
        assert_eq!(in_lane[4], "7s");
        assert_eq!(in_lane[6], if user == "owner" { "a=b, c" } else { "-" });
    }
    // Constraints, triggers, identity and policies do their work.
    let mut owner = server.connect_as("owner", "shop").unwrap();
    let row = owner
        .query_one(
            "INSERT INTO customer (name) VALUES ('  trimmed ') RETURNING id, name, upper_name",
            &[],
        )
        .unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get(1), row.get(2)), (25, "trimmed", "TRIMMED"));
    assert!(
        owner
            .batch_execute("INSERT INTO \"Mixed Case\".\"Order Line\" (customer, price) VALUES (999, 10000)")
            .is_err()
    );
    let mut reporter = server.connect_as("reporter", "shop").unwrap();
    let seen: i64 = reporter.query_one("SELECT count(*) FROM secret", &[]).unwrap().get(0);
    assert_eq!(seen, 1);
}

#[test]
fn a_foreign_server_cannot_be_reached_from_an_image() {
    let foreign = "CREATE ROLE owner LOGIN SUPERUSER PASSWORD 's3cret%/@';
        CREATE EXTENSION postgres_fdw; CREATE EXTENSION file_fdw; CREATE EXTENSION dblink;
        CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '5432', dbname 'shop', fetch_size '7');
        CREATE USER MAPPING FOR owner SERVER other OPTIONS (user 'owner', password 'hunter2hunter2');
        CREATE USER MAPPING FOR PUBLIC SERVER other;
        CREATE FOREIGN TABLE far (n int) SERVER other;
        CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
        CREATE FOREIGN TABLE passwd (line text) SERVER files OPTIONS (filename '/etc/passwd');
        CREATE MATERIALIZED VIEW lines AS SELECT count(*) FROM passwd;
        CREATE TABLE near (n int); INSERT INTO near VALUES (1);";
    let Some(prod) = ProdServer::start(foreign) else { return };
    let place = Place::new();
    let layer = take(&prod, &prod.url("owner", "shop"), &place.at("layer")).unwrap_or_else(|error| panic!("{error}"));
    let server = lane(&layer, &place.at("lane"));
    let mut client = server.connect_as("owner", "shop").unwrap();
    let mut code = |sql: &str| client.batch_execute(sql).map_err(|error| error.code().unwrap().code().to_owned());
    assert_eq!(code("SELECT * FROM near"), Ok(()));
    assert_eq!(code("SELECT * FROM far"), Err("42704".to_owned()));
    assert_eq!(
        code("CREATE USER MAPPING FOR owner SERVER other; SELECT * FROM far"),
        Err("08001".to_owned())
    );
    assert_eq!(code("CREATE USER MAPPING FOR owner SERVER other"), Ok(()));
    assert_eq!(code("INSERT INTO far VALUES (1)"), Err("08001".to_owned()));
    assert_eq!(
        code("SELECT * FROM dblink('other', 'SELECT 1') AS t(n int)"),
        Err("08001".to_owned())
    );
    assert_eq!(code("SELECT * FROM passwd"), Err("55000".to_owned()));
    assert_eq!(code("SELECT * FROM lines"), Err("55000".to_owned()));
    // Without a host it is the lane itself.
    assert_eq!(
        code("SELECT * FROM dblink('dbname=shop', 'SELECT n FROM near') AS t(n int)"),
        Ok(())
    );
    assert!(
        !contains(&layer.dir().join("data"), b"hunter2hunter2"),
        "a password of prod is in the image"
    );
}

fn contains(dir: &Path, needle: &[u8]) -> bool {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .any(|path| match path.is_dir() {
            true => contains(&path, needle),
            false => fs::read(&path).unwrap().windows(needle.len()).any(|window| window == needle),
        })
}

#[test]
fn what_stands_in_the_way_is_told() {
    let Some(prod) = ProdServer::start(PROD) else { return };
    let place = Place::new();
    let fail = |url: &str, bytes_max: u64| {
        let error = take_up_to(&prod, url, &place.at("layer"), bytes_max).unwrap_err();
        assert!(error.remedy().is_some(), "{error}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
        assert_eq!(place.names(), Vec::<String>::new(), "nothing half-made remains");
        error
    };
    let good = prod.url("owner", "shop");
    let all = u64::MAX;
    let error = fail(&good.replace("s3cret", "wrong"), all);
    assert!(matches!(error, PostgresError::ProdAuthentication { .. }), "{error}");
    let error = fail(&good.replace("/shop", "/nowhere"), all);
    assert!(
        matches!(&error, PostgresError::ProdNoDatabase { database, .. } if database == "nowhere"),
        "{error}"
    );
    let error = fail(&good.replace(&format!(":{}/", prod.port), ":1/"), all);
    assert!(matches!(error, PostgresError::ProdUnreachable { .. }), "{error}");
    let error = fail(&format!("{good}?sslmode=require"), all);
    assert!(matches!(error, PostgresError::ProdUnreachable { .. }), "{error}");
    let error = fail(&good, 1000);
    assert!(matches!(error, PostgresError::ProdTooLarge { max_bytes: 1000, .. }), "{error}");
    let error = fail(&prod.url("nobody_special", "shop"), all);
    assert!(
        matches!(&error, PostgresError::ProdPrivilege { user, .. } if user == "nobody_special"),
        "{error}"
    );
    assert!(error.remedy().unwrap().contains("pg_read_all_data"), "{error}");
    // Policies hide rows from whoever may read but does not bypass them.
    prod.client().batch_execute("GRANT pg_read_all_data TO nobody_special").unwrap();
    let error = fail(&prod.url("nobody_special", "shop"), all);
    assert!(error.remedy().unwrap().contains("BYPASSRLS"), "{error}");
}

#[test]
fn a_prod_named_postgres_without_a_public_schema() {
    let Some(prod) = ProdServer::start("SELECT 1") else { return };
    let mut client = prod.server.connect("postgres").unwrap();
    client
        .batch_execute("CREATE ROLE owner LOGIN PASSWORD 's3cret%/@'; DROP SCHEMA public; CREATE SCHEMA mine AUTHORIZATION owner; CREATE TABLE mine.t AS SELECT 1 AS n")
        .unwrap();
    client.batch_execute("GRANT pg_read_all_data TO owner").unwrap();
    let place = Place::new();
    let layer = take(&prod, &prod.url("owner", "postgres"), &place.at("layer")).unwrap();
    let server = lane(&layer, &place.at("lane"));
    assert_same(&snapshot(&mut client), &snapshot(&mut server.connect("postgres").unwrap()));
}

#[test]
fn a_prod_with_tls_is_trusted_as_its_url_says() {
    let Some(prod) = ProdServer::start_with_tls(
        "CREATE ROLE owner LOGIN PASSWORD 's3cret%/@'; CREATE TABLE t AS SELECT 1 AS n; ALTER TABLE t OWNER TO owner",
    ) else {
        return;
    };
    let rules = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
    fs::write(prod.server.data().join("pg_hba.conf"), rules).unwrap();
    prod.client().batch_execute("SELECT pg_reload_conf()").unwrap();
    wait_until("the rules hold", || {
        prod_major(&format!("{}?sslmode=disable", prod.url("owner", "shop"))).is_err()
    });

    let place = Place::new();
    let authority = place.sql("authority.pem", include_str!("tls/authority.pem"));
    let stranger = place.sql("stranger.pem", include_str!("tls/stranger.pem"));
    let by_address = prod.url("owner", "shop");
    let by_name = by_address.replace("@127.0.0.1:", "@localhost:");
    let url = |base: &str, mode: &str, roots: &Path| format!("{base}?sslmode={mode}&hostaddr=127.0.0.1&sslrootcert={}", roots.display());
    for (base, mode, roots, is_let_in) in [
        (&by_address, "prefer", &stranger, true),
        (&by_address, "require", &stranger, true),
        (&by_address, "verify-ca", &stranger, false),
        (&by_address, "verify-ca", &authority, true),
        (&by_address, "verify-full", &authority, false),
        (&by_name, "verify-full", &stranger, false),
        (&by_name, "verify-full", &authority, true),
    ] {
        let found = prod_major(&url(base, mode, roots));
        assert_eq!(found.is_ok(), is_let_in, "{base} {mode} {}: {found:?}", roots.display());
    }
    // pg_dump is told the same.
    for (number, (base, mode)) in [(&by_name, "verify-full"), (&by_address, "verify-ca"), (&by_address, "prefer")]
        .into_iter()
        .enumerate()
    {
        let roots = if mode == "prefer" { Path::new("") } else { authority.as_path() };
        take(&prod, &url(base, mode, roots), &place.at(&format!("layer{number}"))).unwrap_or_else(|error| panic!("{mode}: {error}"));
    }
    let missing = prod_major(&url(&by_name, "verify-full", &place.at("missing.pem"))).unwrap_err();
    assert!(matches!(missing, PostgresError::ProdCertificates { .. }), "{missing}");
}

#[test]
fn encoding_and_locale_are_those_of_prod() {
    let Some(prod) = ProdServer::start("CREATE ROLE owner LOGIN PASSWORD 's3cret%/@'") else {
        return;
    };
    let mut databases = vec![("latin", "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'", false, "LATIN1")];
    if prod.binaries.major() >= 15 {
        databases.push((
            "icu",
            "LOCALE_PROVIDER icu ICU_LOCALE 'de' LC_COLLATE 'C' LC_CTYPE 'C'",
            true,
            "UTF8",
        ));
    }
    let place = Place::new();
    for (name, options, is_german, encoding) in databases {
        prod.client()
            .batch_execute(&format!("CREATE DATABASE {name} OWNER owner TEMPLATE template0 {options}"))
            .unwrap();
        let mut client = prod.server.connect_as("owner", name).unwrap();
        client
            .batch_execute("CREATE TABLE t (s text); INSERT INTO t VALUES ('z'), ('a'), ('\u{e4}'), ('A'), ('b')")
            .unwrap();
        let layer = take(&prod, &prod.url("owner", name), &place.at(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let server = lane(&layer, &place.at(&format!("lane of {name}")));
        let mut copy = server.connect_as("owner", name).unwrap();
        let answer = |client: &mut postgres::Client| -> (String, String) {
            let query = "SELECT string_agg(s, ' ' ORDER BY s), current_setting('server_encoding') FROM t";
            let row = client.query_one(query, &[]).unwrap();
            (row.get(0), row.get(1))
        };
        assert_eq!(answer(&mut copy), answer(&mut client));
        assert_eq!(answer(&mut copy).1, encoding);
        // That it is the locale's order, and not that of bytes, where there is one.
        assert_eq!(answer(&mut copy).0.ends_with('z'), is_german);
        assert_same(&snapshot(&mut client), &snapshot(&mut copy));
    }
}
