"""Sentences that board and reports share: how it goes, what needs somebody first, why there is no number.

Pure functions over a release's rows. What a single item's row says is the release's own `mening` and is never made
again here. Judged on few (`markering` FA, below the limit of the release) never leads a list: chance may have done it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import ceil, floor
from typing import TYPE_CHECKING, Any

import polars as pl

from dagster_project.catalogue import vocabulary as v
from dagster_project.core.printable import printable
from dagster_project.core.swedish import counted, day_in_words, fixed, joined
from dagster_project.products.change import changes, fills_up
from dagster_project.products.words import PERSPECTIVE_WORDS
from dagster_project.releases.sentence import deciding

if TYPE_CHECKING:
    from dagster_project.products.reading import IndicatorInfo, Reading

Row = Mapping[str, Any]

# --- How many are met -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tally:
    """How many of some items (or indicators) stand how.

    untold: hidden, without data or preliminary. few: of the judged, how many on few cases. reported: status that
    verksamheter report -> how many of those without a judged target.
    """

    met: int = 0
    partly: int = 0
    not_met: int = 0
    no_target: int = 0
    untold: int = 0
    few: int = 0
    reported: Mapping[str, int] | None = None

    @property
    def judged(self) -> int:
        return self.met + self.partly + self.not_met


def tally(statuses: Iterable[str], few: int = 0, reported: Iterable[str] = ()) -> Tally:
    """Counts of status codes; those that do not apply are left out."""
    count = dict.fromkeys(v.PLAN_STATUSES, 0)
    for status in statuses:
        count[status] += 1
    told: dict[str, int] = {}
    for code in reported:
        told[code] = told.get(code, 0) + 1
    untold = count[v.HIDDEN] + count[v.NO_DATA] + count[v.PRELIMINARY]
    return Tally(count[v.MET], count[v.PARTLY], count[v.NOT_MET], count[v.NO_TARGET], untold, few, told)


def tally_words(found: Tally, one: str = "mål", many: str = "mål") -> str:
    """`7 av 13 mål är uppnådda, 2 delvis och 4 inte.`; many: what is counted."""
    if not found.judged:
        return f"Inget {one} kan bedömas än." if found.untold else f"Inget {one} bedöms."
    if found.judged == 1:
        how = "uppnått" if found.met else "delvis uppnått" if found.partly else "inte uppnått"
        return f"Det enda {one} som bedöms är {how}."
    if found.met == found.judged:
        return f"{'Båda de' if found.judged == 2 else f'Alla {found.judged}'} {many} som bedöms är uppnådda."
    rest = [f"{number} {word}" for number, word in ((found.partly, "delvis"), (found.not_met, "inte")) if number]
    met = "Inget" if not found.met else str(found.met)
    verb = "uppnått" if found.met <= 1 else "uppnådda"
    return f"{met} av {found.judged} {many} är {verb}, {joined(rest)}."


def reported_words(reported: Mapping[str, int], words: Mapping[str, str], one_place: bool = False) -> str | None:
    """What the verksamheter report of items that no number judges: `Verksamheterna rapporterar själva 16 punkter: ...`.

    words: code -> word, as the release has them. one_place: of one verksamhet.
    """
    total = sum(reported.values())
    if not total:
        return None
    order = [v.DONE, v.UNDER_WAY, v.NOT_BEGUN, v.DROPPED, v.NOT_REPORTED]
    parts = [f"{reported[code]} {_agreeing(words[code], reported[code])}" for code in order if reported.get(code)]
    who = "Verksamheten rapporterar själv" if one_place else "Verksamheterna rapporterar själva"
    return f"{who} {counted(total, 'punkt', 'punkter')}: {joined(parts)}."


def _agreeing(word: str, count: int) -> str:
    """A reported status as so many have it: `2 genomförda`, `2 ej påbörjade`; a verb stays as it is."""
    text = word[0].lower() + word[1:]
    return f"{text.removesuffix('d')}{'de' if text.endswith('ad') else 'da'}" if count > 1 and text[-1] == "d" else text


@dataclass(frozen=True)
class PerspectiveTold:
    """A perspective of the plan: its code and name, counts and sentences.

    below: of the area, the targets that are each verksamhet's own and that some miss, which the counts leave out.
    """

    code: str
    name: str
    tally: Tally
    sentence: str
    reported: str | None
    below: str | None = None


def plan_rows(reading: Reading, occasion: str, year: int | None = None, verksamhet: str | None = None) -> pl.DataFrame:
    """Rows of the plan's follow-up of one occasion and place (None: the area), in the plan's order.

    year: of delår and år; `senaste` has one row per item. Rows of items that do not apply to the place are left out.
    """
    rows = reading.plan.filter(pl.col("tillfalle") == occasion, pl.col("malstatus") != v.NOT_APPLICABLE)
    rows = rows.filter(
        pl.col("niva") == v.AREA
        if verksamhet is None
        else (pl.col("niva") == v.VERKSAMHET) & (pl.col("verksamhet") == verksamhet)
    )
    if year is not None and occasion != v.LATEST:
        rows = rows.filter(pl.col("ar") == year)
    order = pl.DataFrame(
        {"item_id": list(reading.items), "plats": list(range(len(reading.items)))},
        schema={"item_id": pl.String, "plats": pl.Int64},
    )
    return rows.join(order, on="item_id", how="inner").sort("plats").drop("plats")


def by_perspective(
    reading: Reading, occasion: str, year: int | None = None, verksamhet: str | None = None
) -> list[PerspectiveTold]:
    """How the plan stands per perspective, at the area or a verksamhet. A part counts with the item that it is part of:
    not by itself."""
    rows = [r for r in plan_rows(reading, occasion, year, verksamhet).iter_rows(named=True) if _whole(reading, r)]
    few = few_items(reading, rows)
    words = {code: info.ord for code, info in reading.statuses.items()}
    missed = missed_below(reading, occasion, year) if verksamhet is None else []
    found = []
    for code in v.PERSPECTIVES:
        own = [r for r in rows if reading.items[r["item_id"]].perspektiv == code]
        if own:
            counts = tally(
                (r["malstatus"] for r in own),
                few=sum(r["item_id"] in few for r in own),
                reported=(
                    r["rapporterad_status"]
                    for r in own
                    if r["rapporterad_status"] is not None and r["malstatus"] not in (v.MET, v.PARTLY, v.NOT_MET)
                ),
            )
            found.append(
                PerspectiveTold(
                    code,
                    PERSPECTIVE_WORDS[code],
                    counts,
                    tally_words(counts),
                    reported_words(counts.reported or {}, words, verksamhet is not None),
                    _below_words([m for m in missed if reading.items[m.item_id].perspektiv == code]),
                )
            )
    return found


def _below_words(missed: Sequence[MissedBelow]) -> str | None:
    """`Utöver det har Medarbetarenkäten mål för varje verksamhet: 6 av 8 når det inte.`"""
    told = [f"{m.title}, där {len(m.codes)} av {m.judged} inte når målet" for m in missed]
    return f"Utöver det finns mål för varje verksamhet: {'; '.join(told)}." if told else None


def _whole(reading: Reading, row: Row) -> bool:
    return reading.items[row["item_id"]].overordnad_item is None


def few_items(reading: Reading, rows: Sequence[Row]) -> set[str]:
    """Items whose cell is judged on few (FA), of plan rows of one occasion and place."""
    keys = [(r["indicator_id"], r["niva"], r["verksamhet"], r["period_slut"], r["item_id"]) for r in rows]
    wanted = pl.DataFrame(
        [k for k in keys if k[0] is not None],
        schema={"indicator_id": pl.String, "niva": pl.String, "verksamhet": pl.String, "period_slut": pl.Date}
        | {"item_id": pl.String},
        orient="row",
    )
    if not rows or not wanted.height:
        return set()
    period = {v.LATEST: v.R12}.get(rows[0]["tillfalle"], rows[0]["tillfalle"])
    marked = reading.results.filter(
        pl.col("markering") == v.FEW_MARK, pl.col("kon") == v.ALL_SEXES, pl.col("period_typ") == period
    ).select("indicator_id", "niva", "verksamhet", "period_slut")
    return set(
        wanted.join(marked, on=["indicator_id", "niva", "verksamhet", "period_slut"], how="semi", nulls_equal=True)[
            "item_id"
        ].to_list()
    )


# --- What needs somebody first --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Attention:
    """Something that somebody should look at: an item of the plan, or an indicator where the plan is not followed up.

    few: judged on few, so it stands last. worse: its signal says that it is getting worse. sentence: the item's own
    (`mening`); an indicator has none. row: of the plan's follow-up, or the cell. Empty texts where it is an indicator.
    filling: its number `fills_up`, so it leads no list. parts: of a whole, those of its parts that somebody should look
    at; part_of: of a part whose whole is not in the list, the whole's title.
    """

    item_id: str
    indicator_id: str | None
    title: str
    status: str
    few: bool
    worse: bool
    sentence: str
    row: Row
    filling: bool = False
    parts: tuple[Attention, ...] = ()
    part_of: str | None = None


@dataclass(frozen=True)
class MissedBelow:
    """An item whose target is each verksamhet's own: the codes of those that miss it, of so many that are judged."""

    item_id: str
    title: str
    codes: tuple[str, ...]
    judged: int


