"""What tests of asyncpg do. Run as: asyncpg_client.py FUNCTION URL."""

import asyncio
import datetime
import sys
import uuid

import asyncpg

UTC = datetime.timezone.utc
ALL = "id, name, email, age, score, active, born, seen, made, photo, tags, token, balance"
ANN = (
    1, "Ann", "ann@example.com", 30, 0.5, True, datetime.date(1996, 2, 29), datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    datetime.datetime(2026, 1, 1), b"\x00\xff", '{"a": [1]}', uuid.UUID("00112233-4455-6677-8899-aabbccddeeff"), 12.5,
)


async def raises(error, awaitable):
    try:
        await awaitable
    except error as raised:
        return raised
    raise AssertionError(f"no {error.__name__}")


async def reads_every_type(url):
    conn = await asyncpg.connect(url)
    assert tuple(await conn.fetchrow(f"SELECT {ALL} FROM users WHERE id = $1", 1)) == ANN
    bob = await conn.fetchrow(f"SELECT {ALL} FROM users WHERE name = $1", "Bob")
    assert bob["score"] is None and bob["born"] is None and bob["photo"] is None and bob["balance"] == 3
    assert await conn.fetchval("SELECT sum(total) FROM orders") == 60.5
    assert await conn.fetchval("SELECT max(seen) FROM users") == ANN[7]
    await conn.close()


