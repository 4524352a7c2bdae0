//! What is known of functions by their names alone.

use super::name::QualifiedName;
use std::collections::HashSet;
use std::sync::LazyLock;

/// Built-in functions that change nothing and run no text, one a line: those that each of PostgreSQL 15 to 18 has, and has as immutable
/// or stable, without the support functions of types, operators and indexes, and without those that assign a transaction id or run a
/// query; and the volatile ones that only look.
static HARMLESS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| include_str!("functions.txt").lines().collect());

/// Words that the grammar takes before a parenthesis, and that no function can be called by without quotes. Not TREAT, which calls the
/// function named like its type, nor the JSON words, which are plain names before PostgreSQL 17.
const GRAMMAR: [&str; 51] = [
    "between",
    "bigint",
    "bit",
    "boolean",
    "char",
    "character",
    "coalesce",
    "dec",
    "decimal",
    "exists",
    "extract",
    "float",
    "greatest",
    "grouping",
    "inout",
    "int",
    "integer",
    "interval",
    "least",
    "national",
    "nchar",
    "none",
    "normalize",
    "nullif",
    "numeric",
    "out",
    "overlay",
    "position",
    "precision",
    "real",
    "row",
    "setof",
    "smallint",
    "substring",
    "time",
    "timestamp",
    "trim",
    "values",
    "varchar",
    "xmlattributes",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlnamespaces",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    // Ordinary keywords, in no database a function that is called without quotes.
    "array",
    "cast",
];

/// Built-in functions and those of the usual extensions that run a text they are given, or read whole schemas.
const RUNS_TEXT: [&str; 26] = [
    "connectby",
    "crosstab",
    "crosstab2",
    "crosstab3",
    "crosstab4",
    "crosstabn",
    "cursor_to_xml",
    "cursor_to_xmlschema",
    "database_to_xml",
    "database_to_xml_and_xmlschema",
    "database_to_xmlschema",
    "dblink",
    "dblink_exec",
    "dblink_open",
    "dblink_send_query",
    "query_to_xml",
    "query_to_xml_and_xmlschema",
    "query_to_xmlschema",
    "schema_to_xml",
    "schema_to_xml_and_xmlschema",
    "schema_to_xmlschema",
    "table_to_xml",
    "table_to_xml_and_xmlschema",
    "ts_rewrite",
    "ts_stat",
    "xpath_table",
];

/// Built-in functions that look at relations that need not be named in the text.
const LOOKS_AROUND: [&str; 7] = [
    "pg_database_size",
    "pg_indexes_size",
    "pg_relation_size",
    "pg_table_size",
    "pg_tablespace_size",
    "pg_total_relation_size",
    "pg_relation_filepath",
];

/// Built-in functions whose effect lies outside of the database.
const SHARED: [&str; 30] = [
    "lo_export",
    "pg_backup_start",
    "pg_backup_stop",
    "pg_cancel_backend",
    "pg_copy_logical_replication_slot",
    "pg_copy_physical_replication_slot",
    "pg_create_logical_replication_slot",
    "pg_create_physical_replication_slot",
    "pg_create_restore_point",
    "pg_drop_replication_slot",
    "pg_file_rename",
    "pg_file_sync",
    "pg_file_unlink",
    "pg_file_write",
    "pg_logical_slot_get_binary_changes",
    "pg_logical_slot_get_changes",
    "pg_promote",
    "pg_reload_conf",
    "pg_replication_origin_advance",
    "pg_replication_origin_create",
    "pg_replication_origin_drop",
    "pg_replication_slot_advance",
    "pg_rotate_logfile",
    "pg_stat_reset_replication_slot",
    "pg_stat_reset_shared",
    "pg_stat_reset_slru",
    "pg_stat_reset_subscription_stats",
    "pg_switch_wal",
    "pg_sync_replication_slots",
    "pg_terminate_backend",
];

/// Calling it changes nothing, unless the database has a function of its own by that name.
pub(super) fn is_harmless(function: &QualifiedName) -> bool {
    is_built_in_place(function) && HARMLESS.contains(function.name.as_str())
}

/// A bare word in small letters that is grammar before a parenthesis.
pub(super) fn is_grammar(word: &str) -> bool {
    GRAMMAR.contains(&word)
}

/// In any schema: extensions may be anywhere.
pub(super) fn runs_text(name: &str) -> bool {
    RUNS_TEXT.contains(&name)
}

pub(super) fn looks_around(name: &str) -> bool {
    runs_text(name) || LOOKS_AROUND.contains(&name)
}

pub(super) fn is_shared(name: &str) -> bool {
    SHARED.contains(&name)
}

fn is_built_in_place(function: &QualifiedName) -> bool {
    function.schema.as_deref().is_none_or(|schema| schema == "pg_catalog")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_has_no_writers() {
        let names: Vec<&str> = include_str!("functions.txt").lines().collect();
        assert!(names.is_sorted() && names.len() > 600, "{}", names.len());
        for writer in [
            "nextval",
            "setval",
            "currval",
            "set_config",
            "pg_notify",
            "pg_advisory_lock",
            "pg_advisory_xact_lock",
            "pg_try_advisory_lock",
            "lo_create",
            "lo_get",
            "txid_current",
            "pg_current_xact_id",
            "pg_export_snapshot",
            "query_to_xml",
            "ts_stat",
            "ts_rewrite",
            "pg_terminate_backend",
            "pg_logical_emit_message",
            "pg_read_file",
            "setseed",
        ] {
            assert!(!names.contains(&writer), "{writer}");
        }
    }

    #[test]
    fn only_the_catalog_s_own_are_known() {
        let name = |schema: Option<&str>| QualifiedName {
            schema: schema.map(str::to_owned),
            name: "lower".to_owned(),
        };
        assert!(is_harmless(&name(None)) && is_harmless(&name(Some("pg_catalog"))));
        assert!(!is_harmless(&name(Some("public"))));
    }
}
