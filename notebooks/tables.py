"""Reads the Delta tables of sparkao for the notebooks beside it.

SPARKAO_TABLES names the folder of the tables; without it, the folder that quickstart and the sample sweep write when
they are started where the README says.
"""

import os
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

ROOT = Path(__file__).resolve().parent.parent
FOLDER = os.environ.get("SPARKAO_TABLES") or str(ROOT / "sparkao-tables")


def find(table, columns):
    """These columns of all rows of a table as a DataFrame; None when there is no such table."""
    try:
        return DeltaTable(f"{FOLDER}/{table}").to_pandas(columns=columns)
    except TableNotFoundError:
        return None


def read(table, columns):
    """The same of a table that has to be there."""
    rows = find(table, columns)
    if rows is None or rows.empty:
        raise SystemExit(
            f"{FOLDER} has no rows of the table {table}: run `jobs/bin/sparkao quickstart` and "
            "`jobs/bin/sparkao sweep conf/sweeps/sample.yaml` first, or set SPARKAO_TABLES"
        )
    return rows
