-- The net difference, and the way back.

-- Whether a transaction had ended when a TRUNCATE got its lock: the note of it, and the age of the note's xmin.
CREATE FUNCTION pg_catalog.pg_mori_had_ended(writer int8, seen txid_snapshot, running xid[], noted int4) RETURNS bool LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN running IS NULL THEN pg_catalog.txid_visible_in_snapshot(writer, seen)
        ELSE pg_catalog.age(pg_catalog.pg_mori_xid(writer)) > noted AND pg_catalog.pg_mori_xid(writer) <> ALL (running) END
$$;

-- The entries whose rows a TRUNCATE took unseen: of transactions that had ended when it got its lock, but that its snapshot does not show. Not those
-- before another TRUNCATE, which has taken their rows.
CREATE FUNCTION pg_catalog.pg_mori_unseen(mark txid_snapshot) RETURNS TABLE (rel oid, before text, after text) LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    -- cmin tells the order within a transaction.
    WITH note AS (SELECT *, age(xmin) AS noted, cmin::text::int8 AS place FROM pg_mori_truncated),
    blind AS (
        -- Behind the first one the table is new, and its own transaction's.
        SELECT DISTINCT ON (xid, rel) * FROM note
        WHERE running IS NOT NULL AND (mark IS NULL OR NOT txid_visible_in_snapshot(xid, mark)) ORDER BY xid, rel, place)
    SELECT l.rel, l.before, l.after FROM blind b JOIN pg_mori_log l ON l.rel = b.rel AND l.xid <> b.xid
    WHERE NOT txid_visible_in_snapshot(l.xid, b.seen) AND pg_mori_had_ended(l.xid, b.seen, b.running, b.noted)
        AND NOT EXISTS (
            SELECT FROM note n WHERE n.rel = b.rel AND n.xid <> b.xid AND pg_mori_had_ended(n.xid, b.seen, b.running, b.noted)
                AND CASE l.xid WHEN n.xid THEN l.cmin::text::int8 < n.place ELSE pg_mori_had_ended(l.xid, n.seen, n.running, n.noted) END)
$$;

-- Which row images there are more of than at the mark (n > 0), and less (n < 0). Images are summed up instead of followed in order: triggers of
-- one statement fire after those of the statements they cause, so the log has no usable order; the sums need none.
CREATE FUNCTION pg_catalog.pg_mori_net(mark txid_snapshot) RETURNS TABLE (rel oid, image text, n int8) LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT rel, image, sum(n)::int8 FROM (
        SELECT rel, before AS image, -1 AS n FROM pg_mori_log WHERE before IS NOT NULL AND (mark IS NULL OR NOT txid_visible_in_snapshot(xid, mark))
        UNION ALL
        SELECT rel, after, 1 FROM pg_mori_log WHERE after IS NOT NULL AND (mark IS NULL OR NOT txid_visible_in_snapshot(xid, mark))
        UNION ALL
        SELECT u.rel, i.image, i.n FROM pg_mori_unseen(mark) u, LATERAL (VALUES (u.before, 1), (u.after, -1)) i (image, n)
        WHERE i.image IS NOT NULL AND EXISTS (SELECT FROM pg_mori_truncated WHERE running IS NOT NULL)
    ) entry GROUP BY rel, image HAVING sum(n) <> 0;
END $$;

-- The unique index that tells a table's rows apart: the primary key, else one over columns that are not null.
CREATE FUNCTION pg_catalog.pg_mori_key(rel oid) RETURNS oid LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
BEGIN
    RETURN (SELECT i.indexrelid FROM pg_index i
    WHERE i.indrelid = rel AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
        AND NOT EXISTS (
            SELECT FROM generate_series(0, i.indnkeyatts - 1) k
            JOIN pg_attribute a ON a.attrelid = rel AND a.attnum = i.indkey[k]
            WHERE NOT a.attnotnull OR i.indcollation[k] <> a.attcollation)
    ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1);
END $$;

-- Takes away the rows whose images are given.
CREATE FUNCTION pg_catalog.pg_mori_take(rel oid, images text[], counts int8[]) RETURNS int8 LANGUAGE plpgsql SET search_path = pg_catalog AS $$
#variable_conflict use_variable
DECLARE
    key oid := pg_mori_key(rel);
    matches text;
    taken int8;
    wanted int8;
    pages int8;
    window_pages int8 := 32;
    first_page tid;
    found_rows text;
