# SPDX-License-Identifier: MIT
"""Tests of connector postgres that need no kill: types, words, tables, batch, source, TLS."""
from __future__ import annotations

import os
import subprocess

from postgres_case import HERE, Case, demand
from runner import binary

LINE = '{"id": 1}\n'
ONE_ROW = """
SET pipeline = 'postgres_test';
SET checkpoint = '${TEST_CHECKPOINT}';
CREATE SOURCE rows (id BIGINT) WITH (connector = 'files', path = '${TEST_FOLDER}/in*.jsonl');
"""
URL = "url = '${POSTGRES_TEST_URL}'"


def adopt(case: Case, pipeline: str) -> None:
    done = subprocess.run(
        [binary(), "state", "adopt", pipeline], env=case.variables(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
    )  # fmt: skip
    demand(done.returncode == 0, f"state adopt: exit {done.returncode}\n{done.stdout}")


def one_row(case: Case, sinks: str, input_text: str = LINE) -> str:
    with open(case.path("in.jsonl"), "w") as file:
        file.write(input_text)
    return case.pipeline(ONE_ROW + sinks)


# What DuckDB makes of the expression must be what PostgreSQL makes of the other one.
TYPES = [
    ("true", "boolean", "true"), ("NULL::BOOLEAN", "boolean", "NULL"),
    ("(-128)::TINYINT", "smallint", "-128"), ("32767::SMALLINT", "smallint", "32767"),
    ("(-2147483648)::INTEGER", "integer", "-2147483648"), ("9223372036854775807", "bigint", "9223372036854775807"),
    ("255::UTINYINT", "smallint", "255"), ("65535::USMALLINT", "integer", "65535"),
    ("4294967295::UINTEGER", "bigint", "4294967295"), ("18446744073709551615::UBIGINT", "numeric", "18446744073709551615"),
    ("170141183460469231731687303715884105727::HUGEINT", "numeric", "170141183460469231731687303715884105727"),
    ("7::BIGINT", "integer", "7"), ("7::INTEGER", "double precision", "7"), ("(-7)::BIGINT", "numeric(9,2)", "-7"),
    ("1.5::FLOAT", "real", "1.5"), ("1.1::FLOAT", "double precision", "1.1::real"), ("0.1::DOUBLE", "double precision", "0.1"),
    ("'nan'::DOUBLE", "double precision", "'NaN'"), ("'-inf'::DOUBLE", "double precision", "'-infinity'"),
    ("1234.5678::DECIMAL(18,4)", "numeric", "1234.5678"), ("(-0.05)::DECIMAL(3,2)", "numeric(10,3)", "-0.05"),
    ("12345678901234567890123456789.012345678::DECIMAL(38,9)", "numeric", "12345678901234567890123456789.012345678"),
    ("0::DECIMAL(5,5)", "numeric", "0.00000"), ("'grün ☃ 🎈'", "text", "'grün ☃ 🎈'"), ("''", "varchar(3)", "''"),
    ("'abc'", "char(5)", "'abc'"), ("repeat('x', 5000)", "text", "repeat('x', 5000)"),
    ("'{\"a\": [1, null]}'", "jsonb", "'{\"a\":[1,null]}'"), ("'{\"a\": 1}'", "json", "'{\"a\": 1}'"),
    ("to_json({'a': 1})", "jsonb", "'{\"a\":1}'"), ("'glad'", "mood", "'glad'"), ("'Ab'", "named", "'Ab'"),
    ("'\\x00\\xFF'::BLOB", "bytea", "'\\x00ff'"), ("DATE '1999-12-31'", "date", "'1999-12-31'"),
    ("DATE 'infinity'", "date", "'infinity'"), ("DATE '-infinity'", "date", "'-infinity'"),
    ("TIME '23:59:59.999999'", "time", "'23:59:59.999999'"),
    ("TIMESTAMP '1969-12-31 23:59:59.999999'", "timestamp", "'1969-12-31 23:59:59.999999'"),
    ("TIMESTAMP '2024-01-15 10:30:00'", "timestamptz", "'2024-01-15 10:30:00+00'"),
    ("TIMESTAMPTZ '2024-01-15 10:30:00+02'", "timestamptz", "'2024-01-15 10:30:00+02'"),
    ("TIMESTAMP 'infinity'", "timestamp", "'infinity'"), ("TIMESTAMP '-infinity'", "timestamptz", "'-infinity'"),
    ("INTERVAL '14 months 3 days 5 seconds'", "interval", "'14 months 3 days 5 seconds'"),
    ("'550e8400-e29b-41d4-a716-446655440000'::UUID", "uuid", "'550e8400-e29b-41d4-a716-446655440000'"),
    ("['a', NULL, 'ccc']", "text[]", "'{a,NULL,ccc}'"), ("[]::VARCHAR[]", "text[]", "'{}'"),
    ("NULL::VARCHAR[]", "text[]", "NULL"), ("[1, 2]::BIGINT[]", "integer[]", "'{1,2}'"),
    ("[1.5, NULL]::DECIMAL(9,2)[]", "numeric[]", "'{1.50,NULL}'"), ("[TIMESTAMP '2024-01-15 10:30:00']", "timestamp[]", "'{2024-01-15 10:30:00}'"),
    ("[true, false]", "boolean[]", "'{t,f}'"), ("['{}']", "jsonb[]", "ARRAY['{}'::jsonb]"),
    ("['glad']", "mood[]", "'{glad}'"),
]  # fmt: skip


def types(case: Case) -> None:
    """Every type, written by the sink, compared by the server with its own literal."""
    case.query("CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE DOMAIN named AS text CHECK (VALUE <> '')")
    columns = ", ".join(f"c{i} {server}" for i, (_, server, _) in enumerate(TYPES))
    case.query(f"CREATE TABLE typed (id INTEGER, {columns})")
    selects = ", ".join(f"{ours} AS c{i}" for i, (ours, _, _) in enumerate(TYPES))
    rows = 5000  # more than two chunks, and NULL everywhere in every second row
    nulls = ", ".join(f"CASE WHEN id % 2 = 0 THEN c{i} END AS c{i}" for i in range(len(TYPES)))
    pipeline = one_row(
        case,
        f"CREATE VIEW v AS SELECT id, {selects} FROM rows;\n"
        f"CREATE SINK typed WITH (connector = 'postgres', {URL}) AS SELECT id, {nulls} FROM v;\n",
        "".join(f'{{"id": {n}}}\n' for n in range(rows)),
    )
    case.good("--once", pipeline)
    checked = case.query(" UNION ALL ".join(
        f"SELECT {i}, count(*) FILTER (WHERE CASE WHEN id % 2 = 0 THEN c{i}::text IS DISTINCT FROM "
        f"({literal})::{server}::text ELSE c{i} IS NOT NULL END), left(coalesce(min(c{i}::text), 'NULL'), 80) FROM typed"
        for i, (_, server, literal) in enumerate(TYPES)
    ))  # fmt: skip
    for number, wrong, found in checked:
        ours, server, _ = TYPES[int(number)]
        demand(wrong == "0", f"{ours} into {server}: {wrong} rows differ, found {found}")
    demand(len(checked) == len(TYPES), "not all types were compared")
    demand(case.value("SELECT count(*) FROM typed") == str(rows), "not all rows")
    print(f"        {len(TYPES)} pairs of types")


# name: tables, sinks, input, expected exit. The words are in messages.expected.
SINK = f"CREATE SINK t WITH (connector = 'postgres', {URL}"
MESSAGES = [
    ("missing table", "", SINK + ", table = 'absent') AS SELECT id, [id] AS ids FROM rows;", LINE, 78),
    ("missing table with key", "", SINK + ", table = 'absent', key = 'id') AS SELECT id FROM rows;", LINE, 78),
    ("missing schema", "", SINK + ", table = 'nowhere.absent') AS SELECT id FROM rows;", LINE, 78),
    ("missing column", "CREATE TABLE t (id bigint, counted int)", SINK + ") AS SELECT id, id AS count FROM rows;", LINE, 78),
    ("wrong type", "CREATE TABLE t (id date)", SINK + ") AS SELECT id FROM rows;", LINE, 78),
    ("wrong array", "CREATE TABLE t (id text[])", SINK + ") AS SELECT [id] AS id FROM rows;", LINE, 78),
    ("struct", "CREATE TABLE t (id jsonb)", SINK + ") AS SELECT {'a': id} AS id FROM rows;", LINE, 78),
    ("unwritten column", "CREATE TABLE t (id bigint, must text NOT NULL)", SINK + ") AS SELECT id FROM rows;", LINE, 78),
    ("generated column", "CREATE TABLE t (a int, id bigint GENERATED ALWAYS AS (a) STORED)", SINK + ") AS SELECT id FROM rows;", LINE, 78),
    ("view", "CREATE VIEW t AS SELECT 1::bigint AS id", SINK + ") AS SELECT id FROM rows;", LINE, 78),
    ("no key column", "CREATE TABLE t (id bigint)", SINK + ", key = 'k') AS SELECT id FROM rows;", LINE, 78),
    ("upsert without key", "CREATE TABLE t (id bigint)", SINK + ", mode = 'upsert') AS SELECT id FROM rows;", LINE, 78),
    ("replace in a stream", "CREATE TABLE t (id bigint)", SINK + ", mode = 'replace') AS SELECT id FROM rows;", LINE, 78),
    ("wrong password", "CREATE TABLE t (id bigint)", SINK + ", password = 'geheim') AS SELECT id FROM rows;", LINE, 78),
    ("unknown user", "CREATE TABLE t (id bigint)", SINK + ", user = 'nobody', password = 'x') AS SELECT id FROM rows;", LINE, 78),
    ("unknown database", "", SINK + ", database = 'nowhere') AS SELECT id FROM rows;", LINE, 78),
    ("nobody listens", "", SINK + ", port = 1) AS SELECT id FROM rows;", LINE, 75),
    ("no such host", "", SINK + ", host = 'nowhere.invalid') AS SELECT id FROM rows;", LINE, 75),
    ("bad url", "", "CREATE SINK t WITH (connector = 'postgres', url = 'jdbc:postgresql://h/d?sslmod=x') AS SELECT id FROM rows;", LINE, 78),
    ("out of range", "CREATE TABLE t (id smallint)", SINK + ") AS SELECT id FROM rows;", LINE * 3000 + '{"id": 32768}\n', 1),
    ("zero byte", "CREATE TABLE t (id bigint, x text)", SINK + ") AS SELECT id, 'a' || chr(0) AS x FROM rows;", LINE, 1),
    ("bad json", "CREATE TABLE t (id bigint, x jsonb)", SINK + ") AS SELECT id, '{' AS x FROM rows;", LINE, 1),
    ("not null", "CREATE TABLE t (id bigint NOT NULL)", SINK + ") AS SELECT CASE WHEN id < 5 THEN id END AS id FROM rows;", LINE + '{"id": 7}\n', 1),
    ("not null by key", "CREATE TABLE t (id bigint, k int NOT NULL)", SINK + ", key = 'id') AS SELECT id, NULL::INTEGER AS k FROM rows;", LINE, 1),
    ("duplicate", "CREATE TABLE t (id bigint PRIMARY KEY)", SINK + ") AS SELECT id FROM rows;", LINE * 2, 1),
    ("too long", "CREATE TABLE t (id bigint, x varchar(2))", SINK + ") AS SELECT id, 'abc' AS x FROM rows;", LINE, 1),
    ("no right", "CREATE TABLE t (id bigint); REVOKE ALL ON t FROM PUBLIC, firesteel", SINK + ") AS SELECT id FROM rows;", LINE, 78),
]  # fmt: skip


def messages(case: Case) -> None:
    """One clear message each, with the exit code that says who must act; compared with messages.expected."""
    seen: list[str] = []
    port = case.url.rsplit("@", 1)[1].split("/")[0].split(":")[1]
    for name, table, sinks, text, expected in MESSAGES:
        case.query(f"DROP SCHEMA public CASCADE; CREATE SCHEMA public; {table}")
        subprocess.run(["rm", "-rf", case.path("checkpoint")], check=True)
        code, said = case.run("--once", one_row(case, sinks, text))
        demand(code == expected, f"{name}: exit {code}, not {expected}\n{said}")
        demand("geheim" not in said, f"{name}: shows the password")
        left = case.value("SELECT count(*) FROM t") if "CREATE TABLE t" in table and name != "no right" else "0"
        demand(left == "0", f"{name}: {left} rows were written")
        lines = [line for line in said.splitlines() if " INFO " not in line and " WARN " not in line]
        words = "\n".join(lines).replace(case.folder, "FOLDER").replace(f":{port}", ":PORT").replace(f"port {port}", "port PORT")
        seen.append(f"-- {name}: exit {code}\n{words}\n")
    path = os.path.join(HERE, "messages.expected")
    with open(case.path("messages.seen"), "w") as file:
        file.write("\n".join(seen))
    if os.environ.get("UPDATE"):
        subprocess.run(["cp", case.path("messages.seen"), path], check=True)
    done = subprocess.run(["diff", path, case.path("messages.seen")], text=True, capture_output=True)
    demand(done.returncode == 0, f"other words (UPDATE=1 takes them):\n{done.stdout}{done.stderr}")
    print(f"        {len(MESSAGES)} messages")


DDL = """CREATE TABLE IF NOT EXISTS summary (
    id SERIAL PRIMARY KEY,
    stream_id VARCHAR(255) NOT NULL,
    emotes TEXT[],
    is_anomaly BOOLEAN DEFAULT FALSE,
    processed_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX IF NOT EXISTS idx_summary ON summary(stream_id, id DESC);"""


def create_tables(case: Case) -> None:
    """--create-tables: the user's DDL with its defaults and index, or one made from the columns; again is harmless."""
    sinks = f"""
CREATE SINK summary WITH (connector = 'postgres', {URL}, ddl = '{DDL}') AS
  SELECT 's' || id AS stream_id, ['a', 'b'] AS emotes FROM rows;
CREATE SINK made WITH (connector = 'postgres', {URL}, key = 'id') AS
  SELECT id, 'x' AS txt, 1.5::DECIMAL(9,2) AS amount, [1] AS list, now()::TIMESTAMP AS at FROM rows;
"""
    pipeline = one_row(case, sinks)
    code, text = case.run("--once", pipeline)
    demand(code == 78 and DDL in text, f"without the flag: exit {code}\n{text}")
    case.good("--once", "--create-tables", pipeline)
    with open(case.path("in2.jsonl"), "w") as file:
        file.write('{"id": 2}\n')
    case.query("DROP INDEX idx_summary")
    case.good("--once", "--create-tables", pipeline)
    found = case.query("SELECT id, stream_id, emotes, is_anomaly, processed_at IS NOT NULL FROM summary ORDER BY id")
    demand(found == [["1", "s1", "{a,b}", "f", "t"], ["2", "s2", "{a,b}", "f", "t"]], str(found))
    indexes = case.value("SELECT count(*) FROM pg_indexes WHERE indexname = 'idx_summary' OR tablename = 'made'")
    demand(indexes == "2", f"{indexes} indexes")
    kinds = case.query("SELECT string_agg(data_type, ' ' ORDER BY ordinal_position) FROM information_schema.columns "
                       "WHERE table_name = 'made'")[0][0]  # fmt: skip
    demand(kinds == "bigint text numeric ARRAY timestamp without time zone", kinds)


def null_keys(case: Case) -> None:
    """Rows with a NULL in the key are equal to each other; the newest of a delivery wins."""
    case.query("CREATE TABLE t (a INTEGER, b TEXT, n BIGINT)")
    case.query("INSERT INTO t VALUES (NULL, 'x', -1), (1, NULL, -1), (1, 'x', -1), (2, 'x', -1), (NULL, NULL, -1)")
    sinks = f"""CREATE SINK t WITH (connector = 'postgres', {URL}, key = 'a, b') AS
  SELECT CASE WHEN id % 3 <> 0 THEN 1 END AS a, CASE WHEN id % 2 = 0 THEN 'x' END AS b, id AS n FROM rows;"""
    case.good("--once", one_row(case, sinks, "".join(f'{{"id": {n}}}\n' for n in range(12))))
    found = case.query("SELECT coalesce(a, 0), coalesce(b, '-'), n FROM t ORDER BY 1, 2, 3")
    demand(found == [["0", "-", "9"], ["0", "x", "6"], ["1", "-", "11"], ["1", "x", "10"], ["2", "x", "-1"]], str(found))


def batch(case: Case) -> None:
    """A batch run is there as a whole or not at all; replace replaces; append adds."""
    case.query("CREATE TABLE everything (id BIGINT); CREATE TABLE halves (id BIGINT UNIQUE); INSERT INTO everything VALUES (-1)")
    lines = "".join(f'{{"id": {n}}}\n' for n in range(5000))
    sinks = f"""
CREATE SINK everything WITH (connector = 'postgres', {URL}, mode = '${{MODE}}') AS SELECT id FROM rows;
CREATE SINK halves WITH (connector = 'postgres', {URL}, mode = '${{MODE}}') AS SELECT id FROM rows WHERE id % 2 = 0;
"""
    count = "SELECT count(*) || ' ' || (SELECT count(*) FROM halves) FROM everything"
    pipeline = one_row(case, sinks, lines + '{"id": 0}\n')
    code, text = case.run("--batch", pipeline, MODE="replace")
    demand(code == 1 and "halves" in text and "[23505]" in text, f"exit {code}\n{text}")
    demand(case.value(count) == "1 0", f"a failed run left rows: {case.value(count)}")
    one_row(case, sinks, lines)
    for _ in range(2):
        case.good("--batch", pipeline, MODE="replace")
        demand(case.value(count) == "5000 2500", case.value(count))
    code, text = case.run("--batch", pipeline, MODE="replace", FIRESTEEL_FAILPOINT="postgres.before_finish=kill")
    demand(code == -9 and case.value(count) == "5000 2500", f"killed: exit {code}, {case.value(count)}")
    one_row(case, sinks, '{"id": 5001}\n')
    case.good("--batch", pipeline, MODE="append")
    demand(case.value(count) == "5001 2500", case.value(count))
    one_row(case, sinks, "")
    case.good("--batch", pipeline, MODE="replace")
    demand(case.value(count) == "0 0", f"replace by nothing: {case.value(count)}")


def source(case: Case) -> None:
    """A table and a query read into files, every value as the server has it."""
    case.query(
        "CREATE TABLE people AS SELECT n::bigint AS id, 'name ' || n AS name, n / 7.0::float8 AS d, "
        "(n * 1.25)::numeric(12,2) AS amount, timestamp '2024-01-15 10:30' + n * interval '1 second' AS at, "
        "jsonb_build_object('city', 'c' || n % 10, 'tags', jsonb_build_array(n, 'x')) AS place, "
        "ARRAY['a', n::text] AS list, CASE WHEN n % 2 = 0 THEN n END AS even, n % 3 = 0 AS third, "
        "9223372036854775807 - n AS big, E'back\\\\slash\\ttab\\nline \"q\"' AS txt FROM generate_series(1, 20000) n"
    )
    pipeline = case.pipeline("""
SET checkpoint = '${TEST_CHECKPOINT}';
CREATE SOURCE people (id BIGINT, name VARCHAR, d DOUBLE, amount DECIMAL(12,2), at TIMESTAMP, list VARCHAR[],
  city VARCHAR FROM 'place.city', even INTEGER, third BOOLEAN, big BIGINT, txt VARCHAR
) WITH (connector = 'postgres', url = '${POSTGRES_TEST_URL}', table = 'people');
CREATE SOURCE few (id BIGINT, n INTEGER) WITH (connector = 'postgres', url = '${POSTGRES_TEST_URL}',
  query = 'SELECT id, 1 AS n FROM people WHERE id <= 10 -- a comment');
CREATE SINK out WITH (connector = 'files', path = '${TEST_FOLDER}/out', format = 'json') AS SELECT * FROM people;
CREATE SINK back WITH (connector = 'postgres', url = '${POSTGRES_TEST_URL}', create_tables = true) AS SELECT * FROM people;
CREATE SINK chosen WITH (connector = 'postgres', url = '${POSTGRES_TEST_URL}', create_tables = true) AS SELECT * FROM few;
""")
    case.good("--batch", pipeline)
    same = case.value(
        "SELECT count(*) FROM back JOIN people p USING (id, name, d, amount, at, third, big, txt, list) "
        "WHERE back.city = p.place ->> 'city' AND back.even IS NOT DISTINCT FROM p.even"
    )
    demand(same == "20000", f"{same} of 20000 rows came back as they were")
    demand(case.value("SELECT count(*) || ' ' || sum(id) FROM chosen") == "10 55", "the query's rows")
    code, text = case.run(pipeline)
    demand(code == 78 and "a table is read once" in text, f"as a stream: exit {code}\n{text}")
    case.query("DROP TABLE people")
    code, text = case.run("--batch", pipeline)
    demand(code == 78 and 'relation "people" does not exist' in text, f"no table: exit {code}\n{text}")


def tls(case: Case) -> None:
    """TLS by a libpq and by a JDBC url; an authority that is not known is refused."""
    case.query("CREATE TABLE t (id BIGINT)")
    authority = case.server.values["POSTGRES_CA_FILE"]
    place = case.url.rsplit("@", 1)[1]
    urls = {
        "libpq": f"{case.url}?sslmode=verify-full&sslrootcert={authority}",
        "jdbc": f"jdbc:postgresql://{place}?user=firesteel&password=firesteel&ssl=true&sslmode=require",
        "jdbc verify": f"jdbc:postgresql://{place}?user=firesteel&password=firesteel&ssl=true&sslrootcert={authority}",
    }
    case.query("CREATE TABLE seen (how text, ssl boolean)")
    case.query("CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen "
               "SELECT current_setting('application_name'), ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid(); "
               "RETURN NEW; END $$; CREATE TRIGGER note AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION note()")  # fmt: skip
    pipeline = one_row(case, f"CREATE SINK t WITH (connector = 'postgres', {URL}) AS SELECT id FROM rows;")
    for name, url in urls.items():
        subprocess.run(["rm", "-rf", case.path("checkpoint")], check=True)
        case.query("DROP TABLE IF EXISTS firesteel_progress; TRUNCATE seen")
        case.good("--once", pipeline, POSTGRES_TEST_URL=url)
        demand(case.query("SELECT * FROM seen") == [["firesteel postgres_test", "t"]], f"{name}: not by TLS")
    other = os.path.join(case.folder, "other.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=other", "-keyout",
                    other + ".key", "-out", other], check=True, capture_output=True)  # fmt: skip
    code, text = case.run("--once", pipeline, POSTGRES_TEST_URL=f"{case.url}?sslmode=verify-full&sslrootcert={other}")
    demand(code == 78 and "certificate verify failed" in text, f"unknown authority: exit {code}\n{text}")
