//! What the outline of each statement of the corpus says.

use super::corpus::entries;
use mori_query::postgres::{Access, Outline, Syntax, outline, split};

/// The outline in a line: verb and operation, then what there is of relations, functions, effects and facts.
fn describe(outline: &Outline) -> String {
    let mut parts = vec![format!("{} {}", outline.verb, outline.operation.name())];
    for (access, word) in [(Access::Read, "reads"), (Access::Write, "writes")] {
        let names: Vec<String> = outline
            .relations
            .iter()
            .filter(|relation| relation.access == access)
            .map(|relation| relation.name.to_string())
            .collect();
        if !names.is_empty() {
            parts.push(format!("{word} {}", names.join(" ")));
        }
    }
    let functions: Vec<String> = outline.functions.iter().map(ToString::to_string).collect();
    if !functions.is_empty() {
        parts.push(format!("calls {}", functions.join(" ")));
    }
    let variant = |debug: String| debug.split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned();
    parts.extend(
        outline
            .session
            .as_ref()
            .map(|session| format!("session {}", variant(format!("{session:?}")))),
    );
    parts.extend(outline.transaction.as_ref().map(|transaction| variant(format!("{transaction:?}"))));
    let facts = [
        (outline.is_join, "join"),
        (outline.is_upsert, "upsert"),
        (outline.cluster_wide, "cluster"),
        (outline.may_run_dynamic_sql, "dynamic"),
        (outline.is_pure_read, "pure"),
    ];
    parts.extend(facts.iter().filter(|(holds, _)| *holds).map(|(_, fact)| (*fact).to_owned()));
    parts.join("; ")
}

#[test]
fn every_statement_is_outlined_as_the_corpus_says() {
    let entries = entries();
    assert!(entries.len() > 400);
    let wrong: Vec<String> = entries
        .iter()
        .filter_map(|entry| {
            let found = describe(&outline(entry.sql.as_bytes(), Syntax::default()));
            (found != entry.outline).then(|| format!("{}\n    {found}\nnot {}", entry.sql, entry.outline))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The server takes what is pure for what it is: nothing but a SELECT, SHOW, EXPLAIN, DECLARE or COPY is.
#[test]
fn only_reads_are_pure() {
    for entry in entries() {
        let outline = outline(entry.sql.as_bytes(), Syntax::default());
        let may_be = ["SELECT", "SHOW", "EXPLAIN", "DECLARE CURSOR", "COPY"].contains(&outline.verb.as_str());
        assert!(may_be || !outline.is_pure_read, "{}", entry.sql);
    }
}

/// In a script, every statement that has an end ends where it did alone.
#[test]
fn statements_are_found_again_in_a_script() {
    let whole: Vec<&str> = entries()
        .iter()
        .filter(|entry| !entry.is_rejected && !entry.is_otherwise && !entry.sql.contains(" -- "))
        .map(|entry| entry.sql)
        .collect();
    assert!(whole.len() > 400);
    let script = format!(" -- start\n;;{};\n", whole.join(" ;\n/* ; */ "));
    let found: Vec<&str> = split(script.as_bytes(), Syntax::default()).map(|span| &script[span]).collect();
    for (found, whole) in found.iter().zip(&whole) {
        assert_eq!(found, whole);
    }
    assert_eq!(found.len(), whole.len());
}
