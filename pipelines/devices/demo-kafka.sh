#!/bin/sh
# SPDX-License-Identifier: MIT
# `make demo-kafka`: a real Kafka broker and a real S3 server on this machine; 5 million made-up events
# go through the topic while devices.sql, on its own environment, writes Parquet to S3. It is killed
# with kill -9 twice on the way, goes on, drains; then every row on S3 is compared with the producer's
# log of what the broker acknowledged. ROWS and RATE change the size; KEEP=1 leaves the servers running.
set -eu
cd "$(dirname "$0")/../.."
firesteel=${FIRESTEEL:-build/firesteel}
rows=${ROWS:-5000000}
rate=${RATE:-250000}

number=1
mkdir -p build/demo-kafka
while ! mkdir "build/demo-kafka/$number" 2>/dev/null; do number=$((number + 1)); done
folder=$PWD/build/demo-kafka/$number
producer=
pipeline=
starts=0
end() {
    [ -z "$pipeline" ] || kill -9 "$pipeline" 2>/dev/null || true
    [ -z "$producer" ] || kill "$producer" 2>/dev/null || true
    if [ "${KEEP:-0}" = 0 ]; then
        tools/services/kafka stop "$folder/servers"
        tools/services/s3 stop "$folder/servers"
    fi
}
trap end EXIT
trap 'exit 1' INT TERM

echo "starting Kafka and an S3 server .."
tools/services/kafka start "$folder/servers"
tools/services/s3 start "$folder/servers"
for name in kafka s3; do tools/services/$name env "$folder/servers"; done >"$folder/env"
set -a
# shellcheck source=/dev/null
. "$folder/env"
set +a
kafka() { python3 tests/services/kafka_client.py "$KAFKA_BOOTSTRAP_SERVERS" "$@"; }
s3() { python3 tests/services/s3_client.py "$@"; }
objects() { s3 list "$S3_BUCKET" "$S3_PREFIX/" | grep -c '\.parquet$' || true; }
in_topic() { kafka offsets "$KAFKA_TOPIC" | awk '{ sum += $4 } END { print sum + 0 }'; }
now() { date +%s.%N; }

# The pipeline's own environment, as in production.
export KAFKA_TOPIC=input_events KAFKA_STARTING_OFFSETS=earliest
export S3_BUCKET=devices-lake S3_PREFIX=streaming-output CHECKPOINT_LOCATION="$folder/checkpoint"
kafka create "$KAFKA_TOPIC" 4
s3 bucket "$S3_BUCKET"

echo "$rows events at $rate/s -> Kafka $KAFKA_BOOTSTRAP_SERVERS, $KAFKA_TOPIC, 4 partitions -> devices.sql -> s3://$S3_BUCKET/$S3_PREFIX"
begin=$(now)
"$firesteel" generate devices --rows "$rows" --rate "$rate" --span '40 minutes' --duplicates 0.02 \
    --invalid 0.01 --late 0.005 --malformed 0.001 --partitions 4 --log "$folder/produced.jsonl" \
    --to "kafka://$KAFKA_BOOTSTRAP_SERVERS/$KAFKA_TOPIC" 2>"$folder/producer.log" &
producer=$!
# Sets $pipeline to the program's own id: it is what gets the signals.
start() { # start FLAG ..
    starts=$((starts + 1))
    "$firesteel" run pipelines/devices/devices.sql --http 127.0.0.1:0 "$@" 2>>"$folder/pipeline.log" &
    pipeline=$!
}
# Before that, SIGTERM is no wish to it but its end.
wait_until_it_runs() {
    while [ "$(grep -c 'http: listening' "$folder/pipeline.log")" -lt "$starts" ]; do
        kill -0 "$pipeline" 2>/dev/null || { tail -n 5 "$folder/pipeline.log"; exit 1; }
        sleep 0.1
    done
}
finish() {
    wait "$pipeline" || { tail -n 5 "$folder/pipeline.log"; exit 1; }
    pipeline=
}

for share in 50 80; do
    start
    while [ "$(in_topic)" -lt $((rows / 100 * share)) ]; do
        kill -0 "$pipeline" 2>/dev/null || { tail -n 5 "$folder/pipeline.log"; exit 1; }
        kill -0 "$producer" 2>/dev/null || { cat "$folder/producer.log"; break; }
        sleep 0.2
    done
    wait_until_it_runs
    kill -9 "$pipeline"
    wait "$pipeline" 2>/dev/null || true
    pipeline=
    echo "killed with kill -9 when $(in_topic) events were in the topic and $(objects) files on S3"
done
start
wait "$producer" || { cat "$folder/producer.log"; exit 1; }
producer=
tail -n 1 "$folder/producer.log"
wait_until_it_runs
kill -TERM "$pipeline"
finish
start --once --drain --stats "$folder/stats.json"
finish
echo "drained $(python3 -c "print(f'{$(now) - $begin:.1f}')") s after the first event: $(objects) files on S3"

echo "reading them back and comparing with the producer's log .."
s3 fetch "$S3_BUCKET" "$S3_PREFIX/" "$folder/lake" >"$folder/fetch.log"
s3 fetch "$S3_BUCKET" "$S3_PREFIX-late/" "$folder/lake-late" >>"$folder/fetch.log"
result=0
python3 tests/services/devices_log.py "$folder/produced.jsonl" "$folder/lake" "$folder/lake-late" || result=1

python3 - "$folder" "$rows" <<'CHECK' || result=1
import json
import sys

sys.path.insert(0, "tests/services")
import duckdb_client

folder, rows = sys.argv[1], int(sys.argv[2])
with open(folder + "/stats.json") as file:
    ledger = json.load(file)["ledger"]
terms = ["passed", "filtered", "duplicate", "late", "rejected", "undecodable", "in_state"]
print("\nledger of the pipeline, over all four runs")
print(f"{'':20}{'rows_in':>10} = " + " + ".join(f"{term:>11}" for term in terms))
good = True
for relation in ledger:
    values = {**relation, "rejected": sum(relation["rejected"].values())}
    good = good and sum(values[term] for term in terms) == values["rows_in"]
    name = relation["relation"] + (" sink" if relation.get("from") == relation["relation"] else "")
    print(f"{name:20}{values['rows_in']:10,} = " + " + ".join(f"{values[term]:11,}" for term in terms))
if not good or ledger[0]["rows_in"] != rows:
    sys.exit(f"it does not add up: {rows} events were acknowledged, {ledger[0]['rows_in']} came in")
print("\nthe five busiest device-minutes on S3")
for row in duckdb_client.rows(
    "SELECT window_start, device_id, device_type, event_count, round(avg_duration, 3) AS avg_duration, city "
    f"FROM read_parquet('{folder}/lake/**/*.parquet', hive_partitioning = true) ORDER BY event_count DESC, window_start, device_id LIMIT 5"
):
    print("  " + "  ".join(str(value) for value in row.values()))
CHECK

cat <<WHERE

what was produced   $folder/produced.jsonl
what is on S3       s3://$S3_BUCKET/$S3_PREFIX, copied to $folder/lake and $folder/lake-late
refused records     $folder/checkpoint/quarantine/
log                 $folder/pipeline.log
the servers again   tools/services/kafka start $folder/servers; tools/services/s3 start $folder/servers
their addresses     $folder/env
WHERE
exit "$result"
