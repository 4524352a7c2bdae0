//! What the file may say, what it must not, and that a change keeps the rest of it.

use super::*;
use mori_model::Engine;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

fn parse(text: &str) -> Result<MoriYaml, ConfigError> {
    MoriYaml::parse(PathBuf::from("/project/mori.yaml"), text.to_owned())
}

#[track_caller]
fn only(text: &str) -> Connection {
    let yaml = parse(text).unwrap();
    assert_eq!(yaml.connections().len(), 1, "the text names one connection");
    yaml.connections()[0].clone()
}

#[track_caller]
fn check_prod(entry: &str, prod: Prod) {
    assert_eq!(only(&format!("version: 1\nconnections:\n  shop: {entry}\n")).prod, prod);
}

#[track_caller]
fn check_error(text: &str, message: &str, remedy: &str) {
    let error = parse(text).unwrap_err();
    assert_eq!((error.to_string().as_str(), error.remedy().as_str()), (message, remedy));
}

#[test]
fn the_forms_of_prod() {
    check_prod(
        "{ engine: sqlite, prod: { url: \"sqlite:data/app.db\" } }",
        Prod::SqliteFile("/project/data/app.db".into()),
    );
    check_prod(
        "{ prod: { url: \"sqlite:///srv/app.db\" } }",
        Prod::SqliteFile("/srv/app.db".into()),
    );
    check_prod("{ url: \"sqlite:/srv/app.db\" }", Prod::SqliteFile("/srv/app.db".into()));
    check_prod("{ url: \"sqlite://app.db\" }", Prod::SqliteFile("/project/app.db".into()));
    check_prod("{ engine: sqlite, path: app.db }", Prod::SqliteFile("/project/app.db".into()));
    check_prod("{ engine: sqlite, database: app.db }", Prod::SqliteFile("/project/app.db".into()));
    check_prod("{ engine: sqlite }", Prod::Empty);
    check_prod(
        "{ engine: sqlite, prod: { fixture: { sql: [a.sql, /b.sql] } } }",
        Prod::Fixture {
            name: "fixture:shop".to_owned(),
            sql: vec!["/project/a.sql".into(), "/b.sql".into()],
        },
    );
}

#[test]
fn the_flat_form_of_the_seeds_stays_valid() {
    let connection = only(
        "version: 1\nconnections:\n  my-db:\n    engine: postgres\n    host: db.example.com\n    port: 5432\n    user: app\n    \
         password: \"p@ss:w\"\n    database: shop\n    ssl_mode: require\n    image: postgres:15\n",
    );
    assert_eq!(connection.engine, Engine::Postgres);
    assert_eq!(
        connection.prod,
        Prod::Url("postgres://app:p%40ss%3Aw@db.example.com:5432/shop?sslmode=require".to_owned())
    );
    assert_eq!(
        connection.redacted_url(),
        "postgres://app:***@db.example.com:5432/shop?sslmode=require"
    );
    assert_eq!(connection.image.as_deref(), Some("postgres:15"));
}

#[test]
fn blank_values_say_nothing() {
    check_prod(
        "{ engine: sqlite, host: \"\", port: 0, user: \"\", password: \"\", database: app.db, ssl_mode: \"\" }",
        Prod::SqliteFile("/project/app.db".into()),
    );
}

#[test]
fn foreign_keys_are_on_unless_the_file_says_no() {
    assert!(only("connections: { a: { engine: sqlite } }").foreign_keys);
    assert!(!only("connections: { a: { engine: sqlite, foreign_keys: false } }").foreign_keys);
}

#[test]
fn unknown_keys_name_the_nearest_one() {
    check_error(
        "conections: {}",
        "/project/mori.yaml: unknown key `conections`",
        "did you mean `connections`?",
    );
    check_error(
        "connections: { shop: { engine: sqlite, prd: { url: x } } }",
        "/project/mori.yaml: unknown key `connections.shop.prd`",
        "did you mean `prod`?",
    );
    check_error(
        "connections: { shop: { engine: sqlite, prod: { fixture: { sqls: [] } } } }",
        "/project/mori.yaml: unknown key `connections.shop.prod.fixture.sqls`",
        "did you mean `sql`?",
    );
    check_error(
        "connections: { shop: { zebra: 1 } }",
        "/project/mori.yaml: unknown key `connections.shop.zebra`",
        "remove the key",
    );
}

#[test]
fn contradictions_are_errors() {
    check_error(
        "connections: { shop: { url: \"sqlite:a.db\", path: b.db } }",
        "connection `shop`: `url`, `path` say the same thing twice",
        "keep one of `url`, `path`",
    );
    check_error(
        "connections: { shop: { engine: mysql, url: \"sqlite:a.db\" } }",
        "connection `shop`: engine is mysql, but the URL's is sqlite",
        "write `engine: sqlite`, or leave `engine` out",
    );
    check_error(
        "connections: { shop: { engine: sqlite, host: db } }",
        "connection `shop`: sqlite has no `host`",
        "remove `host`",
    );
    check_error(
        "connections: { shop: { engine: sqlit } }",
        "connection `shop`: unknown engine `sqlit`",
        "did you mean `sqlite`?",
    );
    check_error(
        "connections: { ../x: { engine: sqlite } }",
        "`../x` is not a name for a connection",
        "use letters, digits, `-`, `_` and `.`, with a letter or a digit first: it names a folder under .mori",
    );
    check_error(
        "version: 2\nconnections: {}",
        "/project/mori.yaml: version 2 of the file format is not known",
        "write `version: 1`, or use the version of Mori that wrote the file",
    );
}

