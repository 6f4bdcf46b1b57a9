"""Two releases compared, cell by cell: what was shown before, what is shown now, and what may be the cause.

A number is told only where both releases show it. What may be the cause is read from what the two manifests say of the
indicator's sources (deliveries that came, were replaced or count no more), from its definition and from the code; it
is known per source, not per cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from dagster_project.catalogue.indicators import sources_behind
from dagster_project.catalogue.vocabulary import ACCEPTED, AMOUNT, HIDDEN, MEAN, MEDIAN
from dagster_project.core.paths import DataPaths
from dagster_project.products.reading import Reading, StatusInfo
from dagster_project.releases.manifest import Manifest
from dagster_project.releases.store import Release, releases
from dagster_project.releases.tables import INDICATOR_TABLE, RESULT_KEY, RESULT_SCHEMA

LATE, CORRECTION, WITHDRAWAL, DEFINITION, CODE, DISCLOSURE = CAUSES = (
    "sen_leverans",
    "rattelse",
    "aterkallelse",
    "definition",
    "kod",
    "sekretess",
)
CAUSE_WORDS: Mapping[str, str] = {
    LATE: "senare leverans",
    CORRECTION: "rättelse",
    WITHDRAWAL: "återkallad leverans",
    DEFINITION: "ändrad definition",
    CODE: "ändrad beräkning",
    DISCLOSURE: "sekretess",
}
SHOWN = "visad"
"""What is said of the status on the side that shows a cell, where the other side hides it: not whether it met a target,
which would tell of the hidden number."""
_SHOWN_WORDS = {"fore": "Visades", "efter": "Visas"}
_NUMBERS = ("varde", "taljare", "namnare")
_COMPARED = ("status", *_NUMBERS)
_BESIDES = ("komplett", "malvarde")
"""Columns that say why a status may differ where the numbers do not."""

REVISION_SCHEMA: dict[str, pl.DataType] = {
    **{name: RESULT_SCHEMA[name] for name in RESULT_KEY},
    "period_slut": RESULT_SCHEMA["period_slut"],
    **{f"{side}_{name}": RESULT_SCHEMA[name] for name in _COMPARED for side in ("fore", "efter")},
    "slutlig": pl.Boolean(),
    "orsaker": pl.String(),
    "kallor": pl.String(),
    "fore_utgava": pl.String(),
    "efter_utgava": pl.String(),
}
"""A row is a cell that both releases have and that changed. fore_, efter_: in the release before and in this one; no
number on either side where one of them hides the cell, and SHOWN for the status of the other. slutlig: its period was
complete before, so that what was shown was meant to stay. orsaker: possible causes (CAUSES) joined by `|`, null where
none is known (time has gone, say). kallor: the sources that changed between them and that the indicator reads, joined
by `|`."""


def release_before(data: DataPaths, release_id: str) -> Release | None:
    """The newest whole standing release before one, in the order of the store; None where there is none."""
    found = releases(data)
    at = next((n for n, release in enumerate(found) if release.id == release_id), len(found))
    return next((release for release in found[at + 1 :] if release.whole), None)


def revisions(now: Reading, before: Reading) -> pl.DataFrame:
    """The cells that changed between two releases (REVISION_SCHEMA), in the order of `indicator_result`.

    Cells that only one of them has are none: a new month or indicator changes nothing that was published. Works on
    releases of older code. Raises ResultattavlaError where a table of one cannot be read.
    """
    earlier = before.results.select(*RESULT_KEY, *_BESIDES, *_COMPARED)
    both = now.results.select(*RESULT_KEY, "period_slut", *_BESIDES, *_COMPARED).join(
        earlier, on=RESULT_KEY, how="inner", nulls_equal=True, suffix="_fore", maintain_order="left"
    )
    differs = [pl.col(name).ne_missing(pl.col(f"{name}_fore")) for name in _COMPARED]
    hidden = (pl.col("status") == HIDDEN) | (pl.col("status_fore") == HIDDEN)
    told = pl.when(~hidden)
    changed = both.filter(pl.any_horizontal(differs)).with_columns(hidden=hidden)
    sides = {f"fore_{n}": f"{n}_fore" for n in _COMPARED} | {f"efter_{n}": n for n in _COMPARED}
    causes = _causes_frame(now, before, changed["indicator_id"].unique().sort())
    return (
        changed.join(causes, on="indicator_id", how="left", maintain_order="left")
        .with_columns(**_what_happened())
        .with_columns(
            came_late=pl.col("arrived") & pl.col("more"),
            corrected=(pl.col("replaced") & ~pl.col("passed")) | (pl.col("arrived") & pl.col("otherwise")),
        )
        .with_columns(
            **{
                out: pl.when(pl.col("hidden") & (pl.col(n) != HIDDEN)).then(pl.lit(SHOWN)).otherwise(pl.col(n))
                if n.startswith("status")
                else told.then(pl.col(n))
                for out, n in sides.items()
            },
            slutlig=pl.col("komplett_fore"),
            orsaker=_joined(
                {
                    LATE: pl.col("came_late"),
                    CORRECTION: pl.col("corrected"),
                    WITHDRAWAL: pl.col("gone"),
                    DEFINITION: pl.col("defined") | (pl.col("catalogued") & ~pl.col("passed") & _last_thing()),
                    CODE: pl.col("coded"),
                    DISCLOSURE: pl.col("hidden"),
                }
            ),
            fore_utgava=pl.lit(before.release.id),
            efter_utgava=pl.lit(now.release.id),
        )
        .select(pl.col(name).cast(kind) for name, kind in REVISION_SCHEMA.items())
    )


def _what_happened() -> dict[str, pl.Expr]:
    """What a changed cell (both sides, its indicator's `art`) says of itself: more, otherwise, passed.

    passed: only time has gone: its period is complete now, with the numbers that it had. more: it may count more than
    before, so that what came late explains it. otherwise: it may count the same in another way, or less. Both are
    possible for a hidden cell, of which nobody is told; an amount, which a late cost lowers; and a cell whose target
    (the year before's value) moved under equal numbers.
    """
    equal = pl.all_horizontal(pl.col(n).eq_missing(pl.col(f"{n}_fore")) for n in _NUMBERS)
    passed = equal & ~pl.col("hidden") & pl.col("komplett") & ~pl.col("komplett_fore")
    moved = equal & pl.col("malvarde").ne_missing(pl.col("malvarde_fore"))
    unknown = pl.col("hidden") | moved | (~equal & (pl.col("art") == AMOUNT))
    grew = _grew("taljare", "taljare_fore") | _grew("namnare", "namnare_fore")
    shrank = _grew("taljare_fore", "taljare") | _grew("namnare_fore", "namnare")
    # The numerator of a mean is a sum: with as many as before it was corrected, with more of them it may fall as well.
    by_number = pl.col("art").is_in([MEAN, MEDIAN])
    less = pl.when(by_number).then(~_grew("namnare", "namnare_fore")).otherwise(shrank | ~grew)
    return {"more": unknown | (~equal & grew), "otherwise": unknown | (~equal & less), "passed": passed}


def _grew(number: str, before: str) -> pl.Expr:
    """Whether a number is larger than before, or is there now and was not."""
    return pl.col(number).is_not_null() & (pl.col(number) > pl.col(before)).fill_null(value=True)


def _last_thing() -> pl.Expr:
    """Whether no other cause is known, or nothing else explains that the seeds changed."""
    others = ("came_late", "corrected", "gone", "coded", "hidden")
    return pl.col("alike") | ~pl.any_horizontal(pl.col(name) for name in others)


def _joined(flags: Mapping[str, pl.Expr]) -> pl.Expr:
    """The names of the flags that are set, joined; null where none is."""
    text = pl.concat_str(
        [pl.when(flag).then(pl.lit(name)) for name, flag in flags.items()], separator="|", ignore_nulls=True
    )
    return pl.when(text != "").then(text)


# --- Causes --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Deliveries:
    """Sources by what changed among the deliveries that count: new files, files with another content, gone ones.

    A new file is one whatever its day: one that was missed and comes now is as late as the newest.
    """

    arrived: set[str] = field(default_factory=set)
    replaced: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)


def _deliveries(now: Manifest, before: Manifest) -> _Deliveries:
    def counting(inputs: Iterable[Mapping[str, Any]]) -> dict[str, dict[tuple[str, str], str]]:
        found: dict[str, dict[tuple[str, str], str]] = {}
        for one in inputs:
            if one["status"] == ACCEPTED:
                key = str(one["uttagsdatum"]), str(one["sha256"])
                found.setdefault(one["source"], {})[key] = str(one["file"])
        return found

    counts, counted, changed = counting(now.inputs), counting(before.inputs), _Deliveries()
    for source in counts.keys() | counted.keys():
        here, there = counts.get(source, {}), counted.get(source, {})
        newest = max((day for day, _ in there), default="")
        for key in here.keys() - there.keys():
            same_file = key[0] <= newest and here[key] in there.values()
            (changed.replaced if same_file else changed.arrived).add(source)
        # A file that was replaced by another content of its name is a correction, and no delivery that is gone.
        lost = [there[key] for key in there.keys() - here.keys() if there[key] not in here.values()]
        if lost:
            changed.gone.add(source)
    return changed


def _causes_frame(now: Reading, before: Reading, indicators: pl.Series) -> pl.DataFrame:
    """Per indicator: its kind (art), which kinds of change there were, and of which sources (kallor).

    arrived, replaced, gone: of `_Deliveries`. defined: it is described otherwise. catalogued: some seed changed (code
    lists, exclusions, the plan and all descriptions are seeds). alike: no description changed, so that something else
    in the seeds did. coded: code, packages or parameters did.
    """
    this, that = now.release.manifest, before.release.manifest
    changed = _deliveries(this, that)
    touched = changed.arrived | changed.replaced | changed.gone
    coded = (this.code_version, this.packages, _calculating(this)) != (
        that.code_version,
        that.packages,
        _calculating(that),
    )
    said, said_before = _definitions(now), _definitions(before)
    defined = {i for i in said.keys() | said_before.keys() if _differ(said.get(i, {}), said_before.get(i, {}))}
    catalogued = this.catalogue_version != that.catalogue_version
    rows = []
    for indicator in indicators:
        read = _sources(said.get(indicator, {}))
        thawed = indicator in that.frozen and indicator not in this.frozen
        rows.append(
            {
                "indicator_id": indicator,
                "art": said.get(indicator, {}).get("art"),
                "arrived": bool(changed.arrived & read) or thawed,  # what was held back then counts now
                "replaced": bool(changed.replaced & read),
                "gone": bool(changed.gone & read),
                "defined": indicator in defined,
                "catalogued": catalogued,
                "alike": not defined,
                "coded": coded,
                "kallor": "|".join(sorted(touched & read)) or None,
            }
        )
    names = ("arrived", "replaced", "gone", "defined", "catalogued", "alike", "coded")
    flags = dict.fromkeys(names, pl.Boolean())
    texts = dict.fromkeys(("indicator_id", "art", "kallor"), pl.String())
    return pl.DataFrame(rows, schema={**texts, **flags})


def _calculating(manifest: Manifest) -> dict[str, Any]:
    """The parameters that change numbers: that of disclosure control changes only what is hidden."""
    return {name: value for name, value in manifest.parameters.items() if name != "suppression_limit"}


def _definitions(reading: Reading) -> dict[str, dict[str, Any]]:
    """How a release describes each of its indicators."""
    return {row["indicator_id"]: row for row in reading.table(INDICATOR_TABLE).iter_rows(named=True)}


def _differ(said: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether an indicator is described otherwise, in what both releases say of it."""
    return any(said[name] != before[name] for name in said.keys() & before.keys())


def _sources(definition: Mapping[str, Any]) -> set[str]:
    """The sources that an indicator reads, the unit register among them."""
    named = [source for source in str(definition.get("kallor") or "").split("|") if source]
    return set(sources_behind(named))


def status_word(row: Mapping[str, Any], side: str, statuses: Mapping[str, StatusInfo]) -> str:
    """The status of a revised cell in one of the releases (side: fore, efter), as people read it."""
    status = row[f"{side}_status"]
    return _SHOWN_WORDS[side] if status == SHOWN else statuses[status].ord


def cause_words(orsaker: str | None, kallor: str | None) -> str:
    """Possible causes as people read them: `senare leverans eller rättelse (vantetider)`."""
    words = [CAUSE_WORDS[code] for code in (orsaker or "").split("|") if code]
    if not words:
        return "okänd (tiden har gått)"
    said = " eller ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
    return f"{said} ({(kallor or '').replace('|', ', ')})" if kallor else said
