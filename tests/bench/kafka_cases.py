# SPDX-License-Identifier: MIT
"""The cases with a real broker, which runs on the same cores as what is measured: the cases of
tests/bench/run whose names have kafka in them. The broker (and the S3 server) are of the bench's own,
below build/bench/services, stopped at the end unless KEEP=1; topics of input are made once and kept."""
from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from typing import Callable

from measure import (
    DELAY, DEVICES, ROOT, ROWS, RUNS, WORK, Measure, bar, binary, environment, firesteel, measure, report,
)  # fmt: skip

sys.path.insert(0, os.path.join(ROOT, "tests", "services"))
import duckdb_client  # noqa: E402
import s3_client  # noqa: E402
from kafka_client import Kafka, KafkaError  # noqa: E402
from servers import Server  # noqa: E402

PARTITIONS = 4
SERVICES = os.path.join(WORK, "services")
running: dict[str, Server] = {}


def server(name: str) -> Server:
    if name not in running:
        running[name] = Server(name, SERVICES).start()
        if os.environ.get("KEEP", "0") == "0":
            atexit.register(running[name].stop)
    return running[name]


def servers() -> str:
    return server("kafka")["KAFKA_BOOTSTRAP_SERVERS"]


def cpu_seconds(pid: int) -> float:
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def in_topic(kafka: Kafka, topic: str) -> int:
    try:
        ends = [kafka.offsets(topic, partition) for partition in range(PARTITIONS)]
    except KafkaError:
        return -1
    return sum(end - first for first, end in ends)


def input_topic(devices: int) -> str:
    """The events of input_files(), each in one of four partitions, lz4."""
    name = f"devices-{devices}-{ROWS}"
    with Kafka(servers()) as kafka:
        found = in_topic(kafka, name)
        if found == ROWS:
            return name
        if found >= 0:
            kafka.delete_topic(name)
            while in_topic(kafka, name) >= 0:
                time.sleep(0.1)
        kafka.create_topic(name, PARTITIONS, retention_ms="-1", retention_bytes="-1")
    types = "per_device" if devices > 50 else "per_event"
    flags = {"rows": ROWS, "seed": 7, "devices": devices, "types": types, "span": "10 minutes",
             "duplicates": 0.02, "invalid": 0.01, "to": f"kafka://{servers()}/{name}"}  # fmt: skip
    command = [binary(), "generate", "devices"]
    for key, value in flags.items():
        command += [f"--{key}", str(value)]
    begin = time.monotonic()
    subprocess.run(command, check=True, env=environment(), stderr=subprocess.DEVNULL)
    print(f"  {ROWS:,} events produced in {time.monotonic() - begin:.1f} s")
    return name


def kafka_options(topic: str) -> list[str]:
    options = {"connector": "kafka", "bootstrap_servers": servers(), "topic": topic, "starting_offsets": "earliest"}
    return [part for key, value in options.items() for part in ("--with", f"events.{key}={value}")]


def counted(lake: str) -> int:
    rows = duckdb_client.rows(f"SELECT sum(event_count)::BIGINT AS n FROM read_parquet('{lake}/**/*.parquet')")
    return int(list(rows)[0]["n"] or 0)


def title(case: str, devices: int) -> None:
    print(f"{case}, {devices:,} devices: {ROWS:,} events, {PARTITIONS} partitions, lz4, broker on the same "
          f"{os.cpu_count()} cores, WATERMARK_DELAY {DELAY}")  # fmt: skip
    sys.stdout.flush()


def bars(devices: int, rate: float, cpu: float) -> None:
    if devices > 50:  # the bars are those of the 50 devices
        return
    bar("million events/s", rate / 1e6, 1.2, True)
    bar("CPU seconds per million", cpu, 1.0, False)


def beside_broker(make: Callable[[int], tuple[list[str], dict[str, str]]]) -> tuple[list[Measure], list[float]]:
    """RUNS runs of make(number)'s command and environment, and the broker's CPU seconds in each."""
    broker_pid = server("kafka").process_id()
    runs, broker = [], []
    for number in range(RUNS):
        command, env = make(number)
        before = cpu_seconds(broker_pid)
        runs.append(measure(command, **env))
        broker.append(cpu_seconds(broker_pid) - before)
    return runs, broker


