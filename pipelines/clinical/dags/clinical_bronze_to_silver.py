# SPDX-License-Identifier: MIT
"""Silver each hour, from Airflow.

A run replaces exactly the bronze hours that it reads, so a retry, or the same hour twice, changes
nothing. The hour is the data interval's, not the clock's: a backfill reads the hours it is about.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow import DAG
from airflow.operators.bash import BashOperator

with DAG(
    dag_id="clinical_bronze_to_silver",
    schedule="@hourly",
    start_date=datetime(2025, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1)},
    tags=["clinical", "firesteel"],
) as dag:
    BashOperator(
        task_id="bronze_to_silver",
        # Exit 75 (another run holds the lock) and 1 are worth a retry; 3 is the quality gate.
        bash_command=(
            "firesteel run --quiet --min-quality 90 "
            "-D PROCESS_NOW={{ data_interval_start.strftime('%Y-%m-%dT%H:%M:%SZ') }} "
            "-D PROCESS_HOURS=1 "
            "${CLINICAL_HOME:-/opt/firesteel/pipelines/clinical}/bronze_to_silver.sql"
        ),
    )
