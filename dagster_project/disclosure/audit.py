"""Whether a hidden number is shown, or follows from what is shown: asked of what is about to be published.

It does not trust the choice: it is made by elimination over all shown cells of a group of related indicators at once
(`system`), where the choice was made by moves, and bounds are drawn anew from what is published.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from dagster_project.catalogue.vocabulary import HIDDEN
from dagster_project.core.second import shared
from dagster_project.disclosure.bounds import Equations
from dagster_project.disclosure.closure import pinned_between
from dagster_project.disclosure.control import SHARED_FROM, related
from dagster_project.disclosure.follows import determined, narrow
from dagster_project.disclosure.system import CELL, Flags, System, build, with_differences


def audit_disclosure(
    result: pl.DataFrame, truth: pl.DataFrame, limit: int, parts: Sequence[tuple[str, str]] = ()
) -> list[str]:
    """Whether a hidden number is shown, or can be computed from what is shown; in Swedish, without numbers of cells.

    result: the staged cells. truth: the cells of indicators about patients as computed (CELL, protected_number,
    in_grid; stock and left_out where given), also of the year before the grid, which is published as comparisons only:
    those must not show a cell that is hidden there, and count as shown where they could be.
    parts: (part, whole) of the catalogue.
    """
    problems = []
    truth = truth.select(
        *CELL,
        pl.col("protected_number").cast(pl.Float64),
        "in_grid",
        *((pl.col(name) if name in truth.columns else pl.lit(False)).alias(name) for name in ("stock", "left_out")),
    ).sort(CELL, nulls_last=False)
    published = result.select(*CELL, "status", "jamforelse_varde")
    cells = (
        truth.join(published, on=CELL, how="left", nulls_equal=True, maintain_order="left")
        .join(
            published.select(
                *CELL[:2], pl.col("period_start").dt.offset_by("-1y"), *CELL[3:], compared="jamforelse_varde"
            ),
            on=CELL, how="left", nulls_equal=True, maintain_order="left",
        )
    )  # fmt: skip
    if cells.filter(pl.col("left_out") & pl.col("status").is_not_null()).height:
        problems.append("en rad som ska utelämnas är med")
    # Before the grid a cell is told by a comparison only.
    cells = cells.with_columns(
        hidden=pl.when("in_grid").then(pl.col("status").fill_null("") == HIDDEN).otherwise(pl.col("compared").is_null())
        & ~pl.col("left_out")
    )
    small = (pl.col("protected_number") >= 1) & (pl.col("protected_number") < limit)
    if cells.filter(small & pl.col("in_grid") & ~pl.col("hidden") & ~pl.col("left_out")).height:
        problems.append("ett litet tal är inte dolt")
    if cells.filter(pl.col("in_grid") & (pl.col("protected_number") == 0) & pl.col("hidden")).height:
        problems.append("en nolla är dold")
    if cells.filter(pl.col("compared").is_not_null() & pl.when("in_grid").then("hidden").otherwise(small)).height:
        problems.append("en jämförelse visar ett dolt tal")
    asked = []
    for members, same, inner in related(cells, parts):
        # What one of several indicators with the same numbers shows is shown.
        told = cells.with_columns(
            indicator_id=pl.col("indicator_id").replace_strict(dict(same), default=None, return_dtype=pl.String)
        ).filter(pl.col("indicator_id").is_not_null())
        group = (
            told.group_by(CELL, maintain_order=True)
            .agg(
                pl.col("hidden").all(),
                apart=pl.col("hidden").any() & ~pl.col("hidden").all(),
                **{c: pl.col(c).first() for c in ("protected_number", "in_grid", "stock", "left_out")},
            )
            .sort(CELL, nulls_last=False)
        )
        if group.filter("apart", "in_grid").height:
            problems.append(f"samma tal är dolt i en indikator och visat i en annan ({', '.join(n for n, _ in same)})")
        if group["hidden"].any() or inner:
            asked.append((members, group, inner, limit))
    asked.sort(key=lambda a: -a[1].height)
    worth = sum(group.height for _, group, _, _ in asked) >= SHARED_FROM
    return problems + [problem for problem in shared(_follows, asked, worth) if problem]


def _follows(asked: tuple[list[str], pl.DataFrame, Sequence[tuple[str, str]], int]) -> str | None:
    """Whether a hidden number of a group of related indicators follows from what is shown; in Swedish."""
    members, group, inner, limit = asked
    small = (pl.col("protected_number") >= 1) & (pl.col("protected_number") < limit)
    group = with_differences(group.with_columns(virtual=pl.lit(False)), inner)
    unknown = group["hidden"] | group["left_out"] | group["virtual"]
    protected = (
        (pl.col("hidden") & ~pl.col("virtual") & pl.col("in_grid")) | (small & (unknown | pl.col("virtual")))
    )  # fmt: skip
    system = build(group, inner)
    wanted = group.select(protected).to_series()
    follow = determined(system, unknown.to_numpy())
    if wanted.gather(follow).any():
        periods = group[follow].filter(wanted.gather(follow))["period_start"].n_unique()
        return f"ett dolt tal kan räknas ut ({', '.join(members)}: {periods} perioder berörs)"
    if _one_value(system, unknown.to_numpy(), wanted.to_numpy()):
        return f"ett dolt tal kan bara ha ett värde ({', '.join(members)})"
    return None


def _one_value(system: System, unknown: Flags, wanted: Flags) -> bool:
    """Whether bounds, or looking through the small groups, leave one of the wanted cells one value only."""
    equations = Equations(system)
    return bool(
        len(equations.pinned(unknown, wanted & unknown))
        or len(narrow(system, unknown, wanted))
        or len(pinned_between(equations, unknown, wanted & unknown))
    )
