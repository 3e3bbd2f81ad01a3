#!/bin/sh
# SPDX-License-Identifier: MIT
# `make demo-telemetra`: a real Kafka broker and a real PostgreSQL on this machine; half an hour of chat of
# 20 streams goes through telemetra.sql, on its own environment, into both tables. The pipeline is killed
# with kill -9 on the way, and so is PostgreSQL; then the requirement's queries are asked, and every row is
# compared with what tools/oracle/telemetra.py computes from the producer's log. Three streams were given a
# burst of chat: these must be found, and nothing else. ROWS, BURSTS change the size; KEEP=1 leaves the
# servers running.
set -eu
cd "$(dirname "$0")/../.."
firesteel=${FIRESTEEL:-build/firesteel}
rows=${ROWS:-300000}
bursts=${BURSTS:-3}
rate=${RATE:-15000}

number=1
mkdir -p build/demo-telemetra
while ! mkdir "build/demo-telemetra/$number" 2>/dev/null; do number=$((number + 1)); done
folder=$PWD/build/demo-telemetra/$number
producer=
pipeline=
end() {
    [ -z "$pipeline" ] || kill -9 "$pipeline" 2>/dev/null || true
    [ -z "$producer" ] || kill "$producer" 2>/dev/null || true
    if [ "${KEEP:-0}" = 0 ]; then
        tools/services/kafka stop "$folder/servers"
        tools/services/postgres stop "$folder/servers"
    fi
}
trap end EXIT
trap 'exit 1' INT TERM

echo "starting Kafka and PostgreSQL .."
tools/services/kafka start "$folder/servers"
tools/services/postgres start "$folder/servers"
for name in kafka postgres; do tools/services/$name env "$folder/servers"; done >"$folder/env"
set -a
# shellcheck source=/dev/null
. "$folder/env"
set +a
database=$POSTGRES_URL
sql() { psql -X -q -v ON_ERROR_STOP=1 "$database" "$@"; }
in_topic() {
    python3 tests/services/kafka_client.py "$KAFKA_BOOTSTRAP_SERVERS" offsets telemetra.events.chat 2>/dev/null |
        awk '{ sum += $4 } END { print sum + 0 }'
}