def attention(
    reading: Reading, occasion: str, year: int | None = None, verksamhet: str | None = None, newest: bool = True
) -> list[Attention]:
    """Items whose targets are missed, wholly or partly, and those that get worse: what somebody can act on first.

    Order: those that get worse before the others, missed before partly, then the plan's own; judged on few last. A part
    stands within its whole, as it is counted with it; for itself only where its whole is not in the list. No list of
    who is best. newest: of a period that the newest months belong to; of others it is not said what gets worse now.
    """
    rows = list(plan_rows(reading, occasion, year, verksamhet).iter_rows(named=True))
    few, worse = few_items(reading, rows), worsening(reading, verksamhet) if newest else set()
    found = [
        Attention(
            r["item_id"],
            r["indicator_id"],
            reading.items[r["item_id"]].kort_titel,
            r["malstatus"],
            r["item_id"] in few,
            r["indicator_id"] in worse,
            r["mening"],
            r,
            _filling(reading, r["indicator_id"]),
        )
        for r in rows
        if r["malstatus"] in (v.NOT_MET, v.PARTLY) or (r["indicator_id"] in worse and r["malstatus"] != v.HIDDEN)
    ]
    return _first_things_first(_with_parts(reading, found))


def _with_parts(reading: Reading, found: Sequence[Attention]) -> Iterator[Attention]:
    """Wholes with their parts within them. A whole without a number of its own is judged on few where all parts of it
    that miss their targets are."""
    here = {a.item_id for a in found}
    for a in found:
        whole = reading.items[a.item_id].overordnad_item
        if whole in here:
            continue
        parts = _first_things_first(p for p in found if reading.items[p.item_id].overordnad_item == a.item_id)
        missed = [p for p in parts if p.status in (v.NOT_MET, v.PARTLY)]
        yield replace(
            a,
            filling=a.filling or (a.indicator_id is None and bool(missed) and all(p.filling for p in missed)),
            few=a.few or (a.indicator_id is None and bool(missed) and all(p.few for p in missed)),
            worse=a.worse or any(p.worse for p in parts),
            parts=tuple(parts),
            part_of=None if whole is None else reading.items[whole].kort_titel,
        )