BEGIN
    IF key IS NOT NULL THEN
        SELECT string_agg(format('pg_mori_row.%I OPERATOR(%I.%s) (n.r).%1$I', a.attname, s.nspname, o.oprname), ' AND ') INTO matches
        -- OFFSET 0 keeps the planner to one lookup after the other.
        FROM pg_index i CROSS JOIN generate_series(0, i.indnkeyatts - 1) k
        CROSS JOIN LATERAL (SELECT attname FROM pg_attribute WHERE attrelid = rel AND attnum = i.indkey[k] OFFSET 0) a
        CROSS JOIN LATERAL (SELECT opcfamily, opcintype FROM pg_opclass WHERE oid = i.indclass[k] OFFSET 0) c
        CROSS JOIN LATERAL (SELECT amopopr FROM pg_amop
            WHERE amopfamily = c.opcfamily AND amoplefttype = c.opcintype AND amoprighttype = c.opcintype AND amopstrategy = 3 OFFSET 0) m
        CROSS JOIN LATERAL (SELECT oprname, oprnamespace FROM pg_operator WHERE oid = m.amopopr OFFSET 0) o
        JOIN pg_namespace s ON s.oid = o.oprnamespace
        WHERE i.indexrelid = key;
        -- One look into the index for each image: a join would make the images of all rows, if it took the table for a small one.
        EXECUTE format('DELETE FROM ONLY %1$s WHERE ctid = ANY (ARRAY('
            'SELECT hit.ctid FROM (SELECT image, image::%1$s AS r FROM unnest($1) image OFFSET 0) n,'
            ' LATERAL (SELECT pg_mori_row.ctid FROM ONLY %1$s AS pg_mori_row WHERE %2$s AND %3$s = n.image OFFSET 0) hit))',
            rel::regclass, matches, pg_mori_image(rel)) USING images;
        GET DIAGNOSTICS taken = ROW_COUNT;
        RETURN taken;
    END IF;
    -- Without a key any row that looks the same will do. New rows lie at the end, so the search starts there.
    wanted := (SELECT sum(c) FROM unnest(counts) c);
    pages := pg_relation_size(rel) / current_setting('block_size')::int8;
    LOOP
        first_page := format('(%s,0)', greatest(pages - window_pages, 0))::tid;
        found_rows := format('SELECT f.row_id FROM (SELECT row_id, image, row_number() OVER (PARTITION BY image ORDER BY row_id DESC) AS k'
            ' FROM (SELECT pg_mori_row.ctid AS row_id, %s AS image FROM ONLY %s AS pg_mori_row WHERE pg_mori_row.ctid >= $3 OFFSET 0) r'
            ' WHERE image = ANY ($1)) f JOIN unnest($1, $2) AS w (image, n) ON w.image = f.image WHERE f.k <= w.n', pg_mori_image(rel), rel::regclass);
        EXECUTE format('SELECT count(*) FROM (%s) f', found_rows) INTO taken USING images, counts, first_page;
        EXIT WHEN taken = wanted OR window_pages >= pages;
        window_pages := window_pages * 8;
    END LOOP;
    EXECUTE format('DELETE FROM ONLY %s WHERE ctid = ANY (ARRAY(%s))', rel::regclass, found_rows) USING images, counts, first_page;
    RETURN taken;
END $$;

-- Puts back the rows whose images are given.
CREATE FUNCTION pg_catalog.pg_mori_put(rel oid, images text[], counts int8[]) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
#variable_conflict use_variable
DECLARE
    names text;
    fields text;
BEGIN
    SELECT string_agg(format('%I', attname), ', ' ORDER BY attnum), string_agg(format('(n.r).%I', attname), ', ' ORDER BY attnum) INTO names, fields
    FROM pg_attribute WHERE attrelid = rel AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    EXECUTE format('INSERT INTO %s %s OVERRIDING SYSTEM VALUE SELECT %s FROM (SELECT image::%1$s AS r FROM unnest($1, $2) AS w (image, n),'
        ' generate_series(1, w.n) OFFSET 0) n', rel::regclass, '(' || names || ')', fields) USING images, counts;
END $$;

-- Puts the lane back to the mark, or to the seal. `outcome` is `undone`, or `coarse` with the reason, and then nothing has changed.
CREATE FUNCTION pg_catalog.pg_mori_undo(mark txid_snapshot, mark_seqs oid[], mark_values int8[], mark_called bool[])
RETURNS TABLE (outcome text, reason text, tables int8, rows int8, bloated text) LANGUAGE plpgsql
{settings}
SET session_replication_role = replica SET "pg_mori.undo" = 'on' SET lock_timeout = '10s' SET jit = off SET row_security = on
SET array_nulls = on SET xmloption = content SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_variable
DECLARE
    net record;
    seq record;
    taken int8;
    dead_rows int8;
    dirty oid[]; entries int8[];
    woken_triggers oid[]; woken_trigger_modes "char"[];
    woken_rules oid[]; woken_rule_modes "char"[];
