"""How DuckDB's SQL spells texts, names, and a Parquet file that is read as it is."""

from __future__ import annotations


def literal(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def parquet_rows(file: str, *options: str) -> str:
    """Its rows, whatever the folders above it are called: `type=a` says nothing of them. `file`: spelled already."""
    return f"read_parquet({', '.join((file, *options, 'hive_partitioning = false'))})"
