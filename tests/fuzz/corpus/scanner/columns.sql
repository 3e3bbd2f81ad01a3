CREATE SOURCE s (
  a BIGINT,
  "b.c" VARCHAR,                        -- a name, not a path
  d INTEGER FROM 'meta.level',
  e STRUCT(x DOUBLE, y STRUCT(z VARCHAR)),
  f VARCHAR AS (e.y.z),                 -- a path: decoded, not computed
  g BIGINT AS (a + 1),                  -- computed
  h VARCHAR AS (a),                     -- needs a cast: computed
  i TIMESTAMP FORMAT 'unix_ms',
  j TIMESTAMP FROM 'times.seen' FORMAT 'unix_s',
  raw BLOB METADATA FROM 'value',
  file VARCHAR METADATA,
  line BIGINT METADATA
) WITH (connector = 'files', path = 'in/*.jsonl', on_error = 'drop', coerce = 'spark');
CREATE SINK out WITH (connector = 'console') AS SELECT * FROM s;
