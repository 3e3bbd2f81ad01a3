#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Speed and latency of the telemetra pipeline, from Kafka into PostgreSQL, both started here.

    tests/bench/telemetra.py                 every case
    tests/bench/telemetra.py rate            1,000 streams x 500 users x 200 emotes: messages/s, CPU
    tests/bench/telemetra.py windows         CPU of HOP 60 s / 10 s and of TUMBLE 60 s on the same input
    tests/bench/telemetra.py latency         TRIGGER_INTERVAL 1 second, WATERMARK_DELAY 5 seconds: from the watermark
                                             passing a window's end to its rows in PostgreSQL

ROWS (3000000 events, 70 % chat), RUNS (3), SECONDS (70) change the sizes. Exit 1 when a bar is missed. The
input is in the topic before the clock starts; the consumer, the broker and the database share the machine.
"""
from __future__ import annotations

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from datetime import datetime
from typing import Callable

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "services"))
from kafka_client import Kafka, KafkaError  # noqa: E402
from servers import Server, wait_until  # noqa: E402

PROGRAM = os.environ.get("FIRESTEEL", os.path.join(ROOT, "build", "firesteel"))
PIPELINE = os.path.join(ROOT, "pipelines", "telemetra", "telemetra.sql")
WORK = os.path.join(ROOT, "build", "bench", "telemetra")
ROWS = int(os.environ.get("ROWS", "3000000"))
RUNS = int(os.environ.get("RUNS", "3"))
SECONDS = int(os.environ.get("SECONDS", "70"))
TOPICS = ["telemetra.events." + kind for kind in ("chat", "viewer", "transactions", "stream_meta")]
missed: list[str] = []


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def bar(what: str, value: float, limit: float, at_least: bool) -> None:
    good = value >= limit if at_least else value <= limit
    print(f"  bar     {what}: {value:,.2f} ({'at least' if at_least else 'at most'} {limit:,.2f}) {'met' if good else 'MISSED'}", flush=True)
    if not good:
        missed.append(what)


class Bench:
    def __init__(self, kafka: Server, postgres: Server):
        self.servers = kafka["KAFKA_BOOTSTRAP_SERVERS"]
        self.url = postgres["POSTGRES_URL"]
        self.jdbc = "jdbc:postgresql://" + self.url.rpartition("@")[2]

    def ask(self, sql: str) -> str:
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql, self.url], text=True, capture_output=True)
        if done.returncode != 0:
            sys.exit(f"psql: {sql}: {done.stderr}")
        return done.stdout.strip()

    def empty(self) -> None:
        """No tables, no progress, no checkpoint: each run begins at the beginning."""
        self.ask("DROP TABLE IF EXISTS chat_summary_minute, moments, firesteel_progress")
        shutil.rmtree(os.path.join(WORK, "checkpoint"), ignore_errors=True)

    def empty_topics(self) -> None:
        with Kafka(self.servers) as kafka:
            for topic in TOPICS:
                try:
                    kafka.delete_topic(topic)
                except KafkaError:
                    pass
            wait_until("the topics are gone", lambda: all(kafka.partition_count(topic) == 0 for topic in TOPICS))

    def produce(self, *words: str) -> subprocess.Popen:
        command = [PROGRAM, "generate", "twitch", "--streams", "1000", "--users", "500", "--emotes", "200", *words, "--to", f"kafka://{self.servers}/"]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def start(self, *words: str, **more: str) -> subprocess.Popen:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("POSTGRES_", "KAFKA_", "WINDOW_", "SLIDE_", "WATERMARK_", "TRIGGER_"))}
        own = {"KAFKA_BOOTSTRAP_SERVERS": self.servers, "KAFKA_STARTING_OFFSETS": "earliest", "POSTGRES_URL": self.jdbc, "POSTGRES_USER": "firesteel",
               "POSTGRES_PASSWORD": "firesteel", "CHECKPOINT_LOCATION": os.path.join(WORK, "checkpoint")}  # fmt: skip
        command = [PROGRAM, "run", PIPELINE, "--quiet", "--create-tables", "--set", "future_skew=none", *words]
        return subprocess.Popen(command, env={**clean, **own, **more}, stderr=open(os.path.join(WORK, "log"), "w"))

    def measure(self, **more: str) -> dict:
        """One run over all that is in the topics; stats of the program, with the wall clock around it."""
        self.empty()
        stats = os.path.join(WORK, "stats.json")
        begin = time.monotonic()
        code = self.start("--once", "--drain", "--stats", stats, **more).wait()
        seconds = time.monotonic() - begin
        if code != 0:
            sys.exit(f"exit {code}: {open(os.path.join(WORK, 'log')).read()[-2000:]}")
        with open(stats) as file:
            figures = json.load(file)
        chat = next(line["rows_in"] for line in figures["ledger"] if line["relation"] == "chat")
        return {"seconds": seconds, "cpu": figures["cpu_seconds"], "chat": chat, "rss": figures["rss_peak_kb"] / 1e3,
                "windows": int(self.ask("SELECT count(*) FROM chat_summary_minute"))}  # fmt: skip


HOP = {"WINDOW_DURATION": "1 minute", "SLIDE_DURATION": "10 seconds"}
TUMBLE = {"WINDOW_DURATION": "1 minute", "SLIDE_DURATION": "1 minute"}


def fill(bench: Bench) -> None:
    bench.empty_topics()
    code = bench.produce("--rows", str(ROWS), "--seed", "5", "--span", "10 minutes", "--start", "2024-01-15T10:00:00Z").wait()
    if code != 0:
        sys.exit(f"generate: exit {code}")


def line(name: str, runs: list[dict]) -> tuple[float, float]:
    rates = sorted(run["chat"] / run["seconds"] for run in runs)
    cpu = statistics.median(run["cpu"] for run in runs)
    print(f"  {name:8} {rates[0] / 1e3:6,.0f} / {statistics.median(rates) / 1e3:6,.0f} / {rates[-1] / 1e3:6,.0f} k chat messages/s (min / median / max)   "
          f"{cpu:6.2f} CPU s, {cpu / runs[0]['chat'] * 1e6:5.2f} per M   {max(run['rss'] for run in runs):5,.0f} MB RSS   {runs[0]['windows']:,} windows", flush=True)  # fmt: skip
    return statistics.median(rates), cpu


def rate(bench: Bench) -> None:
    fill(bench)
    print(f"rate: {ROWS:,} events of 1,000 streams x 500 users x 200 emotes, ten minutes, 3 partitions, {os.cpu_count()} cores, {RUNS} runs")
    median, _ = line("HOP", [bench.measure(**HOP) for _ in range(RUNS)])
    bar("thousand chat messages/s", median / 1e3, 300, True)


def windows(bench: Bench) -> None:
    fill(bench)
    print(f"windows: the same input, HOP 60 s / 10 s and TUMBLE 60 s in turn, {RUNS} runs each")
    both: dict[str, list[dict]] = {"HOP": [], "TUMBLE": []}
    for _ in range(RUNS):
        both["HOP"].append(bench.measure(**HOP))
        both["TUMBLE"].append(bench.measure(**TUMBLE))
    _, hop = line("HOP", both["HOP"])
    _, tumble = line("TUMBLE", both["TUMBLE"])
    bar("CPU of HOP to CPU of TUMBLE", hop / tumble, 1.6, False)


def first(bench: Bench) -> bool:
    return bench.ask("SELECT to_regclass('chat_summary_minute')") != "" and bench.ask("SELECT count(*) FROM chat_summary_minute") != "0"


class Watch(threading.Thread):
    """When did a value first reach each of its steps? Asked every 20 ms, so that much too late at most."""

    def __init__(self, read: Callable[[], float | None]):
        super().__init__(daemon=True)
        self.read, self.steps, self.stopped = read, [], threading.Event()
        self.start()

    def run(self) -> None:
        while not self.stopped.wait(0.02):
            value = self.read()
            if value is not None and (not self.steps or value > self.steps[-1][0]):
                self.steps.append((value, time.monotonic()))

    def reached(self, value: float) -> float | None:
        return next((at for step, at in self.steps if step >= value), None)


def seconds_of(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def latency(bench: Bench) -> None:
    """Live. Watermark and rows are both looked at from outside: what the program serves, what PostgreSQL shows.

    Neither the events' own times nor processed_at would do: the profile lets event time run up to 4.5 s ahead of
    the clock and behind it, and processed_at is when the transaction began, not when its rows could be seen.
    """
    bench.empty_topics()
    bench.empty()
    events, port = 20000, free_port()
    producer = bench.produce("--rate", str(events), "--rows", str(events * (SECONDS + 90)), "--span", f"{SECONDS + 90} seconds", "--start", "now", "--late", "0")
    job = bench.start("--wait-for", "kafka,postgres", "--http", f"127.0.0.1:{port}", TRIGGER_INTERVAL="1 second", WATERMARK_DELAY="5 seconds")
    session = subprocess.Popen(["psql", "-X", "-q", "-A", "-t", bench.url], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1)

    def watermark() -> float | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/pipelines/telemetra/progress", timeout=5) as reply:
                text = json.load(reply)["eventTime"].get("watermark")
        except OSError:
            return None
        return seconds_of(text) if text else None

    def visible() -> float | None:
        session.stdin.write("SELECT coalesce(extract(epoch FROM max(window_end)), 0) FROM chat_summary_minute;\n")
        session.stdin.flush()
        return float(session.stdout.readline())

    try:
        wait_until("the first windows are in PostgreSQL", lambda: job.poll() is None and first(bench), 90, 0.1)
        passed, seen = Watch(watermark), Watch(visible)
        time.sleep(SECONDS)
        for watch in (passed, seen):
            watch.stopped.set()
            watch.join(10)
    finally:
        for process in (job, producer, session):
            process.terminate()
            process.wait()
    waits = []
    for end, at in seen.steps[1:]:  # the first was there before anyone looked
        begin = passed.reached(end)
        # A step that was there at the first look says nothing about when it came.
        if begin is not None and passed.steps[0][0] < end:
            waits.append(at - begin)
    if len(waits) < 3:
        sys.exit(f"only {len(waits)} closes seen in {SECONDS} s: raise SECONDS")
    print(f"latency: {events:,} events/s live, TRIGGER_INTERVAL 1 second, WATERMARK_DELAY 5 seconds: {len(waits)} closes, from the watermark passing a window's "
          f"end to its rows being seen in PostgreSQL: median {statistics.median(waits):.2f} s, largest {max(waits):.2f} s")  # fmt: skip
    bar("seconds from watermark to PostgreSQL", max(waits), 1.5, False)


def main() -> int:
    wanted = sys.argv[1:] or ["rate", "windows", "latency"]
    cases = {"rate": rate, "windows": windows, "latency": latency}
    unknown = [name for name in wanted if name not in cases]
    if unknown:
        print(f"no case {unknown[0]}; there are: {' '.join(cases)}", file=sys.stderr)
        return 2
    shutil.rmtree(WORK, ignore_errors=True)
    os.makedirs(WORK)
    with Server("kafka", os.path.join(WORK, "servers")) as kafka, Server("postgres", os.path.join(WORK, "servers")) as postgres:
        bench = Bench(kafka, postgres)
        for name in wanted:
            cases[name](bench)
    if missed:
        print("missed: " + "; ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