def attention_of_cells(reading: Reading, cells: Iterable[Row], newest: bool = True) -> list[Attention]:
    """The same of indicators at the area, for periods that the plan is not followed up for. cells: of one period, in
    the order of the plan."""
    worse = worsening(reading) if newest else set()
    return _first_things_first(
        Attention(
            "",
            r["indicator_id"],
            reading.indicators[r["indicator_id"]].titel,
            r["status"],
            r["markering"] == v.FEW_MARK,
            r["indicator_id"] in worse,
            "",
            r,
            _filling(reading, r["indicator_id"]),
        )
        for r in cells
        if r["status"] == v.NOT_MET or (r["indicator_id"] in worse and r["varde"] is not None)
    )


def missed_below(reading: Reading, occasion: str, year: int | None = None) -> list[MissedBelow]:
    """Items whose target is each verksamhet's own (none at the area) and the verksamheter that miss it, in the plan's
    order. A miss on few is left out."""
    area = plan_rows(reading, occasion, year).filter(pl.col("malstatus") == v.NO_TARGET)
    of_area = set(area["item_id"].to_list())
    found: dict[str, list[str]] = {}
    judged: dict[str, int] = {}
    for code in reading.verksamheter:
        rows = list(plan_rows(reading, occasion, year, code).iter_rows(named=True))
        few = few_items(reading, rows)
        for r in rows:
            item = r["item_id"]
            if item not in of_area or r["malstatus"] not in v.JUDGED:
                continue
            judged[item] = judged.get(item, 0) + 1
            if r["malstatus"] == v.NOT_MET and item not in few:
                found.setdefault(item, []).append(code)
    return [
        MissedBelow(item, reading.items[item].kort_titel, tuple(found[item]), judged[item])
        for item in reading.items
        if item in found
    ]


