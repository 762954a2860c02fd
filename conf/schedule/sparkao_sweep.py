"""A nightly sweep under Airflow 2.10 or 3: a failed cell (3) or a regression (4) fails the task, nothing to do (99) and
another driver at work (75) skip it. A retry goes on where the sweep was."""

from datetime import datetime, timedelta

from airflow import DAG

try:
    from airflow.providers.standard.operators.bash import BashOperator
except ImportError:  # Airflow 2
    from airflow.operators.bash import BashOperator

with DAG(
    dag_id="sparkao_sweep",
    schedule="15 2 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 1, "retry_delay": timedelta(minutes=10)},
) as dag:
    BashOperator(
        task_id="sweep",
        cwd="/opt/sparkao",
        env={"MODEL": "/data/models/nightly", "DATA": "/data/evaluation"},
        append_env=True,
        bash_command="jobs/bin/sparkao sweep conf/sweeps/smollm2.yaml",
        skip_on_exit_code=[75, 99],
    )