# The pipeline's own environment, as in production.
address=${database#*@}
export POSTGRES_URL="jdbc:postgresql://$address" POSTGRES_USER=firesteel POSTGRES_PASSWORD=firesteel
export KAFKA_STARTING_OFFSETS=earliest CHECKPOINT_LOCATION="$folder/checkpoint" TRIGGER_INTERVAL='1 second'

echo "$rows events of 20 streams, $bursts bursts -> Kafka $KAFKA_BOOTSTRAP_SERVERS, telemetra.events.* -> telemetra.sql -> $POSTGRES_URL"
start_time=$(python3 -c "
import datetime
now = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=31)
print(now.strftime('%Y-%m-%dT%H:%M:00Z'))")
"$firesteel" generate twitch --rows "$rows" --rate "$rate" --streams 20 --users 500 --emotes 200 --span '30 minutes' \
    --start "$start_time" --bursts "$bursts" --duplicates 0.005 --invalid 0.005 --malformed 50 \
    --log "$folder/produced.jsonl" --to "kafka://$KAFKA_BOOTSTRAP_SERVERS/" 2>"$folder/producer.log" &
producer=$!
# Sets $pipeline to the program's own id: it is what gets the signals.
start() { # start FLAG ..
    "$firesteel" run pipelines/telemetra/telemetra.sql --create-tables --wait-for kafka,postgres "$@" 2>>"$folder/pipeline.log" &
    pipeline=$!
}
finish() {
    wait "$pipeline" || { tail -n 5 "$folder/pipeline.log"; exit 1; }
    pipeline=
}

tries=0
while [ "$(in_topic)" = 0 ] && [ $tries -lt 100 ]; do tries=$((tries + 1)); sleep 0.1; done
start
while [ "$(in_topic)" -lt $((rows / 100 * 30)) ] && kill -0 "$producer" 2>/dev/null; do
    kill -0 "$pipeline" 2>/dev/null || { tail -n 5 "$folder/pipeline.log"; exit 1; }
    sleep 0.2
done
kill -9 "$pipeline"
wait "$pipeline" 2>/dev/null || true
pipeline=
echo "the pipeline was killed with kill -9 when $(in_topic) messages were in the topic"
start
while [ "$(in_topic)" -lt $((rows / 100 * 50)) ] && kill -0 "$producer" 2>/dev/null; do sleep 0.2; done
tools/services/postgres kill "$folder/servers"
echo "PostgreSQL was killed with kill -9 when $(in_topic) messages were in the topic"
tools/services/postgres start "$folder/servers"
wait "$producer" || { cat "$folder/producer.log"; exit 1; }
producer=
tail -n 1 "$folder/producer.log"
kill -TERM "$pipeline" 2>/dev/null || true # it may have met the dead server while it started
wait "$pipeline" || true
pipeline=
start --once --drain --stats "$folder/stats.json"
finish

printf '\nthe queries of pipelines/telemetra/postgres/queries.sql\n'
python3 - "$folder" <<'SPLIT'
import re
import sys

text = open("pipelines/telemetra/postgres/queries.sql").read()
with open(sys.argv[1] + "/queries.sql", "w") as out:
    for name, query in re.findall(r"^-- ([A-Z][^\n]*)\n(SELECT.*?;)", text, re.S | re.M):
        out.write(f"\\echo\n\\echo {name}\n{query}\n")
SPLIT
sql -f "$folder/queries.sql"

result=0
echo "comparing every row with what the producer's log says .."
python3 - "$folder" "$database" "$bursts" <<'CHECK' || result=1
import json
import os
import subprocess
import sys

folder, database, bursts = sys.argv[1], sys.argv[2], int(sys.argv[3])
files = {}
with open(folder + "/produced.jsonl") as lines:
    for line in lines:
        record = json.loads(line)
        kind = record["topic"].rpartition(".")[2]
        if kind not in files:
            os.makedirs(f"{folder}/in/{kind}")
            files[kind] = open(f"{folder}/in/{kind}/part.jsonl", "w")
        files[kind].write(record["payload"] + "\n")
for file in files.values():
    file.close()
time = "to_char({0}, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') AS {0}"
columns = {
    "chat_summary_minute": [time.format("window_start"), time.format("window_end"), "chat_count", "unique_chatters", "avg_sentiment",
                            "positive_count", "negative_count", "chat_rate", "avg_viewers", "top_emotes", "z_score", "is_anomaly"],
    "moments": [time.format("timestamp"), "moment_type", "description", "intensity", "metadata"],
}  # fmt: skip
for table, names in columns.items():
    os.makedirs(f"{folder}/{table}")
    with open(f"{folder}/{table}/rows.json", "w") as out:
        query = f"SELECT to_json(t) FROM (SELECT stream_id, {', '.join(names)} FROM {table}) t"
        subprocess.run(["psql", "-X", "-q", "-A", "-t", "-c", query, database], check=True, stdout=out)
same = subprocess.run(["tools/oracle/telemetra.py", folder + "/in", "--check", folder + "/chat_summary_minute", folder + "/moments"])
found = []
with open(folder + "/moments/rows.json") as lines:
    moments = sorted((json.loads(line) for line in lines), key=lambda row: row["timestamp"])
seconds = lambda text: sum(int(part) * unit for part, unit in zip(text[11:19].split(":"), (3600, 60, 1)))
for row in moments:
    if not any(row["stream_id"] == other["stream_id"] and seconds(row["timestamp"]) - seconds(other["timestamp"]) <= 30 for other in found):
        found.append(row)
        print(f"burst at {row['timestamp']} in {row['stream_id']}: {row['description']}")
print(f"{len(moments)} moments, of {len(found)} bursts; {bursts} bursts were made")
sys.exit(same.returncode or len(found) != bursts)
CHECK
[ "$result" = 0 ] || echo "IT DOES NOT ADD UP"

cat <<WHERE

what was produced   $folder/produced.jsonl
tables              psql $database
refused records     $folder/checkpoint/quarantine/
log                 $folder/pipeline.log
the servers again   tools/services/kafka start $folder/servers; tools/services/postgres start $folder/servers
their addresses     $folder/env
live, with a page   pipelines/telemetra/README.md
WHERE
exit "$result"
