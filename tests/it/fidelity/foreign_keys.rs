//! Foreign keys between rows of prod and rows of the lane: every action, in both directions, at once and deferred.

use super::twin::check;

fn setup(action: &str) -> String {
    format!(
        "CREATE TABLE authors(id INTEGER PRIMARY KEY, name TEXT UNIQUE);
         CREATE TABLE books(id INTEGER PRIMARY KEY, title TEXT, author INTEGER DEFAULT 9 REFERENCES authors(id) {action});
         INSERT INTO authors VALUES (1, 'ann'), (2, 'bob'), (9, 'nobody');
         INSERT INTO books VALUES (1, 'A', 1), (2, 'B', 1), (3, 'C', 2), (4, 'D', NULL);"
    )
}

const LOOK: &str = "SELECT * FROM books ORDER BY id";

#[test]
fn a_child_needs_its_parent() {
    let answer = check(
        &setup(""),
        &[
            "INSERT INTO books(title, author) VALUES ('E', 2)",
            "INSERT INTO books(title, author) VALUES ('F', 77)",
        ],
    );
    assert_eq!(answer.error(), "23503 FOREIGN KEY constraint failed (SQLite result code 787)");
}

#[test]
fn a_parent_of_the_lane_is_a_parent() {
    check(
        &setup(""),
        &[
            "INSERT INTO authors VALUES (77, 'cy')",
            "UPDATE books SET author = 77 WHERE id = 1",
            "DELETE FROM authors WHERE id = 77",
        ],
    );
}

#[test]
fn a_parent_deleted_in_the_lane_is_none() {
    let answer = check(
        &setup(""),
        &[
            "DELETE FROM books WHERE author = 2",
            "DELETE FROM authors WHERE id = 2",
            "INSERT INTO books(author) VALUES (2)",
        ],
    );
    assert_eq!(answer.sqlstate(), "23503");
}

#[test]
fn no_action_and_restrict() {
    assert_eq!(check(&setup(""), &["DELETE FROM authors WHERE id = 1"]).sqlstate(), "23503");
    assert_eq!(
        check(&setup("ON UPDATE RESTRICT"), &["UPDATE authors SET id = 5 WHERE id = 1"]).sqlstate(),
        "23503"
    );
    let answer = check(
        &setup("ON DELETE RESTRICT"),
        &["DELETE FROM authors WHERE id = 9", "DELETE FROM authors WHERE id = 1"],
    );
    assert_eq!(answer.error(), "23503 FOREIGN KEY constraint failed (SQLite result code 1811)");
}

#[test]
fn cascade() {
    check(&setup("ON DELETE CASCADE"), &["DELETE FROM authors WHERE id = 1", LOOK]);
    check(&setup("ON UPDATE CASCADE"), &["UPDATE authors SET id = id + 100", LOOK]);
}

#[test]
fn set_null_and_set_default() {
    check(&setup("ON DELETE SET NULL"), &["DELETE FROM authors WHERE id = 1", LOOK]);
    check(&setup("ON UPDATE SET NULL"), &["UPDATE authors SET id = 50 WHERE id = 2", LOOK]);
    check(&setup("ON DELETE SET DEFAULT"), &["DELETE FROM authors WHERE id = 1", LOOK]);
    assert_eq!(
        check(
            &setup("ON DELETE SET DEFAULT"),
            &["DELETE FROM authors WHERE id = 9", "DELETE FROM authors WHERE id = 1"]
        )
        .sqlstate(),
        "23503"
    );
}

#[test]
fn cascades_go_on_and_end_in_a_restriction() {
    let setup = "CREATE TABLE a(id INTEGER PRIMARY KEY);
                 CREATE TABLE b(id INTEGER PRIMARY KEY, a REFERENCES a ON DELETE CASCADE);
                 CREATE TABLE c(id INTEGER PRIMARY KEY, b REFERENCES b ON DELETE CASCADE, up REFERENCES c ON DELETE CASCADE);
                 INSERT INTO a VALUES (1), (2); INSERT INTO b VALUES (10, 1), (20, 2); INSERT INTO c VALUES (100, 10, NULL), (101, NULL, 100), (102, NULL, 101), (200, 20, NULL);";
    check(setup, &["DELETE FROM a WHERE id = 1", "SELECT * FROM b", "SELECT * FROM c"]);
    check(
        setup,
        &[
            "CREATE TABLE d(c REFERENCES c)",
            "INSERT INTO d VALUES (102)",
            "DELETE FROM a WHERE id = 1",
            "SELECT count(*) FROM c",
        ],
    );
}

#[test]
fn a_parent_key_of_several_columns() {
    let setup = "CREATE TABLE seats(hall TEXT, number INTEGER, PRIMARY KEY (hall, number));
                 CREATE TABLE tickets(id INTEGER PRIMARY KEY, hall TEXT, number INTEGER, FOREIGN KEY (hall, number) REFERENCES seats ON UPDATE CASCADE);
                 INSERT INTO seats VALUES ('A', 1), ('A', 2); INSERT INTO tickets VALUES (1, 'A', 1), (2, 'A', NULL);";
    check(
        setup,
        &[
            "UPDATE seats SET hall = 'B' WHERE number = 1",
            "SELECT * FROM tickets",
            "INSERT INTO tickets VALUES (3, 'A', 1)",
        ],
    );
}

#[test]
fn a_deferred_key_is_checked_at_commit_which_can_be_tried_again() {
    let setup = &setup("DEFERRABLE INITIALLY DEFERRED");
    check(
        setup,
        &[
            "BEGIN",
            "INSERT INTO books VALUES (5, 'E', 77)",
            "SELECT count(*) FROM books",
            "COMMIT",
            "INSERT INTO authors VALUES (77, 'late')",
            "COMMIT",
            LOOK,
        ],
    );
    assert_eq!(
        check(setup, &["BEGIN", "DELETE FROM authors WHERE id = 1", "COMMIT"]).sqlstate(),
        "23503"
    );
}

#[test]
fn keys_can_be_deferred_for_one_transaction() {
    check(
        &setup(""),
        &[
            "BEGIN",
            "PRAGMA defer_foreign_keys = ON",
            "DELETE FROM authors WHERE id = 1",
            "DELETE FROM books WHERE author = 1",
            "COMMIT",
            LOOK,
        ],
    );
}

#[test]
fn keys_can_be_switched_off() {
    check(
        &setup(""),
        &[
            "PRAGMA foreign_keys = OFF",
            "DELETE FROM authors",
            "PRAGMA foreign_key_check",
            "PRAGMA foreign_keys",
        ],
    );
}
