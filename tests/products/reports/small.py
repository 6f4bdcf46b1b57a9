"""A small plan, followed up: every kind of item that a report has to tell of, with the answers known."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from dagster_project.core.paths import DataPaths
from dagster_project.products.reading import Reading
from dagster_project.releases.labels import labels
from dagster_project.releases.tables import PLAN_SCHEMA, RESULT_SCHEMA, SIGNAL_SCHEMA
from tests.products.small import CROWNS, SHARE, cell, dimensions, readable_release, reading_of

FROM, TO = date(2022, 1, 1), date(2022, 8, 31)
COMMENT = "Barn & <unga> har fått en egen ingång.\n- Rutinen är klar\n\n- ”Vi” fortsätter"
LONG = "Arbetet fortsätter som planerat. " * 12
"""A comment that a sentence has the beginning of only."""
SHARES = (("omrade", None, 93, 120, 77.5), ("verksamhet", "AA", 13, 20, 65.0), ("verksamhet", "BB", 80, 100, 80.0))


def plan_row(item_id: str, verksamhet: str | None = None, **said: Any) -> dict[str, Any]:
    """A row of `plan_uppfoljning`: the delår of 2022, not judged, unless something else is said."""
    row = dict.fromkeys(PLAN_SCHEMA) | {"plan_id": "X", "item_id": item_id, "verksamhet": verksamhet}
    row |= {"niva": "omrade" if verksamhet is None else "verksamhet", "tillfalle": "delar", "ar": 2022}
    row |= {"period_start": FROM, "period_slut": TO, "malstatus": "inget_mal", "mening": f"{item_id}: läget."}
    return row | said


def share_rows(item_id: str, short: str, **said: Any) -> list[dict[str, Any]]:
    """An item with a share that every place misses."""
    told = {"indicator_id": SHARE, "mal_text": "minst 90 procent", "malvarde": 90.0, "mal_operator": ">="}
    told |= {"malstatus": "ej_uppfyllt", "kvalitet": "godkand", "jamforelse_varde": 71.5}
    return [
        plan_row(item_id, code, taljare=float(a), namnare=float(b), varde=value, **told)
        | {"mening": f"{short}: {value:.1f} procent ({a} av {b}).".replace(".", ",", 1)}
        | said
        for _, code, a, b, value in SHARES
    ]


def reported_rows(item_id: str, short: str) -> list[dict[str, Any]]:
    """An item that AA and BB report on; BB has not."""
    told = {"rapport_kvalitet": "godkand"}
    return [
        plan_row(item_id, None, rapporterad_status="pagar", rapporterade=1, i_omfattning=2, **told)
        | {"mening": f"{short}: Pågår (1 av 2 verksamheter har rapporterat)."},
        plan_row(item_id, "AA", rapporterad_status="genomford", antal=4.0, kommentar=COMMENT, **told)
        | {"mening": f"{short}: Genomförd. Kommentar: ”Barn & <unga> har fått en egen ingång.”"},
        plan_row(item_id, "BB", rapporterad_status="ej_rapporterad", **told)
        | {"mening": f"{short}: Inte rapporterad."},
    ]


def plan_rows() -> list[dict[str, Any]]:
    """Two perspectives, three goals; a hidden number, one judged on few, a parent, an amount, what does not apply."""
    hidden = {
        "indicator_id": SHARE,
        "malstatus": "dold",
        "mening": "Hemlig: för få för att visas.",
        "kvalitet": "varning",
    }
    amount = {"indicator_id": CROWNS, "malstatus": "uppfyllt", "mal_text": "högst 2 miljoner kr", "mal_operator": "<="}
    amount |= {"malvarde": 2e6, "taljare": 1_250_000.0, "varde": 1_250_000.0, "kvalitet": "fryst"}
    amount |= {"mening": "Inköpt: 1,25 miljoner kr. Siffrorna är från den 31 augusti 2022."}
    parent = {"mal_text": "delarna når sina mål", "malstatus": "ej_uppfyllt", "mening": "Helheten: inte uppnått."}
    few = {
        "indicator_id": CROWNS,
        "malstatus": "ej_uppfyllt",
        "mal_text": "minst 5",
        "malvarde": 5.0,
        "mal_operator": ">=",
    }
    few |= {"varde": 3.0, "taljare": 3.0, "kvalitet": "godkand", "mening": "Sällan: 3 kr, inte uppnått."}
    return [
        *share_rows("X-01", "Kort"),
        plan_row("X-02", None, **hidden),
        plan_row("X-02", "AA", **hidden),
        plan_row("X-02", "BB", indicator_id=SHARE, malstatus="ej_tillamplig", mening="Hemlig: gäller inte."),
        *reported_rows("X-03", "Rutinen"),
        plan_row("X-04", None, **few),
        plan_row("X-05", None, **parent),
        plan_row("X-05", "AA", **parent),
        *share_rows("X-05a", "Delen"),
        plan_row("X-06", None, **amount),
        *[row | {"tillfalle": "ar", "period_slut": date(2022, 12, 31), "malstatus": "preliminar"} for row in
          share_rows("X-01", "Kort")],
    ]  # fmt: skip


ITEMS = (
    ("X-04", "process", "P1", "Korta väntor", "Det sällsynta", "Sällan", None),
    ("X-01", "process", "P1", "Korta väntor", "Korta väntor för alla", "Kort", None),
    ("X-02", "process", "P1", "Korta väntor", "Det hemliga", "Hemlig", None),
    ("X-05", "process", "P2", "Trygg & säker", "Helheten & delarna", "Helheten", None),
    ("X-05a", "process", "P2", "Trygg & säker", "En del", "Delen", "X-05"),
    ("X-03", "resurs", "R1", "Vi <arbetar> bra", "En <rutin> & en vana", "Rutinen", None),
    ("X-06", "resurs", "R1", "Vi <arbetar> bra", "Inköp", "Inköpt", None),
)
"""Id, perspective, goal, its title, title, short title, what it is a part of; in the plan's order."""


