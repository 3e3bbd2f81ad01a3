# SPDX-License-Identifier: MIT
"""What the tests of connector postgres share: psql as an independent witness, runs of Firesteel, input that grows.

psql and not a driver: it comes with the server, and shares no code with the connector but libpq.
"""
from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import Callable, Iterable

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(ROOT, "tools", "oracle"))
from runner import binary, environment  # noqa: E402

SEPARATOR = "\x1f"


class Failure(Exception):
    pass


def demand(condition: object, text: str) -> None:
    if not condition:
        raise Failure(text)


def until(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Polls; a deadline instead of a sleep that hopes."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)


class Server:
    """An instance of tools/services/postgres in a folder, or a server that is there (POSTGRES_URL)."""

    def __init__(self, folder: str | None):
        self.folder = folder
        self.values = dict(os.environ)
        if folder is not None:
            self.verb("start")
            lines = self.verb("env").splitlines()
            self.values.update(line.split("=", 1) for line in lines if "=" in line)
        self.url = self.values["POSTGRES_URL"]

    def verb(self, verb: str) -> str:
        done = subprocess.run(
            [os.path.join(ROOT, "tools", "services", "postgres"), verb, self.folder],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=180,
        )  # fmt: skip
        demand(done.returncode == 0, f"tools/services/postgres {verb}: {done.stderr}")
        return done.stdout

    def query(self, sql: str, url: str | None = None) -> list[list[str]]:
        done = subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-F", SEPARATOR, "-v", "ON_ERROR_STOP=1", "-c", sql, url or self.url],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
        )  # fmt: skip
        demand(done.returncode == 0, f"psql: {sql}: {done.stderr.strip()}")
        return [line.split(SEPARATOR) for line in done.stdout.splitlines()]

    def value(self, sql: str) -> str:
        return self.query(sql)[0][0]

    def is_up(self) -> bool:
        return subprocess.run(["psql", "-X", "-c", "SELECT 1", self.url], capture_output=True).returncode == 0


class Session:
    """One psql that stays: a reader that asks hundreds of times a second, each time one snapshot."""

    def __init__(self, server: Server):
        self.process = subprocess.Popen(
            ["psql", "-X", "-q", "-A", "-t", "-F", SEPARATOR, server.url],
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=1,
        )  # fmt: skip

    def row(self, sql: str) -> list[str]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(sql + ";\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n").split(SEPARATOR)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)


