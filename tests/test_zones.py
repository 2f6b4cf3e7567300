"""Days of a zone told by instants alone: what `calendar.day_of` says, also where clocks are put back past midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa
import pytest

from columns import placed
from lawful import calendar
from lawful.audit import zones
from lawful.audit.zones import Zone

# St. John's put its clocks back at one minute past midnight; Apia left out a day; Sao Paulo has days without midnight.
PLACES = ["UTC", "America/New_York", "America/St_Johns", "America/Sao_Paulo", "Pacific/Apia", "Asia/Shanghai"]
TURNS = [datetime(2006, 10, 29), datetime(2006, 11, 5), datetime(2011, 12, 30), datetime(1997, 1, 1)]
ENDS = [datetime(1, 1, 1), datetime(9999, 12, 31), datetime(2500, 7, 1)]
STEPS = [timedelta(minutes=minutes) for minutes in (-1500, -61, -1, 0, 1, 30, 61, 149, 181, 700, 1439, 1500)]


@pytest.mark.parametrize(
    ("place", "moments"), [*((place, TURNS) for place in PLACES), ("America/St_Johns", [*TURNS, *ENDS])]
)
def test_whether_a_day_has_begun_is_told_by_the_instant(place: str, moments: list[datetime]) -> None:
    where = ZoneInfo(place)
    instants = [at for moment in moments for step in STEPS if (at := _near(moment, step)) is not None]
    micros = [zones.micros(at) for at in instants]
    zone = Zone.of(where, min(micros), max(micros))
    days = sorted({moment.date() for moment in TURNS} | {date(2006, 10, 30), date(1, 1, 1), date(1, 1, 2)})
    rows = placed(pa.table({"at": pa.array(micros, type=pa.int64())}), ibis.duckdb.connect(threads=1))
    told = rows.mutate(**{f"d_{i}": zone.is_since(rows.at, day) for i, day in enumerate(days)}).to_pyarrow().to_pylist()
    found = {(row["at"], day): row[f"d_{i}"] for row in told for i, day in enumerate(days)}
    assert found == {(zones.micros(at), day): calendar.day_of(at, where) >= day for at in instants for day in days}


def _near(moment: datetime, step: timedelta) -> datetime | None:
    try:
        return moment.replace(tzinfo=UTC) + step + timedelta(hours=4)
    except OverflowError:
        return None
