"""What tests of psycopg 3 do. Run as: psycopg_client.py FUNCTION URL."""

import datetime
import decimal
import sys
import threading
import uuid

import psycopg
from psycopg import errors
from psycopg.types.json import Json

UTC = datetime.timezone.utc
ALL = "id, name, email, age, score, active, born, seen, made, photo, tags, token, balance"
ANN = (
    1, "Ann", "ann@example.com", 30, 0.5, True, datetime.date(1996, 2, 29), datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    datetime.datetime(2026, 1, 1), b"\x00\xff", {"a": [1]}, uuid.UUID("00112233-4455-6677-8899-aabbccddeeff"), 12.5,
)


def raises(error, call, *arguments):
    try:
        call(*arguments)
    except error as raised:
        return raised
    raise AssertionError(f"no {error.__name__}")


def reads_every_type(url):
    with psycopg.connect(url) as conn:
        assert conn.execute(f"SELECT {ALL} FROM users WHERE id = %s", [1]).fetchone() == ANN
        bob = conn.execute(f"SELECT {ALL} FROM users WHERE id = 2").fetchone()
        assert bob[4] is None and bob[6:8] == (None, None) and bob[9:12] == (None, None, None)
        count, total, mean = conn.execute("SELECT count(*), sum(total), avg(total) FROM orders").fetchone()
        assert (count, total, mean) == (3, 60.5, 60.5 / 3)


def binary_results(url):
    with psycopg.connect(url) as conn:
        cursor = conn.cursor(binary=True)
        assert cursor.execute(f"SELECT {ALL} FROM users WHERE id = %b", [1]).fetchone() == ANN
        assert [column.type_code for column in cursor.description] == [20, 25, 25, 20, 701, 16, 1082, 1184, 1114, 17, 114, 2950, 701]


def writes_every_type(url):
    moment = datetime.datetime(2026, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
    values = ("Cy", None, 2**40, 1e-7, False, datetime.date(2024, 2, 29), moment, moment.replace(tzinfo=None), b"\x01\x00", Json([1, "ż"]), uuid.UUID(int=7), decimal.Decimal("1.25"))
    columns = ALL.removeprefix("id, ")
    with psycopg.connect(url) as conn:
        sql = f"INSERT INTO users({columns}) VALUES ({', '.join(['%s'] * 12)}) RETURNING {columns}"
        written = conn.execute(sql, values).fetchone()
        assert written == (*values[:9], [1, "ż"], values[10], 1.25), written
        conn.execute("UPDATE users SET email = %s, age = %s WHERE name = %s", ["żółw@example.com", 1, "Cy"])
        assert conn.execute("SELECT email FROM users WHERE age = %s", [1]).fetchall() == [("żółw@example.com",)]
        assert conn.execute("DELETE FROM users WHERE name = %s", ["Cy"]).rowcount == 1


def transactions_and_savepoints(url):
    with psycopg.connect(url) as conn, psycopg.connect(url, autocommit=True) as other:
        count = lambda: other.execute("SELECT count(*) FROM users").fetchone()[0]
        conn.execute("INSERT INTO users(name) VALUES ('Cy')")
        assert conn.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS and count() == 2
        conn.commit()
        assert count() == 3
        conn.execute("DELETE FROM orders")
        conn.rollback()
        with conn.transaction():
            conn.execute("INSERT INTO users(name) VALUES ('Di')")
            try:
                with conn.transaction():
                    conn.execute("INSERT INTO users(name) VALUES ('Eve')")
                    conn.execute("INSERT INTO users(id, name) VALUES (1, 'taken')")
            except errors.UniqueViolation:
                pass
        names = [row[0] for row in other.execute("SELECT name FROM users ORDER BY id")]
        assert names == ["Ann", "Bob", "Cy", "Di"], names
        assert other.execute("SELECT count(*) FROM orders").fetchone() == (3,)


def a_read_only_connection(url):
    with psycopg.connect(url) as conn:
        conn.read_only = True
        conn.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        raises(errors.ReadOnlySqlTransaction, conn.execute, "DELETE FROM orders")
        conn.rollback()
        conn.read_only = False
        assert conn.execute("DELETE FROM orders").rowcount == 3


def statements_are_prepared_and_reused(url):
    with psycopg.connect(url, autocommit=True) as conn:
        for number in range(20):
            name = conn.execute("SELECT name FROM users WHERE id = %s", [number % 2 + 1], prepare=True).fetchone()
            assert name == (("Ann", "Bob")[number % 2],)
        # Other types of parameters make other statements of the same text; after a change of schema they are made again.
        assert conn.execute("SELECT name FROM users WHERE id = %s", ["1"], prepare=True).fetchone() == ("Ann",)
        conn.execute("ALTER TABLE users ADD COLUMN note TEXT DEFAULT 'n'")
        assert conn.execute("SELECT name FROM users WHERE id = %s", [1], prepare=True).fetchone() == ("Ann",)
        conn.cursor().executemany("INSERT INTO orders(user_id, total) VALUES (%s, %s)", [(1, number / 4) for number in range(50)])
        assert conn.execute("SELECT count(*), sum(total) FROM orders WHERE id > 3").fetchone() == (50, 306.25)


def errors_have_their_own_classes(url):
    with psycopg.connect(url, autocommit=True) as conn:
        unique = raises(errors.UniqueViolation, conn.execute, "INSERT INTO users(name, email) VALUES ('x', 'ann@example.com')")
        assert (unique.diag.sqlstate, unique.diag.table_name, unique.diag.column_name) == ("23505", "users", "email")
        raises(errors.NotNullViolation, conn.execute, "INSERT INTO users(name) VALUES (NULL)")
        raises(errors.CheckViolation, conn.execute, "UPDATE users SET age = 0")
        raises(errors.ForeignKeyViolation, conn.execute, "DELETE FROM users WHERE id = 1")
        raises(errors.UndefinedTable, conn.execute, "SELECT * FROM absent")
        raises(errors.UndefinedColumn, conn.execute, "SELECT absent FROM users")
        syntax = raises(errors.SyntaxError, conn.execute, "SELEC 1")
        assert syntax.diag.statement_position == "1"
        raises(errors.InvalidTextRepresentation, conn.execute, "SELECT 1 FROM users WHERE id = %s", ["x"])
        raises(errors.NoActiveSqlTransaction, conn.execute, "COMMIT")


def an_error_leaves_the_transaction_usable(url):
    with psycopg.connect(url) as conn:
        conn.execute("INSERT INTO users(name) VALUES ('Cy')")
        raises(errors.UniqueViolation, conn.execute, "INSERT INTO users(id, name) VALUES (1, 'taken')")
        # As with SQLite itself, and unlike PostgreSQL.
        assert conn.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
        assert conn.execute("SELECT count(*) FROM users").fetchone() == (3,)


def many_rows_are_streamed(url):
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) SELECT i FROM n"
    with psycopg.connect(url) as conn:
        assert sum(row[0] for row in conn.cursor().stream(numbers)) == 50000 * 50001 // 2
        assert len(conn.execute(numbers).fetchall()) == 50000
        # Cursors that have a name are SQL's own, which SQLite does not have.
        named = raises(errors.FeatureNotSupported, conn.cursor(name="c").execute, numbers)
        assert "row limit" in named.diag.message_hint


