"""Audits of inventories: the same policy, asked of millions of accounts at once, where their data is.

Nothing here passes through Python row by row: the rules become one Ibis expression, and the engine that holds the data
(DuckDB, PostgreSQL, Spark) computes it.
"""
