# SPDX-License-Identifier: MIT
"""What the sinks of the torture over Kafka hold, read without Firesteel, and the judgement on it.

Each output reads back as (rows of device_minutes, late rows); `judge` compares them with what
tests/services/devices_log.py computes from the producer's own log. Files and S3 are read by DuckDB's
library, Kafka by a read_committed consumer, PostgreSQL by psql.
"""
from __future__ import annotations

import base64
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tools", "oracle"), os.path.join(ROOT, "tests", "services")]
import devices  # noqa: E402
import devices_log  # noqa: E402
import duckdb_client  # noqa: E402
from kafka_client import Kafka  # noqa: E402
from s3_client import S3  # noqa: E402

TIMES = ("window_start", "window_end", "last_event_time")
BUCKET = "torture"


@dataclass
class Verdict:
    rows: int = 0  # expected in the sink, late ones too
    missing: int = 0
    extra: int = 0
    shown: str = ""


def json_rows(lines: list[bytes] | list[str]) -> list[dict]:
    rows = []
    for line in lines:
        row = json.loads(line)
        rows.append(row | {name: devices.output_time(row[name]) for name in TIMES if name in row})
    return rows


def json_late(lines: list[bytes] | list[str]) -> Counter:
    found: Counter = Counter()
    for line in lines:
        row = json.loads(line)
        found[(row["event_id"], row["device_id"], devices.output_time(row["event_time"]))] += 1
    return found


class Files:
    """Parquet in local folders."""

    name, servers = "files", ()

    def __init__(self, folder: str, values: dict[str, str], unique: str):
        self.folder, self.values, self.unique = folder, values, unique

    def prepare(self) -> None:
        pass

    def options(self) -> dict[str, str]:
        return {"device_minutes.path": self.folder + "/lake", "late_events.path": self.folder + "/late"}

    def read_minutes(self) -> list[dict]:
        return devices_log.lake_rows(self.folder + "/lake")

    def read_late(self) -> Counter:
        return devices_log.late_rows(self.folder + "/late")

    def read(self) -> tuple[list[dict], Counter]:
        return self.read_minutes(), self.read_late()


class OnS3(Files):
    """The environment's own mode: Parquet below a bucket, in Spark's folders."""

    name, servers = "s3", ("s3",)

    def store(self) -> S3:
        return S3(*(self.values[name] for name in ("S3_ENDPOINT", "S3_ACCESS_KEY", "S3_SECRET_KEY")))

    def prepare(self) -> None:
        self.store().create_bucket(BUCKET)

    def options(self) -> dict[str, str]:
        return {"device_minutes.path": f"s3://{BUCKET}/{self.unique}/lake",
                "late_events.path": f"s3://{BUCKET}/{self.unique}/late"}  # fmt: skip

    def copy(self, name: str) -> str:
        folder = f"{self.folder}/copy/{name}"
        shutil.rmtree(folder, ignore_errors=True)
        self.store().fetch(BUCKET, f"{self.unique}/{name}/", folder)
        return folder

    def read_minutes(self) -> list[dict]:
        return devices_log.lake_rows(self.copy("lake"))

    def read_late(self) -> Counter:
        return devices_log.late_rows(self.copy("late"))


class OnKafka(Files):
    """Two topics of the same broker, in one transaction with their progress."""

    name = "kafka"

    def topics(self) -> list[str]:
        return [f"{self.unique}-minutes", f"{self.unique}-late"]

    def prepare(self) -> None:
        with Kafka(self.values["KAFKA_BOOTSTRAP_SERVERS"]) as kafka:
            for topic, partitions in zip(self.topics(), (4, 1)):
                kafka.create_topic(topic, partitions)

    def options(self) -> dict[str, str]:
        options = {"device_minutes.key": "(device_id)"}
        for sink, topic in zip(("device_minutes", "late_events"), self.topics()):
            options[f"{sink}.connector"], options[f"{sink}.topic"] = "kafka", topic
            options[f"{sink}.bootstrap_servers"] = self.values["KAFKA_BOOTSTRAP_SERVERS"]
            options[f"{sink}.format"] = "json"
        return options

    def values_of(self, topic: str) -> list[bytes]:
        with Kafka(self.values["KAFKA_BOOTSTRAP_SERVERS"]) as kafka:
            return [record.value or b"" for record in kafka.consume(topic)]

    def read_minutes(self) -> list[dict]:
        return json_rows(self.values_of(self.topics()[0]))

    def read_late(self) -> Counter:
        return json_late(self.values_of(self.topics()[1]))