class Input:
    """Files of JSON lines {"id": first .. rows-1, ..}: one at once, or one after the other by a thread."""

    def __init__(self, folder: str, rows: int, first: int = 0):
        self.folder, self.rows, self.written = folder, rows, first
        os.makedirs(folder, exist_ok=True)

    @staticmethod
    def line(number: int) -> str:
        at = f"2024-01-15T10:{number // 600 % 60:02d}:{number // 10 % 60:02d}.{number % 10}Z"
        row = {"id": number, "k": number % 97, "txt": f"text {number}", "v": number / 8, "ts": at}
        return json.dumps(row) + "\n"

    def write(self, end: int) -> None:
        path = os.path.join(self.folder, f"{self.written:09d}.jsonl")
        with open(path + ".new", "w") as file:
            file.write("".join(self.line(n) for n in range(self.written, end)))
        os.rename(path + ".new", path)
        self.written = end

    def all(self) -> "Input":
        self.write(self.rows)
        return self

    def start(self, per_second: int) -> "Input":
        def loop() -> None:
            while self.written < self.rows:
                self.write(min(self.rows, self.written + max(1, per_second // 20)))
                time.sleep(0.05)

        threading.Thread(target=loop, daemon=True).start()
        return self


class Case:
    """A folder and a database of its own for one test."""

    def __init__(self, server: Server, base: str, name: str):
        self.server, self.folder = server, os.path.join(base, name)
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.name = name
        self.running: list[subprocess.Popen[str]] = []
        database = f"firesteel_postgres_{name}"
        server.query(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
        server.query(f'CREATE DATABASE "{database}"')
        self.whole = server
        self.server = Server.__new__(Server)
        self.server.__dict__.update(server.__dict__)
        head, _, tail = server.url.rpartition("/")
        self.server.url = head + "/" + database + (("?" + tail.split("?", 1)[1]) if "?" in tail else "")
        self.url = self.server.url
        self.query, self.value = self.server.query, self.server.value

    def path(self, *parts: str) -> str:
        return os.path.join(self.folder, *parts)

    def pipeline(self, text: str, name: str = "pipeline.sql") -> str:
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def variables(self, **more: str) -> dict[str, str]:
        own = {"POSTGRES_TEST_URL": self.url, "TEST_FOLDER": self.folder, "TEST_CHECKPOINT": self.path("checkpoint")}
        return environment(**{**own, **more})

    def run(self, *words: str, **more: str) -> tuple[int, str]:
        done = subprocess.run(
            [binary(), "run", "--quiet", *words], env=self.variables(**more), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
        )  # fmt: skip
        return done.returncode, done.stdout

    def good(self, *words: str, **more: str) -> str:
        code, text = self.run(*words, **more)
        demand(code == 0, f"firesteel run {' '.join(words)}: exit {code}\n{text}")
        return text

    def start(self, *words: str, **more: str) -> "subprocess.Popen[str]":
        log = open(self.path("log"), "a")
        process = subprocess.Popen(
            [binary(), "run", "--quiet", *words], env=self.variables(**more), text=True, stdout=log, stderr=log
        )  # fmt: skip
        self.running.append(process)
        return process

    def stop(self, process: "subprocess.Popen[str]", seconds: float = 25) -> int:
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"did not stop within {seconds:g} s of SIGTERM") from None

    def log(self) -> str:
        with open(self.path("log")) as file:
            return file.read()

    def close(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()
        database = self.url.rpartition("/")[2].split("?")[0]
        self.whole.query(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')


SOURCE = """
SET pipeline = 'postgres_test';
SET checkpoint = '${TEST_CHECKPOINT}';
SET commit_interval = '5 milliseconds';
SET trigger_rows = 300;
SET lanes = 1;
CREATE SOURCE rows (id BIGINT, k INTEGER, txt VARCHAR, v DOUBLE, ts TIMESTAMP,
  WATERMARK FOR ts AS ts - INTERVAL '1 second' IDLE TIMEOUT INTERVAL '1 day'
) WITH (connector = 'files', path = '${TEST_FOLDER}/in/*.jsonl', settle = '1 millisecond');
"""
# All rows; a third of them; the last of each k. Three tables of one transaction.
SINKS = """
CREATE SINK everything WITH (connector = 'postgres', url = '${POSTGRES_TEST_URL}') AS
  SELECT id, txt, v, ts FROM rows;
CREATE SINK third WITH (connector = 'postgres', url = '${POSTGRES_TEST_URL}') AS
  SELECT id, k FROM rows WHERE id % 3 = 0;
CREATE SINK latest WITH (connector = 'postgres', url = '${POSTGRES_TEST_URL}', key = 'k') AS
  SELECT k, id FROM rows;
"""
TABLES = """
CREATE TABLE everything (n SERIAL, id BIGINT NOT NULL, txt TEXT, v DOUBLE PRECISION, ts TIMESTAMP);
CREATE TABLE third (id INTEGER PRIMARY KEY, k SMALLINT);
CREATE TABLE latest (k INTEGER PRIMARY KEY, id BIGINT, made TIMESTAMP DEFAULT now());
"""


def complain_difference(case: Case, rows: int) -> str:
    """Empty, or what is missing or extra: plain SQL and Python, no part of Firesteel."""
    counts: list[str] = []
    expected: Iterable[int]
    for table, expected in (("everything", range(rows)), ("third", range(0, rows, 3))):
        found = [int(row[0]) for row in case.query(f"SELECT id FROM {table}")]
        missing, extra = len(set(expected) - set(found)), len(found) - len(set(found) & set(expected))
        if missing or extra:
            counts.append(f"{table}: {missing} missing, {extra} extra")
    wrong = case.value(
        "SELECT count(*) FROM everything WHERE txt <> 'text ' || id OR v <> id / 8.0 OR ts <> timestamp "
        "'2024-01-15 10:00' + (id / 600 % 60) * interval '1 minute' + (id / 10 % 60) * interval '1 second' "
        "+ (id % 10) * interval '0.1 second'"
    )
    latest = {int(k): int(n) for k, n in case.query("SELECT k, id FROM latest")}
    if wrong != "0":
        counts.append(f"everything: {wrong} rows with wrong values")
    if latest != {k: max(range(k, rows, 97)) for k in range(min(97, rows))}:
        counts.append("latest: not the newest row of each k")
    return "; ".join(counts)


def wait_for_rows(case: Case, rows: int, seconds: float = 60) -> None:
    def is_there() -> bool:
        demand(any(job.poll() is None for job in case.running), "firesteel ended: " + case.log()[-800:])
        return int(case.value("SELECT count(*) FROM everything")) >= rows

    until(is_there, f"{rows} rows", seconds)


def seed() -> random.Random:
    number = int(os.environ.get("SEED", str(int(time.time()))))
    print(f"        SEED={number}")
    return random.Random(number)
