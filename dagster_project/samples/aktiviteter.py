"""Sample of aktiviteter: what the verksamheter report of the plan that is followed up, a few times a year.

One verksamhet does not report by the end of August. The reports of that month come as a file of each verksamhet, the
others as one file of the area's staff.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from dagster_project.catalogue.organisation import verksamhet_codes
from dagster_project.catalogue.plan import followed_up, followed_up_items
from dagster_project.samples.arrays import Bools, Ints, choose
from dagster_project.samples.days import date_column, day_number, month_end, month_number
from dagster_project.samples.defects import damage
from dagster_project.samples.deliveries import Delivery
from dagster_project.samples.forms import BOM, COMMA, WIN, XLSX, Form, write_delivery
from dagster_project.samples.setting import Setting

STREAM = 22
SILENT, OWN_FILES = "FAM", 8
"""Who does not report, in the month (of the year) of which every verksamhet sends a file of its own."""
REPORTED = (3, 6, OWN_FILES, 12)
LATER = timedelta(days=7)
"""From the end of a month to its reports."""
FORMS = (XLSX, WIN, XLSX, BOM, XLSX, COMMA)
EXCEL_HEADERS = {"aktivitet_id": "Aktivitet-id", "manad": "Månad"}
COUNTED = ("HH-2022-02", "HH-2022-30")
"""Items with a number: improvement areas, which are to be three."""
STATUSES = ("Ej påbörjad", "Pågår", "Genomförd", "Utgår")
COMMENTS: tuple[tuple[str, ...], ...] = (
    (
        "Vi börjar efter sommaren, när alla är tillbaka.",
        "Väntar på den nya riktlinjen.",
        "Inte påbörjad: två tjänster är vakanta.",
        "Planeras till hösten; arbetsgruppen är utsedd.",
    ),
    (
        "Arbetsgruppen har träffats tre gånger och har ett förslag klart.",
        "- Kartläggningen är klar\n- Rutinen skrivs nu\n- Utbildning för alla i oktober",
        "Pågår enligt plan. Alla enheter är med utom en, som börjar i september.",
        "Vi har valt två områden: bemötande i telefon och information inför besöket.",
        "Försenat på grund av hög sjukfrånvaro under våren, men vi räknar med att bli klara i år.",
        'Medarbetarna har diskuterat "så här vill vi ha det" på arbetsplatsträffarna; sammanställning följer.',
    ),
    (
        "Klart. Rutinen är fastställd och känd av alla medarbetare.",
        "Genomfört på samtliga enheter, uppföljning planeras till nästa år.",
        "Klart i maj – resultatet är redovisat för ledningsgruppen.",
        "Handlingsplanen är beslutad och åtgärderna är genomförda.",
    ),
    (
        "Utgår: uppdraget har flyttats till nämndens förvaltning.",
        "Utgår efter beslut i områdets ledningsgrupp, tas upp igen nästa år.",
    ),
)
UNTOLD = 0.35
"""Share of the reports without a comment."""


def write(setting: Setting) -> list[Path]:
    """Write the deliveries: the reports of each month, and on the last day late ones and corrections."""
    rng = setting.rng(STREAM)
    folder = setting.raw / "aktiviteter"
    reports = _reports(setting, rng)
    paths, nr = [], 0
    for day, month in _schedule(setting):
        frame = reports.filter(pl.col("_month") == month)
        own_files = _last_day(month).month == OWN_FILES and not setting.ordinary
        codes: list[str | None] = [code for code in verksamhet_codes() if code != SILENT] if own_files else [None]
        for code in codes:
            part = frame if code is None else frame.filter(pl.col("verksamhet") == code)
            last = day == setting.as_of and not setting.ordinary
            form = BOM if last and code is None else FORMS[nr % len(FORMS)]
            nr += 1
            paths.append(_write(folder, day, part, form, f"_{code}" if code else ""))
    if not setting.ordinary and not any(path.name.startswith(f"aktiviteter_{setting.as_of}") for path in paths):
        paths.append(_write(folder, setting.as_of, _corrections(rng, reports), BOM, ""))
    return paths


def _write(folder: Path, day: date, frame: pl.DataFrame, form: Form, suffix: str) -> Path:
    frame = frame.drop("_month")
    if form == XLSX:
        frame = frame.rename(EXCEL_HEADERS)
    elif form == WIN:
        frame = frame.with_columns(pl.col("manad").dt.strftime("%Y-%m"))
    return write_delivery(folder, Delivery(day, 0, 0, 0, suffix, "historia"), frame, form)


def _months(s: Setting) -> list[int]:
    """Months (numbers) that are reported: of the plan's year, and the one before it, when the plan was decided."""
    plan, last = followed_up(), day_number(s.as_of)
    decided = month_number(day_number(plan.valid_from)) - 1
    found = [int(decided), *(int(month_number(day_number(date(y, m, 1)))) for y in plan.years for m in REPORTED)]
    ended = [month for month in found if month_end(month) <= last]
    first = day_number(s.ordinary[0]) if s.ordinary else last
    if not ended or int(month_end(ended[0])) > first:
        ended.insert(0, int(month_number(first)))
    return ended


