#!/bin/sh
# SPDX-License-Identifier: MIT
# `make demo-clinical`: a real Kafka broker and a real S3 server on this machine. Made-up records of a
# trial go into four topics, bronze.sql writes them to S3, bronze_to_silver.sql makes Parquet of them
# there; then silver is read back with pyarrow (or, without it, with DuckDB) and some rows are shown.
# ROWS changes the size; KEEP=1 leaves the servers running.
set -eu
cd "$(dirname "$0")/../.."
FIRESTEEL=${FIRESTEEL:-$PWD/build/firesteel}
rows=${ROWS:-15234}
cache=${FIRESTEEL_CACHE:-$HOME/.cache/firesteel}

number=1
mkdir -p build/demo-clinical
while ! mkdir "build/demo-clinical/$number" 2>/dev/null; do number=$((number + 1)); done
folder=$PWD/build/demo-clinical/$number
end() {
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
export FIRESTEEL S3_BUCKET=clinical-mlops S3_PREFIX=raw/
python3 tests/services/s3_client.py bucket "$S3_BUCKET"

echo "generator -> Kafka $KAFKA_BOOTSTRAP_SERVERS, 4 topics -> bronze -> silver in s3://$S3_BUCKET, $S3_ENDPOINT"
WORK=$folder ROWS=$rows DUPLICATES=298 INVALID=45 pipelines/clinical/scripts/test-spark-pipeline.sh

# The requirement's own way of looking at silver, in a Python of its own: it is made once.
python=$cache/pyarrow/bin/python
if [ ! -x "$python" ] && [ "${PYARROW:-1}" = 1 ]; then
    echo "fetching pyarrow, once, for reading silver back .."
    { python3 -m venv "$cache/pyarrow" && "$cache/pyarrow/bin/pip" -q install pyarrow==26.0.1 pandas boto3; } >"$folder/pip.log" 2>&1 ||
        rm -rf "$cache/pyarrow"
fi
[ -x "$python" ] || python=python3
"$python" pipelines/clinical/scripts/show-silver.py "$S3_BUCKET"
cat <<WHERE

everything          $folder
the servers again   tools/services/kafka start $folder/servers; tools/services/s3 start $folder/servers
their addresses     $folder/env
WHERE
