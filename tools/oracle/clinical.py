#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Independent computation of clinical's silver rows: plain Python over the bronze files.

Nothing of Firesteel or DuckDB is used to compute; rows of a topic and hour come out as sorted tuples
of text, so that they can be compared with what a reader finds in silver.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from pathlib import Path

TOPICS = ("patient-vitals", "lab-results", "medications", "adverse-events")
VITALS = ("heart_rate", "blood_pressure_systolic", "blood_pressure_diastolic", "temperature", "spo2")
RANGES = {
    "heart_rate": (40, 200),
    "blood_pressure_systolic": (60, 250),
    "blood_pressure_diastolic": (40, 150),
    "temperature": (35, 42),
    "spo2": (70, 100),
}
TEXTS = {
    "patient-vitals": ("patient_id", "source", "trial_site", "trial_arm"),
    "lab-results": ("patient_id", "test_name", "unit", "lab_id", "reference_range", "performing_lab", "trial_site"),
    "medications": ("patient_id", "drug_name", "unit", "route", "frequency", "administered_by", "trial_site", "trial_arm"),
    "adverse-events": ("patient_id", "event_type", "severity", "reported_by", "description", "trial_site", "trial_arm"),
}
NUMBERS = {"patient-vitals": VITALS, "lab-results": ("value",), "medications": ("dosage",), "adverse-events": ()}
TIMES = {
    "patient-vitals": ("timestamp",),
    "lab-results": ("timestamp",),
    "medications": ("timestamp",),
    "adverse-events": ("event_timestamp", "report_timestamp"),
}
KEYS = {
    "patient-vitals": ("patient_id", "timestamp", "source"),
    "lab-results": ("patient_id", "timestamp", "test_name", "lab_id"),
    "medications": ("patient_id", "timestamp", "drug_name"),
    "adverse-events": ("patient_id", "event_timestamp", "event_type"),
}
REQUIRED = {
    "patient-vitals": ("patient_id", "timestamp", *VITALS),
    "lab-results": ("patient_id", "timestamp", "test_name", "value"),
    "medications": ("patient_id", "timestamp", "drug_name", "dosage"),
    "adverse-events": ("patient_id", "event_timestamp", "event_type", "severity"),
}


def parse(topic: str, line: str) -> dict | None:
    """The record with its typed fields, None when it cannot be parsed."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    if not isinstance(record, dict):
        return None
    out: dict = {}
    for name in TEXTS[topic]:
        value = record.get(name)
        out[name] = value if value is None or isinstance(value, str) else json.dumps(value)
    for name in NUMBERS[topic]:
        value = record.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            return None
        out[name] = value
    for name in TIMES[topic]:
        value = record.get(name)
        if value is not None:
            match = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z", value)
            if match is None:
                return None
            micros = int((match[3] or "0").ljust(6, "0"))
            value = datetime.fromisoformat(f"{match[1]}T{match[2]}+00:00").replace(microsecond=micros)
        out[name] = value
    return out


def problems(topic: str, row: dict) -> list[str]:
    out = [f"missing_{name}" for name in REQUIRED[topic] if row[name] is None]
    if topic == "patient-vitals":
        for name, (low, high) in RANGES.items():
            if row[name] is not None and not low <= row[name] <= high:
                out.append(f"invalid_{name}")
    elif topic == "lab-results" and row["value"] is not None and row["value"] < 0:
        out.append("negative_value")
    elif topic == "medications" and row["dosage"] is not None and row["dosage"] < 0:
        out.append("negative_dosage")
    elif topic == "adverse-events" and row["severity"] is not None and row["severity"] not in [f"grade_{i}" for i in (1, 2, 3, 4)]:
        out.append("invalid_severity")
    return out


def derive(topic: str, row: dict) -> dict:
    out = dict(row)
    present = sum(row[name] is not None for name in (*TEXTS[topic], *NUMBERS[topic], *TIMES[topic]))
    out["data_quality_score"] = present / len((*TEXTS[topic], *NUMBERS[topic], *TIMES[topic]))
    if topic == "patient-vitals":
        heart, high, low, temperature, spo2 = (row[name] for name in VITALS)
        out |= {
            "pulse_pressure": high - low,
            "mean_arterial_pressure": (high + 2 * low) / 3,
            "is_tachycardia": heart > 100,
            "is_bradycardia": heart < 60,
            "is_hypertensive": high >= 140 or low >= 90,
            "is_hypotensive": high < 90 or low < 60,
            "is_febrile": temperature >= 38,
            "is_hypothermic": temperature < 36,
            "is_hypoxic": spo2 < 95,
        }
    elif topic == "lab-results":
        out["test_name"] = row["test_name"].upper()
    elif topic == "medications":
        out["drug_name"] = row["drug_name"].upper()
    else:
        out["event_type"] = row["event_type"].upper()
        out["severity_score"] = int(row["severity"][-1])
    return out


def text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{float(value):.9g}"
    return str(value)


def day(topic: str, row: dict) -> str:
    return row[TIMES[topic][0]].strftime("%Y-%m-%d")


def hour_rows(bronze: Path, topic: str, hour: str) -> tuple[list[dict], dict[str, int]]:
    """Silver rows of one bronze hour (2025-10-05T14), and its figures."""
    folder = bronze / topic / f"date={hour[:10]}" / f"hour={hour[11:13]}"
    figures = {"read": 0, "written": 0, "duplicates": 0, "invalid": 0, "out_of_range": 0}
    kept: dict[tuple, dict] = {}
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        for line in path.read_text(encoding="utf-8").splitlines():
            figures["read"] += 1
            row = parse(topic, line)
            if row is None:
                figures["invalid"] += 1
                continue
            key = tuple(row[name] for name in KEYS[topic])
            figures["duplicates"] += key in kept
            kept[key] = row
    rows = []
    for row in kept.values():
        found = problems(topic, row)
        figures["invalid"] += bool(found)
        figures["out_of_range"] += sum(name.startswith("invalid_") for name in found) if topic == "patient-vitals" else 0
        if not found:
            rows.append(derive(topic, row))
    figures["written"] = len(rows)
    return rows, figures
