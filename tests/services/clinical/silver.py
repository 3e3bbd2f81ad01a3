# SPDX-License-Identifier: MIT
"""What silver holds against what the bronze files say; both as rows by file name.

Read with the stock DuckDB library (Parquet) or Python alone (JSON lines); expected rows come from
tools/oracle/clinical.py, which knows neither Firesteel nor DuckDB.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent.parent
sys.path.insert(0, str(ROOT / "tools" / "oracle"))
sys.path.insert(0, str(ROOT / "tests" / "services"))
import clinical  # noqa: E402
import duckdb_client  # noqa: E402

SINKS = ("silver_vitals", "silver_labs", "silver_medications", "silver_adverse_events")
EXTENSION = {"parquet": ".snappy.parquet", "json": ".json"}
Files = dict[str, Counter]


def read_file(path: Path) -> list[dict]:
    """The rows of one file, or of several that a pattern names; times as times."""
    if path.suffix == ".json":
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    else:
        rows = duckdb_client.rows(f"SELECT * FROM read_parquet('{path}', hive_partitioning = false)")
    for row in rows:
        for name, value in row.items():
            if name.endswith("timestamp") and value is not None:
                text = value.replace(" ", "T").removesuffix("Z").removesuffix("+00")
                row[name] = datetime.fromisoformat(text + "+00:00")
    return rows


def as_text(row: dict) -> tuple:
    return tuple((name, clinical.text(row[name])) for name in sorted(row) if name not in ("processed_at", "date"))


def found(root: Path) -> Files:
    """Rows by file below the folder of silver."""
    return {str(path.relative_to(root)): Counter(map(as_text, read_file(path))) for path in sorted(root.rglob("part-*"))}


def expected(bronze: Path, hours: list[str], form: str = "parquet") -> tuple[Files, Counter]:
    files: Files = {}
    figures: Counter = Counter()
    for topic in clinical.TOPICS:
        for hour in hours:
            rows, own = clinical.hour_rows(bronze, topic, hour)
            figures.update(own)
            for row in rows:
                name = f"{topic}/date={clinical.day(topic, row)}/part-{hour}{EXTENSION[form]}"
                files.setdefault(name, Counter())[as_text(row)] += 1
    return files, figures


def same(got: Files, want: Files, what: str) -> None:
    assert sorted(got) == sorted(want), f"{what}: files {sorted(got)} instead of {sorted(want)}"
    for name, rows in want.items():
        missing, more = rows - got[name], got[name] - rows
        assert not missing and not more, f"{what}: {name}: missing {list(missing)[:1]} surplus {list(more)[:1]}"


def adds_up(out: str, figures: Counter) -> None:
    """The block on stdout says these figures."""
    pairs = {"read": "records_read", "written": "records_written", "duplicates": "duplicates_removed",
             "invalid": "invalid_records", "out_of_range": "out_of_range_values"}  # fmt: skip
    for key, name in pairs.items():
        assert f"{name}: {figures[key]}\n" in out, (name, figures[key], out)
    assert figures["read"] == figures["written"] + figures["duplicates"] + figures["invalid"], figures
