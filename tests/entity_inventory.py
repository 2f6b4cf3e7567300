"""A made-up register of business entities and of their elections, as a group's tax department keeps one.

    python tests/entity_inventory.py

writes `fixtures/us-entity-classification/` anew: the same every time.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from random import Random

FOLDER = Path(__file__).parent.parent / "fixtures" / "us-entity-classification"
HEADER = ["Entity ID", "Legal name", "Kind", "US", "Owners", "All limited", "Tax class", "S corp"]
EVENTS = ["Entity ID", "Effective", "Filed", "Filing", "Class before"]
NAMES = ["Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Gum", "Hazel", "Ironwood", "Juniper", "Larch", "Maple"]
TRADES = ["Holdings", "Logistics", "Ventures", "Energy", "Realty", "Foods", "Software", "Partners", "Capital"]

Row = list[str]


def register(random: Random) -> tuple[list[Row], list[Row]]:
    """Entities and filings; the first of them break a rule each, the others none."""
    entities, filings = planted()
    for number in range(len(entities) + 1, 201):
        entity, its = lawful_entity(random, f"E{number:03}")
        entities.append(entity)
        filings += its
    return entities, filings


def planted() -> tuple[list[Row], list[Row]]:
    entities = [
        ["E001", "Alder Solo Partners LP", "LP", "Y", "1", "N", "PTR", "N"],  # a partnership with one owner
        ["E002", "Birch Twins LLC", "LLC", "Y", "2", "Y", "DRE", "N"],  # disregarded with two
        ["E003", "Cedar Works Inc.", "INC", "Y", "3", "Y", "PTR", "N"],  # incorporated, as a partnership
        ["E004", "Dogwood Mutual Insurance", "INS", "Y", "1", "Y", "DRE", "N"],  # an insurer, as disregarded
        ["E005", "Elm Trading LLC", "LLC", "Y", "1", "Y", "CORP", "N"],  # an LLC as a corporation by its nature
        ["E006", "Fir Foods LLC", "LLC", "Y", "2", "Y", "PTR", "Y"],  # a partnership as an S corporation
        ["E007", "Gum Realty LLC", "LLC", "Y", "1", "Y", "DRE", "N"],  # elected twice within sixty months
        ["E008", "Hazel Energy LLC", "LLC", "Y", "2", "Y", "PTR", "N"],  # a day too early
        ["E009", "Ironwood Capital LLC", "LLC", "Y", "2", "Y", "PTR", "N"],  # on the first day that is allowed
        ["E010", "Juniper Software LLC", "LLC", "Y", "3", "Y", "PTR", "N"],  # early, and permitted
        ["E011", "Larch Logistics LLC", "LLC", "Y", "1", "Y", "DRE", "N"],  # elections at formation, then a change
        ["E012", "Maple Ventures LP", "LP", "Y", "", "N", "PTR", "N"],  # nobody knows how many owners
        ["E013", "Alder Old LLC", "LLC", "Y", "2", "Y", "ASC", "N"],  # 1997-01-01, a change, and one too soon after it
        ["E014", "Birch Bancorp", "BANK", "Y", "4", "Y", "CORP", "N"],  # left a classification that nothing leaves
    ]
    filings = [
        ["E007", "2021-01-01", "2020-12-18", "8832 association", "DRE"],
        ["E007", "2023-01-01", "2022-12-20", "8832 disregarded", "ASC"],
        ["E008", "2018-03-01", "2018-02-26", "8832 association", "PTR"],
        ["E008", "2023-02-28", "2023-03-02", "8832 partnership", "ASC"],
        ["E009", "2018-03-01", "2018-02-26", "8832 association", "PTR"],
        ["E009", "2023-03-01", "2023-02-20", "8832 partnership", "ASC"],
        ["E010", "2021-06-01", "2021-05-27", "8832 association", "PTR"],
        ["E010", "2023-07-01", "2023-06-02", "ruling", "ASC"],
        ["E010", "2023-07-01", "2023-06-30", "8832 partnership", "ASC"],
        ["E011", "2022-04-01", "2022-04-20", "8832 initial", ""],
        ["E011", "2022-04-01", "2022-05-02", "2553 initial", ""],
        ["E011", "2023-01-01", "2023-01-31", "8832 disregarded", "ASC"],
        ["E013", "1997-01-01", "1997-01-20", "8832 association", "PTR"],
        ["E013", "1998-01-01", "1998-01-15", "8832 partnership", "ASC"],
        ["E013", "2001-07-01", "2001-06-15", "8832 association", "PTR"],
        ["E014", "2022-01-01", "2022-01-10", "8832 partnership", "CORP"],
        ["E999", "2022-01-01", "2022-01-10", "8832 association", "PTR"],  # of an entity that is not listed
    ]
    return entities, filings


def lawful_entity(random: Random, id: str) -> tuple[Row, list[Row]]:
    name = f"{random.choice(NAMES)} {random.choice(TRADES)}"
    if random.random() < 0.15:
        kind, suffix = random.choice([("INC", "Inc."), ("JSC", "Joint Stock Co."), ("INS", "Insurance Co.")])
        return [id, f"{name} {suffix}", kind, "Y", str(random.randint(1, 40)), "Y", "CORP", "N"], []
    owners = random.choice([1, 1, 2, 2, 3, 5, 8])
    domestic = random.random() < 0.8
    limited = random.random() < 0.7
    default = "ASC" if limited and not domestic else "DRE" if owners == 1 else "PTR"
    kind, suffix = ("LLC", "LLC") if limited else ("LP", "LP")
    entity = [id, f"{name} {suffix}", kind, "NY"[domestic], str(owners), "NY"[limited], default, "N"]
    return entity, elected(random, entity) if random.random() < 0.4 else []


def elected(random: Random, entity: Row) -> list[Row]:
    """One election, or two more than sixty months apart; the entity is then what the last one made it."""
    unlocked = date(2006, 1, 1) + timedelta(days=random.randrange(3000))
    filings = []
    for effective in (unlocked, unlocked + timedelta(days=1827 + random.randrange(1500)))[: random.randint(1, 2)]:
        before = entity[6]
        other = "DRE" if entity[4] == "1" else "PTR"
        entity[6] = other if before == "ASC" else "ASC"
        deemed = entity[6] == "ASC" and entity[3] == "Y" and random.random() < 0.4
        entity[7] = "Y" if deemed else "N"
        words = {"ASC": "association", "DRE": "disregarded", "PTR": "partnership"}
        filing = "2553" if deemed else f"8832 {words[entity[6]]}"
        filed = effective + timedelta(days=random.randint(-60, 60))
        filings.append([entity[0], effective.isoformat(), filed.isoformat(), filing, before])
    return filings


def write(folder: Path) -> None:
    entities, filings = register(Random(8832))
    _csv(folder / "entities.csv", HEADER, entities)
    _csv(folder / "filings.csv", EVENTS, filings)


def _csv(path: Path, header: Row, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


if __name__ == "__main__":
    write(FOLDER)
