#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 under load: Kafka -> devices.sql -> a sink, on real servers of its own.

    tools/torture.d/sinks.py --sink files|s3|kafka|postgres|all [--kills 200] [--seed N]

A producer fills a topic steadily and logs what the broker acknowledged. Firesteel is killed --kills times
at random instants: half of them anywhere (starting, recovering, working), half within 150 ms after it has
committed an epoch of that run. In a fortieth of the rounds the broker, or the server the sink writes to,
is killed and started again under the running Firesteel, which must live through it by itself or (every
second time) is killed too while the server is away. Then the rest is drained, and every row of the sink,
the late table and the quarantine is compared with a plain Python computation over the producer's log.
"""
from __future__ import annotations

import argparse
import glob
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import Callable

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, part) for part in ("tools/torture.d", "tools/oracle", "tests/services")]
from outputs import OUTPUTS, Verdict, judge, judge_quarantine, refused_payloads  # noqa: E402
from runner import DEVICES, Failure, binary, environment  # noqa: E402
from servers import Server, wait_until  # noqa: E402

WORK = os.path.join(ROOT, "build", "torture", "sinks")
# Windows of a minute, closed several times a second of real time: each kill has something to hit.
ROWS_PER_MINUTE = 400  # rows of event time's minute
EVENTS = ["--duplicates", "0.02", "--invalid", "0.01", "--late", "0.005", "--malformed", "0.001"]
SETTINGS = {"commit_interval": "30 milliseconds", "trigger_interval": "5 milliseconds", "future_skew": "none"}
OPTIONS = {
    "device_minutes.emit": "window_close", "device_minutes.connector": "files", "device_minutes.format": "parquet",
    "late_events.roll_age": "200 milliseconds",
}  # fmt: skip


# A broker that the machine keeps from its processor for 3 s is no dead broker.
PATIENCE = {"kafka": {"KAFKA_SETTINGS": "broker.session.timeout.ms=9000"}}


class Servers:
    """Instances of their own, made when first asked for, killed at the end."""

    def __init__(self, folder: str):
        self.folder, self.running, self.values = folder, {}, {}
        shutil.rmtree(folder, ignore_errors=True)

    def need(self, *names: str) -> Servers:
        for name in names:
            if name not in self.running:
                self.running[name] = Server(name, self.folder, **PATIENCE.get(name, {})).start()
                self.values |= self.running[name].values
        return self

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *_: object) -> None:
        for server in self.running.values():
            server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Producer:
    """firesteel generate: logs each record when the broker has acknowledged it."""

    def __init__(self, folder: str, servers: str, topic: str, seed: int, rate: int, rows: int, program: str = ""):
        self.log, self.topic = folder + "/produced.jsonl", topic
        command = [program or binary(), "generate", "devices", "--seed", str(seed), "--rate", str(rate), "--partitions", "4",
                   "--rows", str(rows), "--span", f"{rows // ROWS_PER_MINUTE} minutes", *EVENTS, "--log", self.log, "--to", f"kafka://{servers}/{topic}"]  # fmt: skip
        self.output = open(folder + "/producer.log", "ab")
        self.process = subprocess.Popen(command, stdout=self.output, stderr=self.output, start_new_session=True)

    def end(self) -> None:
        """Everything that was sent is acknowledged and in the log."""
        self.process.terminate()
        self.wait()

    def wait(self, seconds: float = 300) -> None:
        code = self.process.wait(seconds)
        self.output.close()
        if code != 0:
            with open(self.output.name) as file:
                raise Failure(f"the producer ended with {code}: {file.read()[-500:]}")

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def patient(sql: str) -> str:
    """Event time runs 150 times as fast as the clock: after half a minute without a broker, partitions that
    count as idle would let the others' rows make theirs late. All of them have rows all the time."""
    changed = sql.replace("IDLE TIMEOUT INTERVAL '30 seconds'", "IDLE TIMEOUT INTERVAL '1 hour'")
    assert changed != sql
    return changed