BEGIN
    tables := 0; rows := 0; outcome := 'coarse';
    BEGIN
        -- The log is emptied at the end: what another session wrote into it meanwhile would go too, and its rows would stay. Writers wait.
        LOCK TABLE pg_mori_log IN SHARE ROW EXCLUSIVE MODE;
    EXCEPTION WHEN OTHERS THEN
        reason := SQLERRM;
        RETURN NEXT; RETURN;
    END;
    reason := pg_mori_coarse(mark);
    IF reason IS NOT NULL THEN
        RETURN NEXT; RETURN;
    END IF;
    BEGIN
        SELECT array_agg(l.rel), array_agg(l.entries) INTO dirty, entries FROM (
            -- A TRUNCATE that saw no row has taken some all the same, it may be.
            SELECT rel, count(*) AS entries FROM (SELECT xid, rel FROM pg_mori_log UNION ALL SELECT xid, rel FROM pg_mori_truncated) entry
            WHERE mark IS NULL OR NOT txid_visible_in_snapshot(xid, mark) GROUP BY rel) l;
        -- Triggers and rules of the client that fire even for replicas.
        SELECT array_agg(t.oid), array_agg(t.tgenabled) INTO woken_triggers, woken_trigger_modes FROM pg_trigger t
            WHERE t.tgrelid = ANY (dirty) AND t.tgenabled IN ('A', 'R') AND t.tgname NOT IN ('pg_mori_capture', '~pg_mori_truncate');
        SELECT array_agg(r.oid), array_agg(r.ev_enabled) INTO woken_rules, woken_rule_modes FROM pg_rewrite r
            WHERE r.ev_class = ANY (dirty) AND r.ev_enabled IN ('A', 'R');
        IF woken_triggers IS NOT NULL OR woken_rules IS NOT NULL THEN
            UPDATE pg_trigger SET tgenabled = 'D' WHERE oid = ANY (woken_triggers);
            UPDATE pg_rewrite SET ev_enabled = 'D' WHERE oid = ANY (woken_rules);
            UPDATE pg_class SET relhastriggers = true WHERE oid = ANY (dirty);
        END IF;
        FOR net IN
            SELECT n.rel, array_agg(n.image) FILTER (WHERE n.n > 0) AS gone, array_agg(n.n) FILTER (WHERE n.n > 0) AS gone_counts,
                array_agg(n.image) FILTER (WHERE n.n < 0) AS back, array_agg(-n.n) FILTER (WHERE n.n < 0) AS back_counts, sum(abs(n.n))::int8 AS rows
            FROM pg_mori_net(mark) n GROUP BY n.rel
        LOOP
            IF net.gone IS NOT NULL THEN
                taken := pg_mori_take(net.rel, net.gone, net.gone_counts);
                IF taken <> (SELECT sum(c) FROM unnest(net.gone_counts) c) THEN
                    RAISE EXCEPTION 'rows of % are not as they were logged', net.rel::regclass;
                END IF;
            END IF;
            IF net.back IS NOT NULL THEN
                PERFORM pg_mori_put(net.rel, net.back, net.back_counts);
            END IF;
            tables := tables + 1;
            rows := rows + net.rows;
        END LOOP;
        IF woken_triggers IS NOT NULL OR woken_rules IS NOT NULL THEN
            UPDATE pg_trigger t SET tgenabled = w.mode FROM unnest(woken_triggers, woken_trigger_modes) AS w (id, mode) WHERE t.oid = w.id;
            UPDATE pg_rewrite r SET ev_enabled = w.mode FROM unnest(woken_rules, woken_rule_modes) AS w (id, mode) WHERE r.oid = w.id;
            UPDATE pg_class SET relhastriggers = true WHERE oid = ANY (dirty);
        END IF;
        -- Dead row versions are counted, for nothing else will vacuum.
        FOR net IN
            SELECT d.rel, d.entries * 2 AS dead, c.reltuples AS live FROM unnest(dirty, entries) AS d (rel, entries) JOIN pg_class c ON c.oid = d.rel
        LOOP
            UPDATE pg_mori_churn c SET dead = c.dead + net.dead WHERE c.rel = net.rel RETURNING c.dead INTO dead_rows;
            IF NOT FOUND THEN
                INSERT INTO pg_mori_churn VALUES (net.rel, net.dead);
                dead_rows := net.dead;
            END IF;
            IF dead_rows > 1000 + 0.2 * greatest(net.live, 0) THEN
                UPDATE pg_mori_churn c SET dead = 0 WHERE c.rel = net.rel;
                bloated := concat_ws(', ', bloated, net.rel::regclass::text);
            END IF;
        END LOOP;
        IF pg_table_size('pg_mori_log') <= 512 * 1024 THEN
            DELETE FROM pg_mori_log l WHERE mark IS NULL OR NOT txid_visible_in_snapshot(l.xid, mark);
        ELSIF mark IS NULL THEN
            TRUNCATE pg_mori_log;
        ELSE
            DELETE FROM pg_mori_log l WHERE NOT txid_visible_in_snapshot(l.xid, mark);
            bloated := concat_ws(', ', bloated, 'pg_catalog.pg_mori_log');
        END IF;
        DELETE FROM pg_mori_truncated t WHERE mark IS NULL OR NOT txid_visible_in_snapshot(t.xid, mark);
        -- Last, for a failure would not take it back. The value of a sequence that nobody has called is not to be had without a query for each; setting it again is cheaper.
        FOR seq IN
            SELECT s.id, s.value, s.called, q.seqcache
            FROM (SELECT m.id, m.value, m.called FROM unnest(mark_seqs, mark_values, mark_called) AS m (id, value, called)
                UNION ALL SELECT s.seq, s.last_value, s.is_called FROM pg_mori_sequence s WHERE mark IS NULL) s
            JOIN pg_sequence q ON q.seqrelid = s.id
            WHERE NOT s.called OR s.value IS DISTINCT FROM pg_sequence_last_value(s.id)
        LOOP
            IF seq.seqcache > 1 AND pg_sequence_last_value(seq.id) IS NOT NULL THEN
                -- Gives the sequence a new file, at which sessions forget the values they have cached.
                EXECUTE format('ALTER SEQUENCE %s RESTART', seq.id::regclass);
            END IF;
            PERFORM setval(seq.id, seq.value, seq.called);
        END LOOP;
        outcome := 'undone';
    EXCEPTION WHEN OTHERS THEN
        reason := SQLERRM; tables := 0; rows := 0; bloated := NULL;
    END;
    RETURN NEXT;
