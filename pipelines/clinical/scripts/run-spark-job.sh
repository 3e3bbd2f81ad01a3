#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Bronze to silver for the last HOURS hours (default 1, or PROCESS_HOURS).
#   scripts/run-spark-job.sh [HOURS] [words for firesteel run ..]
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
hours=${PROCESS_HOURS:-1}
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
    hours=$1
    shift
elif [[ -n ${1:-} && ${1:0:1} != - ]]; then
    echo "usage: $0 [HOURS] [--flags of firesteel run]" >&2
    exit 2
fi
exec "${FIRESTEEL:-firesteel}" run "$here/bronze_to_silver.sql" -D "PROCESS_HOURS=$hours" "$@"