class Job:
    """devices.sql from a topic into one sink."""

    def __init__(self, name: str, sink: str, servers: Servers, **settings: str):
        self.folder = os.path.join(WORK, name)
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.unique = f"torture-{name}-{os.getpid()}-{time.monotonic_ns() // 1000 % 10**9}"
        self.servers = servers.need("kafka", *OUTPUTS[sink].servers)
        self.topic = f"{self.unique}-in"
        self.output = OUTPUTS[sink](self.folder, servers.values, self.unique)
        self.output.prepare()
        # The pipeline's name keys progress in Kafka and PostgreSQL.
        self.settings = {**SETTINGS, "pipeline": self.unique.replace("-", "_"), "checkpoint": self.folder + "/checkpoint", **settings}
        self.options = {**OPTIONS, **self.output.options()}
        self.variables = {"KAFKA_TOPIC": self.topic, "KAFKA_STARTING_OFFSETS": "earliest", "S3_BUCKET": "torture"}
        self.pipeline, self.program = self.folder + "/devices.sql", binary()
        with open(DEVICES) as file, open(self.pipeline, "w") as copy:
            copy.write(patient(file.read()))
        self.processes: list[subprocess.Popen] = []

    def log_path(self) -> str:
        return self.folder + "/log"

    def log_tail(self, lines: int = 12) -> str:
        with open(self.log_path(), errors="replace") as file:
            return "".join(file.readlines()[-lines:])

    def command(self, *flags: str) -> list[str]:
        command = [self.program, "run", *flags, self.pipeline]
        for name, value in self.options.items():
            command += ["--with", f"{name}={value}"]
        for name, value in self.settings.items():
            command += ["--set", f"{name}={value}"]
        return command

    def start(self, *flags: str) -> subprocess.Popen:
        with open(self.log_path(), "ab") as log:
            process = subprocess.Popen(
                self.command(*flags), env=environment(**{**self.servers.values, **self.variables}),
                cwd=ROOT, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def must_run(self, *flags: str, seconds: float = 600) -> None:
        process = self.start(*flags)
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill(process)
            raise Failure(f"{' '.join(flags)}: not ended within {seconds:.0f} s\n{self.log_tail()}") from None
        if code != 0:
            raise Failure(f"{' '.join(flags)}: exit {code}\n{self.log_tail()}")

    def must_live(self, process: subprocess.Popen, when: str) -> None:
        if process.poll() is not None:
            raise Failure(f"ended by itself with {process.returncode}, {when}\n{self.log_tail()}")

    @staticmethod
    def kill(process: subprocess.Popen) -> None:
        process.kill()
        process.wait()

    def journal(self) -> tuple[str, int]:
        """Grows with each epoch."""
        paths = sorted(glob.glob(self.folder + "/checkpoint/journal-*[0-9]"))
        try:
            return (paths[-1], os.path.getsize(paths[-1])) if paths else ("", 0)
        except FileNotFoundError:
            return "", 0

    def wait_for_commit(self, process: subprocess.Popen, seconds: float = 180) -> None:
        """Two steps: the start's own record, then an epoch."""
        end = time.monotonic() + seconds
        for _ in range(2):
            before = self.journal()
            while self.journal() == before:
                self.must_live(process, "before its first epoch")
                if time.monotonic() > end:
                    raise Failure(f"no epoch within {seconds:.0f} s\n{self.log_tail()}")
                time.sleep(0.002)

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                self.kill(process)

    def judge(self, log: str) -> Verdict:
        return self.judge_rows(log, *self.output.read())

    def judge_rows(self, log: str, rows: list[dict], late: Counter) -> Verdict:
        verdict = judge(log, rows, late)
        refused = judge_quarantine(refused_payloads(log), self.folder + "/checkpoint")
        verdict.rows += refused.rows
        verdict.missing += refused.missing
        verdict.extra += refused.extra
        verdict.shown += refused.shown
        if verdict.missing or verdict.extra:
            raise Failure(f"{verdict.missing} missing, {verdict.extra} extra of {verdict.rows} rows; left in {self.folder}\n"
                          f"{verdict.shown}")  # fmt: skip
        if verdict.rows == 0 or not rows:
            raise Failure("no rows at all: this shows nothing")
        return verdict


def disturb(job: Job, process: subprocess.Popen, server: Server, chance: random.Random, is_killed: bool) -> None:
    """The server dies under the job, stays away for a moment, comes back with its data."""
    job.wait_for_commit(process)
    time.sleep(chance.uniform(0, 0.3))
    server.kill()
    time.sleep(chance.uniform(0, 0.7))
    job.must_live(process, f"when {server.name} was away")
    if is_killed:
        job.kill(process)
    server.start()


def rounds(job: Job, kills: int, disturbances: int, chance: random.Random, names: list[str]) -> Counter:
    """names: the servers that die in turn."""
    plan = ["firesteel"] * (kills - disturbances) + [names[i % len(names)] for i in range(disturbances)]
    chance.shuffle(plan)
    done: Counter = Counter()
    for what in plan:
        process = job.start()
        if what != "firesteel":
            done["servers"] += 1
            disturb(job, process, job.servers.running[what], chance, done["servers"] % 2 == 0)
            if process.poll() is None:
                job.wait_for_commit(process)
        elif chance.random() < 0.5:
            job.wait_for_commit(process)
            time.sleep(chance.uniform(0, 0.15))
        else:
            time.sleep(chance.uniform(0.02, 0.6))
        if process.returncode is None:
            job.must_live(process, f"after {done['firesteel']} kills")
            job.kill(process)
        done["firesteel"] += 1
        if os.environ.get("TORTURE_VERBOSE"):
            print(f"{time.strftime('%T')} {what} {done['firesteel']}", file=sys.stderr, flush=True)
    return done


def torture(sink: str, servers: Servers, kills: int, seed: int, rate: int, disturbances: int | None = None) -> tuple[Counter, Verdict]:
    chance = random.Random(f"{sink} {seed}")
    job = Job(sink, sink, servers)
    disturbances = (kills + 39) // 40 if disturbances is None else disturbances
    rows = rate * (2 * kills + 60 * disturbances + 10)  # more than are needed: late ones come in the last four fifths
    producer = Producer(job.folder, servers.values["KAFKA_BOOTSTRAP_SERVERS"], job.topic, seed, rate, rows)
    try:
        wait_until("the topic is there", lambda: os.path.exists(producer.log) and os.path.getsize(producer.log), 60)
        done = rounds(job, kills, disturbances, chance, ["kafka", *job.output.servers])
        if producer.process.poll() is not None:
            raise Failure("the producer ended before the last kill: give it more rows")
        producer.end()
        job.must_run("--once", "--drain")
        return done, job.judge(producer.log)
    finally:
        producer.kill()
        job.close()


def table(names: list[str], run: Callable[[str], tuple[Counter, Verdict]], again: str) -> int:
    print(f"{'sink':10}{'kills':>7}{'of servers':>12}{'rows':>11}{'missing':>9}{'extra':>7}{'s':>7}", flush=True)
    failed = 0
    for name in names:
        begin = time.monotonic()
        try:
            done, verdict = run(name)
        except (Failure, RuntimeError, TimeoutError, subprocess.TimeoutExpired) as failure:
            failed += 1
            print(f"{name:10}FAILED: {again.format(name)}\n    " + str(failure).replace("\n", "\n    "), flush=True)
            continue
        seconds = time.monotonic() - begin
        print(f"{name:10}{done['firesteel']:7}{done['servers']:12}{verdict.rows:11}{verdict.missing:9}"
              f"{verdict.extra:7}{seconds:7.0f}", flush=True)  # fmt: skip
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sink", default=os.environ.get("SINK") or "all", help=f"all, or of {' '.join(OUTPUTS)}, with commas")
    parser.add_argument("--kills", type=int, default=int(os.environ.get("KILLS") or "1000"))
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--rate", type=int, default=1000, help="events a second")
    options = parser.parse_args()
    names = list(OUTPUTS) if options.sink == "all" else options.sink.split(",")
    unknown = [name for name in names if name not in OUTPUTS]
    if unknown:
        parser.error(f"no sink {unknown[0]}; there are: all {' '.join(OUTPUTS)}")
    seed = options.seed if options.seed is not None else random.randrange(1, 1_000_000)
    again = f"tools/torture.d/sinks.py --sink {{}} --kills {options.kills} --seed {seed}"
    print(f"seed {seed}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers are ended
    os.makedirs(WORK, exist_ok=True)
    with Servers(os.path.join(WORK, f"servers-{os.getpid()}")) as servers:
        failed = table(names, lambda name: torture(name, servers, options.kills, seed, options.rate), again)
    print(f"{len(names) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
