# SPDX-License-Identifier: MIT
"""Servers for tests: tools/services as a Python object.

A test that only uses a server takes the shared one, whose addresses tests/run.d/60-services puts into
the environment. A test that kills or stops it makes its own:

    with Server("kafka", folder) as broker:      # started; at the end killed
        broker["KAFKA_BOOTSTRAP_SERVERS"]
        broker.kill()                             # kill -9
        broker.start()                            # the same ports, the same data
"""
from __future__ import annotations

import os
import signal
import subprocess
import time
from types import TracebackType
from typing import Callable

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Server:
    def __init__(self, name: str, folder: str, **environment: str):
        """folder: the data go to folder/name. environment: as the script of that server reads it."""
        self.name, self.folder = name, os.path.abspath(folder)
        self.environment = {**os.environ, **environment}
        self.values: dict[str, str] = {}

    def call(self, verb: str) -> str:
        script = os.path.join(ROOT, "tools", "services", self.name)
        done = subprocess.run([script, verb, self.folder], env=self.environment, text=True, capture_output=True)
        if done.returncode != 0:
            raise RuntimeError(f"tools/services/{self.name} {verb} {self.folder}: {done.stderr or done.stdout}")
        return done.stdout

    def start(self) -> Server:
        self.call("start")
        self.values = dict(line.split("=", 1) for line in self.call("env").splitlines())
        return self

    def stop(self) -> None:
        self.call("stop")

    def kill(self) -> None:
        self.call("kill")

    def process_id(self) -> int:
        with open(os.path.join(self.folder, self.name, "pid")) as file:
            return int(file.read().split()[0])

    def pause(self) -> None:
        """Connections stay, nothing answers; until resume()."""
        os.kill(self.process_id(), signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.process_id(), signal.SIGCONT)

    def __getitem__(self, variable: str) -> str:
        return self.values[variable]

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()


def wait_until(what: str, condition: Callable[[], object], seconds: float = 30, pause: float = 0.02) -> object:
    """The first true result; an error that names `what` when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(pause)
