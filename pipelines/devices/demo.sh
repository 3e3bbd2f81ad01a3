#!/bin/sh
# SPDX-License-Identifier: MIT
# `make demo`: 5 million made-up events through devices.sql into a lake in a new folder below
# build/demo, with nothing else running. Prints the ledger and checks that it adds up.
set -eu
cd "$(dirname "$0")/../.."
firesteel=${FIRESTEEL:-build/firesteel}
rows=${ROWS:-5000000}

number=1
mkdir -p build/demo
while ! mkdir "build/demo/$number" 2>/dev/null; do number=$((number + 1)); done
folder=build/demo/$number

# The pipeline's own environment: generator in, Parquet out.
export CHECKPOINT_LOCATION="$folder/checkpoint" OUTPUT_PATH="$folder/lake" KAFKA_BOOTSTRAP_SERVERS= S3_BUCKET=
export GENERATOR_ROWS="$rows" GENERATOR_RATE=0 GENERATOR_START=2024-01-15T10:00:00Z
export GENERATOR_DUPLICATES=0.02 GENERATOR_INVALID=0.01 GENERATOR_LATE=0.005

echo "$rows events: 2 % duplicates, 1 % invalid, 0.5 % late -> pipelines/devices/devices.sql -> $folder/lake"
begin=$(date +%s.%N)
"$firesteel" run --once --drain pipelines/devices/devices.sql --stats "$folder/stats.json" 2>"$folder/log" || {
    code=$?
    cat "$folder/log" >&2
    exit "$code"
}
end=$(date +%s.%N)

python3 - "$folder/stats.json" "$begin" "$end" "$rows" <<'CHECK'
import json
import sys

path, begin, end, rows = sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
with open(path) as file:
    ledger = json.load(file)["ledger"]
TERMS = ["passed", "filtered", "duplicate", "late", "rejected", "undecodable", "in_state"]
print(f"\nledger ({rows / (end - begin):,.0f} events/s, {end - begin:.1f} s from exec to the last commit)")
print(f"{'':20}{'rows_in':>10} = " + " + ".join(f"{term:>11}" for term in TERMS))
good = True
for relation in ledger:
    is_sink = relation.get("from") == relation["relation"]
    name = relation["relation"] + (" sink" if is_sink else "")
    values = {**relation, "rejected": sum(relation["rejected"].values())}
    right = sum(values[term] for term in TERMS) == values["rows_in"]
    good = good and right
    line = " + ".join(f"{values[term]:11,}" for term in TERMS)
    print(f"{name:20}{values['rows_in']:10,} = {line}" + ("" if right else "   DOES NOT ADD UP"))
source = ledger[0]
if not good or source["rows_in"] != rows:
    sys.exit(f"the ledger does not add up: {rows} events were made, {source['rows_in']} came in")
print("it adds up: every event is counted, dropped as a duplicate, late (kept) or rejected (kept)")
CHECK

echo
echo "the ten busiest device-minutes"
"$firesteel" run pipelines/devices/top_ten.sql -D TOP_TEN_CHECKPOINT="$folder/top_ten" 2>>"$folder/log"

cat <<WHERE

results     $folder/lake/*.parquet ($(find "$folder/lake" -name '*.parquet' | wc -l) files)
late rows   $folder/lake-late/*.parquet
refused     $folder/checkpoint/quarantine/
state       $firesteel state show $folder/checkpoint
query it    OUTPUT_PATH=$folder/lake $firesteel run pipelines/devices/top_ten.sql
            duckdb -c "SELECT device_id, sum(event_count) FROM '$folder/lake/*.parquet' GROUP BY ALL ORDER BY 2 DESC LIMIT 5"
WHERE
