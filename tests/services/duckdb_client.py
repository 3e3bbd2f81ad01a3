# SPDX-License-Identifier: MIT
"""DuckDB by itself, through ctypes: tests read Parquet with it, without Firesteel's own code.

    rows("SELECT * FROM 'lake/**/*.parquet'")      a list of dictionaries
"""
from __future__ import annotations

import ctypes
import glob
import json
import os
import tempfile
from ctypes import byref, c_char_p, c_void_p


class Result(ctypes.Structure):
    _fields_ = [("words", ctypes.c_uint64 * 6)]


def load() -> ctypes.CDLL:
    cache = os.environ.get("FIRESTEEL_CACHE") or os.path.expanduser("~/.cache/firesteel")
    found = sorted(glob.glob(os.path.join(cache, "duckdb-*", "libduckdb.so")))
    if not found:
        raise RuntimeError(f"no DuckDB in {cache}: run tools/fetch")
    library = ctypes.CDLL(found[-1])
    library.duckdb_result_error.restype = c_char_p
    return library


def execute(*statements: str) -> None:
    library, database, connection = load(), c_void_p(), c_void_p()
    if library.duckdb_open(None, byref(database)) != 0 or library.duckdb_connect(database, byref(connection)) != 0:
        raise RuntimeError("DuckDB does not open")
    try:
        for statement in statements:
            result = Result()
            state = library.duckdb_query(connection, statement.encode(), byref(result))
            text = (library.duckdb_result_error(byref(result)) or b"").decode() if state else ""
            library.duckdb_destroy_result(byref(result))
            if state != 0:
                raise RuntimeError(f"{statement}: {text}")
    finally:
        library.duckdb_disconnect(byref(connection))
        library.duckdb_close(byref(database))


def rows(query: str) -> list[dict]:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rows.json")
        execute(f"COPY ({query}) TO '{path}' (FORMAT json)")
        with open(path, encoding="utf-8") as file:
            return [json.loads(line) for line in file]
