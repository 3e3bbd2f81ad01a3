# SPDX-License-Identifier: MIT
"""How the tests start Firesteel: one place that knows the command lines."""
from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEVICES = os.path.join(ROOT, "pipelines", "devices", "devices.sql")
sys.path.insert(0, os.path.join(ROOT, "tools", "oracle"))


def binary() -> str:
    path = os.environ.get("FIRESTEEL", os.path.join(ROOT, "build", "firesteel"))
    if not os.access(path, os.X_OK):
        sys.exit(f"{path}: not built; run make first (or set FIRESTEEL)")
    return path


def environment(**more: str) -> dict[str, str]:
    """The caller's environment without what would change the pipeline's mode."""
    drop = ("KAFKA_", "S3_", "FIRESTEEL_FAILPOINT", "GENERATOR_", "WATERMARK_", "WINDOW_", "OUTPUT_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(drop) and k != "CHECKPOINT_LOCATION"}
    return {**kept, **more}


@dataclass
class Job:
    """devices.sql over a folder of JSON lines into JSON lines, all below one working folder."""

    folder: str
    mode: list[str] = field(default_factory=lambda: ["--once", "--drain"])
    settings: dict[str, str] = field(default_factory=dict)
    more: list[str] = field(default_factory=list)
    source: str | None = None

    def __post_init__(self) -> None:
        for name in ("in", "out", "late"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)

    def path(self, *parts: str) -> str:
        return os.path.join(self.folder, *parts)

    def command(self, mode: list[str] | None = None) -> list[str]:
        source = self.source or self.path("in") + "/*.jsonl"
        with_options = [
            "events.connector=files", f"events.path={source}",
            "device_minutes.connector=files", f"device_minutes.path={self.path('out')}",
            "device_minutes.format=json", f"late_events.path={self.path('late')}",
            "late_events.format=json",
        ]  # fmt: skip
        command = [binary(), "run", *(self.mode if mode is None else mode), DEVICES]
        for option in with_options:
            command += ["--with", option]
        for name, value in {"checkpoint": self.path("checkpoint"), **self.settings}.items():
            command += ["--set", f"{name}={value}"]
        return command + self.more

    def start(self, mode: list[str] | None = None, **env: str) -> subprocess.Popen:
        log = open(self.path("log"), "ab")
        try:
            return subprocess.Popen(
                self.command(mode), env=environment(**env), stdout=log, stderr=log, cwd=ROOT,
                start_new_session=True,
            )  # fmt: skip
        finally:
            log.close()

    def run(self, mode: list[str] | None = None, timeout: float = 120, **env: str) -> int:
        """Exit code; a process that does not end in time is killed and reported as -999."""
        process = self.start(mode, **env)
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return -999

    def must_run(self, mode: list[str] | None = None, timeout: float = 120, **env: str) -> None:
        code = self.run(mode, timeout, **env)
        if code != 0:
            raise Failure(f"exit {code} from {self.shell(mode)}\n{self.log_tail()}")

    def feed(self, paths: list[str]) -> None:
        """Files appear as a producer would make them: whole, in order."""
        for path in paths:
            target = self.path("in", os.path.basename(path))
            shutil.copyfile(path, target + ".tmp")
            os.rename(target + ".tmp", target)

    def prime(self, paths: list[str]) -> list[str]:
        """Works through the first file, so that the watermark stands; the files that are left."""
        self.feed(paths[:1])
        self.must_run(["--once"])
        return paths[1:]

    def log_tail(self, lines: int = 12) -> str:
        try:
            with open(self.path("log"), errors="replace") as file:
                return "".join(file.readlines()[-lines:])
        except OSError:
            return ""

    def shell(self, mode: list[str] | None = None) -> str:
        """The line that repeats it by hand."""
        return " ".join(f"'{part}'" if any(c in part for c in "*$ ") else part for part in self.command(mode))


class Failure(Exception):
    """A test's finding; the text is for a person."""


def is_killed(code: int) -> bool:
    return code in (-signal.SIGKILL, 137)
