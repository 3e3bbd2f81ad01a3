#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Input for tests of the devices pipeline, made without Firesteel: the producer's own log.

Every record is surely on time or surely late wherever triggers are cut: event time moves on by
SECONDS_PER_ROW with at most 2 s of disorder, copies follow their original within 400 rows (and are
identical), late rows are three hours old and carry "kind": "late" (see tools/oracle/devices.py).
A file not yet begun holds the watermark where it is, so a job must finish a first file before it meets
late rows: `prime` in tools/oracle/runner.py.

    tools/oracle/events.py FOLDER --rows 100000 --seed 7 --files 4
"""
from __future__ import annotations

import argparse
import os
import random
import sys
from typing import Iterator

SECONDS_PER_ROW = 0.12
BEGIN_S = 1_705_276_800  # 2024-01-15T00:00:00Z
LATE_FROM = 30_000  # rows after which the watermark is surely ahead of a three hour old row
CITIES = [("Tehran", "Iran"), ("Zürich", "Switzerland"), ("São Paulo", "Brazil"), ("東京", "Japan"),
          ("New York", "United States"), ('Quo\\"te', "Back\\\\slash"), ("L\\u00e9on", "\\u8a9e")]  # fmt: skip
TYPES = ["sensor_A", "sensor_B", "camera", "thermo"]
POISON = [
    b"", b"not json", b"{", b'{"event_id": 1', b"[1, 2, 3]", b"null", b"\xff\xfe\x00", b'"text"',
    b"{'event_id': 1}", b'{"event_id": 1} {"event_id": 2}', b'{"event_id": 1, "device_id": "\xc3"}',
]  # fmt: skip


def time_text(micros: int, form: int) -> str:
    """One of the accepted spellings of a time."""
    shift = (0, 0, 0, 0, 0, 210, -300)[form] * 60
    seconds, fraction = divmod(micros, 1_000_000)
    days, rest = divmod(seconds + shift, 86400)
    # Days since 2024-01-01 stay within January to March 2024 for every size that tests use.
    day = days - 19_723
    month, day = (1, day) if day < 31 else (2, day - 31) if day < 60 else (3, day - 60)
    gap = " " if form in (1, 4) else "T"
    text = f"2024-{month:02d}-{day + 1:02d}{gap}{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    text += f".{fraction:06d}"
    return text + ("Z", "", "+00:00", "+0000", "Z", "+0330", "-05:00")[form]


def record(rng: random.Random, row: int, devices: int, invalid: int = 0, late: bool = False) -> bytes:
    micros = int((BEGIN_S + row * SECONDS_PER_ROW - 2 * rng.random()) * 1e6)
    if late:
        micros -= 3 * 3600 * 1_000_000
    city, country = CITIES[rng.randrange(len(CITIES))]
    duration = f"{rng.randrange(100, 5001) / 1000}"
    battery, signal = str(rng.randrange(101)), str(-rng.randrange(121))
    latitude, longitude = f"{rng.uniform(-90, 90):.6f}", f"{rng.uniform(-180, 180):.6f}"
    if invalid == 1:
        duration = "-5"
    elif invalid == 2:
        battery = "150"
    elif invalid == 3:
        signal = "null"
    elif invalid == 4:
        latitude = "200.0"
    elif invalid == 5:
        duration = '"1.5"'
    elif invalid == 6:
        battery = "85.5"
    kind = '"kind":"late",' if late else ""
    text = (
        f'{{"event_id":{row + 100_000},"device_id":"dev_{rng.randrange(devices)}",{kind}'
        f'"device_type":"{TYPES[rng.randrange(4)]}","event_time":"{time_text(micros, rng.randrange(7))}",'
        f'"event_duration":{duration},"location":{{"latitude":{latitude},"longitude":{longitude},'
        f'"city":"{city}","country":"{country}"}},"metadata":{{"firmware_version":'
        f'"{rng.randrange(5)}.{rng.randrange(10)}.{rng.randrange(20)}","battery_level":{battery},'
        f'"signal_strength":{signal}}}}}'
    )
    return text.encode()


def events(
    rows: int, seed: int, first: int = 0, devices: int = 50, duplicates: float = 0.02,
    invalid: float = 0.01, late: float = 0.005, poison: float = 0.0,
) -> Iterator[bytes]:  # fmt: skip
    """Lines without line break, deterministic from the seed."""
    rng = random.Random(seed * 1_000_003 + first)
    recent: list[bytes] = []
    for row in range(first, first + rows):
        dice = rng.random()
        if recent and dice < duplicates:
            yield recent[rng.randrange(len(recent))]
            continue
        dice -= duplicates
        if 0 <= dice < invalid:
            yield record(rng, row, devices, invalid=rng.randrange(1, 7))
            continue
        dice -= invalid
        if 0 <= dice < late and row >= LATE_FROM:
            yield record(rng, row, devices, late=True)
            continue
        dice -= late
        if 0 <= dice < poison:
            yield POISON[rng.randrange(len(POISON))]
            continue
        line = record(rng, row, devices)
        if len(recent) < 400:
            recent.append(line)
        else:
            recent[row % 400] = line
        yield line


def write_files(
    folder: str, rows: int, seed: int, files: int = 1, first_file: int = 0, first: int = 0, **kinds
) -> list[str]:  # fmt: skip
    """rows split over `files` JSON line files, each renamed into place when whole."""
    os.makedirs(folder, exist_ok=True)
    paths = []
    lines = events(rows, seed, first=first, **kinds)
    for number in range(files):
        share = rows * (number + 1) // files - rows * number // files
        path = os.path.join(folder, f"part-{first_file + number:04d}.jsonl")
        with open(path + ".tmp", "wb") as file:
            for _ in range(share):
                file.write(next(lines))
                file.write(b"\n")
        os.rename(path + ".tmp", path)
        paths.append(path)
    return paths


def nasty_lines() -> list[bytes]:
    """Hand-made records: all forms, escapes, wrong types, unknown fields, duplicate keys, bad bytes."""

    def event(number: int, **change: str) -> bytes:
        fields = {
            "event_id": str(number), "device_id": '"dev_1"', "device_type": '"thermo"',
            "event_time": '"2024-01-15T10:30:10Z"', "event_duration": "1.5",
            "location": '{"latitude":1.0,"longitude":2.0,"city":"A","country":"X"}',
            "metadata": '{"firmware_version":"1.0","battery_level":50,"signal_strength":-50}',
        }  # fmt: skip
        fields.update(change)
        return ("{" + ",".join(f'"{k}":{v}' for k, v in fields.items() if v) + "}").encode()

    times = [
        "2024-01-15T10:30:00Z", "2024-01-15T10:30:01.1Z", "2024-01-15T10:30:02.123456Z",
        "2024-01-15T10:30:03.123456789Z", "2024-01-15 10:30:04", "2024-01-15T10:30:05",
        "2024-01-15T10:30:06+00:00", "2024-01-15T14:00:07+0330", "2024-01-15T14:00:08+03:30",
        "2024-01-14T23:30:09.5-11:00", "2024-02-29T23:59:59.999999Z", "2023-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z", "2024-01-15T24:00:00Z", "2024-01-15T10:60:00Z", "2024-01-15T10:30:60Z",
        "2024-01-15", "10:30:00", "yesterday", "", "2024-01-15T10:30:00Zjunk", "1969-12-31T23:59:59.5Z",
        "2024-1-15T10:30:00Z", " 2024-01-15T10:30:00Z", "2024-01-15T10:30:00 Z", "1705314600",
    ]  # fmt: skip
    lines = [event(i, event_time=f'"{t}"') for i, t in enumerate(times)]
    numbers = [
        "1", "1.0", "-0.5", "0", "99.99999", "100", "1e1", "1E-3", "1e400", "-1e400", "1e-400", "0.1e0",
        "01", "1.", ".5", "+1", "NaN", "Infinity", "-Infinity", "true", "null", '"1.5"', "[1.5]", "{}",
        "12345678901234567890", "0.30000000000000004", "4.9406564584124654e-324", "1.7976931348623157e308",
        "3.14159265358979323846264338327950288", "00", "-", "1e", "0x10", "1_000",
    ]  # fmt: skip
    lines += [event(100 + i, event_duration=n) for i, n in enumerate(numbers)]
    wholes = ["0", "100", "101", "-1", "85.0", "8.5e1", '"85"', "true", "2147483648", "99999999999999999999",
              "-0", "null", "[]", "{}", "007"]  # fmt: skip
    for i, n in enumerate(wholes):
        meta = f'{{"firmware_version":"1","battery_level":{n},"signal_strength":-1}}'
        lines.append(event(200 + i, metadata=meta))
    ids = ["9223372036854775807", "-9223372036854775808", "9223372036854775808", "1.0", '"7"', "null", "true"]
    lines += [event(0, event_id=n, device_id='"dev_ids"') for n in ids]
    texts = [
        r'"plain"', r'"tab\tquote\"back\\slash\/"', r'"\u00e9\u20ac"', r'"\ud83d\ude00"', '"é€😀"', '""',
        r'"a\u0041"', '"' + "long " * 60 + '"', "12", "1.50", "true", "[1, 2]", '{"a": "b" }', "null",
        r'"bad \x escape"', '"raw\ttab"', r'"\u12"', '"unended', "tru", "-1e5", '[{"deep":[1,{"x":"}]"}]}]',
    ]  # fmt: skip
    for i, t in enumerate(texts):
        place = f'{{"latitude":1.0,"longitude":2.0,"city":{t},"country":{t}}}'
        lines.append(event(300 + i, location=place, device_id=f'"dev_{i}"'))
    lines += [event(350 + i, device_id=t) for i, t in enumerate(texts)]
    lines += [event(400 + i, device_type=t) for i, t in enumerate(texts)]
    lines += [event(430, location=v) for v in ("null", "[]", "5", '"x"', "{}", "")]
    lines += [event(440, metadata=v) for v in ("null", "[]", "5", '"x"', "{}", "")]
    lines += [event(450, **{name: ""}) for name in ("event_id", "device_id", "device_type", "event_time")]
    lines += [
        event(500, unknown='{"a":[1,{"b":"}]"}],"c":null}'), event(501, unknown='"\\u00e9\\n"'),
        b'{"event_id":1,' + event(502)[1:], b'{"event_duration":"x",' + event(503)[1:],
        event(504)[:-1] + b',"event_duration":7.25}', event(505)[:-1] + b',"event_duration":"x"}',
        event(506)[:-1] + b',"Event_Duration":-1}', event(507)[:-1] + b',"location":{"latitude":5.0}}',
        b"  " + event(508) + b" \t", event(509) + b"\r", event(510) + b"x", event(511) + event(511), b"\r",
        event(512).replace(b":", b" : ").replace(b",", b" ,\t"), event(513)[:-1] + b",}", b"{}", b"{ }",
        event(514).replace(b'"event_id"', b'"event\\u005fid"'), b"\xef\xbb\xbf" + event(515),
        event(516, device_id='"\\ud800x"'), event(517, unknown='"' + "u" * 40_000 + '"'),
        event(518).replace(b'"A"', b'"\xc3\x28"'), event(519).replace(b'"A"', b'"\xed\xa0\x80"'),
        event(520).replace(b'"A"', b'"\xc0\xaf"'), event(521).replace(b'"A"', b'"\xf5\x80\x80\x80"'),
        event(522, device_id='"dup"'), event(522, device_id='"dup"', event_duration="9"),
        event(522, device_id='"dup2"'), event(523, event_time="1705314600"), event(524, event_time="null"),
    ]  # fmt: skip
    return lines + POISON


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", type=int, default=1)
    parser.add_argument("--poison", type=float, default=0.0)
    options = parser.parse_args()
    write_files(options.folder, options.rows, options.seed, options.files, poison=options.poison)
    return 0


if __name__ == "__main__":
    sys.exit(main())
