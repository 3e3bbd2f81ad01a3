# SPDX-License-Identifier: MIT
"""What every case of tests/bench/run needs: a process measured, bars, sizes."""
from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools", "oracle"))
from runner import DEVICES, binary, environment  # noqa: E402

WORK = os.path.join(ROOT, "build", "bench")
ROWS = int(os.environ.get("ROWS", "5000000"))
RUNS = int(os.environ.get("RUNS", "3"))
DELAY = os.environ.get("WATERMARK_DELAY", "1 minute")

missed: list[str] = []


def bar(what: str, value: float, limit: float, at_least: bool) -> None:
    good = value >= limit if at_least else value <= limit
    word = "at least" if at_least else "at most"
    print(f"  bar     {what}: {value:,.2f} ({word} {limit:,.2f}) {'met' if good else 'MISSED'}")
    if not good:
        missed.append(what)


@dataclass
class Measure:
    """One process: seconds, CPU seconds (user + system), peak resident and peak anonymous bytes."""

    seconds: float
    cpu_s: float
    rss: int
    anonymous: int


def anonymous_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def measure(command: list[str], **env: str) -> Measure:
    peak = 0
    log_path = os.path.join(WORK, "log")
    with open(log_path, "wb") as log:
        begin = time.monotonic()
        process = subprocess.Popen(command, env=environment(**env), stdout=log, stderr=log, cwd=ROOT)
        ended = threading.Event()

        def sample() -> None:
            nonlocal peak
            while not ended.wait(0.02):
                peak = max(peak, anonymous_bytes(process.pid))

        sampler = threading.Thread(target=sample)
        sampler.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begin
        ended.set()
        sampler.join()
    if status != 0:
        with open(log_path, errors="replace") as file:
            tail = "".join(file.readlines()[-15:])
        sys.exit(f"exit status {os.waitstatus_to_exitcode(status)} from {' '.join(command)}\n{tail}")
    return Measure(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, peak)


def report(name: str, rows: int, runs: list[Measure]) -> tuple[float, float]:
    """Prints min / median / max; gives median rate and median CPU seconds per million."""
    rates = sorted(rows / run.seconds for run in runs)
    cpu = statistics.median(run.cpu_s for run in runs) / rows * 1e6
    rss = max(run.rss for run in runs)
    anonymous = max(run.anonymous for run in runs)
    print(
        f"  {name:22} {rates[0] / 1e3:7,.0f} / {statistics.median(rates) / 1e3:7,.0f} / {rates[-1] / 1e3:7,.0f} k events/s"
        f"   {cpu:5.2f} CPU-s per M   {rss / 1e6:6,.0f} MB RSS ({anonymous / 1e6:,.0f} anonymous)"
    )
    sys.stdout.flush()
    return statistics.median(rates), cpu


def firesteel(name: str, *more: str) -> list[str]:
    """devices.sql, exactly once, into Parquet below a folder emptied before."""
    out = os.path.join(WORK, name)
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    return [
        binary(), "run", "--once", "--drain", DEVICES, "--set", f"checkpoint={out}/checkpoint",
        "--set", "future_skew=none", "--with", f"device_minutes.path={out}/lake",
        "--with", f"late_events.path={out}/late", *more,
    ]  # fmt: skip
