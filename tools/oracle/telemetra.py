#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the telemetra pipeline must give, computed from its input files in plain Python.

usage: telemetra.py INPUT [--baseline inclusive|exclusive] [--threshold Z] [--lexicon FILE]
                        [--size S] [--slide S] [--check SUMMARY MOMENTS]

INPUT holds chat/*.jsonl and viewer/*.jsonl as `firesteel generate twitch --to INPUT` writes them.
Without --check the rows are printed as JSON lines. With it, the folders SUMMARY and MOMENTS (files of
JSON lines) must hold exactly these rows: differences are printed and the exit code is 1.
All windows are closed, no row is late: for runs with --drain, or in batch.
"""
import argparse
import collections
import datetime
import glob
import json
import math
import os
import sys



def words_of(message):
    out, word = set(), []
    for char in (message or "").lower() + " ":
        if char.isalpha() or char.isdigit() or char == "'":
            word.append(char)
        elif word:
            out.add("".join(word))
            word = []
    return out


def micros(text):
    time = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (time - epoch) // datetime.timedelta(microseconds=1)


def stamp(time_us):
    time = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=time_us)
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + "%03d" % (time_us // 1000 % 1000) + "Z"


def records(folder, kind):
    for path in sorted(glob.glob(os.path.join(folder, kind, "*.jsonl"))):
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                stream = record.get("stream_id") or record.get("channel")
                if stream is None or record.get("timestamp") is None:
                    continue
                yield stream, micros(record["timestamp"]), record


def windows_of(time_us, size, slide):
    start = time_us // slide * slide
    while start > time_us - size:
        yield start
        start -= slide


def summarise(args):
    polarity = {}
    with open(args.lexicon, encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            word, value = line.strip().split(",")
            polarity[word] = int(value)
    chat = collections.defaultdict(lambda: [0, set(), 0.0, 0, 0, collections.Counter()])
    viewers = collections.defaultdict(lambda: [0, 0])
    for stream, time_us, record in records(args.input, "chat"):
        found = [polarity[word] for word in words_of(record.get("message")) if word in polarity]
        score = sum(found) / len(found) if found else 0.0
        for start in windows_of(time_us, args.size, args.slide):
            state = chat[stream, start]
            state[0] += 1
            state[1].add(record.get("user_id"))
            state[2] += score
            state[3] += score > 0
            state[4] += score < 0
            state[5].update(record.get("emotes") or [])
    for stream, time_us, record in records(args.input, "viewer"):
        for start in windows_of(time_us, args.size, args.slide):
            state = viewers[stream, start]
            state[0] += record["viewer_count"]
            state[1] += 1
    rows = []
    for (stream, start), state in chat.items():
        total, seen = viewers.get((stream, start), (0, 0))
        emotes = sorted(state[5].items(), key=lambda item: (-item[1], item[0].encode()))
        rows.append({
            "stream_id": stream,
            "window_start": stamp(start),
            "window_end": stamp(start + args.size),
            "chat_count": state[0],
            "unique_chatters": len(state[1] - {None}),
            "avg_sentiment": state[2] / state[0],
            "positive_count": state[3],
            "negative_count": state[4],
            "chat_rate": state[0] / (args.size / 1e6),
            "avg_viewers": total / seen if seen else 0.0,
            "top_emotes": [emote for emote, _ in emotes[:10]],
        })
    return sorted(rows, key=lambda row: (row["stream_id"], row["window_start"]))


def find_anomalies(rows, args):
    history, moments = [], []
    for row in rows:
        if history and history[-1]["stream_id"] != row["stream_id"]:
            history = []
        history.append(row)
        frame = history[-11:] if args.baseline == "inclusive" else history[-11:-1]
        rates = [other["chat_rate"] for other in frame]
        mean = math.fsum(rates) / len(rates) if rates else 0.0
        spread = math.sqrt(math.fsum((rate - mean) ** 2 for rate in rates) / len(rates)) if rates else 0
        is_known = len(rates) >= 3 and spread >= 1e-12
        row["z_score"] = (row["chat_rate"] - mean) / spread if is_known else 0.0
        row["is_anomaly"] = row["z_score"] > args.threshold
        if row["is_anomaly"]:
            moments.append({
                "stream_id": row["stream_id"],
                "timestamp": row["window_start"],
                "moment_type": "chat_spike",
                "description": "chat_rate: %.2f, z_score: %.2f, chat_count: %d"
                % (row["chat_rate"], row["z_score"], row["chat_count"]),
                "intensity": row["chat_rate"],
                "metadata": {key: row[key] for key in
                             ("chat_count", "unique_chatters", "avg_viewers", "z_score")},
            })
    return moments


def same(want, got):
    if isinstance(want, dict):
        got = json.loads(got) if isinstance(got, str) else got
        return want.keys() == got.keys() and all(same(want[key], got[key]) for key in want)
    if isinstance(want, float):
        return math.isclose(want, float(got), rel_tol=1e-9, abs_tol=1e-9)
    return want == got


def compare(name, want, folder, key):
    got, bad = collections.defaultdict(list), 0
    for path in glob.glob(os.path.join(folder, "**", "*.json"), recursive=True):
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                got[tuple(row[part] for part in key)].append(row)
    missing = extra = different = 0
    for row in want:
        found = got.pop(tuple(row[part] for part in key), [])
        missing += not found
        extra += max(0, len(found) - 1)
        for field in row if found else ():
            if not same(row[field], found[0].get(field)):
                different += 1
                if different < 6:
                    print("%s: %s of %s: expected %s, got %s" % (
                        name, field, [row[part] for part in key], row[field], found[0].get(field)))
                break
    extra += sum(len(rows) for rows in got.values())
    print("%s: %d rows expected, %d missing, %d extra, %d different" % (
        name, len(want), missing, extra, different))
    return missing + extra + different == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("input")
    parser.add_argument("--baseline", choices=("inclusive", "exclusive"), default="exclusive")
    parser.add_argument("--threshold", type=float, default=3.0)
    parser.add_argument("--lexicon", default=os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "..", "..", "pipelines", "telemetra", "lexicon.csv"))
    parser.add_argument("--size", type=float, default=60)
    parser.add_argument("--slide", type=float, default=10)
    parser.add_argument("--check", nargs=2, metavar=("SUMMARY", "MOMENTS"))
    args = parser.parse_args()
    args.size, args.slide = round(args.size * 1e6), round(args.slide * 1e6)
    rows = summarise(args)
    moments = find_anomalies(rows, args)
    if args.check is None:
        for row in rows + moments:
            print(json.dumps(row))
        return 0
    good = compare("chat_summary_minute", rows, args.check[0], ("stream_id", "window_start"))
    good = compare("moments", moments, args.check[1], ("stream_id", "timestamp")) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
