# SPDX-License-Identifier: MIT
"""The devices job on Spark Structured Streaming, one availableNow batch: parse once, check, drop
duplicates within the watermark, count per device and minute, Parquet. Run twice in one session; the
second, warm, is what is counted, at its best settings: two cores, in-memory state, few shuffle
partitions, from_json evaluated once (the usual shape copies it into every condition).

    devices.py SERVERS TOPIC FOLDER JARS ROWS DELAY    prints {"events", "seconds", "cpu_s"} of the warm query
"""
import glob
import json
import os
import sys
import time

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

servers, topic, folder, jars, rows, delay = sys.argv[1:7]
wanted = ("spark-sql-kafka", "spark-token-provider", "kafka-clients", "commons-pool2")
classes = ",".join(path for path in glob.glob(jars + "/*.jar") if os.path.basename(path).startswith(wanted))

settings = {
    "spark.jars": classes,
    "spark.driver.memory": "6g",
    "spark.driver.extraJavaOptions": "-XX:+UseParallelGC",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.streaming.metricsEnabled": "false",
    "spark.local.dir": folder + "/local",
    "spark.sql.streaming.noDataMicroBatches.enabled": "true",
}
builder = SparkSession.builder.master("local[2]").appName("devices")
for name, value in settings.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")


def cpu_seconds():
    """Of the Java process, which is a child of this one; Python itself does next to nothing."""
    with open(f"/proc/{spark.sparkContext._gateway.proc.pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


SCHEMA = """event_id BIGINT, device_id STRING, device_type STRING, event_time STRING, event_duration DOUBLE,
  location STRUCT<latitude: DOUBLE, longitude: DOUBLE, city: STRING, country: STRING>,
  metadata STRUCT<firmware_version: STRING, battery_level: INT, signal_strength: INT>"""
VALID = """event_id IS NOT NULL AND device_id IS NOT NULL AND device_type IS NOT NULL AND event_time IS NOT NULL
  AND event_duration > 0 AND event_duration < 100 AND metadata.battery_level BETWEEN 0 AND 100
  AND metadata.signal_strength BETWEEN -120 AND 0 AND location.latitude BETWEEN -90 AND 90
  AND location.longitude BETWEEN -180 AND 180"""


def query(name):
    source = (
        spark.readStream.format("kafka").option("kafka.bootstrap.servers", servers).option("subscribe", topic)
        .option("startingOffsets", "earliest").option("failOnDataLoss", "false").load()
    )  # fmt: skip
    # explode() around the parse keeps the optimizer from repeating it
    events = (
        source.select(f.explode(f.array(f.from_json(f.col("value").cast("string"), SCHEMA))).alias("e")).select("e.*")
        .withColumn("event_time", f.try_to_timestamp("event_time")).where(VALID)
        .withWatermark("event_time", delay).dropDuplicatesWithinWatermark(["event_id", "device_id"])
    )  # fmt: skip
    minutes = events.groupBy(f.window("event_time", "1 minute"), "device_id", "device_type").agg(
        f.count("*").alias("event_count"), f.avg("event_duration").alias("avg_duration"),
        f.max("event_duration").alias("max_duration"), f.min("event_duration").alias("min_duration"),
        f.avg("metadata.battery_level").alias("avg_battery_level"),
        f.min("metadata.battery_level").alias("min_battery_level"),
        f.avg("metadata.signal_strength").alias("avg_signal_strength"),
        f.min("metadata.signal_strength").alias("min_signal_strength"),
        f.first("location.city").alias("city"), f.first("location.country").alias("country"),
        f.first("metadata.firmware_version").alias("firmware_version"),
        f.max("event_time").alias("last_event_time"),
    )  # fmt: skip
    out = minutes.select("window.start", "window.end", *[c for c in minutes.columns if c != "window"])
    writer = (
        out.writeStream.format("parquet").option("path", f"{folder}/out-{name}").outputMode("append")
        .option("checkpointLocation", f"{folder}/checkpoint-{name}").trigger(availableNow=True)
    )  # fmt: skip
    begin, cpu = time.monotonic(), cpu_seconds()
    run = writer.start()
    run.awaitTermination()
    return time.monotonic() - begin, cpu_seconds() - cpu


query("cold")
seconds, cpu_s = query("warm")
spark.stop()
print(json.dumps({"events": int(rows), "seconds": seconds, "cpu_s": cpu_s}))