#[test]
fn clients_can_be_asked_for_a_password() {
    let login = |entry: &str| only(&format!("version: 1\nconnections:\n  shop: {entry}\n")).login;
    assert_eq!(login("{ prod: { url: \"postgres://db/shop\" }, pin: snapshot }"), None);
    let asked = login("{ prod: { url: \"redis://cache\" }, client_password: geheim }").unwrap();
    assert_eq!((asked.auth, asked.password.as_str()), (ClientAuth::ScramSha256, "geheim"));
    assert!(!format!("{asked:?}").contains("geheim"));
    let asked = login("{ engine: sqlite, client_password: \"1\", client_auth: md5 }").unwrap();
    assert_eq!(asked.auth, ClientAuth::Md5);
    let connection = |rest: &str| format!("version: 1\nconnections:\n  shop: {{ prod: {{ url: \"{rest} }}\n");
    check_error(
        &connection("postgres://db/shop\" }, client_auth: md5"),
        "connection `shop`: `client_password` is missing",
        "add `client_password:`",
    );
    check_error(
        &connection("postgres://db/shop\" }, client_password: x, client_auth: scram"),
        "connection `shop`: `client_auth: scram` is not known",
        "known are `scram-sha-256`, `md5`, `password`",
    );
    check_error(
        &connection("redis://cache\" }, client_password: x, client_auth: md5"),
        "connection `shop`: redis has no `client_auth`",
        "remove `client_auth`",
    );
    check_error(
        &connection("postgres://db/shop\" }, pin: transaction"),
        "connection `shop`: `pin: transaction` is not known",
        "write `pin: snapshot`, or remove the key",
    );
}

#[test]
fn a_certificate_has_its_key_beside_it_and_switches_tls_on() {
    let entry = |rest: &str| format!("version: 1\nconnections:\n  shop: {{ prod: {{ url: \"postgres://db/shop\" }}, {rest} }}\n");
    let connection = only(&entry("tls_cert: lane.crt, tls_key: /etc/lane.key"));
    let certificate = connection.certificate.unwrap();
    assert_eq!(
        (certificate.cert, certificate.key, connection.tls),
        ("/project/lane.crt".into(), "/etc/lane.key".into(), Some(true))
    );
    check_error(
        &entry("tls_cert: lane.crt"),
        "connection `shop`: `tls_key` is missing",
        "add `tls_key:`",
    );
    check_error(
        "version: 1\nconnections:\n  shop: { engine: sqlite, tls_cert: a, tls_key: b }\n",
        "connection `shop`: sqlite has no `tls_cert`",
        "remove `tls_cert`",
    );
}

#[test]
fn a_syntax_error_has_a_position() {
    let error = parse("version: 1\nconnections:\n  shop: [\n").unwrap_err();
    assert!(matches!(error, ConfigError::Syntax { line: 3.., .. }), "{error:?}");
    let error = parse("connections:\n  shop:\n    engine: sqlite\n    foreign_keys: maybe\n").unwrap_err();
    assert!(matches!(error, ConfigError::Syntax { line: 4, column: 19, .. }), "{error:?}");
    assert!(!error.to_string().contains('\n'), "one line: {error}");
}

#[test]
fn selection_by_name_engine_or_being_the_only_one() {
    let yaml = parse("connections: { a: { engine: sqlite }, b: { engine: sqlite }, c: { engine: duckdb } }").unwrap();
    assert_eq!(yaml.select(Some("a"), None).unwrap().name, "a");
    assert!(matches!(yaml.select(None, None), Err(ConfigError::Ambiguous { names }) if names == ["a", "b", "c"]));
    assert!(matches!(yaml.select(None, Some(Engine::Sqlite)), Err(ConfigError::Ambiguous { names }) if names == ["a", "b"]));
    assert!(matches!(
        yaml.select(None, Some(Engine::DuckDb)),
        Err(ConfigError::Unsupported { .. })
    ));
    assert!(matches!(
        yaml.select(None, Some(Engine::MySql)),
        Err(ConfigError::NoConnectionOfEngine { .. })
    ));
    assert!(matches!(yaml.select(Some("d"), None), Err(ConfigError::UnknownConnection { .. })));
    assert!(matches!(
        parse("").unwrap().select(None, None),
        Err(ConfigError::NoConnections { .. })
    ));
}