def plan_items() -> pl.DataFrame:
    """`dim_planpunkt`."""
    like = dimensions()["dim_planpunkt"].row(0, named=True) | {"typ": "aktivitet", "ansvarig": "Chefen", "nr": None}
    made = [
        like | {"item_id": i, "perspektiv": p, "mal_id": m, "mal_titel": t, "titel": title, "kort_titel": short}
        | {"overordnad_item": whole, "ordning": number}
        for number, (i, p, m, t, title, short, whole) in enumerate(ITEMS, start=1)
    ]  # fmt: skip
    return pl.DataFrame(made, schema=dimensions()["dim_planpunkt"].schema)


def months() -> list[tuple[date, date]]:
    """The 30 months up to September 2022."""
    firsts = [date(2020 + (n + 3) // 12, (n + 3) % 12 + 1, 1) for n in range(31)]
    return [(first, after - timedelta(days=1)) for first, after in zip(firsts, firsts[1:], strict=False)]


def cells() -> pl.DataFrame:
    """The share by month, a hidden one and one without data among them; the delår's: the amount is judged on few."""
    rows = []
    for number, (first, last) in enumerate(months()):
        for level, code, *_ in SHARES:
            place = {"niva": level, "verksamhet": code}
            if number == 20:
                rows.append(cell(SHARE, first, last, status="dold", markering="MSK", **place))
            elif number == 22:
                rows.append(cell(SHARE, first, last, status="inga_data", **place))
            else:
                value = 70.0 + number / 4
                rows.append(cell(SHARE, first, last, varde=value, taljare=value, namnare=100.0, malvarde=90.0, **place))
    delar = {"period_typ": "delar", "status": "ej_uppfyllt"}
    rows += [
        cell(SHARE, FROM, TO, niva=level, verksamhet=code, taljare=float(a), namnare=float(b), varde=value, **delar)
        for level, code, a, b, value in SHARES
    ]
    rows.append(cell(CROWNS, FROM, TO, varde=3.0, taljare=3.0, markering="FA", **delar))
    return pl.DataFrame(rows, schema=RESULT_SCHEMA)


def periods() -> pl.DataFrame:
    """`dim_period`."""
    told = [("manad", a, b, f"{a:%m} {a.year}", a.month) for a, b in months()]
    told += [("delar", FROM, TO, "jan-aug 2022", None), ("ar", FROM, date(2022, 12, 31), "2022", None)]
    made = [
        {"period_nyckel": f"{kind}-{a}", "period_typ": kind, "period_start": a, "period_slut": b, "etikett": label}
        | {"ar": b.year, "manad_nr": month, "komplett": True}
        for kind, a, b, label, month in told
    ]
    return pl.DataFrame(made, schema_overrides={"manad_nr": pl.Int64})


def signals() -> pl.DataFrame:
    """Limits of the area's share."""
    row = dict.fromkeys(SIGNAL_SCHEMA) | {"indicator_id": SHARE, "niva": "omrade", "fran": date(2020, 10, 1)}
    row |= {"till": date(2022, 9, 1), "antal_punkter": 22, "medel": 74.0, "undre_grans": 71.0, "ovre_grans": 78.0}
    row |= {"signal": "ingen", "malformaga": "nas_inte", "release_id": "x"}
    return pl.DataFrame([row], schema=SIGNAL_SCHEMA)


def ledger() -> pl.DataFrame:
    """One delivery."""
    row = {"source": "vantetider", "file": "v.csv", "sha256": "0", "uttagsdatum": date(2022, 9, 30), "rows_read": 7}
    row |= {"rows_accepted": 6, "rows_quarantined": 1, "rows_duplicate": 0, "status": "accepterad"}
    return pl.DataFrame([row | {"orsak": None}], schema_overrides={"orsak": pl.String})


def quality() -> pl.DataFrame:
    """One remark."""
    row = {"suite": "delivery/_all", "source": "vantetider", "expectation": "karantan_varning", "severity": "warning"}
    row |= {"success": False, "checked": 7, "unexpected": 1, "share": 0.14, "observed": "0.14"}
    return pl.DataFrame([row])


def tables() -> dict[str, pl.DataFrame]:
    """What the release of this plan has besides the small one's."""
    words = [{"kod": s.code, "typ": s.kind, "ord": s.word, "symbol": s.symbol, "ordning": s.order} for s in labels()]
    return {
        "plan_uppfoljning": pl.DataFrame(plan_rows(), schema=PLAN_SCHEMA),
        "indicator_result": cells(),
        "dim_planpunkt": plan_items(),
        "dim_period": periods(),
        "dim_status": pl.DataFrame(words),
        "signal": signals(),
        "leveranser": ledger(),
        "kvalitet": quality(),
    }


def published(data: DataPaths, **other: pl.DataFrame) -> str:
    """The release of 30 September 2022 with this plan, in a data folder; returns its id."""
    return readable_release(data, tables={**tables(), **other})


def reading(tmp_path: Path, **other: pl.DataFrame) -> Reading:
    """A release with this plan, read; `other`: tables instead."""
    data = DataPaths(tmp_path)
    return reading_of(data, published(data, **other))


@cache
def plain() -> Reading:
    """The release as it is here, read once for all tests."""
    with TemporaryDirectory() as folder:
        found = reading(Path(folder))
        for name in [*tables(), "dim_indikator", "dim_verksamhet", "planmatt", "brott"]:
            found.table(name)
        return found
