-- What the delta is made of. The result sets are those that `state.rs` expects, in this order.

-- Row images with their counts.
-- A database without an encoding may hold bytes that are no text anywhere else: they travel as hexadecimal digits.
SELECT rel, n, CASE getdatabaseencoding() WHEN 'SQL_ASCII' THEN '\x' || encode(convert_to(image, 'SQL_ASCII'), 'hex') ELSE image END FROM pg_mori_net(NULL);
-- The tables they belong to.
SELECT * FROM pg_mori_columns();
-- The columns that those tables had at the seal.
SELECT rel, name, type, kind FROM pg_mori_shape WHERE rel IN (SELECT rel FROM pg_mori_log) ORDER BY rel, position
