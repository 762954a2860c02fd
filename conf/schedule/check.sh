#!/bin/sh
# Reads the three schedules with their own tools: the crontab with croniter and sh, the DAG with Airflow's DagBag, the
# Kubernetes object with the schema of the operator's CRD. Fetches the tools into a virtual environment (200 MB).
#   conf/schedule/check.sh [CRD.yaml]       config/crd/bases/sparkoperator.k8s.io_scheduledsparkapplications.yaml of
#                                           kubeflow/spark-operator; fetched from GitHub when not given
set -eu
here=$(CDPATH= cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
crd=${1:-}
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "apache-airflow==3.0.2" "apache-airflow-providers-standard" croniter jsonschema pyyaml
if [ -z "$crd" ]; then
  crd=$work/crd.yaml
  curl -fsSL -o "$crd" "https://raw.githubusercontent.com/kubeflow/spark-operator/v2.5.2/config/crd/bases/\
sparkoperator.k8s.io_scheduledsparkapplications.yaml"
fi
AIRFLOW_HOME=$work/airflow AIRFLOW__CORE__LOAD_EXAMPLES=False "$work/venv/bin/python" - "$here" "$crd" <<'PYTHON'
import pathlib
import shutil
import subprocess
import sys
import tempfile

import jsonschema
import yaml
from croniter import croniter

here, crd = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])

lines = [line for line in (here / "sparkao.crontab").read_text().splitlines() if line and line[0] not in "#"]
jobs = [line for line in lines if line[0].isdigit() or line[0] == "*"]
assert len(jobs) == 1, jobs
minute, hour, day, month, weekday, command = jobs[0].split(None, 5)
assert croniter.is_valid(" ".join((minute, hour, day, month, weekday)))
assert "%" not in command, "cron reads % as a line end"
subprocess.run(["sh", "-n", "-c", command], check=True)
print("crontab: ok")

schema = next(
    version["schema"]["openAPIV3Schema"]
    for version in yaml.safe_load(crd.read_text())["spec"]["versions"]
    if version["name"] == "v1beta2"
)


def closed(node):
    """The API server drops unknown fields, or refuses them under strict validation: so here."""
    if isinstance(node, dict):
        if "properties" in node and "additionalProperties" not in node:
            node["additionalProperties"] = node.get("x-kubernetes-preserve-unknown-fields", False)
        for child in node.values():
            closed(child)
    elif isinstance(node, list):
        for child in node:
            closed(child)


closed(schema)
schema["properties"]["metadata"] = {"type": "object"}
application = yaml.safe_load((here / "sparkao-sweep.yaml").read_text())
jsonschema.Draft202012Validator(schema).validate(application)
assert croniter.is_valid(application["spec"]["schedule"])
print("ScheduledSparkApplication: ok")

with tempfile.TemporaryDirectory() as folder:
    shutil.copy(here / "sparkao_sweep.py", folder)
    from airflow.models.dagbag import DagBag

    bag = DagBag(dag_folder=folder, include_examples=False)
    assert not bag.import_errors, bag.import_errors
    task = bag.dags["sparkao_sweep"].get_task("sweep")
    assert task.skip_on_exit_code == [75, 99], task.skip_on_exit_code
print("DAG: ok")
PYTHON
