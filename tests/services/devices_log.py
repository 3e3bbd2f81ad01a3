#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does a lake hold exactly what a producer's log of the devices profile says? For Kafka to Parquet.

    tests/services/devices_log.py LOG LAKE LATE

LOG: JSON lines of `firesteel generate devices --to kafka://.. --log`; LAKE and LATE: folders of Parquet,
copied from S3. The rules are those of tools/oracle/devices.py (plain Python, nothing of Firesteel or
DuckDB); Parquet alone is read by DuckDB's library, called directly. Two things depend on how the
partitions' records met and are judged by what any meeting can give:

 - city, country and firmware are those of a group's first event: of the first one in some partition;
 - a row that the producer made late is in LATE or counted, never both and never neither; in LATE there
   is nothing else.

Each worker takes some of the devices, so that no two need to talk. Prints missing and extra; exit 1
unless all are 0.
"""
from __future__ import annotations

import json
import multiprocessing
import os
import re
import sys
import zlib
from collections import Counter
from typing import Any

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tools", "oracle"), os.path.join(ROOT, "tests", "services")]
import devices  # noqa: E402
import duckdb_client  # noqa: E402

DEVICE = re.compile(rb'device_id\\": \\"([^\\"]*)')
WORKERS = 2
Key = tuple[int, str, str]  # window, device, type
LateRow = tuple[int, str, int]  # event id, device, time


class Expected(devices.Expected):
    """Groups with their possible first events; late rows are given in advance by what LATE holds."""

    def __init__(self, late_found: Counter) -> None:
        super().__init__()
        self.late_left = late_found
        self.firsts: dict[Key, dict[int, tuple[int, tuple]]] = {}
        self.delayed: dict[LateRow, list[tuple]] = {}
        self.made_late: set[LateRow] = set()

    def add_logged(self, partition: int, offset: int, kind: str, payload: str) -> None:
        ledger = self.ledger
        ledger["rows_in"] += 1
        try:
            row = devices.decode(payload.encode("utf-8", "surrogateescape"))
        except devices.Bad:
            ledger["undecodable"] += 1
            return
        if devices.violates(row):
            ledger["rejected"] += 1
            return
        identity = (row[0], row[1], row[3])
        if kind == "late":
            self.made_late.add(identity)
        if identity in self.made_late or self.late_left[identity]:
            self.delayed.setdefault(identity, []).append((partition, offset, row))
            return
        self.count(partition, offset, row)

    def count(self, partition: int, offset: int, row: tuple) -> None:
        group = (row[3] // self.window_us * self.window_us, row[1], row[2])
        firsts = self.firsts.setdefault(group, {})
        if partition not in firsts or firsts[partition][0] > offset:
            firsts[partition] = (offset, row[7:10])
        key = (row[0], row[1])
        if key in self.seen:
            self.ledger["duplicate"] += 1
            return
        self.seen.add(key)
        self.ledger["counted"] += 1
        self.fold(row, group)

    def settle_late(self) -> int:
        """Copies of late rows that LATE does not hold are counted; how many LATE holds wrongly."""
        wrong = 0
        for identity, copies in self.delayed.items():
            held = self.late_left.pop(identity, 0)
            self.ledger["late"] += held
            if held > len(copies) or identity not in self.made_late:
                wrong += held
            for partition, offset, row in copies[held:]:
                self.count(partition, offset, row)
        return wrong + sum(self.late_left.values())


def has_parquet(folder: str) -> bool:
    return any(name.endswith(".parquet") for _, _, names in os.walk(folder) for name in names)


def lake_rows(folder: str) -> list[dict]:
    """The 16 columns; times in microseconds."""
    if not has_parquet(folder):
        return []
    times = ("window_start", "window_end", "last_event_time")
    columns = ", ".join(
        f"epoch_us({c}::TIMESTAMP) AS {c}" if c in times else c for c in devices.COLUMNS
    )
    source = f"read_parquet('{folder}/**/*.parquet', hive_partitioning = true, hive_types_autocast = false)"
    return duckdb_client.rows(f"SELECT {columns} FROM {source}")


def late_rows(folder: str) -> Counter:
    if not has_parquet(folder):
        return Counter()
    query = f"SELECT event_id, device_id, epoch_us(event_time) AS time FROM '{folder}/**/*.parquet'"
    return Counter((row["event_id"], row["device_id"], row["time"]) for row in duckdb_client.rows(query))


def worker_of(device: str | bytes) -> int:
    data = device.encode() if isinstance(device, str) else device
    return zlib.crc32(data) % WORKERS


def differs(wanted: list, firsts: dict[int, tuple[int, tuple]], got: dict) -> bool:
    values = [got[column] for column in devices.COLUMNS]
    plain = all(devices.same(w, g) for w, g in zip(wanted[:12] + wanted[15:], values[:12] + values[15:]))
    return not plain or tuple(values[12:15]) not in {first for _, first in firsts.values()}


def work(arguments: tuple[int, str, list[dict], Counter]) -> dict[str, Any]:
    me, log, found, late = arguments
    expected = Expected(late)
    with open(log, "rb") as file:
        for line in file:
            match = DEVICE.search(line)
            if (worker_of(match.group(1)) if match else 0) != me:
                continue
            record = json.loads(line.decode("utf-8", "surrogateescape"))  # payloads need not be UTF-8
            expected.add_logged(record["partition"], record["offset"], record["kind"], record["payload"])
    late_extra = expected.settle_late()
    left = {(row[0], row[2], row[3]): row for row in expected.rows()}
    groups, missing, extra, shown = len(left), 0, 0, []
    for got in found:
        key = (got["window_start"], got["device_id"], got["device_type"])
        wanted = left.pop(key, None)
        if wanted is None or differs(wanted, expected.firsts[key], got):
            extra += 1
            missing += wanted is not None
            shown.append(f"wanted {wanted}, got {got}")
    shown += [f"not there: {row}" for row in list(left.values())[:3]]
    return {
        "ledger": expected.ledger, "groups": groups, "missing": missing + len(left), "extra": extra,
        "late_extra": late_extra, "shown": shown[:3],
    }  # fmt: skip


def main(arguments: list[str]) -> int:
    if len(arguments) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    log, lake, late_folder = arguments
    rows, late = lake_rows(lake), late_rows(late_folder)
    jobs = []
    for me in range(WORKERS):
        mine = [row for row in rows if worker_of(row["device_id"]) == me]
        jobs.append((me, log, mine, Counter({k: n for k, n in late.items() if worker_of(k[1]) == me})))
    with multiprocessing.Pool(WORKERS) as pool:
        results = pool.map(work, jobs)
    total = Counter()
    ledger = Counter()
    for result in results:
        total.update({k: result[k] for k in ("groups", "missing", "extra", "late_extra")})
        ledger.update(result["ledger"])
        for text in result["shown"]:
            print(f"  {text}")
    print("by the producer's log: " + ", ".join(f"{n:,} {name}" for name, n in ledger.items()))
    print(f"device-minutes: {total['groups']:,} expected, {len(rows):,} found")
    print(f"late table: {late.total():,} rows, extra {total['late_extra']}")
    print(f"missing {total['missing']}, extra {total['extra']}")
    return 1 if total["missing"] or total["extra"] or total["late_extra"] or not total["groups"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
