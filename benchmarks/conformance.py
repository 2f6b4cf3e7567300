"""The published CEL conformance suite as cases for `lawful eval --cases`: docs/conformance.md tells how.

    python benchmarks/conformance.py suite.json >cases.jsonl

`suite.json` is the suite of the npm package @bufbuild/cel-spec, written as JSON. The suite itself is not kept here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PLAIN = {"boolValue": "bool", "stringValue": "string"}
FOREIGN = {
    "doubleValue": "double",
    "uint64Value": "uint",
    "bytesValue": "bytes",
    "nullValue": "null",
    "mapValue": "map",
    "typeValue": "type",
    "enumValue": "message",
}
MOMENTS = {"google.protobuf.Timestamp": "timestamp", "google.protobuf.Duration": "duration"}


def main() -> None:
    suite = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    left_out = 0
    for path, test in tests(suite, []):
        made = case("/".join(path), test["original"])
        if made is None:
            left_out += 1
        else:
            print(json.dumps(made, ensure_ascii=False))
    print(f"{left_out} tests only check types and have no value: they are left out", file=sys.stderr)


def tests(suite: dict[str, Any], path: list[str]) -> Iterator[tuple[list[str], dict[str, Any]]]:
    for test in suite.get("tests", ()):
        yield [*path, test["original"]["name"]], test
    for inner in suite.get("suites", ()):
        yield from tests(inner, [*path, inner["name"]])


def case(name: str, test: dict[str, Any]) -> dict[str, Any] | None:
    """None for a test that has no value: its type is checked only."""
    made: dict[str, Any] = {"name": name, "expr": test["expr"]}
    if "bindings" in test:
        made["bindings"] = {bound: value(given["value"]) for bound, given in test["bindings"].items()}
    if "evalError" in test:
        return made | {"error": True}
    if "typedResult" in test:
        result = test["typedResult"].get("result")
        return None if result is None else made | {"value": value(result)}
    return made | {"value": value(test.get("value", {"boolValue": True}))}


def value(given: dict[str, Any]) -> Any:
    """A `cel.expr.Value` in protobuf's JSON, as a case gives it."""
    ((kind, inner),) = given.items()
    if kind in PLAIN:
        return inner
    if kind == "int64Value":
        return int(inner)
    if kind == "listValue":
        return [value(each) for each in inner.get("values", ())]
    if kind == "objectValue":
        of_type = inner["@type"].rpartition("/")[2]
        return {MOMENTS[of_type]: inner["value"]} if of_type in MOMENTS else {"message": of_type}
    return {FOREIGN[kind]: inner}


if __name__ == "__main__":
    main()
