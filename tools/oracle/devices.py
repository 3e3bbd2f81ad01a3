#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the devices pipeline must write, computed a second time and on purpose the plain way.

Reads JSON lines, applies the rules of pipelines/devices/README.md (decoding, constraints, dedup by
first arrival, one-minute windows) with nothing but the standard library, and compares with what
Firesteel wrote. Neither Firesteel nor DuckDB is used: an error they share must not hide itself.

    tools/oracle/devices.py 'in/*.jsonl' --output out --late out-late

Lateness depends on where triggers were cut, so the oracle does not compute it: a record that its
producer made surely late carries "kind": "late" (a field the pipeline ignores) and --late-field kind
makes the oracle expect it in the late table. Everything else must be surely on time.
Prints `missing N, extra N`; exit 1 unless both are 0.
"""
from __future__ import annotations

import argparse
import glob
import json
import math
import os
import re
import sys
import urllib.parse
from collections import Counter
from datetime import date
from typing import Any, Iterable, Iterator

EPOCH_DAY = date(1970, 1, 1).toordinal()
TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:(Z)|([+-])(\d\d)(?::?(\d\d))?)?\Z",
    re.ASCII,
)
WHITE = re.compile(r"[ \t\n\r]*")
COLUMNS = [
    "window_start", "window_end", "device_id", "device_type", "event_count", "avg_duration",
    "max_duration", "min_duration", "avg_battery_level", "min_battery_level", "avg_signal_strength",
    "min_signal_strength", "city", "country", "firmware_version", "last_event_time",
]  # fmt: skip


class Bad(Exception):
    """A record or a value that the decoder must refuse."""


def _refuse_constant(text: str) -> Any:
    raise Bad(text)


decoder = json.JSONDecoder(parse_constant=_refuse_constant)
days_of: dict[str, int] = {}


def parse_time(text: Any) -> int:
    """ISO-8601 text to microseconds UTC."""
    if not isinstance(text, str):
        raise Bad("event_time")
    match = TIME.match(text)
    if match is None:
        raise Bad("event_time")
    day, hour, minute, second, fraction, _, sign, off_hour, off_minute = match.groups()
    days = days_of.get(day)
    if days is None:
        try:
            days = date.fromisoformat(day).toordinal() - EPOCH_DAY
        except ValueError:
            raise Bad("event_time") from None
        days_of[day] = days
    h, m, s = int(hour), int(minute), int(second)
    if h > 23 or m > 59 or s > 59:
        raise Bad("event_time")
    micros = int((fraction + "000000")[:6]) if fraction else 0
    total = (days * 86400 + h * 3600 + m * 60 + s) * 1_000_000 + micros
    if sign:
        oh, om = int(off_hour), int(off_minute or 0)
        if oh > 23 or om > 59:
            raise Bad("event_time")
        offset = (oh * 3600 + om * 60) * 1_000_000
        total += -offset if sign == "+" else offset
    return total


def raw_member(text: str, keys: list[str]) -> str:
    """The source text of a member (the last of equal keys), for values that become VARCHAR."""
    at = WHITE.match(text, 0).end()
    found = ""
    at += 1  # {
    while True:
        at = WHITE.match(text, at).end()
        if text[at] == "}":
            break
        if text[at] == ",":
            at = WHITE.match(text, at + 1).end()
        key, at = json.decoder.scanstring(text, at + 1)
        at = WHITE.match(text, at).end() + 1  # :
        begin = WHITE.match(text, at).end()
        _, at = decoder.raw_decode(text, begin)
        if key == keys[0]:
            found = text[begin:at]
    return found if len(keys) == 1 else raw_member(found, keys[1:])


def as_text(value: Any, line: str, keys: list[str]) -> str | None:
    if value is None or type(value) is str:
        return value
    return raw_member(line, keys)


def as_int(value: Any, low: int, high: int) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not low <= value <= high:
        raise Bad("integer")
    return value


def as_double(value: Any) -> float | None:
    if value is None:
        return None
    kind = type(value)
    if kind is int:
        try:
            return float(value)
        except OverflowError:
            raise Bad("double") from None
    if kind is not float or not math.isfinite(value):
        raise Bad("double")
    return value


def has_lone_surrogate(text: str | None) -> bool:
    return text is not None and any("\ud800" <= c <= "\udfff" for c in text)


def decode(payload: bytes) -> tuple:
    """One payload to a row. Raises Bad when any field does not fit."""
    try:
        line = payload.decode("utf-8")
        record = decoder.decode(line)
    except (ValueError, RecursionError):
        raise Bad("not json") from None
    if type(record) is not dict:
        raise Bad("not an object")
    get = record.get
    place = get("location")
    meta = get("metadata")
    place = place if type(place) is dict else {}
    meta = meta if type(meta) is dict else {}
    time = get("event_time")
    row = (
        as_int(get("event_id"), -(2**63), 2**63 - 1),
        as_text(get("device_id"), line, ["device_id"]),
        as_text(get("device_type"), line, ["device_type"]),
        None if time is None else parse_time(time),
        as_double(get("event_duration")),
        as_double(place.get("latitude")),
        as_double(place.get("longitude")),
        as_text(place.get("city"), line, ["location", "city"]),
        as_text(place.get("country"), line, ["location", "country"]),
        as_text(meta.get("firmware_version"), line, ["metadata", "firmware_version"]),
        as_int(meta.get("battery_level"), -(2**31), 2**31 - 1),
        as_int(meta.get("signal_strength"), -(2**31), 2**31 - 1),
        record,
    )
    if b"\\u" in payload and any(has_lone_surrogate(row[i]) for i in (1, 2, 7, 8, 9)):
        raise Bad("lone surrogate")
    return row


def violates(row: tuple) -> bool:
    event_id, device, kind, time, duration, lat, lon, _, _, _, battery, signal, _ = row
    return (
        event_id is None
        or device is None
        or kind is None
        or time is None
        or duration is None
        or not 0 < duration < 100
        or battery is None
        or not 0 <= battery <= 100
        or signal is None
        or not -120 <= signal <= 0
        or lat is None
        or not -90 <= lat <= 90
        or lon is None
        or not -180 <= lon <= 180
    )


def lines_of(paths: Iterable[str]) -> Iterator[bytes]:
    """Records of JSON line files, in byte order of the path. An empty line is no record, and a byte
    order mark at the beginning of a file belongs to no record."""
    for path in sorted(paths, key=os.fsencode):
        with open(path, "rb") as file:
            if file.read(3) != b"\xef\xbb\xbf":
                file.seek(0)
            for line in file:
                if line not in (b"\n", b"\r\n", b"\r"):
                    yield line[:-1] if line.endswith(b"\n") else line


class Expected:
    """Groups, late rows and ledger of one undisturbed run."""

    def __init__(self, window_us: int = 60_000_000, late_field: str | None = None) -> None:
        self.window_us = window_us
        self.late_field = late_field
        self.groups: dict[tuple, list] = {}
        self.late: Counter = Counter()
        self.seen: set[tuple] = set()
        self.bad: Counter = Counter()  # payloads that must be in quarantine
        self.ledger = dict.fromkeys(
            ["rows_in", "undecodable", "rejected", "late", "duplicate", "counted"], 0
        )

    def add(self, payload: bytes) -> None:
        ledger = self.ledger
        ledger["rows_in"] += 1
        try:
            row = decode(payload)
        except Bad:
            ledger["undecodable"] += 1
            self.bad[payload] += 1
            return
        if violates(row):
            ledger["rejected"] += 1
            self.bad[payload] += 1
            return
        event_id, device, kind, time = row[:4]
        if self.late_field is not None and row[12].get(self.late_field) == "late":
            ledger["late"] += 1
            self.late[(event_id, device, time)] += 1
            return
        key = (event_id, device)
        if key in self.seen:
            ledger["duplicate"] += 1
            return
        self.seen.add(key)
        ledger["counted"] += 1
        self.fold(row, (time // self.window_us * self.window_us, device, kind))

    def fold(self, row: tuple, key: tuple) -> None:
        time, duration, battery, signal = row[3], row[4], row[10], row[11]
        group = self.groups.get(key)
        if group is None:
            self.groups[key] = [
                1, duration, duration, duration, battery, battery, signal, signal,
                row[7], row[8], row[9], time,
            ]  # fmt: skip
            return
        group[0] += 1
        group[1] += duration
        if duration > group[2]:
            group[2] = duration
        if duration < group[3]:
            group[3] = duration
        group[4] += battery
        if battery < group[5]:
            group[5] = battery
        group[6] += signal
        if signal < group[7]:
            group[7] = signal
        if time > group[11]:
            group[11] = time

    def rows(self) -> Iterator[list]:
        """The 16 output columns."""
        for (start, device, kind), g in self.groups.items():
            yield [
                start, start + self.window_us, device, kind, g[0], g[1] / g[0], g[2], g[3],
                g[4] / g[0], g[5], g[6] / g[0], g[7], g[8], g[9], g[10], g[11],
            ]  # fmt: skip


def partition_values(path: str, root: str) -> dict[str, str]:
    """name=value folders between root and the file, as Hive and Spark write them."""
    values = {}
    for part in os.path.relpath(path, root).split(os.sep)[:-1]:
        name, equals, value = part.partition("=")
        if equals:
            values[name] = urllib.parse.unquote(value)
    return values


def output_rows(folder: str) -> Iterator[dict]:
    """Rows of finished files below a folder: .json/.jsonl, or .parquet when pyarrow is there."""
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith((".", "_")))
        for name in sorted(names):
            path = os.path.join(base, name)
            if name.startswith((".", "_")):
                continue
            values = partition_values(path, folder)
            if name.endswith(".parquet"):
                import pyarrow.parquet  # only here: JSON output needs nothing

                for row in pyarrow.parquet.ParquetFile(path).read().to_pylist():
                    yield {**values, **row}
            elif name.endswith((".json", ".jsonl")):
                with open(path, encoding="utf-8") as file:
                    for line in file:
                        yield {**values, **json.loads(line)}
            else:
                raise SystemExit(f"oracle: {path}: neither JSON lines nor Parquet")


def output_time(value: Any) -> int | None:
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, str):
        return parse_time(value)
    seconds = (value.toordinal() - EPOCH_DAY) * 86400  # a datetime from pyarrow
    seconds += value.hour * 3600 + value.minute * 60 + value.second
    return seconds * 1_000_000 + value.microsecond


def same(wanted: Any, got: Any) -> bool:
    if isinstance(wanted, float):
        if not isinstance(got, (int, float)) or isinstance(got, bool):
            return False
        return math.isclose(wanted, got, rel_tol=1e-9, abs_tol=0.0)
    return type(wanted) is type(got) and wanted == got


def compare_groups(expected: Expected, folder: str, show: int = 5) -> tuple[int, int]:
    """(missing, extra); a wrong row is one of each."""
    left = {(row[0], row[2], row[3]): row for row in expected.rows()}
    extra = 0
    for got in output_rows(folder):
        if list(got) != COLUMNS and set(got) != set(COLUMNS):
            raise SystemExit(f"oracle: {folder}: columns {list(got)}, wanted {COLUMNS}")
        row = [got[name] for name in COLUMNS]
        for at in (0, 1, 15):
            row[at] = output_time(row[at])
        wanted = left.get((row[0], row[2], row[3]))
        if wanted is not None and all(map(same, wanted, row)):
            del left[(row[0], row[2], row[3])]
            continue
        extra += 1
        if extra <= show:
            print(f"extra   {row}\nwanted  {wanted}", file=sys.stderr)
    for row in list(left.values())[:show]:
        print(f"missing {row}", file=sys.stderr)
    return len(left), extra


def compare_late(expected: Expected, folder: str, show: int = 5) -> tuple[int, int]:
    got: Counter = Counter()
    if os.path.isdir(folder):
        for row in output_rows(folder):
            got[(row["event_id"], row["device_id"], output_time(row["event_time"]))] += 1
    missing, extra = expected.late - got, got - expected.late
    for word, rows in (("missing", missing), ("extra", extra)):
        for row in list(rows)[:show]:
            print(f"{word} late row {row}", file=sys.stderr)
    return sum(missing.values()), sum(extra.values())


def expect_files(patterns: Iterable[str], late_field: str | None = None) -> Expected:
    paths: set[str] = set()
    for pattern in patterns:
        paths.update(glob.glob(pattern))
    expected = Expected(late_field=late_field)
    for line in lines_of(paths):
        expected.add(line)
    return expected


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("inputs", nargs="+", help="JSON line files or patterns")
    parser.add_argument("--output", help="folder that device_minutes wrote")
    parser.add_argument("--late", help="folder that late_events wrote")
    parser.add_argument("--late-field", help="records whose field says 'late' are late")
    parser.add_argument("--write", help="write the expected rows here as JSON lines")
    options = parser.parse_args()
    expected = expect_files(options.inputs, options.late_field)
    print("ledger  " + ", ".join(f"{name} {count}" for name, count in expected.ledger.items()))
    if options.write:
        with open(options.write, "w", encoding="utf-8") as file:
            for row in expected.rows():
                file.write(json.dumps(dict(zip(COLUMNS, row)), ensure_ascii=False) + "\n")
    if not options.output:
        return 0
    missing, extra = compare_groups(expected, options.output)
    if options.late:
        late_missing, late_extra = compare_late(expected, options.late)
        missing, extra = missing + late_missing, extra + late_extra
    print(f"missing {missing}, extra {extra}")
    return 1 if missing or extra else 0


if __name__ == "__main__":
    sys.exit(main())
