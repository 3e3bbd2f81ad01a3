#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Golden tests of the pipeline language.

errors*/NAME.sql    must be refused (exit 78); NAME.expected is what stands on stderr, byte for byte
commands/NAME.sql   `firesteel WORDS NAME.sql`, WORDS from a first line `-- command: WORDS`; with --json in
                    them stdout must be JSON; NAME.expected is the exit code, then stderr and stdout
plans/NAME.sql      must be accepted; NAME.expected is `firesteel plan --json`, with its warnings

A first line `-- args: ..` adds words to the command line. The binary is $FIRESTEEL, by default
build/firesteel. --update writes what came out; read the diff before committing it. Other words on the
command line choose the cases whose path contains one of them.
"""

from __future__ import annotations

import difflib
import json
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
GOLDEN = ROOT / "tests" / "golden"
TIMEOUT_S = 60


def case_args(sql: Path) -> list[str]:
    first = sql.read_text(encoding="utf-8", errors="replace").split("\n", 1)[0]
    return shlex.split(first[len("-- args:") :]) if first.startswith("-- args:") else []


def command_words(sql: Path) -> list[str]:
    first = sql.read_text(encoding="utf-8").split("\n", 1)[0]
    return shlex.split(first.removeprefix("-- command:"))


def run_case(binary: str, sql: Path) -> tuple[str, str]:
    """What came out, and a complaint that holds whatever is expected (or nothing)."""
    name = str(sql.relative_to(ROOT))
    is_plan = sql.parent.name == "plans"
    is_command = sql.parent.name == "commands"
    words = [binary, "plan", "--json"] if is_plan else [binary, "check"]
    if is_command:
        words = [binary, *command_words(sql)]
    environment = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "ASAN_OPTIONS")}
    environment["NO_COLOR"] = "1"
    result = subprocess.run(
        [*words, name, *case_args(sql)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if is_command:
        complaint = ""
        if "--json" in words:
            try:
                json.loads(result.stdout)
            except ValueError as error:
                complaint = f"stdout is not JSON: {error}"
        return f"exit {result.returncode}\n{result.stderr}{result.stdout}", complaint
    wanted = 0 if is_plan else 78
    complaint = "" if result.returncode == wanted else f"exit {result.returncode}, not {wanted}"
    return result.stderr + result.stdout, complaint


def check_case(binary: str, sql: Path, update: bool) -> str:
    """A failure as text, or nothing."""
    name = str(sql.relative_to(ROOT))
    got, complaint = run_case(binary, sql)
    expected = sql.with_suffix(".expected")
    if complaint:
        return f"FAIL {name}: {complaint}\n{got}"
    if update:
        expected.write_text(got, encoding="utf-8")
        return ""
    if not expected.exists():
        return f"FAIL {name}: no {expected.name}: run tests/golden/run.py --update {name}\n"
    want = expected.read_text(encoding="utf-8")
    if got == want:
        return ""
    diff = difflib.unified_diff(
        want.splitlines(True), got.splitlines(True), expected.name, "now", n=1
    )
    return f"FAIL {name}: repeat with tests/golden/run.py {name}\n" + "".join(diff)


def main(words: list[str]) -> int:
    update = "--update" in words
    chosen = [word for word in words if not word.startswith("--")]
    binary = os.environ.get("FIRESTEEL", str(ROOT / "build" / "firesteel"))
    if not Path(binary).exists():
        print(f"no {binary}: run make first, or set FIRESTEEL")
        return 1
    cases = sorted(
        sql
        for pattern in ("errors*/*.sql", "plans/*.sql", "commands/*.sql")
        for sql in GOLDEN.glob(pattern)
        if not sql.name.endswith(".test.sql")
    )
    if chosen:
        cases = [sql for sql in cases if any(word in str(sql) for word in chosen)]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        results = list(pool.map(lambda sql: check_case(binary, sql, update), cases))
    failures = [result for result in results if result]
    sys.stdout.write("".join(failures))
    print(f"{len(cases) - len(failures)} passed, {len(failures)} failed")
    return 1 if failures or not cases else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
