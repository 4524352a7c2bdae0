-- A schema of everything whose rows are hard to log or to put back.
CREATE EXTENSION IF NOT EXISTS citext;
CREATE EXTENSION IF NOT EXISTS hstore;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN tiny AS positive CHECK (VALUE < 1000);
CREATE TYPE pair AS (a int, "B b" text);
CREATE TYPE floats AS RANGE (subtype = float8);
CREATE COLLATION anycase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE SCHEMA "Other Schema";

CREATE TABLE types (
    id int PRIMARY KEY, ints int[], texts text[], jb jsonb, js json, mood mood, moods mood[], dom tiny, pair pair, pairs pair[],
    range int4range, ranges nummultirange, floats floats, bytes bytea, tz timestamptz, ts timestamp, day date, tod timetz, span interval, price money,
    num numeric, fixed numeric(12,4), f4 float4, f8 float8, yes bool, note text, padded char(5), short varchar(10), ci citext, hs hstore,
    bits bit varying, addr inet, uid uuid, place point, class regclass, letter "char", words tsvector, doc xml, tzs timestamptz[], box box, proc regprocedure);
CREATE TABLE ident (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED, gone text, z text DEFAULT 'z');
ALTER TABLE ident DROP COLUMN gone;
CREATE TABLE parent (id int PRIMARY KEY, name text);
CREATE TABLE child (id serial PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE, other int REFERENCES parent ON DELETE SET NULL ON UPDATE CASCADE);
CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree ON DELETE CASCADE ON UPDATE CASCADE, weight float8);
CREATE TABLE part (k int, region text, v text, at timestamptz DEFAULT '2026-01-01', PRIMARY KEY (k, region)) PARTITION BY LIST (region);
CREATE TABLE part_eu PARTITION OF part FOR VALUES IN ('eu');
CREATE TABLE part_us PARTITION OF part FOR VALUES IN ('us') PARTITION BY RANGE (k);
CREATE TABLE part_us_low (v text, extra int, region text NOT NULL, k int NOT NULL, at timestamptz);
ALTER TABLE part_us_low DROP COLUMN extra;
ALTER TABLE part_us ATTACH PARTITION part_us_low FOR VALUES FROM (MINVALUE) TO (50);
CREATE TABLE part_rest PARTITION OF part DEFAULT;
CREATE TABLE nokey (a int, b text);
CREATE TABLE "Other Schema"."Mixed ""Case" ("Id" bigint, "The Value" text, "order" text NOT NULL UNIQUE);
CREATE TABLE composite (a int, b text, c text, PRIMARY KEY (b, a));
CREATE TABLE keys_ci (k citext PRIMARY KEY, v int);
CREATE TABLE keys_num (k numeric PRIMARY KEY, v int);
CREATE TABLE keys_tz (k timestamptz PRIMARY KEY, v int);
CREATE TABLE keys_any (k text COLLATE anycase PRIMARY KEY, v int);
CREATE TABLE keys_float (k float8 PRIMARY KEY, v int);
CREATE TABLE keys_bytes (k bytea, e mood, r int4range, a int[], PRIMARY KEY (k, e, r, a));
CREATE TABLE swapped (id int PRIMARY KEY, u int UNIQUE, x int4range, EXCLUDE USING gist (x WITH &&));
CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY, v text);
CREATE TABLE base (id int PRIMARY KEY, v text);
CREATE TABLE derived (w text) INHERITS (base);
CREATE TABLE audit (n bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp(), what text);
CREATE TABLE secret (id int PRIMARY KEY, owner text);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
ALTER TABLE secret FORCE ROW LEVEL SECURITY;
CREATE POLICY none ON secret USING (false) WITH CHECK (id < 50);
CREATE TABLE empty_columns ();

