#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Looks at one Parquet file of silver on S3 as the requirement does it: boto3, pandas, pyarrow.

    show-silver.py BUCKET       S3_ENDPOINT, S3_ACCESS_KEY, S3_SECRET_KEY

Without these packages: this project's own test clients and the DuckDB library.
"""

from __future__ import annotations

import os
import sys
import tempfile
from io import BytesIO
from pathlib import Path

BUCKET = sys.argv[1] if len(sys.argv) > 1 else "clinical-mlops"
PREFIX = "processed/patient-vitals/date="


def with_pandas() -> None:
    import boto3
    import pandas as pd

    s3 = boto3.client(
        "s3",
        endpoint_url=os.environ["S3_ENDPOINT"],
        aws_access_key_id=os.environ.get("S3_ACCESS_KEY", "minioadmin"),
        aws_secret_access_key=os.environ.get("S3_SECRET_KEY", "minioadmin"),
        region_name=os.environ.get("S3_REGION", "us-east-1"),
    )
    response = s3.list_objects_v2(Bucket=BUCKET, Prefix=PREFIX)
    keys = [item["Key"] for item in response.get("Contents", []) if item["Key"].endswith(".parquet")]
    if not keys:
        sys.exit(f"no Parquet file below s3://{BUCKET}/{PREFIX}")
    print(f"Reading with pyarrow: {keys[0]}")
    body = s3.get_object(Bucket=BUCKET, Key=keys[0])["Body"].read()
    table = pd.read_parquet(BytesIO(body))
    print(f"\nShape: {table.shape}")
    print(f"\nColumns: {table.columns.tolist()}")
    print(f"\nSample data:\n{table.head()}")
    print(f"\nData types:\n{table.dtypes}")


def with_duckdb() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tests" / "services"))
    import duckdb_client
    from s3_client import S3

    s3 = S3()
    keys = [key for key in s3.keys(BUCKET, PREFIX) if key.endswith(".parquet")]
    if not keys:
        sys.exit(f"no Parquet file below s3://{BUCKET}/{PREFIX}")
    print(f"Reading with DuckDB: {keys[0]}")
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
        file.write(s3.get(BUCKET, keys[0]))
        file.flush()
        for row in duckdb_client.rows(f"SELECT * FROM read_parquet('{file.name}', hive_partitioning = false) LIMIT 5"):
            print("  " + "  ".join(f"{name}={value}" for name, value in row.items()))


if __name__ == "__main__":
    try:
        import boto3  # noqa: F401
        import pandas  # noqa: F401
        import pyarrow  # noqa: F401
    except ImportError:
        with_duckdb()
    else:
        with_pandas()
