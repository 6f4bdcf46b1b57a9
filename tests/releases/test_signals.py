"""Signals in a release: they are made of what it shows and of nothing else, and frozen ones are those of their release.

How they are computed is tested with the oracle (`tests/oracle/test_signals.py`).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.catalogue.vocabulary import DISTINCT, RESULT_TABLE, WINDOW
from dagster_project.core.paths import DataPaths
from dagster_project.releases.audit import audit_frozen, audit_signals
from dagster_project.releases.frozen import carried_signals, frozen_in, signals_of
from dagster_project.releases.store import Release, read_release
from dagster_project.releases.tables import RESULT_SCHEMA, SIGNAL_SCHEMA, SIGNAL_TABLE
from tests.releases.small import LIMIT, small_release, with_tables

CHARTED = next(i.id for i in load_catalogue() if i.path not in (DISTINCT, WINDOW))
LEFT_OUT = next(i.id for i in load_catalogue() if i.path == DISTINCT)


def months(values: list[float | None], indicator_id: str = CHARTED, **said: Any) -> pl.DataFrame:
    """Cells of the area of the months from January 2021; None: hidden."""
    rows = [
        {
            **{"indicator_id": indicator_id, "niva": "omrade", "period_typ": "manad", "kon": "T", "komplett": True},
            "period_start": date(2021 + n // 12, n % 12 + 1, 1),
            "status": "dold" if value is None else "inget_mal",
            "varde": value,
            **{"kvalitet": "godkand", "release_id": "r"},
            **said,
        }
        for n, value in enumerate(values)
    ]
    return pl.DataFrame(rows, schema=RESULT_SCHEMA)


def signal(**said: Any) -> pl.DataFrame:
    """The chart of VALUES, where nothing else is said."""
    row = {
        **{"indicator_id": CHARTED, "niva": "omrade", "fran": date(2021, 1, 1), "till": date(2022, 1, 1)},
        **{"antal_punkter": 12, "medel": 10.5, "undre_grans": 7.84, "ovre_grans": 13.16, "signal": "ingen"},
        **{"malformaga": "osakert", "release_id": "r"},
        **said,
    }
    return pl.DataFrame([row], schema=SIGNAL_SCHEMA)


VALUES = [10.0, 11.0] * 6
VALUES_WITH_GAP: list[float | None] = [*VALUES[:4], None, *VALUES[4:]]
"""Mean 10.5, moving ranges 1."""


def test_what_the_shown_months_say_passes() -> None:
    assert audit_signals(signal(), months(VALUES_WITH_GAP), "r") == []
    shares = months([99.0, 100.0] * 6)
    kept = signal(till=date(2021, 12, 1), medel=99.5, undre_grans=96.84, ovre_grans=100)
    assert audit_signals(kept, shares, "r") == []
    few = signal(till=date(2021, 3, 1), antal_punkter=3, medel=None, undre_grans=None, ovre_grans=None, signal="for_fa")
    assert audit_signals(few, months([10.0, 11.0, 10.0]), "r") == []


@pytest.mark.parametrize(
    ("said", "told"),
    [
        # As it would be with the hidden month (38) among the points: its number would follow.
        ({"antal_punkter": 13, "medel": 12.6, "undre_grans": 9.94, "ovre_grans": 15.26}, "visade månadernas"),
        ({"medel": 12.6}, "visade månadernas"),
        ({"ovre_grans": 15.26}, "visade månadernas"),
        ({"undre_grans": 2.0}, "visade månadernas"),
        ({"antal_punkter": 13}, "visade månadernas"),
        ({"signal": "for_fa"}, "visade månadernas"),
        ({"till": date(2022, 2, 1)}, None),  # no shown month between: the same points
        ({"signal": "annat"}, "okänd signal"),
        ({"riktning": "upp"}, "okänd riktning"),
        ({"malformaga": "kanske"}, "okänd signal"),
        ({"verksamhet": "AUD"}, "plats saknas"),
        ({"indicator_id": LEFT_OUT}, "plats saknas"),
        ({"release_id": "s"}, "plats saknas"),
    ],
)
def test_what_is_not_made_of_the_shown_months_is_found(said: dict[str, Any], told: str | None) -> None:
    found = audit_signals(signal(**said), months(VALUES_WITH_GAP), "r")
    assert (told is None) == (found == [])
    assert told is None or told in "; ".join(found)


def test_only_places_in_scope_of_charted_indicators_have_signals() -> None:
    cells = pl.concat([months(VALUES_WITH_GAP), months(VALUES_WITH_GAP, LEFT_OUT)])
    outside = months(VALUES_WITH_GAP, niva="verksamhet", verksamhet="TC", status="ej_tillamplig")
    assert audit_signals(signal(), pl.concat([cells, outside]), "r") == []
    assert audit_signals(pl.concat([signal(), signal()]), cells, "r")[0] == "signal: nyckeln är inte unik"
    assert audit_signals(signal().drop("medel"), cells, "r") == ["signal: kolumnerna är inte de avtalade"]


# --- Frozen ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def holder(tmp_path: Path) -> Release:
    """A release with a chart of one indicator."""
    data = DataPaths(tmp_path)
    name = small_release(data, 1)
    with_tables(data, name, {SIGNAL_TABLE: signal(release_id=name)})
    found = read_release(data.releases / name)
    assert found is not None
    return found


def test_frozen_signals_are_those_of_their_release(holder: Release) -> None:
    published = months(VALUES_WITH_GAP)
    assert carried_signals(holder, [CHARTED], published, published).equals(signal(release_id=holder.id))
    assert carried_signals(holder, [LEFT_OUT], published, published).height == 0


def test_a_chart_with_a_month_that_is_hidden_since_is_not_told(holder: Release) -> None:
    """Its mean and the other months would give the number."""
    published = months(VALUES_WITH_GAP)
    hidden = pl.col("period_start") == date(2021, 7, 1)
    now = published.with_columns(
        status=pl.when(hidden).then(pl.lit("dold")).otherwise("status"), varde=pl.when(~hidden).then("varde")
    )
    (row,) = carried_signals(holder, [CHARTED], published, now).to_dicts()
    assert (row["signal"], row["antal_punkter"], row["malformaga"]) == ("for_fa", 0, "osakert")
    assert [row[name] for name in ("fran", "till", "medel", "undre_grans", "ovre_grans")] == [None] * 5
    outside = months([None], period_start=date(2019, 1, 1))
    before = months([7.0], period_start=date(2019, 1, 1))
    both = carried_signals(holder, [CHARTED], pl.concat([published, before]), pl.concat([published, outside]))
    assert both.equals(signal(release_id=holder.id)), "a month before the chart is none of its points"


def test_changed_frozen_signals_are_found(tmp_path: Path, holder: Release) -> None:
    data = DataPaths(tmp_path)
    again = small_release(data, 2, [CHARTED], {CHARTED: holder.id})
    with_tables(data, again, {SIGNAL_TABLE: signal(release_id=holder.id)})
    release = read_release(data.releases / again)
    assert release is not None
    frozen = frozen_in(release)
    assert frozen.signals.equals(signal(release_id=holder.id)), "a day that is run again keeps them"
    rows, definitions = release.table(RESULT_TABLE).filter(kvalitet="fryst"), frozen.definitions
    assert audit_frozen(data, rows, definitions, frozen.signals, LIMIT) == []
    changed = frozen.signals.with_columns(medel=pl.lit(9.0))
    assert audit_frozen(data, rows, definitions, changed, LIMIT) == [f"signaler som inte är de i {holder.id}"]
    none = frozen.signals.clear()
    assert audit_frozen(data, rows, definitions, none, LIMIT) == [f"signaler som inte är de i {holder.id}"]
    another = frozen.signals.with_columns(indicator_id=pl.lit(LEFT_OUT))
    assert "signaler från en annan utgåva" in audit_frozen(data, rows, definitions, another, LIMIT)


def test_a_release_of_older_code_tells_no_signals(tmp_path: Path) -> None:
    data = DataPaths(tmp_path)
    older = read_release(data.releases / small_release(data, 1))
    assert older is not None
    assert signals_of(older, [CHARTED]).height == 0
