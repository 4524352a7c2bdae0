UPDATE pg_event_trigger t SET evtenabled = split_part(w.pair, '=', 2)::"char"
FROM unnest(string_to_array(current_setting('pg_mori.woken'), ' ')) AS w (pair) WHERE t.oid::text = split_part(w.pair, '=', 1);
SELECT pg_mori_seal();
COMMIT
