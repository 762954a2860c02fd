#!/bin/sh
# Runs the notebooks from top to bottom and writes each as a page of HTML with its pictures into notebooks/target;
# fails when a cell does. Makes a Python environment there first (once, some 200 MB).
#
#   notebooks/run.sh [NAME.ipynb]...
#
# SPARKAO_TABLES  folder of the tables (default: sparkao-tables of the repository)
# PYTHON          Python 3.11 or later (default python3)
set -eu
case ${SPARKAO_TABLES:-} in
  "" | /* | *://*) ;;
  *) SPARKAO_TABLES=$(pwd)/$SPARKAO_TABLES && export SPARKAO_TABLES ;;
esac
cd "$(dirname "$0")"
venv=target/venv
if ! cmp -s requirements.txt "$venv/requirements.txt"; then
  "${PYTHON:-python3}" -m venv --clear "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
  cp requirements.txt "$venv/requirements.txt"
fi
[ $# -gt 0 ] || set -- *.ipynb
"$venv/bin/python" -m nbconvert --to html --execute --log-level ERROR --KernelManager.transport=ipc --output-dir target "$@"
for notebook in "$@"; do
  echo "notebooks/target/$(basename "$notebook" .ipynb).html"
done
