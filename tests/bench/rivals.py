# SPDX-License-Identifier: MIT
"""devices from Kafka, beside Kafka Streams, Spark and Flink: the same topic, in one run, on the same
cores as the broker. tests/bench/install brings a rival; one that is not there is left out. A rival's
CPU is counted by itself from its first row on, so neither its start nor Java's is in it (the warming up
of its code is, but for Spark, whose second query is counted); Firesteel's is the whole process."""
from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

import kafka_cases
from kafka_cases import PARTITIONS, counted, servers, to_parquet
from kafka_client import Kafka, KafkaError
from measure import DELAY, ROOT, ROWS, RUNS, WORK, bar, measure, report

CACHE = os.path.join(os.environ.get("FIRESTEEL_CACHE") or os.path.expanduser("~/.cache/firesteel"), "bench")
PROGRAMS = os.path.join(ROOT, "tests", "bench", "rivals")
LIMIT_SECONDS = 600


def last_lines(text: str) -> str:
    return "\n".join(text.splitlines()[-12:])


def figures_of(name: str, command: list[str], **env: str) -> dict | None:
    """The JSON on the last line of what it prints; None, said, when it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, env={**os.environ, **env})
    except subprocess.TimeoutExpired:
        print(f"  {name}: not done after {LIMIT_SECONDS} s; left out")
        return None
    if done.returncode != 0:
        print(f"  {name}: exit status {done.returncode}; left out\n{last_lines(done.stderr or done.stdout)}")
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def newest_counts(topic: str) -> int:
    """Rows of a result topic replace older ones of their key."""
    newest: dict[bytes, int] = {}
    with Kafka(servers()) as kafka:
        for record in kafka.consume(topic):
            row = json.loads(record.value)
            key = record.key or json.dumps([row["window_start"], row["device_id"], row["device_type"]]).encode()
            newest[key] = row["event_count"]
    return sum(newest.values())


def java(version: str, program: str, arguments: list[str], scratch: str) -> list[str] | None:
    jars, classes = os.path.join(CACHE, version), os.path.join(CACHE, version + "-classes")
    if not os.path.isdir(classes):
        return None
    opens = [f"--add-opens=java.base/{part}=ALL-UNNAMED" for part in ("java.util", "java.lang", "java.time", "java.nio")]
    return ["java", "-Xmx2g", f"-Djava.io.tmpdir={scratch}", *opens, "-cp", f"{classes}:{jars}/*", program, *arguments]


def scratch_folder(name: str) -> str:
    folder = os.path.join(WORK, "rivals", name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def result_topic(name: str) -> str:
    topic = f"rival-{name}-{time.time_ns()}"
    with Kafka(servers()) as kafka:
        kafka.create_topic(topic, PARTITIONS)
    return topic


def forget(*topics: str) -> None:
    with Kafka(servers()) as kafka:
        for topic in topics:
            try:
                kafka.delete_topic(topic)
            except KafkaError:
                pass  # the rival had not got that far


def kafka_streams(topic: str) -> dict | None:
    output = result_topic("streams")
    command = java("kafka-streams-4.3.1", "Devices", [servers(), topic, output, str(ROWS), "2"], scratch_folder("streams"))
    if command is None:
        return {}
    figures = figures_of("Kafka Streams", command)
    figures = figures and {**figures, "counted": newest_counts(output)}
    forget(output, *(f"{output}-{inner}" for inner in ("by-device-repartition", "seen-changelog", "minutes-changelog")))
    return figures


def flink(topic: str) -> dict | None:
    output, folder = result_topic("flink"), scratch_folder("flink")
    command = java("flink-2.2.1", "Devices", [servers(), topic, output, str(ROWS), DELAY], folder)
    if command is None:
        return {}
    figures = figures_of("Flink", command)
    figures = figures and {**figures, "counted": newest_counts(output)}
    forget(output)
    return figures


def spark(topic: str) -> dict | None:
    python = os.path.join(CACHE, "spark-4.2.0", "bin", "python")
    if not os.path.exists(os.path.join(CACHE, "spark-4.2.0", "done")):
        return {}
    folder = scratch_folder("spark")
    jars = os.path.join(CACHE, "spark-kafka-4.2.0")
    command = [python, os.path.join(PROGRAMS, "spark", "devices.py"), servers(), topic, folder, jars, str(ROWS), DELAY]
    figures = figures_of("Spark", command)
    return figures and {**figures, "counted": counted(os.path.join(folder, "out-warm"))}


RIVALS = {
    "kafka-streams": (kafka_streams, "Kafka Streams 4.3.1, exactly_once_v2", 5),
    "spark": (spark, "Spark 4.2.0, warm, files exactly once", 10),
    "flink": (flink, "Flink 2.2.1, checkpoints, exactly-once sink", 10),
}


def kafka_rivals(devices: int) -> None:
    kafka_cases.title("kafka-rivals", devices)
    topic = kafka_cases.input_topic(devices)
    command, env = [], {}
    runs = []
    for _ in range(RUNS):
        command, env = to_parquet(topic)
        runs.append(measure(command, **env))
    print("                           min /  median /     max")
    _, cpu = report("firesteel exactly once", ROWS, runs)
    print(f"  {counted(os.path.join(WORK, 'kafka', 'lake')):,} events counted")
    wanted = os.environ.get("RIVALS", ",".join(RIVALS)).split(",")
    for name in filter(None, wanted):
        run, title, times = RIVALS[name]
        figures = run(topic)
        if figures == {}:
            print(f"  {title}: not here; tests/bench/install {name}")
        if not figures:
            continue
        other = figures["cpu_s"] / figures["events"] * 1e6
        print(f"  {title:45} {figures['events'] / figures['seconds'] / 1e3:7,.0f} k events/s   {other:5.2f} CPU-s per M   "
              f"{figures['counted']:,} events counted")  # fmt: skip
        bar(f"times {title.split(',')[0]}'s events per CPU second", other / cpu, times, True)
        sys.stdout.flush()
