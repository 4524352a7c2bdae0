//! What a database is, as text: two databases with the same text are the same to a client. It shares nothing with the code that makes images.

use postgres::{Client, SimpleQueryMessage};

/// Queries whose answers describe a database, without numbers of objects. The types that come with a range are left out: pg_dump leaves them to whoever
/// restores.
const CATALOGS: [(&str, &str); 20] = [
    ("database", "SELECT datname, pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype, datconnlimit, datacl,
        shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"),
    ("roles", "SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit,
        rolvaliduntil, shobj_description(oid, 'pg_authid') FROM pg_roles ORDER BY 1"),
    ("members", "SELECT roleid::regrole, member::regrole, admin_option FROM pg_auth_members ORDER BY 1::text, 2::text"),
    ("settings", "SELECT d.datname, r.rolname, s.setconfig FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = setdatabase
        LEFT JOIN pg_roles r ON r.oid = setrole ORDER BY 1, 2"),
    ("schemas", "SELECT nspname, pg_get_userbyid(nspowner), nspacl, obj_description(oid) FROM pg_namespace
        WHERE nspname !~ '^pg_(toast|temp)' ORDER BY 1"),
    ("extensions", "SELECT extname, extversion, extnamespace::regnamespace FROM pg_extension ORDER BY 1"),
    ("relations", "SELECT c.oid::regclass, relkind, relpersistence, pg_get_userbyid(relowner), relacl, reloptions, relrowsecurity, relforcerowsecurity,
        relreplident, relispartition, pg_get_expr(relpartbound, c.oid), pg_get_partkeydef(c.oid), obj_description(c.oid, 'pg_class')
        FROM pg_class c WHERE relnamespace::regnamespace::text !~ '^(pg_|information_schema)' ORDER BY 1::text"),
    ("columns", "SELECT attrelid::regclass, row_number() OVER (PARTITION BY attrelid ORDER BY attnum), attname, format_type(atttypid, atttypmod), attnotnull,
        attidentity, attgenerated, attcollation::regcollation, attstorage, attacl, pg_get_expr(adbin, adrelid), col_description(attrelid, attnum)
        FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attnum > 0 AND NOT attisdropped AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)' ORDER BY 1::text, 2"),
    ("constraints", "SELECT conrelid::regclass, conname, contype, convalidated, condeferrable, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace::regnamespace::text !~ '^(pg_|information_schema)' ORDER BY 1::text, 2"),
    ("indexes", "SELECT indexrelid::regclass, indisvalid, indisclustered, indisreplident, pg_get_indexdef(indexrelid) FROM pg_index
        WHERE indrelid >= 16384 AND indrelid::regclass::text !~ '^pg_' ORDER BY 1::text"),
    ("views", "SELECT c.oid::regclass, pg_get_viewdef(c.oid), relispopulated FROM pg_class c WHERE relkind IN ('v', 'm') AND c.oid >= 16384 ORDER BY 1::text"),
    ("rules", "SELECT pg_get_ruledef(oid), ev_enabled FROM pg_rewrite WHERE oid >= 16384 ORDER BY 1"),
    ("functions", "SELECT p.oid::regprocedure, pg_get_userbyid(proowner), proacl, prokind, CASE WHEN prokind <> 'a' THEN pg_get_functiondef(p.oid) END,
        obj_description(p.oid, 'pg_proc') FROM pg_proc p WHERE p.oid >= 16384 ORDER BY 1::text"),
    ("triggers", "SELECT tgenabled, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 2"),
    ("event triggers", "SELECT evtname, evtevent, evtenabled, evttags, evtfoid::regproc FROM pg_event_trigger ORDER BY 1"),
    ("policies", "SELECT * FROM pg_policies ORDER BY schemaname, tablename, policyname"),
    ("types", "SELECT t.oid::regtype, typtype, pg_get_userbyid(typowner), typacl, typnotnull, typdefault, typbasetype::regtype,
        (SELECT array_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid) FROM pg_type t
        WHERE t.oid >= 16384 AND typnamespace::regnamespace::text !~ '^pg_' AND t.oid::regtype::text !~ 'multirange' ORDER BY 1::text"),
    ("default privileges", "SELECT pg_get_userbyid(defaclrole), defaclnamespace::regnamespace, defaclobjtype, defaclacl FROM pg_default_acl ORDER BY 1, 2, 3"),
    ("sequences", "SELECT seqrelid::regclass, seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle FROM pg_sequence ORDER BY 1::text"),
    ("large objects", "SELECT oid, pg_get_userbyid(lomowner), lomacl, md5(lo_get(oid)), obj_description(oid, 'pg_largeobject') FROM pg_largeobject_metadata ORDER BY 1"),
];

/// One line for each row of each catalog, each row of each table, and each sequence's state.
pub(super) fn snapshot(client: &mut Client) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, query) in CATALOGS {
        lines.extend(rows(client, query).into_iter().map(|row| format!("{name}: {row}")));
    }
    let relations = rows(
        client,
        "SELECT c.oid::regclass FROM pg_class c WHERE relkind IN ('r', 'm', 'S') AND relispopulated AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
         ORDER BY 1::text",
    );
    for relation in relations {
        let query = match rows(client, &format!("SELECT relkind FROM pg_class WHERE oid = '{relation}'::regclass"))[0].as_str() {
            "S" => format!("SELECT last_value, is_called FROM {relation}"),
            _ => format!("SELECT x::text FROM {relation} x ORDER BY (x::text) COLLATE \"C\""),
        };
        lines.extend(rows(client, &query).into_iter().map(|row| format!("{relation}: {row}")));
    }
    lines
}

fn rows(client: &mut Client, query: &str) -> Vec<String> {
    let messages = client.simple_query(query).unwrap_or_else(|error| panic!("{query}: {error:?}"));
    let row = |message: &SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => {
            let values: Vec<&str> = (0..row.len()).map(|index| row.get(index).unwrap_or("NULL")).collect();
            Some(values.join(" | "))
        }
        _ => None,
    };
    messages.iter().filter_map(row).collect()
}

/// Compares line by line, so that a difference is told and not only that there is one.
#[track_caller]
pub(super) fn assert_same(prod: &[String], other: &[String]) {
    let only = |left: &[String], right: &[String]| left.iter().filter(|line| !right.contains(line)).cloned().collect::<Vec<_>>();
    let (missing, added) = (only(prod, other), only(other, prod));
    assert!(
        missing.is_empty() && added.is_empty(),
        "only in prod: {missing:#?}\nonly in the copy: {added:#?}"
    );
    assert_eq!(prod.len(), other.len());
}
