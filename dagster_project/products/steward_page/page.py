"""The steward's page: what the latest run came to, what is wrong, and what to do about it, as one static HTML file.

`write_page` gathers what a run left (its record and the ones before, the gates' outcomes, the waivers, ledger and
quarantine) into plain values (`view_*`), and `assets/index.html.j2` lays them out. The page opens from disk, asks no
network for anything and can be read without its script, which only sorts and filters. It shows what the run tables
hold, which is masked already, and escapes all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import quote

import polars as pl

from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.catalogue.vocabulary import OPEN
from dagster_project.core.files import replacing
from dagster_project.core.paths import DataPaths
from dagster_project.core.tables import write_swedish_csv
from dagster_project.gates.outcomes import Outcome
from dagster_project.gates.waivers import Waiver
from dagster_project.ingestion.acknowledged import Acknowledgement, with_acknowledged
from dagster_project.ingestion.quarantine import open_to_machines, write_quarantine_csv
from dagster_project.products.data_docs.pages import data_docs_folder
from dagster_project.products.names import source_name, unit_names
from dagster_project.products.steward_page.charts import HEIGHT, WIDTH
from dagster_project.products.steward_page.checks import Titles
from dagster_project.products.steward_page.template import render
from dagster_project.products.steward_page.view_cards import cards_view
from dagster_project.products.steward_page.view_deliveries import deliveries_view, late_view
from dagster_project.products.steward_page.view_gates import grid_view
from dagster_project.products.steward_page.view_quarantine import quarantine_view
from dagster_project.products.steward_page.view_runs import held_back_view, run_view
from dagster_project.products.steward_page.view_sources import sources_view
from dagster_project.products.steward_page.view_waivers import SOON_DAYS, waiver_view
from dagster_project.products.words import quarantine_states
from dagster_project.releases.earlier import shown_before
from dagster_project.releases.retractions import retractions
from dagster_project.runs.folder import LEDGER, QUARANTINE, RunFolder
from dagster_project.runs.history import RunRecord

OPEN_CSV, ALL_CSV, SHOWN_CSV = "karantan.csv", "karantan_alla.csv", "visade_forut.csv"
RUNS_SHOWN = 30


@dataclass(frozen=True)
class _Left:
    """What a run left for the page; the tables are None when ingestion failed."""

    records: Sequence[RunRecord]
    outcomes: Sequence[Outcome]
    waivers: Sequence[Waiver]
    ledger: pl.DataFrame | None
    quarantine: pl.DataFrame | None
    failed_since: Sequence[RunRecord]
    shown_before: int


def write_page(
    data: DataPaths,
    records: Sequence[RunRecord],
    outcomes: Sequence[Outcome],
    waivers: Sequence[Waiver],
    failed_since: Sequence[RunRecord] = (),
    acknowledged: Sequence[Acknowledgement] = (),
) -> Path:
    """Write `index.html` below `data.docs`, and the quarantine as CSV beside it; returns the page.

    records   newest first; the first is this run. Its `run_id` is None when ingestion failed: then the page says why,
              and the run folder (left by an earlier run) is not read
    outcomes  of the gates that this run got through
    waivers   the whole waiver file
    failed_since  runs after the first of the records that came no further than reading the deliveries, newest first:
              the page of the last run that read them stays, with a banner that says why there is no newer one
    acknowledged  the reviewed lines of rows in quarantine

    The CSV files stand before the page that links to them is switched in. The same inputs give the same files.
    Raises ValueError without a record, ResultattavlaError for a folder that cannot be written.
    """
    if not records:
        raise ValueError("there is no run to show")
    page = data.docs / "index.html"
    data.docs.mkdir(parents=True, exist_ok=True)
    ledger, quarantine = (_table(data, records[0], name) for name in (LEDGER, QUARANTINE))
    if quarantine is not None:
        quarantine = with_acknowledged(quarantine, acknowledged)
        write_quarantine_csv(quarantine.filter(open_to_machines()), data.docs / OPEN_CSV)
        write_quarantine_csv(quarantine, data.docs / ALL_CSV)
        for rows, name in ((quarantine.filter(pl.col("state") == OPEN), OPEN_CSV), (quarantine, ALL_CSV)):
            write_quarantine_csv(rows, data.docs / _for_excel(name), quarantine_states(rows))
    earlier = shown_before(data, records[0].release_id)
    if earlier.height:
        with replacing(data.docs / SHOWN_CSV) as part:
            write_swedish_csv(earlier, part)
    text = _html(data, _Left(records[:RUNS_SHOWN], outcomes, waivers, ledger, quarantine, failed_since, earlier.height))
    with replacing(page) as part:
        part.write_text(text, encoding="utf-8")
    if quarantine is None:  # what an earlier run left would be taken for this run's
        for name in (OPEN_CSV, ALL_CSV, _for_excel(OPEN_CSV), _for_excel(ALL_CSV)):
            (data.docs / name).unlink(missing_ok=True)
    if not earlier.height:
        (data.docs / SHOWN_CSV).unlink(missing_ok=True)
    return page


def _for_excel(name: str) -> str:
    return name.replace(".csv", "_excel.csv")


def _table(data: DataPaths, run: RunRecord, name: str) -> pl.DataFrame | None:
    folder = RunFolder(data)
    return folder.read(name) if run.run_id is not None and folder.path(name).exists() else None


def _html(data: DataPaths, left: _Left) -> str:
    run, outcomes = left.records[0], left.outcomes
    as_of = date.fromisoformat(run.as_of) if run.as_of else None
    titles = Titles(outcomes)
    names = {i.id: i.titel for i in load_catalogue()}
    taken = retractions(data)
    docs_index = data_docs_folder(data) / "index.html"
    units = unit_names(data) if left.ledger is not None else {}
    sources = sources_view(left.records, outcomes, left.ledger)
    quarantine = quarantine_view(left.quarantine, as_of, units) if left.quarantine is not None else None
    cards = cards_view(data, outcomes, names, {s["source"]: s for s in sources}, quarantine, units)
    return render(
        run=run_view(run, names, taken),
        held=held_back_view(run, names),
        cards=cards,
        namn=source_name,
        runs_drawn=len(left.records),
        chart_size=(WIDTH, HEIGHT),
        failed=sum(not o.success for o in outcomes),
        sources=sources if left.ledger is not None else [],
        changes=len(run.changes),
        tested=len(outcomes),
        grid=grid_view(left.records, outcomes, titles) if outcomes else None,
        waivers=[waiver_view(w, outcomes, as_of, titles) for w in left.waivers],
        quarantine=quarantine,
        deliveries=deliveries_view(left.ledger) if left.ledger is not None else None,
        late=late_view(outcomes, left.ledger),
        runs=[run_view(r, names, taken) for r in (*left.failed_since, *left.records)],
        banner=run_view(left.failed_since[0], names) if left.failed_since else None,
        docs_index=docs_index if outcomes and docs_index.exists() else None,
        link=lambda path: quote(path.relative_to(data.docs).as_posix()),
        soon_days=SOON_DAYS,
        files=(_for_excel(OPEN_CSV), _for_excel(ALL_CSV), OPEN_CSV, ALL_CSV),
        shown_before=left.shown_before,
        shown_file=SHOWN_CSV,
    )
