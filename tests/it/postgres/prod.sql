-- A prod with a table of every kind that behaves in its own way.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN percent AS integer CHECK (VALUE BETWEEN 0 AND 100);
CREATE TYPE address AS (street text, zip char(5));

CREATE TABLE users (
    id serial PRIMARY KEY,
    email text NOT NULL UNIQUE,
    name varchar(40),
    mood mood DEFAULT 'ok',
    score percent,
    born date,
    joined timestamptz NOT NULL DEFAULT '2026-01-02 03:04:05+00'
);
INSERT INTO users (email, name, mood, score, born)
SELECT 'user' || i || '@example.org', 'User ' || i, (ARRAY['sad', 'ok', 'happy'])[1 + i % 3]::mood, i * 7 % 101, date '1990-01-01' + i
FROM generate_series(1, 12) i;

CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id integer REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE,
    total numeric(10, 2) NOT NULL CHECK (total >= 0),
    note text,
    placed timestamp NOT NULL DEFAULT '2026-02-03 04:05:06'
);
CREATE INDEX orders_by_user ON orders (user_id);
INSERT INTO orders (user_id, total, note) SELECT 1 + i % 9, i * 3.25, CASE WHEN i % 4 = 0 THEN NULL ELSE 'note ' || i END FROM generate_series(1, 40) i;

CREATE TABLE items (
    order_id bigint REFERENCES orders ON DELETE CASCADE,
    line smallint,
    sku text NOT NULL,
    qty integer NOT NULL DEFAULT 1,
    PRIMARY KEY (order_id, line)
);
INSERT INTO items SELECT o, l, 'sku-' || (o * l % 13), l + o % 3 FROM generate_series(1, 40) o, generate_series(1, 3) l;

CREATE TABLE devices (
    id uuid PRIMARY KEY,
    owner integer REFERENCES users ON DELETE SET NULL,
    address inet,
    tags text[] DEFAULT '{}',
    data jsonb
);
INSERT INTO devices SELECT ('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid, i, ('10.0.0.' || i)::inet, ARRAY['t' || i, 'all'],
    jsonb_build_object('n', i, 'list', jsonb_build_array(i, i + 1)) FROM generate_series(1, 8) i;

CREATE TABLE notes (body text, at date);
INSERT INTO notes VALUES ('twice', '2026-01-01'), ('twice', '2026-01-01'), (NULL, NULL), ('once', '2026-01-02');

CREATE TABLE events (id bigserial, happened date NOT NULL, what text, PRIMARY KEY (id, happened)) PARTITION BY RANGE (happened);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE events_other PARTITION OF events DEFAULT;
INSERT INTO events (happened, what) SELECT date '2025-11-01' + i * 10, 'event ' || i FROM generate_series(1, 12) i;

CREATE TABLE audit (relation text, operation text, id text);
CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit VALUES (TG_TABLE_NAME, TG_OP, coalesce(NEW.id, OLD.id)::text);
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER orders_audit AFTER INSERT OR UPDATE OR DELETE ON orders FOR EACH ROW EXECUTE FUNCTION note_change();

CREATE VIEW happy_users AS SELECT id, email, name, mood FROM users WHERE mood = 'happy' WITH CHECK OPTION;
CREATE MATERIALIZED VIEW totals AS SELECT user_id, sum(total) AS total, count(*) AS orders FROM orders GROUP BY user_id;
CREATE UNIQUE INDEX totals_by_user ON totals (user_id);
CREATE SEQUENCE tickets INCREMENT BY 5 MINVALUE 10 START 10 CACHE 1;
SELECT nextval('tickets');
ANALYZE;