END $$;

-- A relation's name as it is shown to people: that of a partition is its topmost root's, and the schema `public` goes without saying.
CREATE FUNCTION pg_catalog.pg_mori_shown(rel oid) RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT CASE n.nspname WHEN 'public' THEN c.relname::text ELSE n.nspname || '.' || c.relname END
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = coalesce(pg_partition_root(rel)::oid, rel)
$$;

-- The tables that have entries in the log, one row a column, in the order in which the columns are shown: a partition's rows are shown under its topmost
-- root, with the root's order. `field` is the column's place in the image, `place` that in the key. A function, for its plan is kept.
CREATE FUNCTION pg_catalog.pg_mori_columns() RETURNS TABLE (rel oid, shown text, name name, type text, kind "char", field int8, place int4)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH logged AS MATERIALIZED (
        SELECT d.rel, pg_mori_shown(d.rel) AS shown, coalesce(pg_partition_root(d.rel)::oid, d.rel) AS root, pg_mori_key(d.rel) AS key
        FROM (SELECT DISTINCT rel FROM pg_mori_log) d JOIN pg_class c ON c.oid = d.rel),
    present AS MATERIALIZED (
        SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) - 1 AS field
        FROM logged JOIN pg_attribute a ON a.attrelid = logged.rel AND a.attnum > 0 AND NOT a.attisdropped),
    kinds AS MATERIALIZED (SELECT t.atttypid, pg_mori_kind(t.atttypid) AS kind FROM (SELECT DISTINCT atttypid FROM present) t)
    SELECT l.rel, l.shown, a.attname, format_type(a.atttypid, a.atttypmod), kinds.kind, a.field, k.place
    FROM logged l
    LEFT JOIN (present a JOIN kinds ON kinds.atttypid = a.atttypid) ON a.attrelid = l.rel
    LEFT JOIN pg_attribute r ON r.attrelid = l.root AND r.attname = a.attname AND NOT r.attisdropped
    LEFT JOIN pg_index i ON i.indexrelid = l.key
    LEFT JOIN LATERAL (SELECT min(g) AS place FROM generate_series(0, i.indnkeyatts - 1) g WHERE i.indkey[g] = a.attnum) k ON true
    ORDER BY l.rel, coalesce(r.attnum, a.attnum);
END $$;
