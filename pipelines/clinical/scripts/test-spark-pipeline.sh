#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The whole way of the data, checked at four places: producer, bronze, silver, files.
# Works in a folder of its own (WORK, default a temporary one) and needs nothing else running. With
# KAFKA_BOOTSTRAP_SERVERS set the records go through those topics; without, from the generator
# straight into the bronze pipeline. With S3_ENDPOINT set bronze and silver are in S3_BUCKET.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
firesteel=${FIRESTEEL:-firesteel}
work=${WORK:-$(mktemp -d)}
rows=${ROWS:-2000}
mkdir -p "$work"
cd "$work"
if [[ -z ${S3_ENDPOINT:-} ]]; then
    export BRONZE=$work/raw SILVER=$work/processed
else
    export S3_BUCKET=${S3_BUCKET:-clinical-mlops} S3_PREFIX=${S3_PREFIX:-raw/}
fi

fail() {
    echo "✗ $1" >&2
    exit 1
}

# One a line: what is below PREFIX/, `processed` or `raw`.
files() { # files PREFIX
    if [[ -n ${S3_ENDPOINT:-} ]]; then
        python3 "$here/../../tests/services/s3_client.py" list "$S3_BUCKET" "$1/"
    else
        find "$work/$1" -type f 2>/dev/null
    fi
}

produce=(generate clinical --rows "$rows" --patients "${NUM_PATIENTS:-1000}" --duplicates "${DUPLICATES:-0.02}" --invalid "${INVALID:-0.003}" --seed "${SEED:-1}" --start now)
inputs=()
if [[ -n ${KAFKA_BOOTSTRAP_SERVERS:-} ]]; then
    "$firesteel" "${produce[@]}" --to "kafka://$KAFKA_BOOTSTRAP_SERVERS/" >producer.log 2>&1 || fail "Kafka Producer: $(tail -1 producer.log)"
else
    "$firesteel" "${produce[@]}" --to "$work/topics" >producer.log 2>&1 || fail "Kafka Producer: $(tail -1 producer.log)"
    for pair in vitals:patient-vitals labs:lab-results medications:medications adverse_events:adverse-events; do
        inputs+=(--with "${pair%%:*}_raw.connector=files" --with "${pair%%:*}_raw.path=$work/topics/${pair##*:}/*.jsonl")
    done
fi
echo "✓ Kafka Producer: generating data ($rows records)"

export KAFKA_STARTING_OFFSETS=${KAFKA_STARTING_OFFSETS:-earliest}
"$firesteel" run --once --drain --quiet "$here/bronze.sql" --set checkpoint="$work/checkpoint-bronze" "${inputs[@]}" >bronze.log 2>&1 || fail "Kafka Consumer: $(tail -1 bronze.log)"
prefix=${S3_PREFIX:-raw/}
count=$(files "${prefix%/}" | grep -c '/batch_.*\.json$' || true)
[[ $count -gt 0 ]] || fail "Kafka Consumer: no files in bronze"
echo "✓ Kafka Consumer: writing to bronze ($count files)"

"$here/scripts/run-spark-job.sh" 1 --quiet --set checkpoint="$work/checkpoint-silver" >silver.log 2>silver.err || fail "Spark Processor: $(tail -1 silver.err)"
grep -q '^records_written: [1-9]' silver.log || fail "Spark Processor: nothing was written"
echo "✓ Spark Processor: reading bronze, writing silver"

for topic in patient-vitals lab-results medications adverse-events; do
    files processed | grep -q "processed/$topic/.*/part-.*\.parquet$" || fail "Verification: no Parquet files of $topic"
done
echo "✓ Verification: Parquet files exist"
cat silver.log
