"""What changed in a cell since the release before that has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import dropwhile, islice

import polars as pl

from dagster_project.core.errors import ResultattavlaError
from dagster_project.products.explain.calculation import COUNTS, DELIVERED, has_data, observations
from dagster_project.products.explain.cell import Cell, Context
from dagster_project.products.explain.deliveries import accepted_inputs
from dagster_project.products.explain.model import Change
from dagster_project.products.explain.patients import Basis, nothing_hidden_inside
from dagster_project.releases.evidence import find
from dagster_project.releases.retractions import retractions
from dagster_project.releases.store import Release, releases

_OBSERVATION = ["delivery", "line"]


def change_of(now: Context, basis: Basis | None) -> Change | None:
    """The same cell in the newest kept release before this one that has it; None when there is none."""
    for release in _releases_before(now):
        try:
            before = now.cell.earlier(now.data, release)
        except (OSError, pl.exceptions.PolarsError):
            continue  # a damaged release is no release: the one before it is asked
        if before is not None:
            return _compare(now, before, basis)
    return None


def _releases_before(now: Context) -> Iterator[Release]:
    """Kept releases before the cell's own that were not retracted, newest first."""
    found, taken = releases(now.data, retracted=True), retractions(now.data)
    before = islice(dropwhile(lambda r: r.id != now.cell.release.id, found), 1, None)
    return (release for release in before if release.id not in taken)


def _compare(now: Context, before: Cell, basis: Basis | None) -> Change:
    """What differs between two makings of a cell that is shown now."""
    release, row = before.release, before.row
    if before.hidden:
        return Change(release.id, release.as_of, hidden=True)
    try:
        earlier = Context(now.data, before, find(now.data, release.manifest, before.indicator.id))
    except ResultattavlaError:
        earlier = None
    was, made = earlier.evidence.origin if earlier else release.manifest.origin, now.evidence.origin
    meant = before.indicator, now.cell.indicator
    files_before, files_now = ([d.file for d in accepted_inputs(o, i)] for o, i in zip((was, made), meant, strict=True))
    names = sorted({*was.parameters, *made.parameters})
    change = Change(
        release.id,
        release.as_of,
        hidden=False,
        before=(row["taljare"], row["namnare"], row["varde"]),
        status=row["status"],
        definition=_differing(meant[0].version, meant[1].version),
        code_version=_differing(was.code_version, made.code_version),
        catalogue_version=_differing(was.catalogue_version, made.catalogue_version),
        parameters=tuple(n for n in names if was.parameters.get(n) != made.parameters.get(n)),
        new_files=tuple(f for f in files_now if f not in set(files_before)),
        gone_files=tuple(f for f in files_before if f not in set(files_now)),
    )
    if earlier is None:
        note = "Underlaget till den förra utgåvan finns inte kvar: tillkomna och borttagna visas inte."
        return replace(change, note=note)
    return _with_observations(change, now, earlier, basis)


def _differing(before: str, now: str) -> tuple[str, str] | None:
    return (before, now) if before != now else None


def _with_observations(change: Change, now: Context, earlier: Context, basis: Basis | None) -> Change:
    """The change with the observations that came and went, by delivery and line, as far as they may be told."""
    before, after = _counted(earlier), _counted(now)
    added, gone = after.join(before, on=_OBSERVATION, how="anti"), before.join(after, on=_OBSERVATION, how="anti")
    if basis is not None or earlier.cell.indicator.patient:
        limit = max(earlier.limit, now.limit)
        few = any(0 < frame.height < limit for frame in (added, gone))
        # What is hidden in any kept release counts as hidden: the earlier one is one of them.
        open_in_both = basis is not None and nothing_hidden_inside(basis)
        there = set(earlier.cell.monthly["period_start"])
        same_months = earlier.cell.months == now.cell.months and set(now.cell.monthly["period_start"]) <= there
        if few or not open_in_both or not same_months:
            note = (
                "Hur många observationer som kommit till och försvunnit visas inte: talen är små, eller en del av "
                "cellen är dold."
            )
            return replace(change, note=note)
        return replace(change, added=added.height, gone=gone.height)
    kept = after.join(before, on=_OBSERVATION, suffix="_before")
    file_of = earlier.file_of | now.file_of
    came, went = (dict(frame.group_by("delivery").len().iter_rows()) for frame in (added, gone))
    return replace(
        change,
        added=added.height,
        gone=gone.height,
        changed=kept.filter(pl.col("taljare") != pl.col("taljare_before")).height,
        by_file=tuple((file_of.get(d, d), came.get(d, 0), went.get(d, 0)) for d in sorted({*came, *went})),
    )


def _counted(context: Context) -> pl.DataFrame:
    """The delivered observations that a cell counts; none where its period does not reach into the data."""
    cell = context.cell
    counting = observations(context.evidence, cell.months).filter(COUNTS & DELIVERED & cell.address.inside())
    return counting if has_data(cell.row, context.evidence) else counting.clear()
