"""What each page of a board may say: the numbers and texts of the release that it is about, and the rules by which
other numbers follow from them. Computed from the release's tables, not by the pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property
from math import ceil, floor
from pathlib import PurePosixPath
from typing import Any

import polars as pl

from dagster_project.catalogue.vocabulary import PERIOD_TYPES, R12
from dagster_project.core.paths import DataPaths
from dagster_project.products.board.site import HERE
from dagster_project.products.board.standing import grouped, occasions, standings
from dagster_project.products.reading import Reading
from dagster_project.products.revisions.compare import release_before, revisions
from dagster_project.releases.tables import NUMBERS, PLAN_NUMBERS
from dagster_project.runs.folder import QUARANTINE, RunFolder
from tests.products.board.checks import Told, numbers_of

OF_RULES = "95 12 24 7 20 99,8 1 000"
"""Numbers of rules that sentences name: a funnel's limits, the points that a signal needs, what few is."""
_LITERAL = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", re.DOTALL)
_JUDGED = ("uppfyllt", "delvis", "ej_uppfyllt")


class Facts:
    """A release, cut as the pages cut it."""

    def __init__(self, reading: Reading, data: DataPaths) -> None:
        self.reading, self.data = reading, data
        self.shown = reading.results.filter(pl.col("status") != "dold")
        self.plan = reading.plan
        texts = [
            text
            for name in ("dim_indikator", "dim_planpunkt", "dim_verksamhet", "dim_enhet", "dim_period")
            for column in reading.table(name).select(pl.col(pl.String)).iter_columns()
            for text in column.drop_nulls().unique().to_list()
        ]
        texts += [_LITERAL.sub(" ", p.read_text(encoding="utf-8")) for p in (HERE / "templates").glob("*.j2")]
        self.known = numbers_of([*texts, OF_RULES])

    def told(self, path: str) -> Told:
        """What the page at a path may say."""
        kind, name = PurePosixPath(path).parts[0], PurePosixPath(path).stem
        if kind == "indikator":
            return self._indicator(name)
        if kind == "verksamhet":
            return self._verksamhet(*self._occasion(name))
        if kind == "plan":
            return self._plan(self._occasion(name)[1])
        return self._quality() if name == "kvalitet" else self._overview(name)

    @staticmethod
    def _occasion(name: str) -> tuple[str, str]:
        """`BUH-delar-2022` -> BUH, delar; the latest where the name says none."""
        found = re.fullmatch(r"(.+)-(delar|ar)-\d{4}", name)
        return (found[1], found[2]) if found else (name, "senaste")

    def _indicator(self, indicator_id: str) -> Told:
        here = pl.col("indicator_id") == indicator_id
        cells, rows, signals = self.shown.filter(here), self.plan.filter(here), self.reading.signals.filter(here)
        changed = self._revised.filter(here)
        more = [
            v for name in ("medel", "undre_grans", "ovre_grans", "antal_punkter") for v in signals[name].drop_nulls()
        ]
        more += [v for name in changed.columns if changed[name].dtype == pl.Float64 for v in changed[name].drop_nulls()]
        items = self.reading.ties.filter(here)["item_id"].to_list()
        parents = [self.reading.items[i].overordnad_item for i in items]
        mening = self.plan.filter(pl.col("item_id").is_in([*items, *[p for p in parents if p]]))["mening"]
        # Periods without a number, units per kind, changed cells: counts of rows of the indicator.
        counts = [*range(100), changed.height, changed.filter("slutlig").height]
        counts += [changed.filter("slutlig").height - n for n in range(31)]
        return Told([*self._values(cells, rows), *more], [*mening, *self._measured], counts, self.known)

    def _verksamhet(self, code: str, occasion: str) -> Told:
        here = pl.col("verksamhet") == code
        rows = self.plan.filter(here, pl.col("tillfalle") == occasion)
        months = self.shown.filter(here, pl.col("niva") == "verksamhet", pl.col("period_typ") == "manad")
        cells = months.filter(pl.col("kon") == "T") if occasion == "senaste" else months.clear()
        counts = [
            *self._counts(rows),
            *self._groups(code, occasion),
            self.reading.units.filter(here)["hsaid"].n_unique(),
            *self._now(self.reading.units.filter(here)),
            *self.reading.signals.filter(here)["antal_punkter"],
            *range(25),  # of the 24 months of a trend, so many are not shown
        ]
        texts = [*rows["mening"], *rows["kommentar"].drop_nulls()]
        return Told(self._values(cells, rows), texts, counts, self.known)

    def _plan(self, occasion: str) -> Told:
        rows = self.plan.filter(pl.col("tillfalle") == occasion)
        return Told(self._values(self.shown.clear(), rows), rows["mening"], self._counts(rows), self.known)

    def _overview(self, name: str) -> Told:
        """The overview of a period type and how to read it: of each indicator the newest period that is complete."""
        kind = name if name in PERIOD_TYPES else R12
        cells = self.shown.filter(pl.col("niva") != "enhet", pl.col("kon") == "T", pl.col("period_typ") == kind)
        area = self.reading.results.filter(pl.col("niva") == "omrade", pl.col("kon") == "T", pl.col("komplett"))
        newest = area.filter(pl.col("period_typ") == kind).group_by("indicator_id").agg(pl.col("period_start").max())
        cells = cells.join(newest, on=["indicator_id", "period_start"], how="semi")
        rows = self.plan.filter(pl.col("niva") == "omrade")
        counts = {n for _, part in rows.group_by("tillfalle", "ar") for n in self._counts(part)}
        # How many indicators are met, changed, frozen: at most all; of the table's cells so many are hidden.
        every = self.reading.results.join(newest, on=["indicator_id", "period_start"], how="semi").filter(
            pl.col("niva") != "enhet", pl.col("kon") == "T", pl.col("period_typ") == kind
        )
        applying = every.filter(pl.col("status") != "ej_tillamplig")
        counts |= {*range(len(self.reading.indicators) + 1), applying.height, every.height}
        counts.add(every.filter(pl.col("status") == "dold").height)
        return Told(self._values(cells, rows), rows["mening"], counts, self.known)

    def _quality(self) -> Told:
        manifest, ledger = self.reading.release.manifest, self.reading.ledger
        as_of = pl.lit(manifest.as_of).str.to_date()
        newest = ledger.filter(pl.col("status") == "accepterad").filter(
            pl.col("uttagsdatum") == pl.col("uttagsdatum").max().over("source")
        )
        sums = newest.group_by("source").agg(
            pl.col("rows_read", "rows_quarantined").sum(), age=(as_of - pl.col("uttagsdatum").first()).dt.total_days()
        )
        waiting = RunFolder(self.data).read(QUARANTINE).filter(pl.col("state") == "open")
        reasons = waiting.with_columns(pl.col("reasons").str.split("|")).explode("reasons")
        changed = self._revised
        hidden = changed.filter((pl.col("fore_status") == "dold") | (pl.col("efter_status") == "dold"))
        sources, results = ledger["source"].n_unique(), manifest.sources.values()
        counts: list[int] = [
            *(n for column in ("rows_read", "rows_quarantined", "age") for n in sums[column]),
            *manifest.parameters["agreed_age_days"].values(),
            *waiting.group_by("source").len()["len"],
            *reasons.group_by("source", "reasons").len()["len"],
            *ledger.filter(pl.col("status") == "avvisad").group_by("source").len()["len"],
            *(sum(s in i.kallor for i in self.reading.indicators.values()) for s in manifest.sources),
            *changed.group_by("indicator_id").len()["len"],
            *changed.group_by("indicator_id").agg(pl.col("slutlig").sum())["slutlig"],
            *(changed.height, changed["slutlig"].sum(), hidden.height),
            *(
                sources,
                len(manifest.held_back),
                *Counter(results).values(),
                sources - sum(r != "godkand" for r in results),
            ),
            0,
        ]
        return Told(map(float, counts), self._measured, counts, self.known)

    @cached_property
    def _measured(self) -> list[str]:
        """What expectations found and their limits, as numbers (a share is told in percent), and what they ask."""
        from dagster_project.gates.suites import SUITES

        rows = self.reading.quality.filter(~pl.col("success"))
        found = [str(v) for name in ("checked", "unexpected") for v in rows[name].drop_nulls()]
        shares = [
            *rows["share"].drop_nulls(),
            *map(float, rows["observed"].drop_nulls().str.extract(r"^([\d.]+)$").drop_nulls()),
        ]
        found += [f"{round(100 * share, 1):g}".replace(".", ",") for share in shares] + [f"{v:g}" for v in shares]
        limits = self.reading.release.manifest.parameters["thresholds"]
        found += [f"{100 * v:g} {v:g}".replace(".", ",") for v in _leaves(limits)]
        return found + [path.read_text(encoding="utf-8") for path in SUITES.glob("*/*.json")]

    @cached_property
    def _revised(self) -> pl.DataFrame:
        before = release_before(self.data, self.reading.release.id)
        return revisions(self.reading, Reading(before) if before else self.reading)

    def _groups(self, code: str, occasion: str) -> Iterator[int]:
        """How many items, and parts of items, each part of a verksamhet's page has (`standing.GROUPS`)."""
        for found in occasions(self.reading):
            if found.code == occasion:
                for _, inside in grouped(standings(self.reading, found)[code]):
                    parts = sum(s.item.overordnad_item is not None for s in inside)
                    yield from (len(inside) - parts, parts)

    @staticmethod
    def _now(units: pl.DataFrame) -> Iterator[int]:
        yield from range(units.height + 1)  # those that hold on the day

    def _counts(self, rows: pl.DataFrame) -> Iterator[int]:
        """How many of some rows of the plan stand how: per place, all and wholes, and what is judged and reported."""
        part = {i for i, item in self.reading.items.items() if item.overordnad_item is not None}
        for place in (rows, rows.filter(~pl.col("item_id").is_in(part))):
            for _, here in place.group_by("verksamhet"):
                statuses = Counter(here["malstatus"])
                silent = here.filter(~pl.col("malstatus").is_in(_JUDGED))
                yield from (*statuses.values(), here.height, sum(statuses[s] for s in _JUDGED))
                for reports in (Counter(here["rapporterad_status"]), Counter(silent["rapporterad_status"])):
                    yield from (*reports.values(), sum(n for code, n in reports.items() if code))

    @staticmethod
    def _values(cells: pl.DataFrame, rows: pl.DataFrame) -> Iterator[float]:
        """Numbers of cells and of rows of the plan, and how many more it had taken to meet a target of a share."""
        for frame, names in ((cells, [*NUMBERS, "malvarde"]), (rows, [*PLAN_NUMBERS, "malvarde", "antal"])):
            for name in names:
                yield from frame[name].drop_nulls().unique()
            columns = ["mal_operator", "malvarde", "taljare", "namnare"]
            for target in frame["malvarde"].drop_nulls().unique():  # of a count: the whole number that decides the same
                yield from (float(ceil(target)), float(floor(target)))
            for operator, target, done, n in frame.select(columns).drop_nulls().unique().iter_rows():
                exact = round(target * n / 100, 9)
                needed = {">=": ceil(exact), ">": floor(exact) + 1, "<=": floor(exact), "<": ceil(exact) - 1}[operator]
                yield float(abs(needed - done))


def _leaves(value: Any) -> Iterable[float]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _leaves(part)
    elif isinstance(value, int | float):
        yield float(value)