def broker_line(broker: list[float]) -> None:
    print(f"  {'the broker beside it':22} {statistics.median(broker) / ROWS * 1e6:5.2f} CPU-s per M")


def to_parquet(topic: str) -> tuple[list[str], dict[str, str]]:
    return firesteel("kafka", *kafka_options(topic)), {"WATERMARK_DELAY": DELAY}


def devices_kafka(devices: int) -> None:
    title("devices-kafka", devices)
    topic = input_topic(devices)
    runs, broker = beside_broker(lambda _: to_parquet(topic))
    print("                           min /  median /     max")
    rate, cpu = report("firesteel exactly once", ROWS, runs)
    broker_line(broker)
    print(f"  {counted(os.path.join(WORK, 'kafka', 'lake')):,} events counted in Parquet; process start is in the figures")
    bars(devices, rate, cpu)


def devices_kafka_s3(devices: int) -> None:
    """devices.sql on its own environment: only the checkpoint is a local folder."""
    title("devices-kafka-s3", devices)
    topic, s3 = input_topic(devices), server("s3")
    login = {name: s3[name] for name in ("S3_ENDPOINT", "S3_ACCESS_KEY", "S3_SECRET_KEY")}
    os.environ.update(login)
    s3_client.S3().create_bucket("bench")
    out = os.path.join(WORK, "kafka-s3")
    own = {"S3_BUCKET": "bench", "KAFKA_BOOTSTRAP_SERVERS": servers(), "KAFKA_TOPIC": topic,
           "KAFKA_STARTING_OFFSETS": "earliest", "WATERMARK_DELAY": DELAY, "CHECKPOINT_LOCATION": out}  # fmt: skip

    def make(number: int) -> tuple[list[str], dict[str, str]]:
        shutil.rmtree(out, ignore_errors=True)
        command = [binary(), "run", "--once", "--drain", DEVICES, "--set", "future_skew=none"]
        return command, {**login, **own, "S3_PREFIX": f"{time.time_ns()}-{number}"}

    runs, broker = beside_broker(make)
    print("                           min /  median /     max")
    rate, cpu = report("firesteel exactly once", ROWS, runs)
    broker_line(broker)
    bars(devices, rate, cpu)


FILTER = """SET pipeline = 'bench_filter';
SET checkpoint = '{out}/checkpoint';
SET commit_interval = INTERVAL '{interval} milliseconds';
CREATE SOURCE events (
  event_id BIGINT, device_id VARCHAR, device_type VARCHAR, event_time TIMESTAMP, event_duration DOUBLE,
  latitude DOUBLE FROM 'location.latitude', longitude DOUBLE FROM 'location.longitude',
  battery_level INTEGER FROM 'metadata.battery_level', signal_strength INTEGER FROM 'metadata.signal_strength',
  sent_us BIGINT, broker_time TIMESTAMP METADATA FROM 'timestamp'
) WITH (connector = 'kafka', bootstrap_servers = '{servers}', topic = '{source}', starting_offsets = 'earliest');
CREATE SINK kept WITH (connector = 'kafka', bootstrap_servers = '{servers}', topic = '{target}') AS
SELECT event_id, device_id, device_type, event_time, event_duration, battery_level, sent_us,
       epoch_us(broker_time) AS broker_us
FROM events
WHERE event_duration > 0 AND event_duration < 100 AND battery_level BETWEEN 0 AND 100
  AND signal_strength BETWEEN -120 AND 0 AND latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180;
"""
SECONDS, WARM_SECONDS = 10, 3


def bench_program(name: str) -> str:
    subprocess.run([os.path.join(ROOT, "tools", "build"), "release", name], check=True, stdout=subprocess.DEVNULL)
    return os.path.join(ROOT, "build", name)