async def writes_every_type(url):
    moment = datetime.datetime(2026, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
    values = ("Cy", None, 2**40, 1e-7, False, datetime.date(2024, 2, 29), moment, moment.replace(tzinfo=None), b"\x01\x00", '[1, "ż"]', uuid.UUID(int=7), 1.25)
    columns = ALL.removeprefix("id, ")
    conn = await asyncpg.connect(url)
    marks = ", ".join(f"${number}" for number in range(1, 13))
    written = await conn.fetchrow(f"INSERT INTO users({columns}) VALUES ({marks}) RETURNING {columns}", *values)
    assert tuple(written) == values, written
    assert await conn.execute("UPDATE users SET email = $1 WHERE name = $2", "żółw@example.com", "Cy") == "UPDATE 1"
    assert await conn.execute("DELETE FROM users WHERE email = $1", "żółw@example.com") == "DELETE 1"
    await raises(asyncpg.DataError, conn.execute("UPDATE users SET age = $1", "not a number"))
    await conn.close()


async def transactions_and_savepoints(url):
    conn, other = await asyncpg.connect(url), await asyncpg.connect(url)
    async with conn.transaction(isolation="serializable"):
        await conn.execute("INSERT INTO users(name) VALUES ('Cy')")
        assert await other.fetchval("SELECT count(*) FROM users") == 2
        try:
            async with conn.transaction():
                await conn.execute("INSERT INTO users(name) VALUES ('Di')")
                await conn.execute("INSERT INTO users(id, name) VALUES (1, 'taken')")
        except asyncpg.UniqueViolationError:
            pass
        assert conn.is_in_transaction()
    assert [row["name"] for row in await other.fetch("SELECT name FROM users ORDER BY id")] == ["Ann", "Bob", "Cy"]
    transaction = conn.transaction()
    await transaction.start()
    await conn.execute("DELETE FROM orders")
    await transaction.rollback()
    assert await conn.fetchval("SELECT count(*) FROM orders") == 3
    await conn.close()
    await other.close()


async def a_read_only_transaction(url):
    conn = await asyncpg.connect(url)
    async with conn.transaction(readonly=True):
        await raises(asyncpg.ReadOnlySQLTransactionError, conn.execute("DELETE FROM orders"))
    assert await conn.execute("DELETE FROM orders") == "DELETE 3"
    await conn.close()


async def prepared_statements(url):
    conn = await asyncpg.connect(url)
    statement = await conn.prepare("SELECT name, age FROM users WHERE id = $1")
    assert [parameter.name for parameter in statement.get_parameters()] == ["int8"]
    assert [(column.name, column.type.name) for column in statement.get_attributes()] == [("name", "text"), ("age", "int8")]
    assert [await statement.fetchval(id) for id in (1, 2, 1, 9)] == ["Ann", "Bob", "Ann", None]
    await conn.execute("ALTER TABLE users ADD COLUMN note TEXT")
    assert await statement.fetchval(2) == "Bob"
    assert await conn.fetchval("SELECT count(*) FROM users WHERE note IS NULL") == 2
    await conn.close()


async def errors_have_their_own_classes(url):
    conn = await asyncpg.connect(url)
    unique = await raises(asyncpg.UniqueViolationError, conn.execute("INSERT INTO users(name, email) VALUES ('x', $1)", "ann@example.com"))
    assert (unique.sqlstate, unique.table_name, unique.column_name) == ("23505", "users", "email")
    await raises(asyncpg.NotNullViolationError, conn.execute("INSERT INTO users(name) VALUES (NULL)"))
    await raises(asyncpg.CheckViolationError, conn.execute("UPDATE users SET age = 0"))
    await raises(asyncpg.ForeignKeyViolationError, conn.execute("DELETE FROM users WHERE id = 1"))
    await raises(asyncpg.UndefinedTableError, conn.fetch("SELECT * FROM absent"))
    await raises(asyncpg.UndefinedColumnError, conn.fetch("SELECT absent FROM users"))
    await raises(asyncpg.PostgresSyntaxError, conn.execute("SELEC 1"))
    assert await conn.fetchval("SELECT 1") == 1
    await conn.close()


async def cursors_fetch_in_pieces(url):
    conn = await asyncpg.connect(url)
    async with conn.transaction():
        cursor = await conn.cursor("SELECT id FROM orders WHERE id >= $1 ORDER BY id", 1)
        assert (await cursor.fetchrow())["id"] == 1
        await conn.execute("INSERT INTO users(name) VALUES ('between')")
        assert [row["id"] for row in await cursor.fetch(5)] == [2, 3]
        seen = [row["i"] async for row in conn.cursor("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT i FROM n", prefetch=7)]
        assert seen == list(range(1, 501))
    await conn.close()


async def many_rows_at_once(url):
    conn = await asyncpg.connect(url)
    await conn.executemany("INSERT INTO orders(user_id, total) VALUES ($1, $2)", [(1, number / 4) for number in range(500)])
    assert await conn.fetchval("SELECT sum(total) FROM orders WHERE id > 3") == sum(range(500)) / 4
    assert len(await conn.fetch("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) SELECT i, i * 0.5 FROM n")) == 50000
    await conn.close()


async def a_pool_resets_its_connections(url):
    async with asyncpg.create_pool(url, min_size=1, max_size=1) as pool:
        async with pool.acquire() as conn:
            await conn.execute("SET application_name = 'first'")
            await conn.execute("CREATE TEMP TABLE mine(a)")
            await conn.execute("BEGIN; DELETE FROM orders")
        async with pool.acquire() as conn:
            assert await conn.fetchval("SHOW application_name") == ""
            assert await conn.fetchval("SELECT count(*) FROM orders") == 3
        names = await asyncio.gather(*(pool.fetchval("SELECT name FROM users WHERE id = $1", number % 2 + 1) for number in range(20)))
        assert names == ["Ann", "Bob"] * 10


async def a_timeout_cancels_the_query(url):
    conn = await asyncpg.connect(url)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    await raises(asyncio.TimeoutError, conn.fetchval(endless, timeout=0.1))
    assert await conn.fetchval("SELECT 1") == 1
    await conn.close()


async def copy_is_refused(url):
    conn = await asyncpg.connect(url)
    await raises(asyncpg.FeatureNotSupportedError, conn.copy_records_to_table("users", records=[(9, "x")], columns=["id", "name"]))
    await raises(asyncpg.FeatureNotSupportedError, conn.copy_from_query("SELECT 1", output=lambda data: None))
    assert await conn.fetchval("SELECT count(*) FROM users") == 2
    await conn.close()


async def connections_see_what_others_commit(url):
    async with asyncpg.create_pool(url, min_size=4, max_size=4) as pool:
        await asyncio.gather(*(pool.execute("UPDATE users SET age = age + 1 WHERE id = 1") for _ in range(40)))
        assert await pool.fetchval("SELECT age FROM users WHERE id = 1") == 70


if __name__ == "__main__":
    asyncio.run(globals()[sys.argv[1]](sys.argv[2]))