def _first_things_first(found: Iterable[Attention]) -> list[Attention]:
    order = {v.NOT_MET: 0, v.PARTLY: 1}
    return sorted(found, key=lambda a: (a.few, a.filling, not a.worse, order.get(a.status, 2)))


def _filling(reading: Reading, indicator_id: str | None) -> bool:
    info = None if indicator_id is None else reading.indicators.get(indicator_id)
    return info is not None and fills_up(info)


def worsening(reading: Reading, verksamhet: str | None = None) -> set[str]:
    """Indicators of a place that a change for the worse is told of."""
    return {i for (i, place), told in changes(reading).items() if place == verksamhet and told.direction == v.WORSE}


# --- Why there is no number -----------------------------------------------------------------------------------------


def break_words(day: date, reason: str) -> str:
    """A break of a series, as a sentence."""
    return f"Från den {day_in_words(day)} är serien en annan: {printable(reason)}."


def gap_words(reading: Reading, status: str, indicator_id: str | None = None) -> str:
    """Why a cell shows no number, or no judged one: one sentence."""
    if status == v.HIDDEN:
        limit = reading.release.manifest.suppression_limit
        return (
            f"För få för att visas: talet rör 1–{limit - 1} personer, eller så hade ett sådant tal gått att räkna ut "
            "ur de andra."
        )
    if status == v.NO_DATA:
        return "Inga uppgifter: ingenting att räkna på har levererats för perioden."
    if status == v.PRELIMINARY:
        return "Preliminärt: perioden är inte slut eller inte helt levererad, så målet bedöms inte än."
    if status == v.NOT_APPLICABLE:
        return "Gäller inte verksamheten."
    if status == v.NO_TARGET:
        return "Inget mål är satt för nivån och perioden."
    raise ValueError(f"{status} is no gap")


# --- The target of a period, and how far it is to it ------------------------------------------------------------------


def period_target(reading: Reading, info: IndicatorInfo, row: Row, period_type: str) -> str | None:
    """The target in words as a period has it: `minst 750 per år (253 för perioden)`. row: a cell, or a row of the plan
    (mal_text), of a period of the type."""
    text = row.get("mal_text", info.mal_text)
    target, operator = row["malvarde"], row["mal_operator"]
    if text is None or " per år" not in text or target is None or period_type not in (v.MONTH, v.TERTIAL, v.DELAR):
        return text
    return f"{text} ({reading.value_words(info.indicator_id, deciding(info.measured, operator, target))} för perioden)"


_WAIT = re.compile(r"högst (\d+) dagar")


def to_target(info: IndicatorInfo, row: Row) -> str | None:
    """How many more cases it had taken to meet the target of a share, in words: `Målet hade nåtts om 133 färre ...`.

    row: a cell (taljare, namnare, mal_operator, malvarde, status) or a row of the plan (malstatus). None where the
    target is met, is no share's, or the cell is not judged.
    """
    status = row["malstatus"] if "malstatus" in row else row["status"]
    operator, target, n, done = row["mal_operator"], row["malvarde"], row["namnare"], row["taljare"]
    if info.art not in v.PROPORTIONS or status not in (v.NOT_MET, v.PARTLY) or None in (operator, target, n, done):
        return None
    exact = target * n / 100
    if operator in (">=", ">"):
        needed = ceil(exact - 1e-9) if operator == ">=" else floor(exact + 1e-9) + 1
        lacking, more = needed - int(done), True
    else:
        needed = floor(exact + 1e-9) if operator == "<=" else ceil(exact - 1e-9) - 1
        lacking, more = int(done) - needed, False
    if lacking <= 0 or needed > n or needed < 0:
        return None
    wait = _WAIT.search(info.taljare_text or "")
    if more and wait and info.patient:
        return f"Målet hade nåtts om {fixed(lacking, 0)} färre av {fixed(n, 0)} hade väntat mer än {wait[1]} dagar."
    return f"Målet hade nåtts med {fixed(lacking, 0)} {'fler' if more else 'färre'} av {fixed(n, 0)}."