def through_filter(rate: int, interval_ms: int) -> dict:
    """One run: events at a steady rate, the first seconds left out."""
    program, out, number = bench_program("kafka_latency_bench"), os.path.join(WORK, "filter"), time.time_ns()
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    source, target, sql = f"filter-in-{number}", f"filter-out-{number}", os.path.join(out, "filter.sql")
    with open(sql, "w") as file:
        file.write(FILTER.format(out=out, interval=interval_ms, servers=servers(), source=source, target=target))
    with Kafka(servers()) as kafka:
        kafka.create_topic(source, PARTITIONS, message_timestamp_type="LogAppendTime")
        kafka.create_topic(target, PARTITIONS)
        log_path = os.path.join(out, "log")
        with open(log_path, "w") as log:
            pipeline = subprocess.Popen([binary(), "run", sql], env=environment(), stdout=log, stderr=log)
        try:
            command = [program, servers(), source, target, str(rate), str(SECONDS), str(WARM_SECONDS)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
            cpu = cpu_seconds(pipeline.pid) if pipeline.poll() is None else 0
        finally:
            pipeline.terminate()
            status = pipeline.wait(30)
        for topic in (source, target):
            kafka.delete_topic(topic)
    if done.returncode != 0 or status != 0:
        with open(log_path, errors="replace") as file:
            sys.exit(f"{done.stderr}firesteel's exit status {status}: {''.join(file.readlines()[-10:])}")
    figures = json.loads(done.stdout)
    if figures["read"] != figures["expected"]:
        sys.exit(f"{target}: {figures['read']} records read, {figures['expected']} have to be there")
    return {**figures, "cpu_s": cpu}


def times_line(name: str, times: dict) -> None:
    print(f"  {name:34} p50 {times['p50']:7.1f}   p99 {times['p99']:7.1f}   max {times['max']:7.1f} ms")
    sys.stdout.flush()


def floor(rate: int, interval_ms: int) -> dict:
    """begin, produce, send offsets, commit, with nothing of Firesteel's; made -> read."""
    command = [bench_program("kafka_commit_bench"), servers(), str(interval_ms), str(rate), str(SECONDS - WARM_SECONDS),
               "1", "retry.backoff.ms=1"]  # fmt: skip
    text = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
    found = re.search(r"made to read .*p50 +([\d.]+) ms +p99 +([\d.]+) ms +max +([\d.]+)", text)
    if not found:
        sys.exit(f"kafka_commit_bench: {text}")
    return dict(zip(("p50", "p99", "max"), map(float, found.groups())))


def filter_kafka() -> None:
    rate, interval_ms = int(os.environ.get("RATE", "20000")), 10
    print(f"kafka-filter-kafka, {rate:,} events/s, commit_interval {interval_ms} ms, local checkpoint, broker on the "
          f"same {os.cpu_count()} cores, {RUNS} runs, alternating")  # fmt: skip
    floors, ours = [], []
    for _ in range(RUNS):
        floors.append(floor(rate, interval_ms))
        times_line("floor: bare transactions", floors[-1])
        ours.append(through_filter(rate, interval_ms))
        times_line("firesteel, from broker timestamp", ours[-1]["from_broker_ms"])
        times_line("firesteel, from sending", ours[-1]["from_send_ms"])
    p99 = [run["from_broker_ms"]["p99"] for run in ours]
    limit = statistics.median(one["p99"] for one in floors) + 25
    bar("ms from broker timestamp to reader, p99, median of the runs", statistics.median(p99), limit, False)
    bar("the same, the best run", min(p99), 40, False)


def latency_kafka() -> None:
    for rate in (20_000, 100_000):
        for interval_ms in (10, 100):
            print(f"latency-kafka, {rate:,} events/s, commit_interval {interval_ms} ms")
            run = through_filter(rate, interval_ms)
            times_line("from broker timestamp to reader", run["from_broker_ms"])
            times_line("from sending to reader", run["from_send_ms"])
            print(f"  {run['cpu_s'] / run['sent'] * 1e6:.2f} CPU-s per M")