class OnPostgres(Files):
    """Two tables, in one transaction with their progress."""

    name, servers = "postgres", ("postgres",)

    def tables(self) -> list[str]:
        return [self.unique.replace("-", "_") + suffix for suffix in ("_minutes", "_late")]

    def options(self) -> dict[str, str]:
        options = {}
        for sink, table in zip(("device_minutes", "late_events"), self.tables()):
            options[f"{sink}.connector"], options[f"{sink}.table"] = "postgres", table
            options[f"{sink}.url"], options[f"{sink}.create_tables"] = self.values["POSTGRES_URL"], "true"
        return options

    def lines(self, table: str) -> list[str]:
        query = f"SELECT row_to_json(t) FROM {table} t"
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", query, self.values["POSTGRES_URL"]],
                              text=True, capture_output=True)  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"psql: {query}: {done.stderr}")
        return done.stdout.splitlines()

    def read_minutes(self) -> list[dict]:
        return json_rows(self.lines(self.tables()[0]))

    def read_late(self) -> Counter:
        return json_late(self.lines(self.tables()[1]))


OUTPUTS = {output.name: output for output in (Files, OnS3, OnKafka, OnPostgres)}


def judge(log: str, rows: list[dict], late: Counter) -> Verdict:
    """Nothing of Firesteel's takes part: the log holds what the broker acknowledged, rows what a reader sees."""
    jobs = []
    for me in range(devices_log.WORKERS):
        mine = [row for row in rows if devices_log.worker_of(row["device_id"]) == me]
        mine_late = Counter({key: n for key, n in late.items() if devices_log.worker_of(key[1]) == me})
        jobs.append((me, log, mine, mine_late))
    with multiprocessing.Pool(devices_log.WORKERS) as pool:
        results = pool.map(devices_log.work, jobs)
    verdict = Verdict(shown="\n".join(line for result in results for line in result["shown"]))
    for result in results:
        verdict.rows += result["groups"] + result["ledger"]["late"]
        verdict.missing += result["missing"]
        verdict.extra += result["extra"] + result["late_extra"]
    return verdict


def judge_quarantine(payloads: Counter, checkpoint: str) -> Verdict:
    """Each refused payload once: payloads are those that the oracle refuses."""
    source = f"{checkpoint}/quarantine/**/*.parquet"
    found: Counter = Counter()
    if devices_log.has_parquet(checkpoint + "/quarantine"):
        rows = duckdb_client.rows(f"SELECT base64(raw) AS raw FROM '{source}'")
        found.update(base64.b64decode(row["raw"] or "") for row in rows)
    missing, extra = payloads - found, found - payloads
    shown = "\n".join(f"quarantine: {payload[:200]!r}" for payload in [*missing, *extra][:3])
    return Verdict(payloads.total(), missing.total(), extra.total(), shown)


def refused_payloads(log: str) -> Counter:
    bad: Counter = Counter()
    with open(log, "rb") as file:
        for line in file:
            record = json.loads(line.decode("utf-8", "surrogateescape"))
            payload = record["payload"].encode("utf-8", "surrogateescape")
            try:
                is_bad = devices.violates(devices.decode(payload))
            except devices.Bad:
                is_bad = True
            if is_bad:
                bad[payload] += 1
    return bad