def _last_day(month: int) -> date:
    return date(1970, 1, 1) + timedelta(days=int(month_end(month)))


def _schedule(s: Setting) -> Iterator[tuple[date, int]]:
    """The day of each month's delivery: a week after its end, the first ordinary day, or as_of where that is later."""
    for month in _months(s):
        ended = min(_last_day(month), s.as_of)
        if s.ordinary:
            yield next((day for day in s.ordinary if day >= ended), s.ordinary[-1]), month
        else:
            yield min(ended + LATER, s.as_of), month


def _reports(s: Setting, rng: np.random.Generator) -> pl.DataFrame:
    """Truth: a row per month, item and verksamhet that is asked to report on it (`_month`: the month's number)."""
    asked = [(item, code) for item in followed_up_items() if item.reported for code in item.scope]
    counted = np.array([item.id in COUNTED for item, _ in asked])
    months = np.array(_months(s))
    n = len(asked)
    begun = rng.choice(len(REPORTED) + 1, n, p=(0.15, 0.4, 0.3, 0.1, 0.05))
    done = begun + rng.choice(4, n, p=(0.1, 0.4, 0.3, 0.2)) + 1
    dropped = (rng.random(n) < 0.04) & ~counted
    wanted = rng.choice(np.array([2, 3, 4, 5]), n, p=(0.25, 0.5, 0.15, 0.1))
    frames = [
        _of_month(rng, place, month, begun, done, dropped).with_columns(
            aktivitet_id=pl.Series([item.id for item, _ in asked]),
            verksamhet=pl.Series([code for _, code in asked]),
            antal=pl.Series(np.minimum(wanted, np.maximum(place - begun, 0) * 2)).set(pl.Series(~counted), None),
        )
        for place, month in enumerate(months)
    ]
    columns = ("aktivitet_id", "verksamhet", "manad", "status", "antal", "kommentar", "_month")
    return pl.concat(frames).select(columns).sort("_month", "verksamhet", maintain_order=True)


def _of_month(
    rng: np.random.Generator, place: int, month: int, begun: Ints, done: Ints, dropped: Bools
) -> pl.DataFrame:
    """Month, status and comment of every report of a month; place: its number among the months, as `begun` counts."""
    n = len(begun)
    status = np.where(dropped & (place > begun), 3, (place >= begun).astype(np.int64) + (place >= done))
    texts, start = [text for of_status in COMMENTS for text in of_status], np.cumsum([0, *map(len, COMMENTS)])
    chosen = start[status] + (rng.random(n) * np.array([len(c) for c in COMMENTS])[status]).astype(np.int64)
    return pl.DataFrame(
        {
            "_month": pl.Series([month], dtype=pl.Int64).new_from_index(0, n),
            "manad": date_column(np.full(n, int(month_end(month)))),
            "status": choose(STATUSES, status),
            "kommentar": choose(texts, chosen).set(pl.Series(rng.random(n) < UNTOLD), None),
        }
    )


def _corrections(rng: np.random.Generator, reports: pl.DataFrame) -> pl.DataFrame:
    """What comes late: reports of the newest month anew, with a row of every kind of defect."""
    newest = reports.filter((pl.col("_month") == pl.col("_month").max()) & (pl.col("verksamhet") != SILENT))
    late = newest.sample(40, seed=int(rng.integers(1_000_000))).sort("verksamhet", "aktivitet_id")
    late = late.with_columns(kommentar=pl.concat_str(pl.lit("Rättat efter genomgång. "), pl.col("kommentar")))
    own = ~pl.col("verksamhet").is_in(["TC", "OT", "VUH"])
    return damage(
        rng,
        late,
        [
            ("kopia", pl.lit(True), {}),
            ("fel", own, {"aktivitet_id": pl.lit("HH-2022-14")}),  # about another verksamhet
            ("fel", own, {"status": pl.lit("Nästan klar")}),
        ],
        share=0.05,
    )
