"""The options that several commands have."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

Format = Annotated[Literal["text", "json"], typer.Option("--format", help="How results are written.")]
Lang = Annotated[
    Literal["en", "zh"] | None,
    typer.Option("--lang", help="The language of what people read; from LC_ALL or LANG without it."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors: the exit code is the answer.")]
PolicyName = Annotated[
    str,
    typer.Argument(metavar="POLICY", help="A shipped policy's name, or a path: it has a `/` or ends in .yaml."),
]
Facts = Annotated[
    list[str] | None,
    typer.Option("--request", metavar="FIELD=VALUE", help="What the request says beside the change. Repeatable."),
]
History = Annotated[
    str | None,
    typer.Option("--history", metavar="FILE|none", help="What happened to the account; `none`: nothing did."),
]
HistoryFrom = Annotated[
    str | None,
    typer.Option("--history-from", metavar="DATE", help="The history is whole from there on, and unknown before."),
]
At = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="When the change is asked for; a date is its midnight.")
]
Engine = Annotated[Literal["rete", "reference", "direct"] | None, typer.Option("--engine", help="Which engine judges.")]