#[test]
fn a_test_is_given_what_it_names_then_its_runs_then_its_packages_connection() {
    let yaml = parse("connections: { shop: { engine: sqlite }, copy: { engine: sqlite }, cache: { engine: redis } }").unwrap();
    let by_package = Wanted {
        package: Some("shop"),
        ..Wanted::default()
    };
    let by_run = Wanted {
        of_run: Some("copy"),
        ..by_package
    };
    let by_name = Wanted {
        name: Some("shop"),
        ..by_run
    };
    let select = |wanted| yaml.select_for_test(wanted).map(|connection| connection.name.as_str());
    assert_eq!(select(by_name).unwrap(), "shop");
    assert_eq!(select(by_run).unwrap(), "copy");
    assert_eq!(select(by_package).unwrap(), "shop");
    assert!(matches!(select(Wanted::default()), Err(ConfigError::Ambiguous { .. })));
    assert!(matches!(
        select(Wanted {
            package: Some("copycat"),
            ..Wanted::default()
        }),
        Err(ConfigError::Ambiguous { .. })
    ));

    // A connection of another engine than the argument's type demands is passed over; one that is not there is an error.
    let typed = Wanted {
        engine: Some(Engine::Sqlite),
        of_run: Some("cache"),
        ..by_package
    };
    assert_eq!(select(typed).unwrap(), "shop");
    assert!(matches!(
        select(Wanted {
            of_run: Some("shop_pg"),
            ..by_package
        }),
        Err(ConfigError::UnknownConnection { .. })
    ));
}

#[test]
fn passwords_are_redacted() {
    assert_eq!(redact("postgres://u:p@h/d"), "postgres://u:***@h/d");
    assert_eq!(
        redact("postgres://u:p@x@h:1/d?password=q&a=b"),
        "postgres://u:***@h:1/d?password=***&a=b"
    );
    assert_eq!(redact("redis://:secret@h"), "redis://:***@h");
    assert_eq!(redact("sqlite:app.db"), "sqlite:app.db");
}

#[test]
fn nearest_is_for_typing_errors_only() {
    assert_eq!(nearest("lnaes", ["lanes", "keep"]), Some("lanes"));
    assert_eq!(nearest("Lanes", ["lanes"]), Some("lanes"));
    assert_eq!(nearest("zebra", ["lanes", "keep"]), None);
    assert_eq!(nearest("", ["lanes"]), None);
}

#[test]
fn the_file_is_found_in_the_folders_above() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("a/b");
    fs::create_dir_all(&inner).unwrap();
    fs::write(folder.path().join("mori.yaml"), "").unwrap();
    assert_eq!(MoriYaml::find(&inner).unwrap(), folder.path().join("mori.yaml"));
    fs::remove_file(folder.path().join("mori.yaml")).unwrap();
    let Err(ConfigError::NotFound { searched }) = MoriYaml::find(&inner) else {
        panic!("found nothing")
    };
    assert_eq!(&searched[..3], [inner.as_path(), inner.parent().unwrap(), folder.path()]);
}

fn new_connection(name: &str, url: &str) -> NewConnection {
    NewConnection {
        name: name.to_owned(),
        url: Some(url.to_owned()),
        engine: None,
        image: None,
    }
}

#[test]
fn a_new_file_is_readable_by_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mori.yaml");
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let mut yaml = MoriYaml::empty(path.clone());
    yaml.add(new_connection("app", "sqlite:app.db")).unwrap();
    yaml.save().unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "version: 1\nconnections:\n  app:\n    engine: sqlite\n    prod:\n      url: sqlite:app.db\n"
    );
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(MoriYaml::load(&path).unwrap().connections(), yaml.connections());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

const COMMENTED: &str = "# ours\nversion: 1\nconnections:\n    # the shop\n    shop:\n        engine: sqlite # file below\n\n    other:\n        \
                         engine: redis\n# the end\n";

#[test]
fn adding_and_removing_keep_comments() {
    let mut yaml = parse(COMMENTED).unwrap();
    yaml.add(new_connection("new", "sqlite:new.db")).unwrap();
    let expected = COMMENTED.replace(
        "# the end\n",
        "    new:\n      engine: sqlite\n      prod:\n        url: sqlite:new.db\n# the end\n",
    );
    assert_eq!(yaml.text(), expected);
    yaml.remove("new").unwrap();
    assert_eq!(yaml.text(), COMMENTED);
}

#[test]
fn a_layout_that_cannot_be_edited_is_written_anew() {
    let mut yaml = parse("{ version: 1, connections: { shop: { engine: sqlite, path: a.db } } }").unwrap();
    yaml.add(new_connection("new", "sqlite:new.db")).unwrap();
    assert_eq!(
        yaml.connections()
            .iter()
            .map(|connection| connection.name.as_str())
            .collect::<Vec<_>>(),
        ["new", "shop"]
    );
    yaml.remove("shop").unwrap();
    yaml.remove("new").unwrap();
    assert!(yaml.connections().is_empty());
}

#[test]
fn a_name_that_is_taken_is_an_error() {
    let mut yaml = parse(COMMENTED).unwrap();
    assert!(matches!(
        yaml.add(new_connection("shop", "sqlite:x.db")),
        Err(ConfigError::Duplicate { .. })
    ));
    assert!(matches!(yaml.remove("nobody"), Err(ConfigError::UnknownConnection { .. })));
}
