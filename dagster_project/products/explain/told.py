"""What may be told of a cell's observations: everything where no patient is behind them, else what `patients` says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from dagster_project.disclosure.split import Group, file_groups
from dagster_project.products.explain import patients
from dagster_project.products.explain.calculation import DELIVERED, Observations
from dagster_project.products.explain.cell import Context
from dagster_project.products.explain.model import Exclusion, FileCount, Line, Told


def told_of(context: Context, seen: Observations, with_lines: bool, basis: patients.Basis | None) -> Told:
    """Exclusions, counts by file and lines.

    with_lines: lines about patients too, as far as they may be told. basis: None where no patient is behind the cell.
    """
    if basis is None:
        return _everything(context, seen)
    split = patients.split(context, seen, basis)
    lines, lines_note = None, None
    if with_lines:
        deliveries, lines_note = patients.listed(context, split, basis)
        if deliveries is not None:
            lines = _lines([seen.own.filter(pl.col("delivery").is_in(deliveries))], context.file_of)
    return Told(
        exclusions=patients.exclusions(context, seen, basis),
        files=None if split.groups is None else _file_counts(split.groups, context.file_of),
        files_note=split.note,
        lines=lines,
        lines_note=lines_note,
    )


def _everything(context: Context, seen: Observations) -> Told:
    reasons = seen.own_excluded.group_by("reason").len().sort("reason")
    own, excluded = (frame.filter(DELIVERED) for frame in (seen.own, seen.own_excluded))
    return Told(
        exclusions=tuple(Exclusion(reason, n) for reason, n in reasons.iter_rows()),
        files=_file_counts(file_groups(own, 0), context.file_of),
        undelivered=seen.own.height - own.height,
        lines=_lines([own, excluded], context.file_of),
    )


def _file_counts(groups: Sequence[Group], file_of: Mapping[str, str]) -> tuple[FileCount, ...]:
    return tuple(FileCount(tuple(file_of.get(d, d) for d in g.deliveries), g.count, g.rest) for g in groups)


def _lines(frames: Sequence[pl.DataFrame], file_of: Mapping[str, str]) -> tuple[Line, ...]:
    """File and line of observations, in order; nothing else of them."""
    every = pl.concat([f.select("delivery", "line", "exclusion") for f in frames]).unique()
    return tuple(
        sorted(
            (Line(file_of.get(d, d), n, reason) for d, n, reason in every.iter_rows()),
            key=lambda x: (x.file, x.line, x.reason or ""),
        )
    )
