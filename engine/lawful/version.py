"""This package's version, in the one place where it is written: `importlib.metadata` takes 10 ms to ask."""

__version__ = "0.1.0"