def pipelines(url):
    with psycopg.connect(url, autocommit=True) as conn:
        with conn.pipeline():
            cursors = [conn.execute("SELECT name FROM users WHERE id = %s", [id]) for id in (1, 2, 1)]
            conn.execute("INSERT INTO users(name) VALUES ('Cy')")
        assert [cursor.fetchone()[0] for cursor in cursors] == ["Ann", "Bob", "Ann"]
        assert conn.execute("SELECT count(*) FROM users").fetchone() == (3,)


def a_cancelled_query(url):
    with psycopg.connect(url, autocommit=True) as conn:
        done = threading.Event()

        def cancel():
            while not done.wait(0.01):
                conn.cancel()

        thread = threading.Thread(target=cancel)
        thread.start()
        raises(errors.QueryCanceled, conn.execute, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
        done.set()
        thread.join()
        assert conn.execute("SELECT 1").fetchone() == (1,)


def copy_is_refused(url):
    with psycopg.connect(url, autocommit=True) as conn:
        def copy_in():
            with conn.cursor().copy("COPY users(name) FROM STDIN") as copy:
                copy.write_row(["x"])

        raises(errors.FeatureNotSupported, copy_in)
        raises(errors.FeatureNotSupported, conn.execute, "COPY users TO STDOUT")
        assert conn.execute("SELECT count(*) FROM users").fetchone() == (2,)


def what_the_connection_says_of_itself(url):
    with psycopg.connect(url, application_name="shop", options="-c search_path=x") as conn:
        assert conn.info.server_version == 150000 and conn.info.encoding == "utf-8"
        assert conn.info.parameter_status("TimeZone") == "UTC" and conn.info.dbname == "db"
        assert conn.execute("SHOW application_name").fetchone() == ("shop",)
        assert conn.execute("SHOW search_path").fetchone() == ("x",)
        assert conn.execute("SELECT version()").fetchone()[0].startswith("PostgreSQL 15")
        assert conn.execute("SELECT 1; SELECT 2").nextset()


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2])