-- A trigger that writes elsewhere, one that writes the same rows again, one that fires even in a replica and refuses, and a rule.
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.audit (what) VALUES (TG_OP || ' ' || coalesce(NEW::text, OLD::text)); RETURN NULL; END $$;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON parent FOR EACH ROW EXECUTE FUNCTION audit();
CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF pg_trigger_depth() < 3 THEN UPDATE public.tree SET weight = coalesce(weight, 0) + 1 WHERE id >= NEW.id; END IF; RETURN NULL; END $$;
CREATE TRIGGER a_again AFTER INSERT OR UPDATE OF weight ON tree FOR EACH ROW EXECUTE FUNCTION again();
CREATE TRIGGER z_again AFTER UPDATE OF weight ON tree FOR EACH ROW EXECUTE FUNCTION again();
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF current_setting('test.undo', true) = 'on' THEN RAISE 'refused'; END IF; RETURN coalesce(NEW, OLD); END $$;
CREATE TRIGGER refuse BEFORE INSERT OR DELETE ON composite FOR EACH ROW EXECUTE FUNCTION refuse();
ALTER TABLE composite ENABLE ALWAYS TRIGGER refuse;
CREATE RULE keep AS ON DELETE TO keys_num WHERE OLD.v = 7 DO INSTEAD NOTHING;
ALTER TABLE keys_num ENABLE ALWAYS RULE keep;

INSERT INTO types (id, ints, jb, ci, note, ts) SELECT g, ARRAY[g, NULL], '{"n": null}', 'Ci' || g, 'note ' || g, '2026-02-03' FROM generate_series(1, 10) g;
INSERT INTO ident (a) SELECT generate_series(1, 10);
INSERT INTO parent SELECT g, 'parent ' || g FROM generate_series(1, 10) g;
INSERT INTO child (parent, other) SELECT g % 10 + 1, g % 7 + 1 FROM generate_series(1, 30) g;
INSERT INTO tree SELECT g, nullif(g / 2, 0) FROM generate_series(1, 10) g;
INSERT INTO part SELECT g, (ARRAY['eu', 'us', 'xx'])[g % 3 + 1], 'v' || g FROM generate_series(1, 30) g;
INSERT INTO nokey SELECT g % 5, 'b' || g % 3 FROM generate_series(1, 40) g;
INSERT INTO "Other Schema"."Mixed ""Case" SELECT g, 'v', 'o' || g FROM generate_series(1, 10) g;
INSERT INTO composite SELECT g, 'b', 'c' FROM generate_series(1, 10) g;
INSERT INTO keys_ci SELECT 'Key' || g, g FROM generate_series(1, 10) g;
INSERT INTO keys_num SELECT g + 0.50, g FROM generate_series(1, 10) g;
INSERT INTO keys_tz SELECT timestamptz '2026-03-29 00:30+00' + g * interval '1 hour', g FROM generate_series(1, 10) g;
INSERT INTO keys_any SELECT 'key' || g, g FROM generate_series(1, 10) g;
INSERT INTO keys_float SELECT g / 3.0, g FROM generate_series(1, 10) g;
INSERT INTO keys_bytes SELECT '\x00ff', 'ok', int4range(g, g + 1), ARRAY[g] FROM generate_series(1, 10) g;
INSERT INTO swapped SELECT g, g, int4range(g, g + 1) FROM generate_series(1, 10) g;
INSERT INTO unlogged SELECT g, 'u' FROM generate_series(1, 10) g;
INSERT INTO base SELECT g, 'base' FROM generate_series(1, 5) g;
INSERT INTO derived SELECT g, 'derived', 'w' FROM generate_series(6, 10) g;
INSERT INTO secret SELECT g, 'me' FROM generate_series(1, 10) g;
CREATE ROLE owner LOGIN;
GRANT ALL ON SCHEMA public, "Other Schema" TO owner;
DO $$ DECLARE t regclass; BEGIN
    FOR t IN SELECT oid FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace IN ('public'::regnamespace, '"Other Schema"'::regnamespace) LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO owner', t);
    END LOOP;
END $$;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO owner;
